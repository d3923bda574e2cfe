"""What the drafts of one call do to each agent that the patient takes: start, continue, increase, reduce, stop or switch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from cds.core.current_use import CurrentUse, dose_on, last_day, product_and_dose
from cds.core.equivalence import diazepam_equivalent
from cds.core.gap import Gap, GapKind
from cds.core.medication import Agent, AgentKind
from cds.core.quantity import exactly, total
from cds.core.record import Order
from cds.core.regimen import Dose, Regimen, RegimenStep
from cds.core.regimen_sum import added, together

STOP_STATUSES = {"stopped", "cancelled", "completed", "entered-in-error", "on-hold", "ended"}
WAS_RUNNING = {"stopped", "completed", "on-hold", "ended"}


class Action(StrEnum):
    """What an order does to the daily dose."""

    START = "start"
    CONTINUE = "continue"
    INCREASE = "increase"
    REDUCE = "reduce"
    STOP = "stop"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True)
class Situation:
    """One agent, what is taken of it, and what the drafts make of that.

    `members` are the drafts that are judged together, the one that names the situation first; empty on patient-view and
    where another drug is what was ordered (`trigger`). `action` is None where it can't be told. Units: mg a day of the agent;
    `steps` are the ordered doses after what is taken now, None where they could not be read.
    """

    request: str
    agent: str
    action: Action | None
    takes_now: Decimal | None
    daily_dose: Decimal | None
    members: tuple[Order, ...] = ()
    from_agent: str | None = None
    switched_from: tuple[CurrentUse, ...] = ()
    taking: CurrentUse | None = None
    dose: Dose | None = None
    steps: tuple[RegimenStep, ...] | None = None
    ends: bool = False
    trigger: Order | None = None
    gives_way_to: str | None = None
    """The agent that it is switched to within the same call: what is to be said is said there."""
    going_on: tuple[Order, ...] = ()
    """The running orders of the agent that no draft changes or stops."""
    makes_way: tuple[Situation, ...] = ()
    """Of a switch, what the call orders of the agents that are given up."""
    gaps: tuple[Gap, ...] = ()

    @property
    def days_a_week(self) -> Decimal | None:
        """On how many days of a week the ordered dose is taken; None where on all, or it is not known."""
        return self.dose.days_a_week if self.dose is not None and self.dose.intermittent else None

    @property
    def agent_now(self) -> str:
        """The agent that is taken now; the ordered one where nothing is taken."""
        return self.from_agent or self.agent


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts of one agent: those that stop it, and those that order it."""

    stops: tuple[Order, ...]
    orders: tuple[Order, ...]

    @property
    def all(self) -> tuple[Order, ...]:
        return (*self.orders, *self.stops)


def is_stop(order: Order) -> bool:
    """Whether a draft ends taking: by its status, doNotPerform, or a zero dose or quantity."""
    return order.status in STOP_STATUSES or order.zero


@dataclass(frozen=True, slots=True)
class RecordView:
    """The part of the record from which a situation is told.

    `used` are the kinds of agent of which any was used in the look-back of a start. What is not among the `takings` is not taken,
    unless the list is not complete, or its agent is among the `unclear`.
    Units: days; `grace` is for how long a supply that ran out may be due for renewal, `last_supply` the most days of an order
    with a stated end that is read as the last.
    """

    takings: Mapping[str, CurrentUse]
    used: Collection[AgentKind]
    list_complete: bool
    unclear: Mapping[str, Gap]
    grace: int
    last_supply: int
    day: date


def situations(drafts: Sequence[Order], agents: Mapping[str, Agent], looked: RecordView) -> tuple[Situation, ...]:
    """One situation for each agent that a draft is about, in the order of the drafts."""
    by_agent = _by_agent(drafts, looked)
    running = dict(looked.takings)
    for name, of_agent in by_agent.items():
        if name not in running and of_agent.stops:
            running[name] = _as_it_was(name, of_agent.stops)
    found = {name: _one(name, of_agent, running.get(name), agents[name], looked) for name, of_agent in by_agent.items()}
    return tuple(_with_switches(found, by_agent, running, agents).values())


def _by_agent(drafts: Sequence[Order], looked: RecordView) -> dict[str, Drafts]:
    found: dict[str, Drafts] = {}
    for draft in drafts:
        name = draft.medication.agent
        if name is None or (is_stop(draft) and not _stops_something(draft, looked)):
            continue
        seen = found.get(name, Drafts((), ()))
        found[name] = Drafts((*seen.stops, draft), seen.orders) if is_stop(draft) else Drafts(seen.stops, (*seen.orders, draft))
    return found


def _stops_something(stop: Order, looked: RecordView) -> bool:
    """Whether there is anything to stop: the record says it is taken, or the stopped order itself was running.

    Ending an order that was renewed since only tidies the list; so does completing one whose own supply is long used up.
    """
    taking = looked.takings.get(stop.medication.agent or "")
    if taking is not None:
        return not any(_is_stopped_by(order, stop) for order in taking.renewed)
    if stop.status == "completed" and (end := last_day(stop)) is not None and end < looked.day - timedelta(days=looked.grace):
        return False
    return (stop.status in WAS_RUNNING and not stop.zero) or (
        stop.status == "cancelled" and stop.starts is not None and stop.starts < looked.day
    )


def _as_it_was(agent: str, stops: Sequence[Order]) -> CurrentUse:
    """What was taken by the stopped orders themselves, where the record holds nothing else of the agent."""
    doses = [order.regimen.first if order.regimen else None for order in stops]
    known = [dose for dose in doses if dose is not None]
    mg = total(dose.mg.high if dose else None for dose in doses)
    return CurrentUse(
        agent=agent,
        mg=mg,
        says=" + ".join(dose.says for dose in known),
        days_a_week=max((dose.days_a_week for dose in known), default=Decimal(7)),
        orders=tuple(stops),
        sources=tuple(order.reference for order in stops),
        gaps=tuple(gap for order in stops for gap in order.gaps) if mg is None else (),
    )


def _one(name: str, drafts: Drafts, taking: CurrentUse | None, agent: Agent, looked: RecordView) -> Situation:
    certain = looked.list_complete and name not in looked.unclear
    takes_now = taking.mg if taking else Decimal(0) if certain else None
    gaps = (*(gap for draft in drafts.all for gap in draft.gaps), *(taking.gaps if taking else ()))
    if taking is None and name in looked.unclear:
        gaps = (*gaps, looked.unclear[name])
    if not drafts.orders and taking is not None:
        going_on = _not_stopped(drafts.stops, taking)
        left = _daily(going_on, looked.day)
        action = None if left is None else Action.STOP if left == 0 else Action.REDUCE
        steps = None if left is None else (RegimenStep(Dose(mg=exactly(left), days_a_week=taking.days_a_week)),)
        return Situation(
            drafts.stops[0].reference, name, action, takes_now, left, drafts.stops, taking=taking, steps=steps,
            ends=left == 0, going_on=going_on, gaps=_stop_gaps(drafts.stops, taking),
        )  # fmt: skip
    ordered = together([draft.regimen for draft in drafts.orders])
    if len(drafts.orders) > 1 and ordered is None and all(draft.regimen for draft in drafts.orders):
        gaps = (*gaps, Gap(GapKind.DOSE, APART, drafts.orders[0].reference))
    going_on = _going_on(drafts, taking) if taking else ()
    regimen = _beside(ordered, going_on, looked.day)
    daily = regimen.first.mg.high if regimen else None
    used = agent.kind in looked.used or taking is not None
    return Situation(
        request=drafts.orders[0].reference,
        agent=name,
        action=_compare(taking.average if taking else takes_now, regimen.first.average if regimen else None, used),
        takes_now=takes_now,
        daily_dose=daily,
        members=drafts.all,
        taking=taking,
        dose=regimen.first if regimen else None,
        steps=regimen.steps if regimen else None,
        ends=_ends(regimen, drafts.orders, looked.last_supply) if regimen else False,
        going_on=going_on,
        gaps=gaps,
    )


APART = "Several orders of one drug change at different times, without dates, and their sum could not be told."


def _going_on(drafts: Drafts, taking: CurrentUse) -> tuple[Order, ...]:
    """The running orders that go on beside the drafts: those of several that no draft changes, renews, replaces or stops.

    A draft means the order that it names, else the one that it is like. Where it means none of them it takes the place of all.
    """
    meant = [_meant_by(draft, taking) for draft in drafts.orders]
    stopped = [[order for order in taking.orders if _is_stopped_by(order, stop)] for stop in drafts.stops]
    if len(taking.orders) < 2 or None in meant or [] in stopped:
        return ()
    return tuple(order for order in taking.orders if order not in meant and not any(order in some for some in stopped))


def _meant_by(draft: Order, taking: CurrentUse) -> Order | None:
    named = {draft.reference, draft.replaces}
    renewed = {product_and_dose(order) for order in taking.renewed if order.reference in named}
    alike = {product_and_dose(draft)} if draft.replaces is None else set[object]()
    return next((order for order in taking.orders if order.reference in named), None) or next(
        (order for order in taking.orders if product_and_dose(order) in renewed | alike), None
    )


def _beside(ordered: Regimen | None, going_on: Sequence[Order], day: date) -> Regimen | None:
    """What is ordered, with the doses that go on beside it. None where either could not be read."""
    doses = [dose_on(order, day) for order in going_on]
    known = [dose for dose in doses if dose is not None]
    if not doses or ordered is None or len(known) < len(doses):
        return ordered if not doses else None
    return Regimen(tuple(replace(step, dose=added(step.dose, known)) for step in ordered.steps))


def _ends(regimen: Regimen, orders: Sequence[Order], last_supply: int) -> bool:
    """Whether taking is meant to end with the order: it says so, or its last step is as short as only a last supply is.

    A usual renewal has a stated length too ("for 30 days"): what is refilled, or as long as a supply, goes on.
    """
    length = regimen.steps[-1].days
    refilled = any((order.supplies or 1) > 1 for order in orders)
    short = regimen.ends and not refilled and length is not None and length <= last_supply
    return regimen.stops or short


def _stop_gaps(stops: Sequence[Order], taking: CurrentUse) -> tuple[Gap, ...]:
    """A stop needs no dose of its own: what matters is whether the dose that is taken could be read."""
    drug_gaps = tuple(gap for stop in stops for gap in stop.gaps) if taking.mg is None else ()
    return tuple(dict.fromkeys((*drug_gaps, *taking.gaps)))


def _compare(takes_now: Decimal | None, daily: Decimal | None, used: bool) -> Action | None:
    """What an order does by the average of a day: the same dose on fewer days a week is less."""
    if not used and takes_now == 0:
        return Action.START
    if takes_now is None or daily is None:
        return None
    if daily == takes_now:
        return Action.CONTINUE
    return Action.INCREASE if daily > takes_now else Action.REDUCE


def _not_stopped(stops: Sequence[Order], taking: CurrentUse) -> tuple[Order, ...]:
    """The running orders that are left when the stopped ones are taken away. Where no single order is meant, all are."""
    kept = tuple(order for order in taking.orders if not any(_is_stopped_by(order, stop) for stop in stops))
    return kept if len(kept) < len(taking.orders) else ()


def _daily(orders: Sequence[Order], day: date) -> Decimal | None:
    """The daily mg of orders that are taken together, None where one could not be read."""
    doses = (dose_on(order, day) for order in orders)
    return total(dose.mg.high if dose else None for dose in doses)


def _is_stopped_by(order: Order, stop: Order) -> bool:
    return order.reference in {stop.reference, stop.replaces}


def _with_switches(
    found: dict[str, Situation], drafts: Mapping[str, Drafts], running: Mapping[str, CurrentUse], agents: Mapping[str, Agent]
) -> dict[str, Situation]:
    """The situations, where one agent gives way to another of its kind marked as a switch of both."""
    giving = {name for name, one in found.items() if one.action in {Action.STOP, Action.REDUCE} and one.taking is not None}
    for name, one in found.items():
        if one.action not in {Action.START, Action.INCREASE} or one.agent in giving:
            continue
        kind = agents[name].kind
        given_up = {other for other in giving if kind.covers(agents[other].kind)} | _replaced(drafts[name], running, name)
        if not given_up:
            continue
        from_agent = max(given_up, key=lambda other: (_weight(running[other], agents[other]), other))
        before = (*(running[other] for other in sorted(given_up)), *((one.taking,) if one.taking else ()))
        gaps = tuple(dict.fromkeys((*one.gaps, *(gap for other in given_up for gap in running[other].gaps))))
        makes_way = tuple(found[other] for other in sorted(given_up & set(found)))
        found[name] = replace(
            one, action=Action.SWITCH, from_agent=from_agent, switched_from=before, makes_way=makes_way, gaps=gaps
        )
        for other in given_up & set(found):
            found[other] = replace(found[other], action=Action.SWITCH, gives_way_to=name)
    return found


def _replaced(drafts: Drafts, running: Mapping[str, CurrentUse], name: str) -> set[str]:
    """The other agents whose running order a draft says that it replaces."""
    links = {draft.replaces for draft in drafts.orders}
    return {
        other
        for other, taking in running.items()
        if other != name and any(order.reference in links for order in (*taking.orders, *taking.renewed))
    }


def _weight(taking: CurrentUse, agent: Agent) -> Decimal:
    equivalent = diazepam_equivalent(exactly(taking.mg), agent) if taking.mg is not None else None
    return equivalent.high if equivalent else Decimal(0)


def running_situations(takings: Mapping[str, CurrentUse]) -> tuple[Situation, ...]:
    """One situation for each agent that is taken: what a chart opening judges."""
    return tuple(
        Situation(
            request=taking.sources[0] if taking.sources else name,
            agent=name,
            action=Action.CONTINUE,
            takes_now=taking.mg,
            daily_dose=taking.mg,
            taking=taking,
            dose=taking.dose,
            steps=None if taking.mg is None else (RegimenStep(Dose(mg=exactly(taking.mg), days_a_week=taking.days_a_week)),),
            gaps=taking.gaps,
        )
        for name, taking in takings.items()
    )
