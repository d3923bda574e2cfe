"""Direct tapers: what a pharmacist would write, worked examples of published schedules, and what is refused and why."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from cds.core.medication import Form
from cds.core.regimen import DayTime
from cds.core.tablets import Cabinet, Presentation, Tier, ticks
from cds.core.taper import direct
from cds.core.taper_plan import InsteadKind, NoPlan, Plan
from tests.spec.plans import AGENTS, HYPNOTIC, LIMITS, SHORT, SLOWER, STANDARD, START, VERY_SLOW, daily, solids, takes


def taper(agent, pace, presentations=None, extended_release=False, long_acting=False, **times):
    held = AGENTS[agent]
    shelf = held.presentations if presentations is None else presentations
    return direct(
        takes(**times),
        agent,
        held.equivalent,
        shelf,
        pace,
        LIMITS,
        START,
        extended_release=extended_release,
        long_acting=long_acting,
    )


def test_a_plan_starts_on_its_day_with_the_first_lowered_dose_and_ends_with_a_step_of_0():
    plan = taper("diazepam", STANDARD, morning="10", night="10")
    assert isinstance(plan, Plan)
    assert plan.start == START and plan.steps[0].daily < 20
    last = plan.steps[-1]
    assert (last.daily, last.cut, last.below_small_step_limit, last.start) == (0, 100, True, plan.ends)
    assert last.doses[0].times == {} and last.supplies == ()


WORKED = [
    ("diazepam", STANDARD, {"morning": "20", "night": "20"}, 46),
    ("diazepam", STANDARD, {"morning": "10", "night": "10"}, 32),
    ("diazepam", STANDARD, {"morning": "5", "night": "5"}, 18),
    ("diazepam", SLOWER, {"morning": "20", "night": "20"}, 84),
    ("alprazolam", STANDARD, {"morning": "2", "midday": "2", "night": "2"}, 54),
    ("alprazolam", STANDARD, {"morning": "1", "midday": "1", "night": "1"}, 48),
    ("alprazolam", STANDARD, {"morning": "0.25", "midday": "0.25", "night": "0.25"}, 20),
    ("alprazolam", SLOWER, {"morning": "1", "midday": "1", "night": "1"}, 76),
    ("clonazepam", STANDARD, {"morning": "1", "night": "1"}, 40),
    ("clonazepam", STANDARD, {"morning": "0.5", "night": "0.5"}, 26),
    ("clonazepam", SLOWER, {"morning": "1", "night": "1"}, 60),
    ("lorazepam", STANDARD, {"morning": "1", "midday": "1", "night": "1"}, 34),
    ("lorazepam", STANDARD, {"night": "1"}, 12),
    ("oxazepam", STANDARD, {"morning": "20", "midday": "20", "night": "20"}, 34),
    ("chlordiazepoxide", STANDARD, {"morning": "25", "midday": "25", "night": "25"}, 40),
]
"""Weeks from the first cut to 0 as the rules of a plan give them by hand; a plan may differ by two steps."""


@pytest.mark.parametrize(("agent", "pace", "times", "weeks"), WORKED)
def test_a_taper_takes_as_long_as_worked_by_hand_within_two_steps(agent, pace, times, weeks):
    plan = taper(agent, pace, long_acting=agent in {"diazepam", "clonazepam", "chlordiazepoxide"}, **times)
    assert isinstance(plan, Plan)
    assert abs((plan.ends - plan.start).days / 7 - weeks) <= 8


@pytest.mark.parametrize(("mg", "low", "high"), [("20", 30, 60), ("10", 20, 40)])
def test_cks_and_ashton_take_30_to_60_weeks_from_diazepam_40_mg_and_20_to_40_from_20_mg(mg, low, high):
    plan = taper("diazepam", STANDARD, long_acting=True, morning=mg, night=mg)
    assert isinstance(plan, Plan)
    assert low <= (plan.ends - plan.start).days / 7 <= high * 1.1
    assert daily(plan)[-6:] == ["5", "4", "3", "2", "1", "0"]


def test_the_bnf_takes_an_eighth_of_the_dose_a_fortnight_a_tenth_to_a_quarter():
    plan = taper("diazepam", STANDARD, long_acting=True, morning="10", night="10")
    assert isinstance(plan, Plan)
    assert all(step.cut <= 25 for step in plan.steps if not step.below_small_step_limit)
    assert all(Decimal(5) <= step.cut <= Decimal("12.5") for step in plan.steps[:3])


def test_empower_halves_and_quarters_tablets_of_lorazepam_1_mg_at_night_over_weeks():
    plan = taper("lorazepam", HYPNOTIC, night="1")
    assert isinstance(plan, Plan)
    assert daily(plan) == ["0.75", "0.5", "0.25", "0"]
    assert 8 <= (plan.ends - plan.start).days / 7 <= 20


@pytest.mark.parametrize(("agent", "times"), [("lorazepam", "1"), ("alprazolam", "1"), ("clonazepam", "0.5"), ("diazepam", "10")])
def test_asam_starts_with_5_to_10_percent_where_tablets_can(agent, times):
    plan = taper(agent, STANDARD, morning=times, midday=times, night=times)
    assert isinstance(plan, Plan)
    assert 5 <= plan.steps[0].cut <= Decimal("12.5") and plan.steps[0].days == 14


def test_alprazolam_3_mg_is_tapered_with_tablets_alone_by_a_quarter_mg_then_an_eighth():
    plan = taper("alprazolam", STANDARD, morning="1", midday="1", night="1")
    assert isinstance(plan, Plan)
    doses = [Decimal(3), *(step.daily for step in plan.steps)]
    cuts = [before - after for before, after in pairwise(doses)]
    assert cuts == [Decimal("0.25")] * 5 + [Decimal("0.125")] * 14
    assert not any(a.presentation.liquid for step in plan.steps for a in step.doses[0].amounts)


def test_the_first_step_at_the_slower_pace_is_about_a_twentieth():
    plan = taper("alprazolam", SLOWER, morning="1", midday="1", night="1")
    assert isinstance(plan, Plan)
    assert plan.steps[0].daily == Decimal("2.875") and {step.days for step in plan.steps} == {28}


def test_below_the_limit_a_step_is_1_mg_of_diazepam_or_the_smallest_half_where_that_is_more():
    for agent, least in (("diazepam", "1"), ("alprazolam", "0.125"), ("lorazepam", "0.25")):
        plan = taper(agent, STANDARD, morning=str(Decimal(least) * 4), night=str(Decimal(least) * 4))
        assert isinstance(plan, Plan)
        doses = [step.daily for step in plan.steps if step.below_small_step_limit]
        assert {before - after for before, after in pairwise(doses)} <= {Decimal(least)}


def test_the_short_pace_cuts_a_quarter_in_two_weeks_at_most_and_goes_faster_only_below_the_limit():
    plan = taper("diazepam", SHORT, long_acting=True, morning="10", night="10")
    assert isinstance(plan, Plan)
    assert [step.days for step in plan.steps if not step.below_small_step_limit][:2] == [14, 14]
    assert {step.days for step in plan.steps[-5:]} == {7}
    assert daily(plan)[0] == "15"


@pytest.mark.parametrize(
    ("agent", "night", "expected"),
    [
        ("temazepam", "30", ["22.5", "15", "7.5", "0"]),
        ("zolpidem", "10", ["7.5", "5", "0"]),
        ("eszopiclone", "3", ["2", "1", "0"]),
        ("triazolam", "0.25", ["0.125", "0"]),
        ("estazolam", "2", ["1.5", "1", "0.5", "0"]),
        ("flurazepam", "30", ["15", "0"]),
    ],
)
def test_a_hypnotic_goes_by_the_strengths_that_are_sold_and_a_large_step_is_held_for_four_weeks(agent, night, expected):
    plan = taper(agent, HYPNOTIC, night=night)
    assert isinstance(plan, Plan)
    assert daily(plan) == expected
    assert all(step.days == 28 for step in plan.steps[:-1] if step.cut > 25 or step.cut == 0)


def test_a_step_that_is_larger_than_the_pace_likes_is_held_for_four_weeks():
    plan = taper("alprazolam", STANDARD, morning="0.25", midday="0.25", night="0.25")
    assert isinstance(plan, Plan)
    assert all(step.days == 28 for step in plan.steps[:-1] if step.cut > Decimal("12.5"))


def test_a_long_acting_agent_goes_to_twice_a_day_and_then_to_once_at_night():
    plan = taper("diazepam", STANDARD, long_acting=True, morning="10", midday="10", night="10")
    assert isinstance(plan, Plan)
    for step in plan.steps[:-1]:
        most = 1 if step.daily <= 5 else 2 if step.daily <= 15 else 3
        assert len(step.doses[0].times) <= most
    assert list(plan.steps[-2].doses[0].times) == [DayTime.NIGHT]


def test_a_liquid_that_only_a_pharmacy_prepares_is_never_the_default_and_one_that_is_sold_only_where_nothing_else_can_follow():
    for agent in sorted(AGENTS):
        held = AGENTS[agent]
        smallest = min(one.mg for one in held.presentations if not one.liquid and not one.extended_release)
        plan = taper(agent, STANDARD, morning=str(4 * smallest), night=str(4 * smallest))
        if isinstance(plan, Plan):
            assert not any(a.presentation.liquid for step in plan.steps for a in step.doses[0].amounts)


def test_capsules_of_extended_release_are_never_split_and_the_answer_names_immediate_release():
    found = taper("alprazolam", STANDARD, extended_release=True, morning="3")
    assert isinstance(found, NoPlan)
    assert found.instead[0].kind is InsteadKind.IMMEDIATE_RELEASE
    assert "can follow this pace down to 1.5 mg a day" in found.reason


def test_a_plan_of_more_than_two_years_is_not_drawn_up_and_says_why():
    found = taper("alprazolam", VERY_SLOW.__class__("slower", Decimal(3), 56), morning="2", midday="2", night="2")
    assert isinstance(found, NoPlan)
    assert "plans end within 2 years" in found.reason


def test_at_the_very_slow_pace_a_plan_may_take_longer_since_it_is_reviewed_every_six_months():
    assert isinstance(taper("alprazolam", VERY_SLOW, morning="2", midday="2", night="2"), Plan)


def test_how_long_a_plan_takes_is_a_range_from_the_plan_to_the_longest_interval_that_may_be_chosen():
    plan = taper("alprazolam", STANDARD, morning="1", midday="1", night="1")
    assert isinstance(plan, Plan)
    assert plan.lengths == (48 * 7, 72 * 7)


def test_no_dose_asks_for_halves_of_two_strengths_nor_for_more_than_four_tablets():
    for agent, times in (("diazepam", "15"), ("alprazolam", "2"), ("clonazepam", "1.5"), ("lorazepam", "3")):
        plan = taper(agent, STANDARD, long_acting=agent == "diazepam", morning=times, night=times)
        assert isinstance(plan, Plan)
        for step in plan.steps:
            for time in step.doses[0].times:
                counts = [amount.count for amount in step.doses[0].amounts if amount.time is time]
                assert sum(counts) <= 4 and sum(1 for count in counts if count % 1) <= 1


def test_each_step_starts_where_the_one_before_it_ends():
    plan = taper("diazepam", STANDARD, morning="10", night="10")
    assert isinstance(plan, Plan)
    for before, after in pairwise(plan.steps):
        assert (after.start - before.start).days == before.days


def test_the_night_dose_goes_last():
    plan = taper("alprazolam", STANDARD, morning="0.5", midday="0.5", night="0.5")
    assert isinstance(plan, Plan)
    assert list(plan.steps[-2].doses[0].times) == ["night"]


def test_a_plan_never_holds_two_liquids_whose_strengths_could_be_taken_for_one_another():
    for agent in ("alprazolam", "lorazepam", "clonazepam", "diazepam"):
        for pace in (STANDARD, SLOWER):
            plan = taper(agent, pace, night="2")
            assert isinstance(plan, Plan), plan
            liquids = {a.presentation for s in plan.steps for d in s.doses for a in d.amounts if a.presentation.liquid}
            assert len(liquids) <= 1


def test_a_stop_from_the_smallest_capsule_is_not_called_a_taper():
    assert isinstance(taper("temazepam", STANDARD, night="7.5"), NoPlan)


def test_above_the_largest_published_start_no_plan_is_drawn_up():
    found = taper("alprazolam", STANDARD, morning="3", night="4")
    assert isinstance(found, NoPlan)
    assert found.instead[0].kind is InsteadKind.SPECIALIST
    assert "140 mg" in found.reason


def test_nothing_taken_is_no_taper():
    assert isinstance(taper("diazepam", STANDARD), NoPlan)


def bottles(plan: Plan) -> list[set[Presentation]]:
    """The things that each step is taken from."""
    return [{amount.presentation for dose in step.doses for amount in dose.amounts} for step in plan.steps[:-1]]


@pytest.mark.parametrize(
    ("agent", "times"),
    [
        ("alprazolam", {"morning": "1", "midday": "1", "night": "1"}),
        ("alprazolam", {"morning": "0.5", "night": "1"}),
        ("lorazepam", {"morning": "1", "midday": "1", "night": "1"}),
    ],
)
@pytest.mark.parametrize("pace", [STANDARD, SLOWER], ids=lambda pace: pace.pace)
def test_nobody_goes_to_and_fro_between_bottles(agent, times, pace):
    """A strength that has been given up comes back at most once in a whole plan."""
    plan = taper(agent, pace, **times)
    assert isinstance(plan, Plan)
    held = bottles(plan)
    used = [[at for at, step in enumerate(held) if one in step] for one in set().union(*held)]
    returns = sum(after - before > 1 for days in used for before, after in pairwise(days))
    assert returns <= 1


def test_a_strength_in_hand_is_kept_unless_another_saves_enough_tablets():
    shelf = solids("alprazolam", "0.25 0.5", "0.25 0.5")
    cabinet = Cabinet(shelf, Decimal(3))
    (half, quarter) = (frozenset({at}) for at in range(2))
    doses = ((DayTime.NIGHT, ticks(Decimal("0.5"))),)

    def strength(hand):
        fit = cabinet.fit(Tier.SOLID, doses, hand)
        return None if fit is None else [f"{one.mg:f}" for one, _, _ in fit.counts]

    assert (strength(None), strength(half), strength(quarter)) == (["0.5"], ["0.5"], ["0.25"])


def test_a_liquid_without_a_smallest_volume_is_refused():
    bare = Presentation("diazepam", Form.LIQUID, Decimal(1), "diazepam 1 mg/mL")
    with pytest.raises(ValueError, match="smallest volume"):
        Cabinet((bare,), Decimal(3)).reach(Tier.LIQUID, ticks(Decimal(1)))
