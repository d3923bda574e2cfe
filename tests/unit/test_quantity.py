"""Amounts, ranges, and how they are rounded and written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.core.quantity import ZERO, Quantity, Range, exactly, plain, rounded, thousandths

amounts = st.decimals(min_value=0, max_value=10000, places=4)

WRITTEN = {
    "3": "3",
    "3.0": "3",
    "0.1250": "0.125",
    "1E+2": "100",
    "0.0005": "0.001",
    "0.0004": "0",
    "2.8745": "2.875",
    "100": "100",
    "0": "0",
}


@pytest.mark.parametrize(("value", "text"), WRITTEN.items())
def test_an_amount_is_written_to_three_places_half_up_and_without_an_exponent(value, text):
    assert plain(Decimal(value)) == text


def test_an_amount_reaches_the_engine_in_whole_thousandths():
    assert [thousandths(Decimal(value)) for value in ("3", "0.125", "0.0005", "1E+2")] == [3000, 125, 1, 100000]


def test_a_quantity_is_written_with_its_unit():
    assert str(Quantity(Decimal("25.0"), "percent")) == "25 percent"


def test_a_range_is_written_from_low_to_high_and_one_value_once():
    assert str(Range(Decimal(30), Decimal(60))) == "30 to 60"
    assert str(exactly(Decimal("3.0"))) == "3"


def test_a_range_that_runs_from_high_to_low_is_refused():
    with pytest.raises(ValueError, match="from low to high"):
        Range(Decimal(2), Decimal(1))


def test_ranges_add_end_by_end_and_scale():
    assert Range(Decimal(1), Decimal(2)) + Range(Decimal(10), Decimal(30)) == Range(Decimal(11), Decimal(32))
    assert Range(Decimal(1), Decimal(2)).times(Decimal(3)) == Range(Decimal(3), Decimal(6))
    assert Range(Decimal(1), Decimal(2)) + ZERO == Range(Decimal(1), Decimal(2))


@given(amounts)
def test_rounding_twice_is_rounding_once(value):
    assert rounded(rounded(value)) == rounded(value)


@given(amounts)
def test_what_is_written_and_what_the_engine_gets_are_the_same_amount(value):
    assert thousandths(value) == thousandths(Decimal(plain(value)))
