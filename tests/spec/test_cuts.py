"""Cuts: how far and how fast the doses of an order go down, and what a pace says to it."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.core.cuts import (
    Limit,
    PaceLimits,
    PercentOf,
    first_too_fast,
    largest_cut_in_two_weeks,
    lengths_stated,
)

STANDARD = PaceLimits(Decimal(10), 14)
"""ASAM 2025: 5 to 10 percent every two to four weeks; here its faster end."""
SLOWER = PaceLimits(Decimal(5), 28)
QUARTER = PaceLimits(Decimal(25), 14)
"""ASAM 2025: usually not above 25 percent every two weeks."""


def mg(text):
    return Decimal(str(text))


def every(days, *doses):
    return tuple((days, mg(dose)) for dose in doses)


# taken now, steps as (days, mg), ends, largest cut in two weeks in percent
LARGEST = {
    "the same dose is no cut": (3, [(None, 3)], False, 0),
    "a lower dose": (3, [(None, 1.5)], False, 50),
    "a higher dose is no cut": (3, [(None, 4)], False, 0),
    "a stop is 100 percent": (3, [(None, 0)], False, 100),
    "no step but an end is a stop": (3, [], True, 100),
    "no step and no end is nothing": (3, [], False, 0),
    "the end after the last step counts": (3, [(14, 3)], True, 100),
    "nothing taken and nothing ordered": (0, [(None, 0)], False, 0),
    "a start that goes down counts from its own dose": (0, [(7, 4), (None, 3)], False, 25),
    "two cuts within two weeks count as one": (4, [(7, 3), (None, 2)], False, 50),
    "two cuts exactly two weeks apart count each": (4, [(14, 3), (None, 2)], False, mg(100) / 3),
    "two cuts thirteen days apart count as one": (4, [(13, 3), (None, 2)], False, 50),
    "five percent a week is 9.75 in two weeks": (100, [(7, 95), (7, 90.25), (7, 90.25)], False, mg("9.75")),
    "a rise in between doesn't hide the fall": (4, [(3, 2), (3, 4), (None, 3)], False, 50),
    "a fall from a raised dose counts from there": (3, [(7, 4), (None, 2)], False, 50),
    "a drug holiday is a stop, even if the dose comes back": (3, [(2, 0), (None, 3)], False, 100),
    "a step with no length is taken as two weeks or more": (4, [(None, 3), (None, 2)], False, mg(100) / 3),
}


@pytest.mark.parametrize("case", LARGEST.values(), ids=LARGEST.keys())
def test_the_largest_cut_is_of_the_dose_before_in_any_two_weeks(case):
    now, steps, ends, expected = case
    steps = tuple((days, mg(dose)) for days, dose in steps)
    assert largest_cut_in_two_weeks(mg(now), steps, ends) == expected


def test_a_fall_below_the_smallest_step_of_the_tablets_is_exempt_from_the_largest_cut():
    steps = every(14, 3, 2, 1)
    assert largest_cut_in_two_weeks(mg(4), steps, True) == 100
    assert largest_cut_in_two_weeks(mg(4), steps, True, exempt_step=mg(1)) == 0


def test_small_falls_that_add_up_within_two_weeks_are_not_exempt():
    assert largest_cut_in_two_weeks(mg(4), every(7, 3, 2), False, exempt_step=mg(1)) == 50


# taken now, steps, ends, pace, exempt step, (step, limit) or None
TOO_FAST = {
    "exactly the limit is allowed": (20, every(14, 18), False, STANDARD, 0, None),
    "a hair above the limit is not": (20, every(14, "17.999"), False, STANDARD, 0, (0, Limit.CUT)),
    "exactly 25 percent is allowed": (4, every(14, 3), False, QUARTER, 0, None),
    "exactly the interval is allowed": (20, every(14, 18, "16.2"), False, STANDARD, 0, None),
    "a day less than the interval is not": (20, every(13, 18, "16.2"), False, STANDARD, 0, (1, Limit.INTERVAL)),
    "small cuts that add up to one allowed cut are allowed": (100, every(7, 95, "90.25"), False, STANDARD, 0, None),
    "small cuts that add up to more are not": (100, every(3, 98, 96, 94, 92, 89), False, STANDARD, 0, (4, Limit.INTERVAL)),
    "a rise never counts": (3, every(7, 4, 5), False, STANDARD, 0, None),
    "the same dose never counts": (3, every(7, 3, 3), False, STANDARD, 0, None),
    "the third step is named": (100, every(14, 90, 81, 50), False, STANDARD, 0, (2, Limit.CUT)),
    "the stop after the last step is named": (2, every(14, 2), True, STANDARD, mg("0.5"), (1, Limit.CUT)),
    "the smallest step of the tablets is exempt": (1, every(14, "0.5"), True, STANDARD, mg("0.5"), None),
    "but not twice within the interval": (1, every(7, "0.5"), True, STANDARD, mg("0.5"), (1, Limit.INTERVAL)),
    "an unstated length is not held against the order": (20, [(None, mg(18)), (None, mg("16.2"))], False, STANDARD, 0, None),
    "a cut too large is seen without any length": (20, [(None, mg(18)), (None, mg(9))], False, STANDARD, 0, (1, Limit.CUT)),
    "nothing ordered is nothing": (20, (), False, STANDARD, 0, None),
}


@pytest.mark.parametrize("case", TOO_FAST.values(), ids=TOO_FAST.keys())
def test_the_first_step_faster_than_the_pace_is_named(case):
    now, steps, ends, pace, exempt, expected = case
    found = first_too_fast(mg(now), steps, ends, pace, mg(exempt))
    assert (found and (found.step, found.limit)) == expected


def test_what_is_too_fast_is_told_in_numbers():
    found = first_too_fast(mg(20), every(10, 19, "17.5"), False, STANDARD)
    assert found is not None
    assert (found.step, found.before, found.after, found.days) == (1, 19, mg("17.5"), 10)
    assert found.percent.quantize(mg("0.1")) == mg("7.9")


def test_the_first_cut_has_no_days_since_another():
    found = first_too_fast(mg(3), every(14, "1.5"), False, STANDARD)
    assert found is not None
    assert (found.percent, found.days) == (50, None)


def test_percent_of_the_original_dose_lets_equal_steps_run_to_the_end():
    steps = every(14, *range(18, 0, -2))
    assert first_too_fast(mg(20), steps, True, STANDARD, basis=PercentOf.ORIGINAL) is None
    found = first_too_fast(mg(20), steps, True, STANDARD, basis=PercentOf.CURRENT)
    assert found is not None
    assert (found.before, found.after) == (18, 16)


def equal_fractions(start, fraction, until):
    """Doses of a schedule that takes the same fraction of the current dose at each step, to the thousandth of a mg."""
    doses = [mg(start)]
    while doses[-1] > until:
        doses.append((doses[-1] * (1 - fraction)).quantize(mg("0.001")) + mg("0.001"))
    return doses[1:]


# Published schedules on the standard pace, of the current dose, with the 1 mg steps that diazepam 2 mg halves allow exempt.
PUBLISHED = {
    "ASAM 2025: 10 percent every two weeks": (20, 14, equal_fractions(20, mg("0.10"), 8), STANDARD, None),
    "ASAM 2025: 5 percent every four weeks": (20, 28, equal_fractions(20, mg("0.05"), 12), SLOWER, None),
    "ASAM 2025: 10 percent every two weeks is too fast for the slower pace": (20, 14, [18], SLOWER, 18),
    "BNF: an eighth a fortnight is above 10 percent": (20, 14, [mg("17.5")], STANDARD, mg("17.5")),
    "BNF: an eighth a fortnight is inside the upper limit of 25 percent": (20, 14, [mg("17.5"), mg("15.3125")], QUARTER, None),
    "BNF: at most a quarter a fortnight is the upper limit itself": (20, 14, [15, mg("11.25")], QUARTER, None),
    "Scotland 2024: 1 mg every two weeks from 10 mg to nothing": (10, 14, [*range(9, -1, -1)], STANDARD, None),
    "Scotland 2024: 1 mg every four weeks, on the slower pace": (10, 28, [*range(9, -1, -1)], SLOWER, None),
    "Scotland 2024: 1 mg every two weeks is too soon for the slower pace": (10, 14, [*range(9, -1, -1)], SLOWER, 8),
    "2 mg every two weeks from 20 mg is fast from its second step": (20, 14, [*range(18, -1, -2)], STANDARD, 16),
    "2 mg every two weeks from 40 mg is fast below 20 mg": (40, 14, [*range(38, -1, -2)], STANDARD, 16),
}


@pytest.mark.parametrize("schedule", PUBLISHED.values(), ids=PUBLISHED.keys())
def test_published_schedules_of_diazepam_are_judged_by_their_first_step_that_is_too_fast(schedule):
    now, days, doses, pace, expected = schedule
    found = first_too_fast(mg(now), every(days, *doses), False, pace, exempt_step=mg(1))
    assert (found and found.after) == expected


def test_every_length_is_stated_unless_one_before_the_last_is_missing():
    assert lengths_stated([(14, mg(2)), (None, mg(1))])
    assert not lengths_stated([(None, mg(2)), (14, mg(1))])


doses = st.decimals(min_value="0.125", max_value=80, places=3)
schedules = st.lists(st.tuples(st.integers(1, 40), doses), max_size=8)


@given(doses, schedules, st.booleans())
def test_a_cut_is_never_above_100_percent_and_a_stop_always_is_100(now, steps, ends):
    largest = largest_cut_in_two_weeks(now, steps, ends)
    assert 0 <= largest <= 100
    assert not ends or largest == 100


@given(doses, schedules, st.sampled_from([2, 4, 10]))
def test_units_do_not_matter(now, steps, factor):
    scaled = [(days, dose * factor) for days, dose in steps]
    assert round(largest_cut_in_two_weeks(now, steps, False), 9) == round(
        largest_cut_in_two_weeks(now * factor, scaled, False), 9
    )


@given(doses, schedules)
def test_a_split_step_changes_nothing(now, steps):
    split = [part for days, dose in steps for part in (((1, dose), (days - 1, dose)) if days > 1 else ((days, dose),))]
    assert largest_cut_in_two_weeks(now, steps, True) == largest_cut_in_two_weeks(now, split, True)
    whole, parts = (first_too_fast(now, some, True, STANDARD) for some in (steps, split))
    assert (whole and (whole.before, whole.after, whole.limit)) == (parts and (parts.before, parts.after, parts.limit))


@given(doses, schedules)
def test_a_sequence_that_never_falls_is_never_too_fast(now, steps):
    rising = [(days, dose) for (days, _), dose in zip(steps, sorted(now + dose for _, dose in steps), strict=True)]
    assert first_too_fast(now, rising, False, STANDARD) is None


@given(doses, schedules, st.booleans())
def test_what_the_slowest_pace_allows_every_faster_one_allows(now, steps, ends):
    if first_too_fast(now, steps, ends, SLOWER) is None:
        assert first_too_fast(now, steps, ends, STANDARD) is None


@given(doses, schedules)
def test_an_order_within_the_upper_limit_has_no_larger_cut_in_two_weeks(now, steps):
    falls = all(later <= before for before, later in pairwise([now, *(dose for _, dose in steps)]))
    if falls and first_too_fast(now, steps, False, QUARTER) is None:
        assert largest_cut_in_two_weeks(now, steps, False) <= 25
