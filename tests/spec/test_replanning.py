"""A taper under way goes on from where the patient is: after a pause, after steps that were not borne, or as it was planned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cds.core.regimen import DayTime
from cds.core.taper_plan import Plan
from cds.decision.plans import CurrentDoses, direct_plan
from cds.decision.replanning import Replanned, replanned
from cds.knowledge.loader import knowledge

BOOK = knowledge(Path(__file__).parents[2] / "rules")
SINCE = date(2027, 2, 1)
DIAZEPAM = CurrentDoses("diazepam", {DayTime.MORNING: Decimal(8), DayTime.NIGHT: Decimal(10)})
AGENTS = {
    "diazepam": DIAZEPAM,
    "lorazepam": CurrentDoses("lorazepam", {time: Decimal(1) for time in (DayTime.MORNING, DayTime.MIDDAY, DayTime.NIGHT)}),
    "alprazolam": CurrentDoses("alprazolam", {time: Decimal(1) for time in (DayTime.MORNING, DayTime.MIDDAY, DayTime.NIGHT)}),
    "temazepam": CurrentDoses("temazepam", {DayTime.NIGHT: Decimal(30)}),
}
each_agent = pytest.mark.parametrize("takes", AGENTS.values(), ids=AGENTS)


def goes_on(takes: CurrentDoses, pace: str = "standard", **how: int) -> tuple[Replanned, Plan]:
    found = replanned(BOOK, SINCE, takes, pace, **how)
    assert isinstance(found.plan, Plan), found.plan
    return found, found.plan


@each_agent
def test_a_pause_moves_every_step_by_its_weeks_and_changes_no_dose(takes):
    _, straight = goes_on(takes)
    held, plan = goes_on(takes, hold=28)
    assert held.until == SINCE + timedelta(days=28)
    assert [(step.start - timedelta(days=28), step.days, step.doses) for step in plan.steps] == [
        (step.start, step.days, step.doses) for step in straight.steps
    ]


@each_agent
def test_after_a_step_that_was_not_borne_the_dose_stays_and_the_next_steps_are_no_larger_and_further_apart(takes):
    _, straight = goes_on(takes)
    again, plan = goes_on(takes, not_borne=1)
    assert again.pace == "slower"
    assert plan.start >= SINCE + timedelta(days=plan.pace.interval)
    assert plan.steps[0].cut <= straight.steps[0].cut
    assert all(step.days >= straight.pace.interval * 2 for step in plan.steps)


def test_after_two_the_pace_is_very_slow():
    again, plan = goes_on(DIAZEPAM, not_borne=2)
    assert again.pace == plan.pace.pace == "very-slow"


def test_below_the_slowest_there_is_nothing():
    again, _ = goes_on(DIAZEPAM, "very-slow", not_borne=1)
    assert again.pace == "very-slow"


def test_what_changed_is_told_against_going_straight_on():
    again, _ = goes_on(DIAZEPAM, not_borne=1)
    said = " ".join(again.changed)
    assert "The pace is slower in place of standard." in said
    assert "Stay at 18 mg a day until 1 March 2027." in said
    assert "straight on it would be 16 mg a day on 1 February 2027" in said
    assert "months; straight on it would be" in said


def test_where_nothing_changes_nothing_is_told():
    again, _ = goes_on(DIAZEPAM)
    assert again.changed == () and again.until == SINCE


@each_agent
def test_with_the_dose_at_the_start_it_ends_within_a_step_or_two_of_the_plan_in_hand(takes):
    whole = direct_plan(BOOK, SINCE, takes, "standard")
    assert isinstance(whole, Plan)
    for done in range(0, len(whole.steps) - 1, 3):
        step = whole.steps[done]
        now = CurrentDoses(takes.agent, step.doses[0].times, original=takes.daily)
        _, rest = goes_on(now)
        assert abs(len(rest.steps) - (len(whole.steps) - done - 1)) <= 2


def test_a_hold_gives_no_plan_and_no_day_of_a_next_step():
    found = replanned(BOOK, SINCE, DIAZEPAM, "hold", hold=14)
    assert not isinstance(found.plan, Plan) and found.until is None


def test_what_was_taken_before_the_taper_no_longer_sizes_the_steps_after_one_that_was_not_borne():
    from_forty = replace(DIAZEPAM, original=Decimal(40))
    assert goes_on(from_forty, not_borne=1)[1].steps == goes_on(DIAZEPAM, not_borne=1)[1].steps
