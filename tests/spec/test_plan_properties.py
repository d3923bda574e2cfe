"""What holds for every plan, whatever the agent, dose, basis, pace and tablets."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds.core.crossover import plan as crossover
from cds.core.cuts import PercentOf
from cds.core.regimen import DayTime
from cds.core.taper import direct
from cds.core.taper_plan import NoPlan, Plan, PlanKind, PlanStep
from tests.spec.plans import AGENTS, CROSSOVER, HYPNOTIC, LIMITS, SHORT, SLOWER, STANDARD, START, VERY_SLOW, solids

TICK = Decimal("0.00001")
LONG_ACTING = {"chlordiazepoxide", "clobazam", "clonazepam", "clorazepate", "diazepam", "flurazepam"}
PACES = [SHORT, STANDARD, SLOWER, VERY_SLOW, HYPNOTIC, replace(STANDARD, interval=7, cut=Decimal(25))]


@st.composite
def regimens(draw):
    """An agent, some of what is sold of it, and what is taken: whole units of the smallest tablet, up to beyond the cap."""
    held = AGENTS[draw(st.sampled_from(sorted(AGENTS)))]
    shelf = [one for one in held.presentations if not one.extended_release]
    kept = draw(st.lists(st.sampled_from(shelf), min_size=1, unique=True))
    smallest = min(one.mg for one in shelf if not one.liquid)
    most = int(LIMITS.no_plan_above / held.equivalent.high / smallest) + 1
    times = draw(st.lists(st.sampled_from(list(DayTime)), min_size=1, max_size=4, unique=True))
    takes = {time: smallest * draw(st.integers(1, max(1, most // len(times)))) for time in times}
    return replace(held, presentations=tuple(kept)), takes


paces = st.builds(lambda pace, basis: replace(pace, basis=basis), st.sampled_from(PACES), st.sampled_from(list(PercentOf)))


@st.composite
def direct_plans(draw):
    held, takes = draw(regimens())
    pace = draw(paces)
    plan = direct(
        takes,
        held.agent,
        held.equivalent,
        held.presentations,
        pace,
        LIMITS,
        START,
        long_acting=held.agent in LONG_ACTING,
    )
    return held, takes, pace, plan


@st.composite
def crossovers(draw):
    held, takes = draw(regimens())
    target = AGENTS[draw(st.sampled_from(["diazepam", "clonazepam", "lorazepam", "oxazepam", "temazepam"]))]
    pace = draw(paces)
    return held, target, takes, pace, crossover(takes, held, target, pace, LIMITS, CROSSOVER, START)


def doses(takes, plan: Plan) -> list[Decimal]:
    return [sum(takes.values(), Decimal(0)), *(step.daily for step in plan.steps)]


def delivered_exactly(step: PlanStep) -> None:
    for dose in step.doses:
        made: dict[DayTime, Decimal] = {}
        for amount in dose.amounts:
            assert amount.count > 0
            assert amount.presentation.agent == dose.agent
            if amount.presentation.liquid:
                assert amount.count % amount.presentation.smallest_volume == 0 and amount.count >= Decimal("0.2")
            else:
                assert amount.count % (Decimal("0.5") if amount.presentation.halves else 1) == 0
            made[amount.time] = made.get(amount.time, Decimal(0)) + amount.count * amount.presentation.mg
        assert made == dict(dose.times)


def supplied(step: PlanStep) -> None:
    """Every day has its supply, no more than the dispensing interval at a time, and enough of each."""
    a_day: dict = {}
    for dose in step.doses:
        for amount in dose.amounts:
            a_day[amount.presentation] = a_day.get(amount.presentation, Decimal(0)) + amount.count
    if not a_day:
        assert step.supplies == ()
        return
    assert sum(supply.days for supply in step.supplies) == step.days
    day = step.start
    for supply in step.supplies:
        assert supply.start == day and 0 < supply.days <= LIMITS.dispensing_interval
        day += timedelta(days=supply.days)
        assert dict(supply.items) == {one: (count * supply.days).to_integral_value(ROUND_CEILING) for one, count in a_day.items()}


@settings(deadline=None, max_examples=200)
@given(direct_plans())
def test_the_dose_never_rises_in_equivalents_on_either_end_nor_the_largest_single_one_unless_doses_are_put_together(given):
    held, takes, _, plan = given
    if isinstance(plan, NoPlan):
        return
    before, total = takes, held.equivalent.times(sum(takes.values(), Decimal(0)))
    for step in plan.steps:
        (dose,) = step.doses
        largest = max(dose.times.values(), default=Decimal(0))
        assert largest <= max(before.values()) or len(dose.times) < len(before)
        assert step.equivalent.low <= total.low and step.equivalent.high <= total.high
        before, total = dose.times, step.equivalent


@settings(deadline=None, max_examples=200)
@given(direct_plans())
def test_no_cut_is_larger_than_a_quarter_above_the_limit_nor_than_a_small_step_below_it_where_tablets_are_smaller(given):
    held, takes, pace, plan = given
    if isinstance(plan, NoPlan):
        return
    taken = doses(takes, plan)
    small, high = LIMITS.small_step_limit, held.equivalent.high
    for before, after, step in zip(taken, taken[1:], plan.steps, strict=False):
        assert after < before
        assert step.below_small_step_limit == (after * high <= small + TICK)
        if before * high > small + TICK and not pace.by_strengths:
            assert before - after <= before * LIMITS.largest_cut_in_two_weeks / 100


@settings(deadline=None, max_examples=200)
@given(direct_plans())
def test_a_step_that_cuts_much_is_held_for_the_longer_interval(given):
    held, takes, pace, plan = given
    if isinstance(plan, NoPlan) or pace.longer_above is None:
        return
    taken = doses(takes, plan)
    for before, after, step in zip(taken, taken[1:], plan.steps[:-1], strict=False):
        much = (before - after) * 100 > pace.longer_above * before
        if much and (before - after) * held.equivalent.high > LIMITS.small_step + TICK:
            assert step.days >= (pace.longer_interval or pace.interval)


@settings(deadline=None, max_examples=200)
@given(direct_plans())
def test_no_plan_holds_a_liquid_where_tablets_make_a_step_of_at_most_a_quarter(given):
    held, takes, pace, plan = given
    if isinstance(plan, NoPlan) or pace.compounded:
        return
    alone = [one for one in held.presentations if not one.liquid]
    solid = direct(takes, held.agent, held.equivalent, alone, pace, LIMITS, START, long_acting=held.agent in LONG_ACTING)
    if isinstance(solid, Plan):
        assert not any(a.presentation.liquid for step in plan.steps for dose in step.doses for a in dose.amounts)
    assert not any(a.presentation.compounded for step in plan.steps for dose in step.doses for a in dose.amounts)


@settings(deadline=None, max_examples=200)
@given(direct_plans())
def test_no_plan_but_a_very_slow_one_takes_more_than_two_years(given):
    _, _, pace, plan = given
    if isinstance(plan, Plan) and pace.pace != "very-slow":
        assert (plan.ends - plan.start).days <= LIMITS.longest_plan


@settings(deadline=None, max_examples=200)
@given(direct_plans())
def test_never_more_than_a_quarter_of_the_dose_goes_within_two_weeks_outside_the_exemption(given):
    held, takes, pace, plan = given
    if isinstance(plan, NoPlan) or pace.by_strengths:
        return
    taken = doses(takes, plan)
    for number, step in enumerate(plan.steps):
        if taken[number] * held.equivalent.high <= LIMITS.small_step_limit + TICK:
            break
        for earlier in range(number + 1):
            if (step.start - plan.steps[earlier].start).days < 14:
                assert taken[number + 1] >= taken[earlier] * Decimal("0.75")


@settings(deadline=None, max_examples=200)
@given(direct_plans())
def test_no_step_is_shorter_than_the_interval_and_the_days_add_up(given):
    _, _, pace, plan = given
    if isinstance(plan, NoPlan):
        return
    day = START
    for step in plan.steps:
        assert step.start == day and step.days >= pace.interval
        day += timedelta(days=step.days)


@settings(deadline=None, max_examples=200)
@given(direct_plans())
def test_every_dose_is_delivered_exactly_by_at_most_two_things_that_exist_and_that_are_supplied(given):
    held, _, _, plan = given
    if isinstance(plan, NoPlan):
        assert plan.reason and plan.instead
        return
    for step in plan.steps:
        delivered_exactly(step)
        supplied(step)
        used = {amount.presentation for dose in step.doses for amount in dose.amounts}
        assert used <= set(held.presentations) and len(used) <= 2


@settings(deadline=None, max_examples=200)
@given(direct_plans())
def test_it_ends_at_0_on_a_stated_day_and_the_night_dose_goes_last_where_one_was_taken(given):
    _, takes, _, plan = given
    if isinstance(plan, NoPlan):
        return
    last = plan.steps[-1]
    assert last.daily == 0 and last.cut == 100 and last.below_small_step_limit and plan.ends == last.start
    assert all(step.daily > 0 for step in plan.steps[:-1])
    equal_or_more_at_night = takes.get(DayTime.NIGHT, 0) == max(takes.values())
    if equal_or_more_at_night and len(plan.steps) > 1:
        assert DayTime.NIGHT in plan.steps[-2].doses[0].times


@settings(deadline=None, max_examples=150)
@given(crossovers())
def test_a_crossover_never_raises_the_total_on_either_end_and_hides_no_cut(given):
    held, target, takes, _, plan = given
    if isinstance(plan, NoPlan):
        return
    assert plan.kind is PlanKind.CROSSOVER
    start = held.equivalent.times(sum(takes.values(), Decimal(0)))
    total, exchanged = start, [step for step in plan.steps if step.review is not None]
    for step in plan.steps:
        assert step.equivalent.low <= total.low + TICK and step.equivalent.high <= total.high + TICK
        total = step.equivalent
    ratio = min(held.equivalent.low / target.equivalent.low, held.equivalent.high / target.equivalent.high)
    ideal = ratio * sum(takes.values(), Decimal(0))
    assert exchanged[-1].doses[0].daily >= ideal * (100 - CROSSOVER.rounding) / 100 - TICK
    assert exchanged[-1].days >= CROSSOVER.wait


@settings(deadline=None, max_examples=150)
@given(crossovers())
def test_a_crossover_exchanges_one_dose_at_a_time_and_every_dose_can_be_dispensed(given):
    held, target, takes, _, plan = given
    if isinstance(plan, NoPlan):
        return
    left = takes
    for step in plan.steps:
        delivered_exactly(step)
        supplied(step)
        old = next((dict(dose.times) for dose in step.doses if dose.agent == held.agent != target.agent), {})
        changed = [time for time in DayTime if old.get(time, 0) != left.get(time, 0)]
        assert len(changed) <= 1
        left = old
    day = START
    for step in plan.steps:
        assert step.start == day
        day += timedelta(days=step.days)
    assert plan.steps[-1].doses[0].daily == 0


def test_the_check_of_delivery_sees_a_tablet_halved_that_has_no_score():
    halves = solids("diazepam", "2 5 10", "2")
    plan = direct({DayTime.NIGHT: Decimal(5)}, "diazepam", AGENTS["diazepam"].equivalent, halves, STANDARD, LIMITS, START)
    assert isinstance(plan, Plan)
    step = plan.steps[-2]
    (dose,) = step.doses
    (amount,) = dose.amounts
    unscored = replace(amount, presentation=replace(amount.presentation, halves=False))
    with pytest.raises(AssertionError):
        delivered_exactly(replace(step, doses=(replace(dose, amounts=(unscored,)),)))


@pytest.mark.parametrize("agent", sorted(AGENTS))
@pytest.mark.parametrize("many", [1, 2, 3, 4])
def test_from_all_that_is_sold_every_agent_gets_a_plan_from_every_strength(agent, many):
    held = AGENTS[agent]
    hypnotic = agent in {"estazolam", "eszopiclone", "flurazepam", "temazepam", "triazolam", "zolpidem"}
    times = [DayTime.NIGHT] if hypnotic else [DayTime.MORNING, DayTime.NIGHT]
    strengths = {one.mg for one in held.presentations if not one.liquid and not one.extended_release}
    for mg in strengths:
        takes = dict.fromkeys(times, mg * many)
        if sum(takes.values()) * held.equivalent.high > LIMITS.no_plan_above:
            continue
        pace = HYPNOTIC if hypnotic else STANDARD
        plan = direct(takes, agent, held.equivalent, held.presentations, pace, LIMITS, START, long_acting=agent in LONG_ACTING)
        only_the_smallest = many == 1 and mg == min(strengths)
        assert isinstance(plan, Plan) or only_the_smallest, (agent, takes, plan)
