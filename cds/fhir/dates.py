"""Dates of what has happened: a partial one is the latest day that it may mean, an impossible one is none, with a gap."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from cds.core.period import shifted
from cds.fhir import json_access as views

STAND_INS = frozenset({date(1, 1, 1), date(1753, 1, 1), date(1899, 12, 30), date(1900, 1, 1), date(1970, 1, 1)})
"""Days that programs and databases write where no date is known."""
OFFSETS = timedelta(days=1)
"""By how much a day elsewhere on earth may be ahead of today."""
LONGEST_LIFE = 36525
"""Days of a hundred years, for a patient whose birth is not known: no order is older."""
BEFORE_BIRTH = "is before the patient's birth, or long before it can be"
LATER = "is after today, for what is said to have happened"
STAND_IN = "is one that programs write where no date is known"


@dataclass(frozen=True, slots=True)
class Dated:
    """A date as it was read: `day` None where there is none or it is impossible, which `fault` then tells.

    `latest` is true where the text names a month or a year only, so that it may have been earlier than `day`.
    """

    day: date | None = None
    latest: bool = False
    fault: str = ""


def latest_day(value: object) -> tuple[date | None, bool]:
    """The last day that a FHIR date may mean, and whether it names a month or year only: `2026-05` is 31 May 2026."""
    whole = views.day(value)
    first = views.earliest_day(value) if whole is None else None
    if whole is not None or first is None or not isinstance(value, str):
        return whole, False
    if len(value.strip()) == len("2026"):
        return date(first.year, 12, 31), True
    return date(first.year, first.month, monthrange(first.year, first.month)[1]), True


def happened(value: object, today: date, born: date | None) -> Dated:
    """The day on which something has happened, at the latest today."""
    last, partial = latest_day(value)
    first = views.earliest_day(value) if partial else last
    if last is None or first is None:
        return Dated()
    if first > today + OFFSETS:
        return Dated(fault=LATER)
    return _possible(min(last, today), partial, today, born)


def begins(value: object, today: date, born: date | None) -> Dated:
    """The day on which something begins, which may still lie ahead."""
    last, partial = latest_day(value)
    if last is None or (last > today and not partial):
        return Dated(last)
    first = views.earliest_day(value)
    ahead = first is not None and first > today
    return Dated(first, True) if ahead else _possible(min(last, today), partial, today, born)


def _possible(day: date, partial: bool, today: date, born: date | None) -> Dated:
    if day in STAND_INS:
        return Dated(fault=STAND_IN)
    if day < (born or shifted(today, -LONGEST_LIFE)):
        return Dated(fault=BEFORE_BIRTH)
    return Dated(day, partial)


def first_known(dates: Iterable[Dated]) -> Dated:
    """The first of several that is known; where none is, the first that is impossible."""
    found = list(dates)
    return next((one for one in found if one.day), None) or next((one for one in found if one.fault), Dated())
