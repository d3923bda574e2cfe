"""Periods of whole days, joined and counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor

DAYS_A_YEAR, MONTHS_A_YEAR = 365.25, 12
HALF_A_YEAR = 182
FRIDAY = 4
DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The days from `start` up to, and not including, `until`. Refuses: an end before its start."""

    start: date
    until: date

    def __post_init__(self) -> None:
        if self.until < self.start:
            raise ValueError(f"a period runs forward; seen {self.start} to {self.until}")

    @property
    def days(self) -> int:
        return (self.until - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.until

    def within(self, other: Period) -> Period | None:
        """The days that both have, or None."""
        start, until = max(self.start, other.start), min(self.until, other.until)
        return Period(start, until) if start < until else None


def shifted(day: date, days: int) -> date:
    """The day so many days later (earlier, if negative); the calendar's own first or last day beyond its ends."""
    ordinal = day.toordinal() + days
    return date.fromordinal(min(max(ordinal, date.min.toordinal()), date.max.toordinal()))


def on_a_working_day(day: date) -> date:
    """The day itself from Monday to Friday, else the Friday before. Public holidays are not known.

    >>> on_a_working_day(date(2026, 11, 28))
    datetime.date(2026, 11, 27)
    """
    return shifted(day, -max(0, day.weekday() - FRIDAY))


def last_days(day: date, days: int) -> Period:
    """The given number of days before the day; the day itself is not yet one of them."""
    return Period(shifted(day, -days), day)


def joined(periods: Iterable[Period], gap: int = 0) -> tuple[Period, ...]:
    """The periods as ones that neither overlap nor touch, in order; breaks of up to `gap` days are bridged.

    >>> a, b = Period(date(2026, 3, 1), date(2026, 3, 11)), Period(date(2026, 3, 14), date(2026, 3, 20))
    >>> [period.days for period in joined([b, a])], [period.days for period in joined([b, a], gap=3)]
    ([10, 6], [19])
    """
    result: list[Period] = []
    for period in sorted(periods):
        if result and period.start - result[-1].until <= timedelta(days=gap):
            if period.until > result[-1].until:
                result[-1] = Period(result[-1].start, period.until)
        else:
            result.append(period)
    return tuple(result)


def days_covered(periods: Iterable[Period], window: Period) -> int:
    """On how many days of the window at least one of the periods runs."""
    inside = (period.within(window) for period in periods)
    return sum(period.days for period in joined(period for period in inside if period))


def written(day: date) -> str:
    """The day as a card writes it.

    >>> written(date(2026, 3, 3))
    '3 March 2026'
    """
    return f"{day.day} {day:%B %Y}"


def in_words(days: int) -> str:
    """A long time as a person says it, to the nearest month; a short one in weeks.

    >>> in_words(1652), in_words(730), in_words(90)
    ('4 years 6 months', '2 years', '13 weeks')
    """
    months = round(days * MONTHS_A_YEAR / DAYS_A_YEAR)
    if months < MONTHS_A_YEAR:
        return _counted(round(days / DAYS_A_WEEK), "week")
    years, rest = divmod(months, MONTHS_A_YEAR)
    return " ".join(filter(None, (_counted(years, "year"), _counted(rest, "month") if rest else "")))


def _counted(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def range_in_words(least: int, most: int) -> str:
    """From how long to how long, in whole weeks up to half a year, else in whole months: the shorter rounded down, the longer up.

    >>> range_in_words(46 * 7, 92 * 7), range_in_words(84, 168), range_in_words(56, 56)
    ('10 to 22 months', '12 to 24 weeks', '8 weeks')
    """
    unit, days = ("week", Fraction(DAYS_A_WEEK)) if most <= HALF_A_YEAR else ("month", Fraction(str(DAYS_A_YEAR)) / MONTHS_A_YEAR)
    low, high = max(1, floor(least / days)), ceil(most / days)
    return f"{low} to {high} {unit}s" if low < high else _counted(high, unit)
