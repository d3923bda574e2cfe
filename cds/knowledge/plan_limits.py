"""What plans keep to on a day, from the parameters, and when an agent is taken where the patient's own times aren't known."""

from __future__ import annotations

from datetime import date

from cds.core.crossover import CrossoverLimits
from cds.core.cuts import PercentOf
from cds.core.medication import Agent, AgentKind, DurationClass
from cds.core.plan import PlanLimits, SlowBounds, TaperPace
from cds.core.regimen import DayTime
from cds.knowledge.model import Knowledge

SLOWER = "slower"
TIMES = {
    1: (DayTime.NIGHT,),
    2: (DayTime.MORNING, DayTime.NIGHT),
    3: (DayTime.MORNING, DayTime.MIDDAY, DayTime.NIGHT),
    4: tuple(DayTime),
}
"""How many doses a day are spread over the day."""


def taper_pace(knowledge: Knowledge, pace: str, day: date, basis: PercentOf) -> TaperPace | None:
    """The pace as numbers, or None for one without steps (specialist, hold)."""
    held = knowledge.paces[pace]
    if not held.plan or held.cut is None or held.interval is None:
        return None
    cut, interval = knowledge.value(held.cut, day), int(knowledge.value(held.interval, day))
    if pace != SLOWER:
        return TaperPace(pace, cut, interval, basis)
    slow = SlowBounds(knowledge.value("slow_cut_of_start", day), knowledge.value("slow_cut_of_current", day))
    sooner = TaperPace(pace, knowledge.value("standard_cut", day), interval, basis, slow)
    return TaperPace(pace, cut, interval, basis, slow, sooner)


def plan_limits(knowledge: Knowledge, day: date) -> PlanLimits:
    """What holds for every plan on that day."""

    def days(name: str) -> int:
        return int(knowledge.value(name, day))

    return PlanLimits(
        largest_cut_in_two_weeks=knowledge.value("largest_cut_in_two_weeks", day),
        small_step_limit=knowledge.value("small_step_limit", day),
        small_step=knowledge.value("small_step", day),
        largest_small_step=knowledge.value("largest_small_step", day),
        no_plan_above=knowledge.value("no_plan_above", day),
        dispensing_interval=days("dispensing_interval"),
        longest_plan=days("longest_plan"),
        fewest_share_of_cut=knowledge.value("fewest_share_of_cut", day),
        close_share_of_cut=knowledge.value("close_share_of_cut", day),
        second_strength_saves=knowledge.value("second_strength_saves", day),
    )


def crossover_limits(knowledge: Knowledge, day: date) -> CrossoverLimits:
    """What holds for every crossover on that day."""
    return CrossoverLimits(
        least_days=int(knowledge.value("crossover_usual", day)),
        rung=int(knowledge.value("crossover_rung", day)),
        wait=int(knowledge.value("crossover_wait", day)),
        review=int(knowledge.value("crossover_review", day)),
        highest=knowledge.value("crossover_highest", day),
        rounding=knowledge.value("crossover_rounding", day),
    )


def times_of_day(knowledge: Knowledge, agent: Agent, at_night: frozenset[str], day: date) -> tuple[DayTime, ...]:
    """When an agent is taken: hypnotics at night, others as often as their duration needs. `at_night` names the hypnotics."""
    if agent.name in at_night or agent.kind is AgentKind.Z_DRUG or agent.duration is DurationClass.ULTRA_SHORT:
        return TIMES[1]
    long = agent.duration in {DurationClass.INTERMEDIATE_LONG, DurationClass.LONG}
    return TIMES[int(knowledge.value("doses_a_day_long" if long else "doses_a_day_short", day))]
