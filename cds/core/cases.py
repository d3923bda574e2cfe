"""Which orders of one call are judged, and each with the record around it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from cds.core.current_use import CurrentUse, last_day, taking_now, unclear_ends
from cds.core.equivalence import diazepam_equivalent
from cds.core.exposure import Exposure, ExposureLimits, exposure
from cds.core.medication import Agent, AgentKind
from cds.core.order_action import RecordView, Situation, is_stop, running_situations, situations
from cds.core.quantity import exactly
from cds.core.record import Completeness, Order, OrderState, PatientRecord, RecordPart, Supply
from cds.core.supplies import DISPENSE
from cds.core.tablets import Presentation


@dataclass(frozen=True, slots=True)
class OnRecord:
    """A question whether something of these value sets is on record. `within` is in days; None asks for no limit."""

    name: str
    value_sets: frozenset[str]
    history: bool = False
    within: int | None = None
    unit: str | None = None
    """Of a quantity: the unit in which it has to be measured."""
    needs: tuple[str, ...] = ()
    """The parts of the record that answer it, by prefetch key."""


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
    takings: Mapping[str, CurrentUse]
    exposure: Exposure
    agents: Mapping[str, Agent]
    amounts: Mapping[str, Decimal]
    acting: Mapping[str, frozenset[str]]
    day: date
    presentations: Sequence[Presentation] = ()
    taken_at_night: bool = False
    """Whether what is taken is a hypnotic: one dose, at night."""

    @property
    def agent(self) -> Agent:
        """The agent that is ordered."""
        return self.agents[self.situation.agent]

    @property
    def agent_now(self) -> Agent:
        """The agent that is taken now."""
        return self.agents[self.situation.agent_now]


Acting = Mapping[str, Mapping[str, frozenset[str]]]
"""By agent and kind of interaction, the groups of other drugs that act on it."""


@dataclass(frozen=True, slots=True)
class Drugs:
    """What the drug tables tell of agents and of the other drugs that matter to them."""

    agents: Mapping[str, Agent]
    acting: Acting
    triggers: frozenset[str]
    """The groups of other drugs whose order is judged by what it does to an agent that is taken."""
    presentations: Mapping[str, Sequence[Presentation]]
    taken_at_night: Collection[str] = frozenset()
    """The hypnotics."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """The record of one call as all of its cases share it. `amounts` are the parameters of the day by name."""

    record: PatientRecord
    drafts: tuple[Order, ...]
    takings: Mapping[str, CurrentUse]
    exposures: Mapping[AgentKind, Exposure]
    drugs: Drugs
    amounts: Mapping[str, Decimal]
    day: date

    def case(self, situation: Situation) -> Case:
        agents = self.drugs.agents
        taken_before = agents[situation.agent if situation.taking else situation.agent_now]
        return Case(
            situation=situation,
            record=self.record,
            drafts=self.drafts,
            takings=self.takings,
            exposure=self.exposures[taken_before.kind],
            agents=agents,
            amounts=self.amounts,
            acting=self.drugs.acting.get(situation.agent, {}),
            day=self.day,
            presentations=self.drugs.presentations.get(situation.agent, ()),
            taken_at_night=situation.agent_now in self.drugs.taken_at_night,
        )


def concerns_agents(drafts: Iterable[Order], drugs: Drugs) -> bool:
    """Whether any draft is of an agent, or of a drug whose order matters to one. If not, nothing of the record is needed."""
    return any(_in_scope(draft) or _is_trigger(draft, drugs) for draft in drafts)


def _in_scope(draft: Order) -> bool:
    return draft.medication.agent is not None and draft.medication.out_of_scope is None


def _is_trigger(draft: Order, drugs: Drugs) -> bool:
    return draft.medication.agent is None and bool(draft.medication.groups & drugs.triggers)


def surroundings(
    record: PatientRecord, drafts: Sequence[Order], drugs: Drugs, amounts: Mapping[str, Decimal], day: date
) -> CallRecord:
    """The record and the drafts that are within scope, with what is taken now and the exposure to each kind of agent."""
    judged = tuple(draft for draft in drafts if draft.medication.agent is None or is_judged(draft, amounts))
    stopped = _supplies_of_stopped(judged, record, day)
    anew = {supply.source for supply in stopped}
    supplies = (*(supply for supply in record.supplies if supply.source not in anew), *stopped)
    limits = ExposureLimits.of(amounts)
    exposures = {kind: exposure([s for s in supplies if drugs.agents[s.agent].kind is kind], day, limits) for kind in AgentKind}
    takings = taking_now(record, day, int(amounts["episode_gap"]))
    return CallRecord(record, judged, takings, exposures, drugs, amounts, day)


def is_judged(draft: Order, amounts: Mapping[str, Decimal]) -> bool:
    """Whether an order of an agent is within scope.

    Out of it are injected and rescue forms, a procedure's one or two doses without refills, and alcohol withdrawal protocols.
    """
    if draft.medication.out_of_scope or ALCOHOL_WITHDRAWAL in draft.reasons:
        return False
    doses = _doses(draft)
    few = doses is not None and doses <= amounts["procedural_doses"]
    return is_stop(draft) or not few or (draft.supplies or 1) > 1


def _doses(draft: Order) -> Decimal | None:
    """How many doses a draft of a countable few is for: as it says, or as many as it supplies, where that is more."""
    if draft.regimen is None or draft.regimen.single_doses is None:
        return None
    said, mg = Decimal(draft.regimen.single_doses), draft.regimen.first.mg.high
    if draft.quantity is None or draft.medication.strength is None or not mg:
        return said
    return max(said, draft.quantity * draft.medication.strength / mg)


ALCOHOL_WITHDRAWAL = "inpatient-alcohol-withdrawal"
"""The value set of indications for which a benzodiazepine is given by protocol and ends with it."""


def _supplies_of_stopped(drafts: Sequence[Order], record: PatientRecord, day: date) -> tuple[Supply, ...]:
    """The supply that a stopped order stands for itself: it was taken until now.

    Left to the history where that lists it as running or holds its dispenses, and of a completed one whose end is stated.
    """
    known: set[str | None] = {order.reference for order in record.orders if order.state is OrderState.RUNNING}
    known |= {supply.order for supply in record.supplies if supply.kind == DISPENSE}
    known |= {order.reference for order in record.orders if order.status == "completed" and last_day(order) is not None}
    stopped = [
        draft for draft in drafts if is_stop(draft) and draft.status != "entered-in-error" and draft.reference not in known
    ]
    return tuple(
        Supply(
            agent=draft.medication.agent,
            start=draft.starts,
            source=draft.reference,
            kind="request",
            days=None,
            open_ended=True,
            mg=draft.regimen.first.mg if draft.regimen else None,
            days_a_week=draft.regimen.first.days_a_week if draft.regimen else Decimal(7),
            as_needed=draft.regimen.first.as_needed if draft.regimen else False,
            order=draft.reference,
        )
        for draft in stopped
        if draft.medication.agent is not None and draft.starts is not None and draft.starts < day
    )


def running_cases(around: CallRecord) -> tuple[Case, ...]:
    """A case for each agent that is taken now: what a chart opening judges."""
    return tuple(around.case(situation) for situation in running_situations(around.takings))


def ordered_cases(around: CallRecord, is_selected: Callable[[str], bool]) -> tuple[Case, ...]:
    """A case for each agent that a selected draft is about; where another drug is selected, for the agent it acts on most."""
    drugs = around.drugs
    lookback = int(around.amounts["start_lookback"])
    recent = {kind for kind, one in around.exposures.items() if one.covered(lookback) > 0}
    ordered = [draft for draft in around.drafts if draft.medication.agent is not None]
    last_supply = int(around.amounts["last_supply"])
    grace = int(around.amounts["episode_gap"])
    complete = around.record.has(RecordPart.REQUESTS) is Completeness.COMPLETE
    unclear = unclear_ends(around.record, around.day, lookback)
    looked = RecordView(around.takings, recent, complete, unclear, grace, last_supply, around.day)
    found = situations(ordered, drugs.agents, looked)
    selected = _selected(found, is_selected)
    triggers = [draft for draft in around.drafts if is_selected(draft.reference) and _is_trigger(draft, drugs)]
    new = [situation for situation in found if situation.agent not in around.takings]
    candidates = (*running_situations(around.takings), *new)
    main = _main_agent(_forbidden_with(triggers, candidates, drugs) or candidates, drugs.agents)
    cases = tuple(around.case(situation) for situation in selected)
    if not triggers or main is None or any(situation.agent == main.agent for situation in selected):
        return cases
    return (*cases, around.case(replace(main, request=triggers[0].reference, trigger=triggers[0])))


def _selected(found: Sequence[Situation], is_selected: Callable[[str], bool]) -> tuple[Situation, ...]:
    """The situations that a selected draft is part of; of a switch, that of the new agent too, where it is told of."""
    own = [situation for situation in found if any(is_selected(member.reference) for member in situation.members)]
    told_at = {situation.gives_way_to for situation in own}
    return tuple(situation for situation in found if situation in own or situation.agent in told_at)


def _forbidden_with(triggers: Sequence[Order], found: Sequence[Situation], drugs: Drugs) -> tuple[Situation, ...]:
    """The situations of agents that a label forbids with one of the other drugs that are ordered."""
    groups = frozenset[str]().union(*(draft.medication.groups for draft in triggers))
    return tuple(one for one in found if groups & drugs.acting.get(one.agent, {}).get("contraindicated", frozenset()))


def _main_agent(found: Collection[Situation], agents: Mapping[str, Agent]) -> Situation | None:
    """The situation with the highest daily dose in diazepam; a benzodiazepine before a Z-drug."""

    def weight(situation: Situation) -> tuple[bool, Decimal]:
        agent = agents[situation.agent]
        mg = max(situation.takes_now or Decimal(0), situation.daily_dose or Decimal(0))
        equivalent = diazepam_equivalent(exactly(mg), agent)
        return agent.kind is AgentKind.BENZODIAZEPINE, equivalent.high if equivalent else Decimal(0)

    return max(found, key=weight, default=None)
