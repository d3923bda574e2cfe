"""A crossover: one dose at a time exchanged for a longer-acting agent, night first, then a wait, then the taper of that agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from cds.core.quantity import Range, plain
from cds.core.regimen import DayTime
from cds.core.tablets import Cabinet, Fit, Presentation, Tier, as_doses, in_mg, ticks
from cds.core.taper import direct, spread
from cds.core.taper_plan import (
    AgentDose,
    Instead,
    InsteadKind,
    NoPlan,
    Plan,
    PlanKind,
    PlanLimits,
    PlanStep,
    TaperPace,
    above_highest,
    agent_dose,
    plan_step,
)

EXCHANGED = (DayTime.NIGHT, DayTime.EVENING, DayTime.MORNING, DayTime.MIDDAY)
"""The order in which doses are exchanged."""
WEEK = 7


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two agents. Units: `equivalent` in mg of oral diazepam for 1 mg."""

    agent: str
    equivalent: Range
    presentations: tuple[Presentation, ...]
    long_acting: bool = False


@dataclass(frozen=True, slots=True)
class CrossoverLimits:
    """What holds for every crossover, from `rules/parameters/`. Units: days, mg of diazepam a day, percent."""

    least_days: int
    """Over how many days the exchange is spread at least."""
    rung: int
    """How long each exchanged dose is left to settle at least."""
    wait: int
    """From the last exchange to the first cut at least."""
    review: int
    """How long after each exchange to look how it is borne."""
    highest: Decimal
    """The most of the new agent that a plan starts with."""
    up: Decimal
    """By how much at most the new agent is raised at a time, in the first two weeks, where the low start is too low."""
    rounding: Decimal
    """How much of the daily dose, in percent, rounding down to tablets may take away; beyond it a liquid is used."""


def plan(
    takes: Mapping[DayTime, Decimal],
    source: Side,
    target: Side,
    pace: TaperPace,
    limits: PlanLimits,
    crossover: CrossoverLimits,
    start: date,
) -> Plan | NoPlan:
    """A crossover and the taper after it, from the first exchanged dose to 0; or why there is none.

    The new dose is the most that raises the total on neither end of the range of equivalents: the low end for diazepam.
    No two doses overlap, and no dose is cut before the wait is over.
    Units: `takes` in mg by time of day.
    """
    now = {time: ticks(mg) for time, mg in takes.items() if mg > 0}
    refused = _refused(now, source, target, limits, crossover)
    if refused:
        return refused
    rungs = _rungs(now, source, target, limits, crossover)
    if isinstance(rungs, NoPlan):
        return rungs
    days = max(crossover.rung, _whole_weeks(crossover.least_days, len(rungs)))
    length = days * (len(rungs) - 1) + max(days, crossover.wait)
    last = {time: in_mg(amount) for time, amount in rungs[-1].new.items()}
    taper = direct(
        last,
        target.agent,
        target.equivalent,
        target.presentations,
        pace,
        limits,
        start + timedelta(days=length),
        long_acting=target.long_acting,
    )
    if isinstance(taper, NoPlan):
        return replace(taper, reason=f"After a crossover to {target.agent}: {taper.reason}")
    steps = tuple(_exchange_steps(rungs, now, source, target, limits, crossover, start, days))
    dose = f"{plain(sum(last.values(), Decimal(0)))} mg of {target.agent} a day"
    says = (
        f"{dose} is the low end of the equivalent, {_less(source, target)} less than by other sources. {_up(target, crossover)}"
    )
    look = f"Check for sedation and withdrawal {crossover.review} days after each exchange."
    gone = f"Take {source.agent} off the list when it is gone."
    return Plan(PlanKind.CROSSOVER, source.agent, target.agent, pace, (*steps, *taper.steps), (says, look, gone, *taper.notes))


def _less(source: Side, target: Side) -> str:
    """By how much the low end lies below the others: `0 to 50%`."""
    lowest = _ratio(source, target)
    highest = max(source.equivalent.high / target.equivalent.low, lowest)
    return f"0 to {plain(((highest - lowest) * 100 / highest).quantize(Decimal(1)))}%"


def _up(target: Side, crossover: CrossoverLimits) -> str:
    """How the low start is made up for where it is too low: by small steps up, in the first two weeks."""
    step = plain((crossover.up / target.equivalent.high).quantize(Decimal("0.1")))
    return (
        f"In weeks 1 and 2, where a check finds withdrawal and no sedation, raise {target.agent} by up to {step} mg a day; then "
        "hold that dose before the first cut."
    )


def to_immediate_release(
    takes: Mapping[DayTime, Decimal],
    agent: Side,
    times: Sequence[DayTime],
    pace: TaperPace,
    limits: PlanLimits,
    crossover: CrossoverLimits,
    start: date,
) -> Plan | NoPlan:
    """The same daily dose of an extended-release agent as immediate release, over those times, held, then its taper.

    `agent.presentations` are those of immediate release.
    """
    daily = sum(takes.values(), Decimal(0))
    split = spread(ticks(daily), times, Cabinet(agent.presentations, limits.second_strength_saves))
    if split is None:
        reason = f"{plain(daily)} mg of {agent.agent} a day can't be made up of immediate-release tablets."
        return NoPlan(reason, (Instead(InsteadKind.CROSSOVER, "A crossover to an agent with smaller steps."),))
    doses, fit = split
    taken = {time: in_mg(amount) for time, amount in doses.items()}
    taper = direct(
        taken,
        agent.agent,
        agent.equivalent,
        agent.presentations,
        pace,
        limits,
        start + timedelta(days=crossover.wait),
        long_acting=agent.long_acting,
    )
    if isinstance(taper, NoPlan):
        return taper
    total = agent.equivalent.times(daily)
    held = plan_step(
        start,
        crossover.wait,
        (agent_dose(agent.agent, doses, fit),),
        total,
        Decimal(0),
        False,
        limits.dispensing_interval,
        start + timedelta(days=crossover.review),
    )
    note = "First the same daily dose as immediate-release tablets, since extended-release tablets can't be split."
    return Plan(PlanKind.CROSSOVER, agent.agent, agent.agent, pace, (held, *taper.steps), (note, *taper.notes))


def settle_on_one(agents: Sequence[str]) -> NoPlan | None:
    """What to do first where several are taken, else None."""
    if len(agents) < 2:
        return None
    names = ", ".join(agents[:-1]) + f" and {agents[-1]}"
    says = f"Settle on one of {names} first, one dose at a time, without a cut; then draw up the taper of that one."
    return NoPlan(f"More than one benzodiazepine or Z-drug is taken: {names}.", (Instead(InsteadKind.SETTLE, says),))


@dataclass(frozen=True, slots=True)
class _Rung:
    """What is left of the old agent and what is taken of the new one, in ticks, with what delivers each."""

    old: dict[DayTime, int]
    new: dict[DayTime, int]
    old_fit: Fit | None
    new_fit: Fit


def _refused(
    now: Mapping[DayTime, int], source: Side, target: Side, limits: PlanLimits, crossover: CrossoverLimits
) -> NoPlan | None:
    if source.agent == target.agent:
        return NoPlan(f"{source.agent} is what is taken already.", (Instead(InsteadKind.DIRECT, "A direct taper."),))
    if not now:
        return NoPlan("Nothing is taken, so there is nothing to exchange.", ())
    daily = in_mg(sum(now.values()))
    if daily * source.equivalent.high > limits.no_plan_above:
        return above_highest(daily * source.equivalent.high, limits)
    start = daily * source.equivalent.low
    if start > crossover.highest:
        reason = (
            f"The crossover would start with more than {plain(crossover.highest)} mg of diazepam a day, or as much of another "
            f"agent: {plain(start)} mg."
        )
        says = "Involve a specialist, or taper directly until the dose is low enough to be exchanged."
        return NoPlan(reason, (Instead(InsteadKind.SPECIALIST, says), Instead(InsteadKind.DIRECT, "A direct taper.")))
    return None


def _ratio(source: Side, target: Side) -> Decimal:
    """mg of the new agent for 1 mg of the old one."""
    return min(source.equivalent.low / target.equivalent.low, source.equivalent.high / target.equivalent.high)


def _rungs(
    now: dict[DayTime, int], source: Side, target: Side, limits: PlanLimits, crossover: CrossoverLimits
) -> list[_Rung] | NoPlan:
    """The exchanges with tablets of the new agent, or all with a liquid where tablets would hide a cut in the rounding."""
    old_cabinet = Cabinet(source.presentations, limits.second_strength_saves)
    new_cabinet = Cabinet(target.presentations, limits.second_strength_saves)
    whole = _ratio(source, target) * sum(now.values())
    for tier in Tier:
        rungs = _rungs_with(tier, now, old_cabinet, new_cabinet, _ratio(source, target))
        if rungs and whole - sum(rungs[-1].new.values()) <= whole * crossover.rounding / 100:
            return rungs
    reason = f"The doses that a crossover from {source.agent} to {target.agent} needs can't be made up without a cut."
    return NoPlan(reason, (Instead(InsteadKind.DIRECT, "A direct taper, or a crossover to another agent."),))


def _rungs_with(
    tier: Tier, now: dict[DayTime, int], old_cabinet: Cabinet, new_cabinet: Cabinet, ratio: Decimal
) -> list[_Rung] | None:
    """The exchanges with one tier of the new agent. Each adds at most what it takes away, so that the total never rises."""
    left, added = dict(now), dict.fromkeys(DayTime, 0)
    rungs = []
    for time, amount in _exchanges(now, old_cabinet):
        left = {**left, time: left[time] - amount}
        most = int((ratio * amount).to_integral_value(ROUND_HALF_UP))
        placed = _added(new_cabinet, tier, added, _taken_at(time, now), most)
        old_fit = _fit(old_cabinet, left)
        if placed is None or (any(left.values()) and old_fit is None):
            return None
        added, new_fit = placed
        rungs.append(_Rung(left, added, old_fit, new_fit))
    return rungs


def _taken_at(time: DayTime, now: Mapping[DayTime, int]) -> DayTime:
    """When the new agent is taken in place of a dose: a long half-life needs two times a day, the larger part at night."""
    if time is DayTime.MORNING or (time is DayTime.MIDDAY and now.get(DayTime.EVENING)):
        return DayTime.MORNING
    return DayTime.NIGHT


def _exchanges(now: Mapping[DayTime, int], cabinet: Cabinet) -> Iterable[tuple[DayTime, int]]:
    """The doses in the order in which they are exchanged. A single dose a day is exchanged in two parts if possible."""
    times = [time for time in EXCHANGED if now.get(time)]
    if len(times) == 1:
        (time,) = times
        reach = cabinet.reach(Tier.SOLID, now[time])
        halves = [part for part in reach if 2 * part >= now[time] and now[time] - part in set(reach) and 0 < part < now[time]]
        if halves:
            yield time, now[time] - halves[0]
            yield time, halves[0]
            return
    for time in times:
        yield time, now[time]


def _fit(cabinet: Cabinet, times: Mapping[DayTime, int]) -> Fit | None:
    doses = as_doses(times)
    return next((fit for fit in (cabinet.fit(tier, doses) for tier in Tier) if fit), None) if doses else None


def _added(
    cabinet: Cabinet, tier: Tier, added: dict[DayTime, int], time: DayTime, most: int
) -> tuple[dict[DayTime, int], Fit] | None:
    """The new agent with one dose raised as far as the tier reaches, and by no more than `most`."""
    for amount in reversed(cabinet.reach(tier, added[time] + most)):
        if amount < added[time]:
            break
        doses = {**added, time: amount}
        fit = cabinet.fit(tier, as_doses(doses))
        if fit and any(doses.values()):
            return doses, fit
    return None


def _whole_weeks(days: int, rungs: int) -> int:
    """How many days for each rung, in whole weeks, so that all take at least those days."""
    return -(-days // (rungs * WEEK)) * WEEK


def _exchange_steps(
    rungs: Sequence[_Rung],
    now: Mapping[DayTime, int],
    source: Side,
    target: Side,
    limits: PlanLimits,
    crossover: CrossoverLimits,
    start: date,
    days: int,
) -> Iterable[PlanStep]:
    before = source.equivalent.times(in_mg(sum(now.values())))
    for at, rung in enumerate(rungs):
        last = at + 1 == len(rungs)
        day = start + timedelta(days=at * days)
        total = source.equivalent.times(in_mg(sum(rung.old.values()))) + target.equivalent.times(in_mg(sum(rung.new.values())))
        doses: tuple[AgentDose, ...] = (agent_dose(target.agent, rung.new, rung.new_fit),)
        if any(rung.old.values()):
            doses = (agent_dose(source.agent, rung.old, rung.old_fit), *doses)
        yield plan_step(
            day,
            max(days, crossover.wait) if last else days,
            doses,
            total,
            (before.low - total.low) * 100 / before.low,
            total.high <= limits.small_step_limit,
            limits.dispensing_interval,
            day + timedelta(days=crossover.review),
        )
        before = total
