"""What the drafts of one call do to each agent that the patient takes: start, continue, increase, reduce, stop or switch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from cds.core.concurrent import side_by_side
from cds.core.equivalence import diazepam_equivalent
from cds.core.gap import Gap
from cds.core.medication import Agent, AgentKind
from cds.core.quantity import Range, exactly
from cds.core.record import Order
from cds.core.regimen import Dose, Regimen, Step
from cds.core.taking import Taking

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
    switched_from: tuple[Taking, ...] = ()
    taking: Taking | None = None
    dose: Dose | None = None
    steps: tuple[Step, ...] | None = None
    ends: bool = False
    trigger: Order | None = None
    gives_way_to: str | None = None
    """The agent that it is switched to within the same call: what is to be said is said there."""
    gaps: tuple[Gap, ...] = ()

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


def situations(
    drafts: Sequence[Order],
    takings: Mapping[str, Taking],
    agents: Mapping[str, Agent],
    used_recently: Collection[AgentKind],
    last_supply: int,
    day: date,
) -> tuple[Situation, ...]:
    """One situation for each agent that a draft is about, in the order of the drafts.

    `used_recently` are the kinds of agent of which any was used in the look-back of a start; `last_supply` is the most days of an
    order with a stated end that is read as the last.
    """
    by_agent = _by_agent(drafts, takings, day)
    running = dict(takings)
    for name, of_agent in by_agent.items():
        if name not in running and of_agent.stops:
            running[name] = _as_it_was(name, of_agent.stops)
    found = {name: _one(name, of_agent, running, agents, used_recently, last_supply) for name, of_agent in by_agent.items()}
    return tuple(_with_switches(found, by_agent, running, agents).values())


def _by_agent(drafts: Sequence[Order], takings: Mapping[str, Taking], day: date) -> dict[str, Drafts]:
    found: dict[str, Drafts] = {}
    for draft in drafts:
        name = draft.medication.agent
        if name is None or (is_stop(draft) and not _was_running(draft, takings, day)):
            continue
        seen = found.get(name, Drafts((), ()))
        found[name] = Drafts((*seen.stops, draft), seen.orders) if is_stop(draft) else Drafts(seen.stops, (*seen.orders, draft))
    return found


def _was_running(stop: Order, takings: Mapping[str, Taking], day: date) -> bool:
    """Whether there is anything to stop: the record says it is taken, or the stopped order itself was running."""
    if stop.medication.agent in takings:
        return True
    return (stop.status in WAS_RUNNING and not stop.zero) or (
        stop.status == "cancelled" and stop.starts is not None and stop.starts < day
    )


def _as_it_was(agent: str, stops: Sequence[Order]) -> Taking:
    """What was taken by the stopped orders themselves, where the record holds nothing else of the agent."""
    doses = [order.regimen.first if order.regimen else None for order in stops]
    known = [dose for dose in doses if dose is not None]
    mg = sum((dose.mg.high for dose in known), Decimal(0)) if len(known) == len(doses) else None
    return Taking(
        agent=agent,
        mg=mg,
        says=" + ".join(dose.says for dose in known),
        days_a_week=max((dose.days_a_week for dose in known), default=Decimal(7)),
        orders=tuple(stops),
        sources=tuple(order.reference for order in stops),
        gaps=tuple(gap for order in stops for gap in order.gaps) if mg is None else (),
    )


def _one(
    name: str,
    drafts: Drafts,
    running: Mapping[str, Taking],
    agents: Mapping[str, Agent],
    used_recently: Collection[AgentKind],
    last_supply: int,
) -> Situation:
    taking = running.get(name)
    takes_now = taking.mg if taking else Decimal(0)
    gaps = (*(gap for draft in drafts.all for gap in draft.gaps), *(taking.gaps if taking else ()))
    if not drafts.orders and taking is not None:
        left = _left_after(drafts.stops, taking)
        action = None if left is None else Action.STOP if left == 0 else Action.REDUCE
        steps = None if left is None else (Step(Dose(mg=exactly(left))),)
        return Situation(
            drafts.stops[0].reference, name, action, takes_now, left, drafts.stops, taking=taking, steps=steps,
            ends=left == 0, gaps=_stop_gaps(drafts.stops, taking),
        )  # fmt: skip
    regimen = together([draft.regimen for draft in drafts.orders])
    daily = regimen.first.mg.high if regimen else None
    used = agents[name].kind in used_recently or taking is not None
    return Situation(
        request=drafts.orders[0].reference,
        agent=name,
        action=_compare(takes_now, daily, used),
        takes_now=takes_now,
        daily_dose=daily,
        members=drafts.all,
        taking=taking,
        dose=regimen.first if regimen else None,
        steps=regimen.steps if regimen else None,
        ends=_ends(regimen, drafts.orders, last_supply) if regimen else False,
        gaps=gaps,
    )


def _ends(regimen: Regimen, orders: Sequence[Order], last_supply: int) -> bool:
    """Whether taking is meant to end with the order: it says so, or its last step is as short as only a last supply is.

    A usual renewal has a stated length too ("for 30 days"): what is refilled, or as long as a supply, goes on.
    """
    length = regimen.steps[-1].days
    refilled = any((order.supplies or 1) > 1 for order in orders)
    short = regimen.ends and not refilled and length is not None and length <= last_supply
    return regimen.stops or short


def _stop_gaps(stops: Sequence[Order], taking: Taking) -> tuple[Gap, ...]:
    """A stop needs no dose of its own: what matters is whether the dose that is taken could be read."""
    drug_gaps = tuple(gap for stop in stops for gap in stop.gaps) if taking.mg is None else ()
    return tuple(dict.fromkeys((*drug_gaps, *taking.gaps)))


def _compare(takes_now: Decimal | None, daily: Decimal | None, used: bool) -> Action | None:
    if not used:
        return Action.START
    if takes_now is None or daily is None:
        return None
    if daily == takes_now:
        return Action.CONTINUE
    return Action.INCREASE if daily > takes_now else Action.REDUCE


def _left_after(stops: Sequence[Order], taking: Taking) -> Decimal | None:
    """The daily mg that is left when the stopped orders are taken away. Where no single order is meant, all are."""
    stopped = [order for order in taking.orders if any(_is_stopped_by(order, stop) for stop in stops)]
    if not stopped or len(stopped) == len(taking.orders):
        return Decimal(0)
    kept = [order for order in taking.orders if order not in stopped]
    doses = [order.regimen.first.mg.high if order.regimen else None for order in kept]
    return None if None in doses else sum((dose for dose in doses if dose is not None), Decimal(0))


def _is_stopped_by(order: Order, stop: Order) -> bool:
    if order.reference == stop.reference:
        return True
    return stop.replaces is not None and stop.replaces.endswith(order.reference)


def together(regimens: Sequence[Regimen | None]) -> Regimen | None:
    """Concurrent orders of one agent as one regimen, None where any could not be read.

    Several orders that each hold one dose add up. Where several change by date, such as the strengths of one taper, they add up
    day by day. Where only one of them is a taper, the others' doses are added to each step.
    """
    known = [regimen for regimen in regimens if regimen is not None]
    if not known or len(known) < len(regimens):
        return None
    changing = [regimen for regimen in known if len(regimen.steps) > 1 or regimen.stops]
    if len(known) > 1 and changing and (dated := side_by_side(known)) is not None:
        return dated
    longest = max(known, key=lambda regimen: len(regimen.steps))
    others = [regimen for regimen in known if regimen is not longest]
    if any(len(regimen.steps) > 1 for regimen in others):
        return None
    steps = tuple(replace(step, dose=_added(step.dose, [other.first for other in others])) for step in longest.steps)
    return Regimen(steps, all(regimen.ends for regimen in known), stops=all(regimen.stops for regimen in known))


def _added(dose: Dose, others: Sequence[Dose]) -> Dose:
    for other in others:
        dose = replace(
            dose,
            mg=dose.mg + other.mg,
            days_a_week=max(dose.days_a_week, other.days_a_week),
            as_needed=dose.as_needed and other.as_needed,
            says=" + ".join(part for part in (dose.says, other.says) if part),
            times=(*dose.times, *other.times),
        )
    return dose


def _with_switches(
    found: dict[str, Situation], drafts: Mapping[str, Drafts], running: Mapping[str, Taking], agents: Mapping[str, Agent]
) -> dict[str, Situation]:
    """The situations, where one agent gives way to another of its kind marked as a switch of both."""
    giving = {name for name, one in found.items() if one.action in {Action.STOP, Action.REDUCE} and one.taking is not None}
    for name, one in found.items():
        if one.action not in {Action.START, Action.INCREASE} or one.agent in giving:
            continue
        kind = agents[name].kind
        given_up = {other for other in giving if agents[other].kind is kind} | _replaced(drafts[name], running, name)
        if not given_up:
            continue
        from_agent = max(given_up, key=lambda other: (_weight(running[other], agents[other]), other))
        before = (*(running[other] for other in sorted(given_up)), *((one.taking,) if one.taking else ()))
        gaps = tuple(dict.fromkeys((*one.gaps, *(gap for other in given_up for gap in running[other].gaps))))
        found[name] = replace(one, action=Action.SWITCH, from_agent=from_agent, switched_from=before, gaps=gaps)
        for other in given_up & set(found):
            found[other] = replace(found[other], action=Action.SWITCH, gives_way_to=name)
    return found


def _replaced(drafts: Drafts, running: Mapping[str, Taking], name: str) -> set[str]:
    """The other agents whose running order a draft says that it replaces."""
    links = [draft.replaces for draft in drafts.orders if draft.replaces]
    return {
        other
        for other, taking in running.items()
        if other != name and any(link.endswith(order.reference) for link in links for order in taking.orders)
    }


def _weight(taking: Taking, agent: Agent) -> Decimal:
    equivalent = diazepam_equivalent(exactly(taking.mg), agent) if taking.mg is not None else None
    return equivalent.high if equivalent else Decimal(0)


def running_situations(takings: Mapping[str, Taking]) -> tuple[Situation, ...]:
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
            steps=None if taking.mg is None else (Step(Dose(mg=Range(taking.mg, taking.mg))),),
            gaps=taking.gaps,
        )
        for name, taking in takings.items()
    )
