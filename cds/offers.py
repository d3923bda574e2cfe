"""What can be offered for one judged order: a direct taper, a crossover, or why there is neither."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cds.core.case import Case
from cds.core.crossover import settle_on_one
from cds.core.plan import NoPlan, Plan
from cds.core.situation import Situation
from cds.core.tablets import countable
from cds.core.taking import Taking
from cds.knowledge.model import Knowledge
from cds.plans import Taken, crossover_plan, direct_plan, taken

TAPER, CROSSOVER, NALOXONE = "taper_plan", "crossover_plan", "naloxone"
EVERY_DAY = Decimal(7)


@dataclass(frozen=True, slots=True)
class Offers:
    """The plans for one order; a NoPlan says why and what to do instead, None that no advice asks for one."""

    taper: Plan | NoPlan | None = None
    crossover: Plan | NoPlan | None = None

    @property
    def taper_plan(self) -> Plan | None:
        return self.taper if isinstance(self.taper, Plan) else None

    @property
    def crossover_plan(self) -> Plan | None:
        return self.crossover if isinstance(self.crossover, Plan) else None


@dataclass(frozen=True, slots=True)
class Start:
    """What the plans for an order start from: what is taken, and every agent of its kind that is.

    `takes` is None where what is taken is unread, is nothing, or is not taken every day: there a plan would have to guess.
    """

    takes: Taken | None
    agents: tuple[str, ...] = ()


def start(case: Case, knowledge: Knowledge) -> Start:
    """What the plans for a case start from."""
    kind = case.agent_now.kind
    return Start(_takes(case, knowledge), tuple(name for name in case.takings if case.agents[name].kind is kind))


def offers(start: Start, pace: str | None, to: str | None, asked: Collection[str], knowledge: Knowledge, day: date) -> Offers:
    """The plans that the advice asks for (`asked`: names of suggestions), at the pace; a crossover leads `to` an agent."""
    takes = start.takes
    if pace is None or takes is None:
        return Offers()
    several = settle_on_one(start.agents)
    if several is not None:
        return Offers(*(several if name in asked else None for name in (TAPER, CROSSOVER)))
    taper = _drawn(direct_plan, knowledge, day, takes, pace) if TAPER in asked or CROSSOVER in asked else None
    across = _drawn(crossover_plan, knowledge, day, takes, pace, to) if CROSSOVER in asked and to is not None else None
    return Offers(taper, across)


def _drawn(draw: Callable[..., Plan | NoPlan], knowledge: Knowledge, day: date, takes: Taken, *how: str | None) -> Plan | NoPlan:
    """The plan. It is drawn up once a day for all who take the same."""
    question = (draw, day, takes.agent, tuple(takes.times.items()), takes.extended_release, takes.original, how)
    return knowledge.remembered.recall(question, lambda: draw(knowledge, day, takes, *how))


def _takes(case: Case, knowledge: Knowledge) -> Taken | None:
    taking = _taking(case.situation)
    if taking is None or not taking.mg or taking.days_a_week < EVERY_DAY or not countable(taking.mg):
        return None
    extended = bool(taking.orders) and all(order.medication.extended_release for order in taking.orders)
    doses_a_day = taking.dose.doses_a_day if taking.dose else None
    return taken(knowledge, case.day, taking.agent, taking.mg, taking.times, doses_a_day, extended)


def _taking(situation: Situation) -> Taking | None:
    """What the plan starts from: of a switch, the one agent that is given up."""
    if situation.switched_from:
        return situation.switched_from[0] if len(situation.switched_from) == 1 else None
    return situation.taking
