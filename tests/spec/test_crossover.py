"""Crossovers: one dose at a time, night first, a wait, and only then the taper of the new agent."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from cds.core.crossover import plan, settle_on_one, to_immediate_release
from cds.core.regimen import DayTime
from cds.core.taper_plan import InsteadKind, NoPlan, Plan, PlanKind
from tests.spec.plans import AGENTS, CROSSOVER, LIMITS, STANDARD, START, takes


def crossover(source, target="diazepam", limits=CROSSOVER, **times):
    return plan(takes(**times), AGENTS[source], AGENTS[target], STANDARD, LIMITS, limits, START)


def rungs(found: Plan) -> list[dict[str, dict[str, str]]]:
    """What is taken while the agents are exchanged: mg by agent and time of day."""
    return [
        {dose.agent: {time: f"{mg:f}" for time, mg in dose.times.items()} for dose in step.doses}
        for step in found.steps
        if step.review is not None
    ]


def test_lorazepam_1_mg_four_times_a_day_goes_to_diazepam_from_the_night_dose_back():
    found = crossover("lorazepam", morning="1", midday="1", evening="1", night="1")
    assert isinstance(found, Plan)
    assert found.kind is PlanKind.CROSSOVER
    assert rungs(found) == [
        {"lorazepam": {"morning": "1", "midday": "1", "evening": "1"}, "diazepam": {"night": "4"}},
        {"lorazepam": {"morning": "1", "midday": "1"}, "diazepam": {"night": "8"}},
        {"lorazepam": {"midday": "1"}, "diazepam": {"morning": "4", "night": "8"}},
        {"diazepam": {"morning": "8", "night": "8"}},
    ]


def test_it_starts_at_the_low_end_of_the_range_so_that_4_mg_of_lorazepam_become_16_and_not_40_mg():
    found = crossover("lorazepam", morning="1", midday="1", evening="1", night="1")
    assert isinstance(found, Plan)
    last = [step for step in found.steps if step.review is not None][-1]
    assert last.daily == 16
    assert "low end" in found.notes[0]


def test_each_exchange_settles_for_a_week_and_the_first_cut_waits_for_two():
    found = crossover("alprazolam", morning="1", midday="1", night="1")
    assert isinstance(found, Plan)
    assert [step.days for step in found.steps[:3]] == [7, 7, 14]
    assert found.steps[0].review == date(2026, 11, 28)
    assert found.steps[3].start == date(2026, 12, 21)


def test_a_switch_is_no_cut():
    found = crossover("alprazolam", morning="1", midday="1", night="1")
    assert isinstance(found, Plan)
    assert all(0 <= step.cut <= 5 for step in found.steps if step.review is not None)


def test_a_single_dose_at_night_is_exchanged_in_two_parts_where_capsules_make_them():
    found = crossover("temazepam", night="30")
    assert isinstance(found, Plan)
    assert rungs(found) == [
        {"temazepam": {"night": "15"}, "diazepam": {"night": "7.5"}},
        {"diazepam": {"night": "15"}},
    ]


def test_the_new_agent_is_taken_twice_a_day_the_larger_part_at_night():
    found = crossover("oxazepam", morning="15", midday="15", night="15")
    assert isinstance(found, Plan)
    assert rungs(found)[-1] == {"diazepam": {"morning": "5", "night": "10"}}


def test_tablets_too_coarse_for_the_exchange_give_way_to_a_liquid_rather_than_hide_a_cut():
    found = crossover("alprazolam", morning="0.25", midday="0.25", night="0.25")
    assert isinstance(found, Plan)
    assert rungs(found)[-1] == {"diazepam": {"morning": "1.5", "night": "3"}}


def test_between_two_agents_with_ranges_the_total_rises_on_neither_end():
    """Alprazolam is 6.25 to 20 mg of diazepam, clonazepam 10 to 20: no more than 0.625 mg for 1 mg."""
    found = crossover("alprazolam", "clonazepam", morning="1", midday="1", night="1")
    assert isinstance(found, Plan)
    assert rungs(found)[-1] == {"clonazepam": {"morning": "0.625", "night": "1.25"}}


def test_above_the_cap_a_specialist_decides():
    found = crossover("chlordiazepoxide", limits=replace(CROSSOVER, highest=Decimal(20)), morning="60", night="60")
    assert isinstance(found, NoPlan)
    assert [one.kind for one in found.instead] == [InsteadKind.SPECIALIST, InsteadKind.DIRECT]


@pytest.mark.parametrize(
    ("source", "target", "times", "says"),
    [
        ("diazepam", "diazepam", {"night": "10"}, "taken already"),
        ("alprazolam", "diazepam", {"morning": "3", "night": "4"}, "above 120 mg"),
        ("lorazepam", "temazepam", {"night": "0.5"}, "can't be made up without a cut"),
        ("diazepam", "flurazepam", {"night": "40"}, "After a crossover to flurazepam"),
    ],
)
def test_a_crossover_that_cannot_be_drawn_up_says_why(source, target, times, says):
    found = crossover(source, target, **times)
    assert isinstance(found, NoPlan)
    assert says in found.reason and found.instead


def test_extended_release_alprazolam_becomes_immediate_release_at_the_same_dose_before_any_cut():
    times = (DayTime.MORNING, DayTime.MIDDAY, DayTime.NIGHT)
    found = to_immediate_release(takes(morning="3"), AGENTS["alprazolam"], times, STANDARD, LIMITS, CROSSOVER, START)
    assert isinstance(found, Plan)
    assert dict(found.steps[0].doses[0].times) == dict.fromkeys(times, 1)
    assert (found.steps[0].cut, found.steps[0].days) == (0, 14)
    assert found.steps[1].daily < 3
    assert found.steps[-1].daily == 0


def test_several_benzodiazepines_are_settled_on_one_first():
    found = settle_on_one(["alprazolam", "clonazepam"])
    assert found is not None
    assert found.instead[0].kind is InsteadKind.SETTLE
    assert "alprazolam and clonazepam" in found.reason
    assert settle_on_one(["alprazolam"]) is None


def test_the_low_start_says_how_much_less_it_is_by_the_source_and_how_it_is_raised_in_the_first_two_weeks():
    found = crossover("alprazolam", morning="1", midday="1", night="1")
    assert isinstance(found, Plan)
    assert re.search(r"the low end of the equivalent, 0 to \d+% less than by other sources", found.notes[0])
    assert "In weeks 1 and 2" in found.notes[0] and "raise diazepam by up to 2 mg a day" in found.notes[0]
