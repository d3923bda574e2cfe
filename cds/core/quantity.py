"""Amounts with a unit, ranges of an amount, and the one place where an amount is rounded or written out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

THOUSANDTH = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount and its unit, as a rule file writes it: `25 percent`, `90 days`, `15 mg diazepam`."""

    value: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{plain(self.value)} {self.unit}"


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the most that an amount may be, in one unit that the holder names."""

    low: Decimal
    high: Decimal

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"a range runs from low to high; seen {self.low} to {self.high}")

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def times(self, factor: Decimal) -> Range:
        return Range(self.low * factor, self.high * factor)

    def __str__(self) -> str:
        return plain(self.low) if self.low == self.high else f"{plain(self.low)} to {plain(self.high)}"


ZERO = Range(Decimal(0), Decimal(0))


def exactly(value: Decimal) -> Range:
    """A range of one value."""
    return Range(value, value)


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum, None where one of the amounts is not known.

    >>> total([Decimal(1), Decimal(2)]), total([Decimal(1), None])
    (Decimal('3'), None)
    """
    found = list(amounts)
    known = [amount for amount in found if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(found) else None


def thousandths(value: Decimal) -> int:
    """The value in whole thousandths, half up: the only form in which an amount reaches the rule engine."""
    return int((value * 1000).to_integral_value(ROUND_HALF_UP))


def rounded(value: Decimal) -> Decimal:
    """The value to three decimal places, half up, without trailing zeros.

    >>> rounded(Decimal("2.8750"))
    Decimal('2.875')
    """
    return Decimal(plain(value))


def exact(value: Decimal) -> str:
    """The value with every digit, without trailing zeros and never with an exponent: as a dose that is to be measured is written.

    >>> exact(Decimal("0.0625")), exact(Decimal("30.0"))
    ('0.0625', '30')
    """
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_json(value: Decimal) -> int | float:
    """The value as a JSON number, not rounded: a dose of 0.0625 mg stays what it is."""
    return int(value) if value == value.to_integral_value() else float(value)


def plain(value: Decimal) -> str:
    """The value as a person writes it, to three places, never with an exponent.

    >>> plain(Decimal("30.0")), plain(Decimal("0.1250")), plain(Decimal("1E+2"))
    ('30', '0.125', '100')
    """
    text = format(value.quantize(THOUSANDTH, rounding=ROUND_HALF_UP), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
