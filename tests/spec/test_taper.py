"""Direct tapers: what a pharmacist would write, worked examples of published schedules, and what is refused and why."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from cds.core.medication import Form
from cds.core.plan import InsteadKind, NoPlan, Plan, no_steps
from cds.core.regimen import DayTime
from cds.core.tablets import Cabinet, Presentation, Tier, ticks, usable
from cds.core.taper import direct
from tests.spec.plans import AGENTS, LIMITS, SHORT, SLOWER, STANDARD, START, SYRINGES, bottle, daily, of_original, solids, takes


def taper(agent, pace, presentations=None, extended_release=False, **times):
    held = AGENTS[agent]
    shelf = held.presentations if presentations is None else presentations
    return direct(takes(**times), agent, held.equivalent, shelf, pace, LIMITS, START, extended_release=extended_release)


def test_a_plan_starts_on_its_day_with_the_first_lowered_dose_and_ends_with_a_step_of_0():
    plan = taper("diazepam", STANDARD, morning="10", night="10")
    assert isinstance(plan, Plan)
    assert (plan.start, plan.steps[0].daily) == (START, Decimal(18))
    last = plan.steps[-1]
    assert (last.daily, last.cut, last.below_small_step_limit, last.start) == (0, 100, True, plan.ends)
    assert last.doses[0].times == {} and last.supplies == ()


def test_each_step_starts_where_the_one_before_it_ends():
    plan = taper("diazepam", STANDARD, morning="10", night="10")
    assert isinstance(plan, Plan)
    for before, after in pairwise(plan.steps):
        assert (after.start - before.start).days == before.days


@pytest.mark.parametrize(
    ("agent", "times", "first", "tablets"),
    [
        (
            "alprazolam",
            {"morning": "1", "midday": "1", "night": "1"},
            "2.875",
            [
                "morning 1 x alprazolam 1 mg tablet",
                "midday 3.5 x alprazolam 0.25 mg tablet",
                "night 1 x alprazolam 1 mg tablet",
            ],
        ),
        (
            "diazepam",
            {"night": "20"},
            "19",
            ["night 3 x diazepam 5 mg tablet", "night 2 x diazepam 2 mg tablet"],
        ),
    ],
)
def test_a_step_lists_the_tablets_that_deliver_it(agent, times, first, tablets):
    plan = taper(agent, SLOWER, **times)
    assert isinstance(plan, Plan)
    assert f"{plan.steps[0].daily:f}" == first
    assert bottle(plan.steps[0]) == tablets


def test_scotland_goes_down_by_1_mg_of_diazepam_every_two_weeks_from_10_mg_to_stop():
    """The Scottish example: steps of 1 mg every two to four weeks. Of the original dose, 10 percent of 10 mg is 1 mg."""
    plan = taper("diazepam", of_original(STANDARD), night="10")
    assert isinstance(plan, Plan)
    doses = [Decimal(10), *(step.daily for step in plan.steps)]
    assert all(before - after <= 1 for before, after in pairwise(doses))
    assert daily(plan)[-5:] == ["4", "3", "2", "1", "0"]


def test_the_bnf_takes_an_eighth_of_the_dose_a_fortnight_at_the_most_a_quarter():
    """One eighth (a tenth to a quarter) a fortnight: 20 mg to 17.5 mg first."""
    pace = STANDARD.__class__("standard", Decimal("12.5"), 14)
    plan = taper("diazepam", pace, night="20")
    assert isinstance(plan, Plan)
    assert daily(plan)[0] == "17.5"
    for step in plan.steps:
        assert step.cut <= Decimal("12.5") or step.below_small_step_limit


def test_asam_cuts_5_to_10_percent_every_two_to_four_weeks():
    plan = taper("lorazepam", STANDARD, morning="1", midday="1", night="1")
    assert isinstance(plan, Plan)
    first = plan.steps[0]
    assert 5 <= first.cut <= 10 and first.days == 14


def test_a_tenth_of_the_original_dose_is_ten_steps_of_diazepam_20_mg_until_the_ceiling_and_the_small_steps_take_over():
    plan = taper("diazepam", of_original(STANDARD), morning="10", night="10")
    assert isinstance(plan, Plan)
    assert daily(plan)[:3] == ["18", "16", "14"]
    assert 10 <= len(plan.steps) <= 16


def test_a_fixed_share_of_the_current_dose_takes_far_longer_than_of_the_original_one():
    current = taper("diazepam", STANDARD, night="20")
    original = taper("diazepam", of_original(STANDARD), night="20")
    assert isinstance(current, Plan) and isinstance(original, Plan)
    assert current.ends > original.ends


def test_published_schedules_end_2_1_0_mg_of_diazepam_and_each_such_step_is_marked():
    plan = taper("diazepam", STANDARD, night="20")
    assert isinstance(plan, Plan)
    assert daily(plan)[-6:] == ["5", "4", "3", "2", "1", "0"]
    assert [step.below_small_step_limit for step in plan.steps[-6:]] == [True] * 6
    assert not plan.steps[-7].below_small_step_limit


def test_the_small_step_limit_is_read_at_the_high_end_of_the_range():
    """Clonazepam 0.25 mg equals 5 mg of diazepam by the sources that hold it strongest."""
    plan = taper("clonazepam", STANDARD, morning="1", night="1")
    assert isinstance(plan, Plan)
    for step in plan.steps:
        assert step.below_small_step_limit == (step.daily <= Decimal("0.25"))


def test_the_short_pace_cuts_a_quarter_in_two_weeks_at_most_and_goes_faster_only_below_the_limit():
    plan = taper("diazepam", SHORT, night="10")
    assert isinstance(plan, Plan)
    assert [step.days for step in plan.steps if not step.below_small_step_limit] == [14, 14]
    assert {step.days for step in plan.steps if step.below_small_step_limit} == {7}
    assert daily(plan)[:2] == ["7.5", "6"]


def test_the_night_dose_goes_last():
    plan = taper("alprazolam", STANDARD, morning="0.5", midday="0.5", night="0.5")
    assert isinstance(plan, Plan)
    assert list(plan.steps[-2].doses[0].times) == ["night"]


def test_a_liquid_stands_in_only_from_where_no_tablet_can_follow_and_stays():
    plan = taper("diazepam", SLOWER, morning="10", night="10")
    assert isinstance(plan, Plan)
    measured = [any(amount.presentation.liquid for amount in step.doses[0].amounts) for step in plan.steps]
    first = measured.index(True)
    assert plan.steps[first - 1].daily >= Decimal("9.5")
    assert any("no tablet can follow" in note for note in plan.notes)


def test_a_plan_never_holds_two_liquids_whose_strengths_could_be_taken_for_one_another():
    for agent in ("alprazolam", "lorazepam", "clonazepam", "diazepam"):
        for pace in (STANDARD, SLOWER):
            plan = taper(agent, pace, night="2")
            assert isinstance(plan, Plan), plan
            liquids = {a.presentation for s in plan.steps for d in s.doses for a in d.amounts if a.presentation.liquid}
            assert len(liquids) <= 1


@pytest.mark.parametrize(
    ("agent", "times", "says"),
    [
        ("temazepam", {"night": "30"}, "No capsule of temazepam can make a first step at this pace from 30 mg a day."),
        ("oxazepam", {"morning": "15", "midday": "15", "night": "15"}, "can make a first step"),
        (
            "chlordiazepoxide",
            {"morning": "25", "midday": "25", "night": "25"},
            "Capsules of chlordiazepoxide can follow this pace down to 45 mg a day",
        ),
        ("triazolam", {"night": "0.25"}, "can make a first step"),
    ],
)
def test_where_capsules_are_too_coarse_the_answer_names_the_crossover_and_the_liquid(agent, times, says):
    found = taper(agent, STANDARD, **times)
    assert isinstance(found, NoPlan)
    assert says in found.reason
    assert [one.kind for one in found.instead] == [InsteadKind.CROSSOVER, InsteadKind.LIQUID]


def test_a_stop_from_the_smallest_capsule_is_not_called_a_taper():
    assert isinstance(taper("temazepam", STANDARD, night="7.5"), NoPlan)


def test_zolpidem_goes_down_by_whole_tablets_and_capsules():
    plan = taper("zolpidem", STANDARD, night="10")
    assert isinstance(plan, Plan)
    assert daily(plan) == ["7.5", "5", "0"]


def test_extended_release_is_never_split_and_the_answer_names_immediate_release():
    found = taper("alprazolam", STANDARD, extended_release=True, morning="3")
    assert isinstance(found, NoPlan)
    assert found.instead[0].kind is InsteadKind.IMMEDIATE_RELEASE
    assert found.reason.startswith("No extended-release tablet of alprazolam can make a first step")


def test_above_the_largest_published_start_no_plan_is_drawn_up():
    found = taper("alprazolam", STANDARD, morning="3", night="4")
    assert isinstance(found, NoPlan)
    assert found.instead[0].kind is InsteadKind.SPECIALIST
    assert "140 mg" in found.reason


def test_nothing_taken_is_no_taper():
    assert isinstance(taper("diazepam", STANDARD), NoPlan)


@pytest.mark.parametrize(("pace", "kind"), [("specialist", InsteadKind.SPECIALIST), ("hold", InsteadKind.HOLD)])
def test_specialist_and_hold_have_no_steps_and_say_what_not_to_do(pace, kind):
    found = no_steps(pace, "neurology")
    assert found is not None
    assert found.instead[0].kind is kind
    assert "don't cut it" in found.instead[0].says


def test_the_other_paces_have_steps():
    assert no_steps("standard", "") is None


def test_supplies_are_counted_for_each_dispensing_interval():
    plan = taper("clorazepate", of_original(STANDARD.__class__("wide", Decimal(10), 70)), morning="15", night="15")
    assert isinstance(plan, Plan)
    first = plan.steps[0]
    assert [supply.days for supply in first.supplies] == [28, 28, 14]
    assert [supply.start for supply in first.supplies] == [START, date(2026, 12, 21), date(2027, 1, 18)]
    a_day = sum(amount.count for amount in first.doses[0].amounts)
    assert sum(count for _, count in first.supplies[0].items) >= a_day * 28


def test_of_tablets_of_one_strength_the_one_that_can_be_halved_is_used():
    shelf = (*solids("clonazepam", "0.5"), *solids("clonazepam", "0.5", "0.5"))
    assert [one.halves for one in usable(shelf, extended_release=False)] == [True]


@pytest.mark.parametrize(
    ("mg", "tablets"),
    [("6", {("2", "3")}), ("12", {("10", "1"), ("2", "1")}), ("34", {("10", "3"), ("2", "2")})],
)
def test_a_second_strength_is_used_where_it_saves_enough_tablets(mg, tablets):
    fit = Cabinet(solids("diazepam", "2 10", "2"), Decimal(3)).fit(Tier.SOLID, ((DayTime.NIGHT, ticks(Decimal(mg))),))
    assert fit is not None
    assert {(f"{one.mg:f}", f"{count:f}") for one, _, count in fit.counts} == tablets


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


def measured(plan: Plan) -> list[Decimal]:
    return [amount.count for step in plan.steps for dose in step.doses for amount in dose.amounts if amount.presentation.liquid]


@pytest.mark.parametrize("agent", ["alprazolam", "clonazepam", "lorazepam"])
def test_most_volumes_are_on_a_mark_of_the_smallest_syringe_that_holds_them(agent):
    plan = taper(agent, SLOWER, morning="0.5", night="0.5")
    assert isinstance(plan, Plan)
    volumes = measured(plan)
    marks = [next(marks for holds, marks in SYRINGES if volume <= holds) for volume in volumes]
    seen = [volume % mark == 0 or volume % Decimal("0.5") == 0 for volume, mark in zip(volumes, marks, strict=True)]
    halfway = [volume % (mark / 2) == 0 for volume, mark in zip(volumes, marks, strict=True)]
    assert sum(seen) >= 0.75 * len(volumes)
    assert sum(one or other for one, other in zip(seen, halfway, strict=True)) >= 0.95 * len(volumes)


def test_a_little_liquid_is_not_added_to_tablets():
    for agent in ("alprazolam", "clonazepam"):
        for pace in (STANDARD, SLOWER):
            plan = taper(agent, pace, morning="1", night="1")
            assert isinstance(plan, Plan)
            assert min(measured(plan)) >= Decimal("0.5")


def test_the_note_on_a_liquid_says_what_tablets_would_do_and_which_liquid_it_is():
    plan = taper("alprazolam", SLOWER, morning="0.5", midday="0.5", night="0.5")
    assert isinstance(plan, Plan)
    assert plan.notes[0] == (
        "From the first step on no tablet can follow this pace: one smallest step would cut 8.3%. "
        "A liquid can, where a pharmacy prepares it; ask first: alprazolam 0.1 mg/mL."
    )


def test_a_liquid_that_is_sold_needs_no_asking():
    plan = taper("diazepam", SLOWER, night="5")
    assert isinstance(plan, Plan)
    assert plan.notes == (
        "From the first step on no tablet can follow this pace: one smallest step would cut 10%. "
        "The liquid can: diazepam 1 mg/mL.",
    )


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
