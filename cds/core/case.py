"""Everything that the facts of one judged order are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cds.core.current_use import Taking
from cds.core.exposure import Exposure
from cds.core.medication import Agent
from cds.core.order_action import Situation
from cds.core.record import Order, PatientRecord
from cds.core.tablets import Presentation


@dataclass(frozen=True, slots=True)
class OnRecord:
    """A question whether something of these value sets is on record. `within` is in days; None asks for no limit."""

    name: str
    value_sets: frozenset[str]
    history: bool = False
    within: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One situation with the whole record around it.

    `amounts` are the parameters of the day by name, each in its own unit. `acting` are the groups of other drugs that act on
    the agent, by kind (inhibitor, inducer, fluoroquinolone). `exposure` is of all agents of the situation's kind;
    `presentations` are what can be dispensed of the agent that is ordered.
    """

    situation: Situation
    record: PatientRecord
    drafts: tuple[Order, ...]
    takings: Mapping[str, Taking]
    exposure: Exposure
    agents: Mapping[str, Agent]
    amounts: Mapping[str, Decimal]
    acting: Mapping[str, frozenset[str]]
    day: date
    presentations: Sequence[Presentation] = ()

    @property
    def agent(self) -> Agent:
        """The agent that is ordered."""
        return self.agents[self.situation.agent]

    @property
    def agent_now(self) -> Agent:
        """The agent that is taken now."""
        return self.agents[self.situation.agent_now]
