"""Plans by the rule book of a day: what is taken, with the limits, tablets and times that go into a taper or a crossover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from cds.core import crossover
from cds.core.crossover import CrossoverLimits, Side
from cds.core.cuts import PercentOf
from cds.core.equivalence import diazepam_equivalent
from cds.core.medication import Agent, AgentKind, DurationClass
from cds.core.quantity import exactly
from cds.core.regimen import DayTime
from cds.core.tablets import Cabinet, in_mg, ticks
from cds.core.taper import direct, spread
from cds.core.taper_plan import Instead, InsteadKind, NoPlan, Plan, PlanLimits, TaperPace, no_steps
from cds.knowledge.model import Knowledge

TIMES = {
    1: (DayTime.NIGHT,),
    2: (DayTime.MORNING, DayTime.NIGHT),
    3: (DayTime.MORNING, DayTime.MIDDAY, DayTime.NIGHT),
    4: tuple(DayTime),
}
"""How many doses a day are spread over the day."""


def taper_pace(knowledge: Knowledge, pace: str, day: date, basis: PercentOf) -> TaperPace | None:
    """The pace as numbers, or None for one without steps (stop, specialist, hold)."""
    held = knowledge.paces[pace]
    if not held.plan or held.cut is None or held.interval is None:
        return None

    def percent(name: str | None) -> Decimal | None:
        return knowledge.value(name, day) if name else None

    def days(name: str | None) -> int | None:
        return int(knowledge.value(name, day)) if name else None

    return TaperPace(
        pace,
        knowledge.value(held.cut, day),
        int(knowledge.value(held.interval, day)),
        basis,
        first_cut=percent(held.first_cut),
        cut_of_start=percent(held.cut_of_start),
        longer_above=percent(held.longer_above),
        longer_interval=days(held.longer_interval),
        longest_interval=days(held.longest_interval),
        by_strengths=held.by_strengths,
        compounded=held.compounded,
    )


def plan_limits(knowledge: Knowledge, day: date) -> PlanLimits:
    """What holds for every plan on that day."""

    def days(name: str) -> int:
        return int(knowledge.value(name, day))

    return PlanLimits(
        largest_cut_in_two_weeks=knowledge.value("largest_cut_in_two_weeks", day),
        free_cut=knowledge.value("free_cut", day),
        small_step_limit=knowledge.value("small_step_limit", day),
        small_step=knowledge.value("small_step", day),
        no_plan_above=knowledge.value("no_plan_above", day),
        dispensing_interval=days("dispensing_interval"),
        longest_plan=days("longest_plan"),
        second_strength_saves=knowledge.value("second_strength_saves", day),
        most_tablets=knowledge.value("most_tablets_in_a_dose", day),
        twice_a_day_from=knowledge.value("twice_a_day_from", day),
        ends_from=knowledge.value("ends_from", day),
        once_at_night_from=knowledge.value("once_at_night_from", day),
    )


def crossover_limits(knowledge: Knowledge, day: date) -> CrossoverLimits:
    """What holds for every crossover on that day."""
    return CrossoverLimits(
        least_days=int(knowledge.value("crossover_usual", day)),
        rung=int(knowledge.value("crossover_rung", day)),
        wait=int(knowledge.value("crossover_wait", day)),
        review=int(knowledge.value("crossover_review", day)),
        highest=knowledge.value("crossover_highest", day),
        up=knowledge.value("crossover_up", day),
        rounding=knowledge.value("crossover_rounding", day),
    )


def times_of_day(knowledge: Knowledge, agent: Agent, at_night: frozenset[str], day: date) -> tuple[DayTime, ...]:
    """When an agent is taken: hypnotics at night, others as often as their duration needs. `at_night` names the hypnotics."""
    if agent.name in at_night or agent.kind is AgentKind.Z_DRUG or agent.duration is DurationClass.ULTRA_SHORT:
        return TIMES[1]
    return TIMES[int(knowledge.value("doses_a_day_long" if agent.long_acting else "doses_a_day_short", day))]


SPECIALIST = "a specialist"
WRITTEN = ticks(Decimal("0.05"))
"""Where tablets can't tell how a dose is split, its parts are counted in these."""


@dataclass(frozen=True, slots=True)
class CurrentDoses:
    """What a plan starts from, known exactly.

    Units: mg by time of day; `original`, the daily dose before the taper began where that is known, in mg.
    """

    agent: str
    times: Mapping[DayTime, Decimal]
    extended_release: bool = False
    original: Decimal | None = None
    stated: bool = True
    """Whether the times of day were said; else they are those at which so many doses are usually taken."""

    @property
    def daily(self) -> Decimal:
        """mg a day."""
        return sum(self.times.values(), Decimal(0))


def taken(
    knowledge: Knowledge,
    day: date,
    agent: str,
    daily: Decimal,
    times: Sequence[tuple[DayTime, Decimal]] = (),
    doses_a_day: int | None = None,
    extended_release: bool = False,
) -> CurrentDoses:
    """What is taken, by time of day: as it was said, else so many equal doses, else spread as the agent's duration needs.

    Units: `daily` in mg. `times` may be empty; where it doesn't add up to `daily`, it is not used. Where nothing else is said
    extended release is one dose.
    """
    if sum(mg for _, mg in times) == daily:
        return CurrentDoses(
            agent, {part: sum((mg for time, mg in times if time is part), Decimal(0)) for part in dict(times)}, extended_release
        )
    total = ticks(daily)
    if extended_release and doses_a_day is None:
        doses_a_day = 1
    if doses_a_day in TIMES and total % doses_a_day == 0:
        return CurrentDoses(
            agent, {time: in_mg(total // doses_a_day) for time in TIMES[doses_a_day]}, extended_release, stated=False
        )
    when = times_of_day(knowledge, knowledge.agents[agent], knowledge.taken_at_night, day)
    cabinet = Cabinet(knowledge.presentations.get(agent, ()), plan_limits(knowledge, day).second_strength_saves, extended_release)
    found = spread(total, when, cabinet)
    parts = found[0] if found else _evenly(total, when)
    return CurrentDoses(agent, {time: in_mg(part) for time, part in parts.items() if part}, extended_release, stated=False)


def _evenly(total: int, times: Sequence[DayTime]) -> dict[DayTime, int]:
    """About the same at each time, in amounts that a prescription would hold; what is left over goes with the last."""
    each = total // len(times) // WRITTEN * WRITTEN
    return dict.fromkeys(times[:-1], each) | {times[-1]: total - each * (len(times) - 1)}


def direct_plan(
    knowledge: Knowledge,
    day: date,
    takes: CurrentDoses,
    pace: str,
    basis: PercentOf | None = None,
    start: date | None = None,
    who: str = SPECIALIST,
    interval: int | None = None,
    finer: bool = False,
    prepared: bool = False,
) -> Plan | NoPlan:
    """A direct taper of what is taken, to 0, by the parameters of the day; or why there is none.

    `basis` is by default the rule book's, `start` the day; `who` is whom to involve at the specialist pace. `finer`: after a step
    that was not borne a liquid may make smaller ones than tablets do, with `prepared` also one that only a pharmacy prepares.
    `interval`, where the patient chose one, is how far apart the steps are, in days; never less than the pace's.
    """
    agent = _side(knowledge, takes.agent)
    numbers = _pace(knowledge, day, pace, basis, who, interval)
    if isinstance(agent, NoPlan):
        return agent
    if isinstance(numbers, NoPlan):
        return numbers
    if takes.agent in knowledge.taken_at_night:
        numbers = replace(numbers, by_strengths=True)
    if finer:
        numbers = replace(numbers, finer=True, compounded=numbers.compounded or prepared)
    found = direct(
        takes.times,
        takes.agent,
        agent.equivalent,
        agent.presentations,
        numbers,
        plan_limits(knowledge, day),
        start or day,
        takes.original,
        takes.extended_release,
        agent.long_acting,
    )
    if isinstance(found, Plan) or not _never_exchanged(knowledge, takes.agent):
        return found
    return replace(found, instead=tuple(one for one in found.instead if one.kind is not InsteadKind.CROSSOVER))


def _never_exchanged(knowledge: Knowledge, agent: str) -> bool:
    """Whether no crossover is drawn up from it: a Z-drug is tapered itself."""
    return knowledge.agents[agent].kind is AgentKind.Z_DRUG


def crossover_plan(
    knowledge: Knowledge,
    day: date,
    takes: CurrentDoses,
    pace: str,
    target: str | None = None,
    basis: PercentOf | None = None,
    start: date | None = None,
    who: str = SPECIALIST,
    interval: int | None = None,
) -> Plan | NoPlan:
    """A crossover to another agent, by default the rule book's, and its taper to 0; or why there is none."""
    target = target or knowledge.named("crossover_target", day)
    if _never_exchanged(knowledge, takes.agent):
        says = f"A direct taper of {takes.agent}, by the strengths that are sold."
        return NoPlan(
            f"{takes.agent} is a Z-drug, and no Z-drug is exchanged for a benzodiazepine.", (Instead(InsteadKind.DIRECT, says),)
        )
    source, new = _side(knowledge, takes.agent), _side(knowledge, target)
    numbers = _pace(knowledge, day, pace, basis, who, interval)
    for each in (source, new, numbers):
        if isinstance(each, NoPlan):
            return each
    assert isinstance(source, Side) and isinstance(new, Side) and isinstance(numbers, TaperPace)
    if takes.extended_release:
        says = f"The same daily dose as immediate-release tablets of {takes.agent}, split over the day; then the crossover."
        reason = f"Extended-release tablets of {takes.agent} can't be exchanged one dose at a time."
        return NoPlan(reason, (Instead(InsteadKind.IMMEDIATE_RELEASE, says),))
    limits = plan_limits(knowledge, day)
    return crossover.plan(takes.times, source, new, numbers, limits, crossover_limits(knowledge, day), start or day)


def immediate_release_plan(
    knowledge: Knowledge,
    day: date,
    takes: CurrentDoses,
    pace: str,
    basis: PercentOf | None = None,
    start: date | None = None,
    who: str = SPECIALIST,
    interval: int | None = None,
) -> Plan | NoPlan:
    """The same dose of an extended-release agent as immediate release, held, and its taper to 0; or why there is none."""
    agent = _side(knowledge, takes.agent)
    numbers = _pace(knowledge, day, pace, basis, who, interval)
    if isinstance(agent, NoPlan):
        return agent
    if isinstance(numbers, NoPlan):
        return numbers
    when = times_of_day(knowledge, knowledge.agents[takes.agent], knowledge.taken_at_night, day)
    limits = plan_limits(knowledge, day)
    return crossover.to_immediate_release(
        takes.times, agent, when, numbers, limits, crossover_limits(knowledge, day), start or day
    )


def _side(knowledge: Knowledge, agent: str) -> Side | NoPlan:
    equivalent = diazepam_equivalent(exactly(Decimal(1)), knowledge.agents[agent])
    if equivalent is None:
        says = f"Involve {SPECIALIST} before any cut. Until then keep the dose as it is: don't cut it, don't stop it."
        return NoPlan(f"No source converts {agent} to diazepam.", (Instead(InsteadKind.SPECIALIST, says),))
    return Side(agent, equivalent, knowledge.presentations.get(agent, ()), knowledge.agents[agent].long_acting)


def _pace(
    knowledge: Knowledge, day: date, pace: str, basis: PercentOf | None, who: str, interval: int | None = None
) -> TaperPace | NoPlan:
    numbers = taper_pace(knowledge, pace, day, basis or PercentOf(knowledge.named("taper_basis", day)))
    if numbers is not None and interval is not None and interval > numbers.interval:
        longest = max(interval, numbers.longest_interval or 0)
        longer = max(interval, numbers.longer_interval or 0)
        numbers = replace(numbers, interval=interval, longer_interval=longer, longest_interval=longest)
    return numbers or no_steps(pace, who) or NoPlan("At this pace no plan is drawn up.", ())
