"""Periods of whole days."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.core.period import Period, days_covered, joined, last_days, shifted, written

FIRST = date(2026, 3, 1)


def period(start, until):
    return Period(FIRST + timedelta(days=start), FIRST + timedelta(days=until))


periods = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)).map(lambda pair: period(pair[0], sum(pair))), max_size=8)


def test_a_period_has_its_start_and_not_its_end():
    one = period(0, 10)
    assert (one.days, FIRST in one, FIRST + timedelta(days=10) in one) == (10, True, False)


def test_a_period_that_runs_backward_is_refused():
    with pytest.raises(ValueError, match="runs forward"):
        period(1, 0)


def test_what_two_periods_share():
    assert period(0, 10).within(period(5, 20)) == period(5, 10)
    assert period(0, 10).within(period(10, 20)) is None


def test_the_last_days_end_before_the_day():
    window = last_days(FIRST, 30)
    assert (window.days, FIRST in window, FIRST - timedelta(days=1) in window) == (30, False, True)


def test_days_do_not_leave_the_calendar():
    assert shifted(date.max, 1) == date.max
    assert shifted(date.min, -1) == date.min
    assert shifted(FIRST, -1) == date(2026, 2, 28)


def test_periods_that_touch_are_one_and_a_gap_is_bridged_only_if_it_is_no_longer():
    apart = [period(10, 20), period(0, 10), period(23, 30)]
    assert joined(apart) == (period(0, 20), period(23, 30))
    assert joined(apart, gap=2) == (period(0, 20), period(23, 30))
    assert joined(apart, gap=3) == (period(0, 30),)


def test_a_day_is_written_as_on_a_card():
    assert written(date(2026, 3, 9)) == "9 March 2026"


@given(periods)
def test_joined_periods_are_apart_and_in_order_and_cover_the_same_days(some):
    result = joined(some)
    assert all(one.until < other.start for one, other in pairwise(result))
    days = {one.start + timedelta(days=n) for one in some for n in range(one.days)}
    assert sum(one.days for one in result) == len(days)


@given(periods, st.integers(0, 300))
def test_days_covered_are_the_days_of_the_window_on_which_some_period_runs(some, length):
    window = last_days(FIRST + timedelta(days=200), length)
    expected = sum(any(shifted(window.start, n) in one for one in some) for n in range(window.days))
    assert days_covered(some, window) == expected
