"""How often a dose is taken: FHIR Timing, as doses a day and days a week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal

from cds.core.regimen import DayTime
from cds.fhir import json_access as views
from cds.fhir.dosage.unreadable import ReadingLimits, Unreadable, contradiction
from cds.fhir.json_access import Json
from cds.knowledge.files.dosing import Dosing

DAY = 86400
WEEK = Decimal(7)
MOST_DAYS = 36500
TOO_OFTEN = "The timing comes to more doses a day than can be meant."
TOO_SELDOM = "The timing leaves more days between two doses than can be meant."
DISAGREES = "The parts of the timing say different numbers of doses a day."


@dataclass(frozen=True, slots=True)
class Timing:
    """Doses on a day on which it is taken, at the least and at the most, and on how many days of a week.

    `low` and `high`, and `days`, are None where they were not said. `parts` are the parts of the day, one a dose.
    """

    low: Decimal | None = None
    high: Decimal | None = None
    days: Decimal | None = None
    parts: tuple[DayTime, ...] = ()
    weekdays: frozenset[str] = frozenset()

    def settled(self) -> Timing:
        """With what was left unsaid: once for each part of the day, else once a day; every day of the week."""
        count = Decimal(len(self.parts)) if self.parts else Decimal(1)
        if self.parts and self.high is not None and not (self.low == self.high == count):
            raise contradiction(DISAGREES)
        days = Decimal(len(self.weekdays)) if self.weekdays else self.days
        return Timing(
            self.low if self.low is not None else count,
            self.high if self.high is not None else count,
            WEEK if days is None else days,
            self.parts,
            self.weekdays,
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """From when and for how long a dosage holds; `ends` where it says that taking stops then."""

    start: date | None = None
    end: date | None = None
    days: int | None = None
    ends: bool = False


def in_period(low: Decimal, high: Decimal, shortest: Decimal, longest: Decimal, limits: ReadingLimits) -> Timing:
    """So many doses in a period. Units: the period in seconds. Refuses what no drug of ours is taken at."""
    if not (0 < low <= high and 0 < shortest <= longest):
        raise Unreadable("The timing has a frequency or a period that is zero, or runs from high to low.")
    if high * DAY > limits.most_doses_a_day * shortest:
        raise Unreadable(TOO_OFTEN)
    if longest > limits.longest_interval * DAY * high:
        raise Unreadable(TOO_SELDOM)
    if shortest == DAY < longest and low == high == 1:
        return Timing(low, high, WEEK)
    if shortest <= DAY:
        return Timing(low * DAY / longest, high * DAY / shortest, WEEK if shortest < DAY or longest > DAY else None)
    if high * DAY <= shortest:
        return Timing(Decimal(1), Decimal(1), high * 7 * DAY / shortest)
    return Timing(low * DAY / longest, high * DAY / shortest, WEEK)


def repeat_timing(repeat: Json, dosing: Dosing, limits: ReadingLimits) -> Timing | None:
    """The timing of Timing.repeat, or None where it says none."""
    if views.any_absent(repeat):
        raise Unreadable("The timing says that a part of it is not known.")
    _refuse_duration(repeat, dosing)
    base = _frequency(repeat, dosing, limits)
    parts, free = _times_of_day(repeat, dosing)
    weekdays = _weekdays(repeat)
    if base is None and not parts and free is None and not weekdays:
        return None
    base = base or Timing()
    if free is not None and "frequency" not in repeat:
        base = Timing(free, free, base.days)
    if base.high is not None and parts and not (base.low == base.high == len(parts)):
        raise contradiction(DISAGREES)
    return _on_weekdays(Timing(base.low, base.high, base.days, parts), weekdays, repeat)


def _refuse_duration(repeat: Json, dosing: Dosing) -> None:
    """Refuses a length of one administration. One of days is a course length in the wrong place, and changes no dose."""
    if repeat.get("duration") is not None:
        unit = dosing.seconds.get(views.text(repeat, "durationUnit") or "")
        if unit is None or unit < DAY:
            raise Unreadable("The dose is given over a length of time, as an infusion is.")


def _frequency(repeat: Json, dosing: Dosing, limits: ReadingLimits) -> Timing | None:
    """The doses in a period, where a period is stated. A period without a frequency has one dose, as FHIR says."""
    unit = views.text(repeat, "periodUnit") or views.text(repeat, "periodUnits")
    if repeat.get("period") is None and unit is None:
        if repeat.get("frequency") is not None and not (repeat.get("when") or repeat.get("timeOfDay")):
            raise Unreadable("The timing has a frequency without a period.")
        return None
    period, seconds = views.number(repeat.get("period")), dosing.seconds.get(unit or "")
    frequency = views.number(repeat.get("frequency", 1))
    if period is None or seconds is None or frequency is None:
        raise Unreadable("The timing has a frequency, period or unit that could not be read.")
    most = views.number(repeat.get("frequencyMax")) if repeat.get("frequencyMax") is not None else frequency
    longest = views.number(repeat.get("periodMax")) if repeat.get("periodMax") is not None else period
    if most is None or longest is None:
        raise Unreadable("The timing has a frequency or period that could not be read.")
    return in_period(frequency, max(most, frequency), period * seconds, max(longest, period) * seconds, limits)


def _times_of_day(repeat: Json, dosing: Dosing) -> tuple[tuple[DayTime, ...], Decimal | None]:
    """The parts of the day by `when` and `timeOfDay`, and the doses a day of codes that name no part."""
    codes, clocks = _listed(repeat.get("when")), _listed(repeat.get("timeOfDay"))
    parts: list[DayTime] = []
    free = Decimal(0)
    for code in codes:
        when = dosing.when.get(str(code))
        if when is None or when.single:
            raise Unreadable("The timing has a code for a part of the day that could not be read.")
        if when.part is None:
            free += when.doses
        else:
            parts.append(DayTime(when.part))
    for clock in clocks:
        hour = str(clock)[:2]
        if not (hour.isdecimal() and int(hour) < 24):
            raise Unreadable("The timing has a time of day that could not be read.")
        parts.append(part_of_day(int(hour), dosing))
    if free and parts:
        return (), free + len(parts)
    return tuple(parts), free or None


def part_of_day(hour: int, dosing: Dosing) -> DayTime:
    """The part of the day that an hour belongs to; before the first it is night."""
    return DayTime(next((part for start, part in dosing.hours if hour >= start), "night"))


def _weekdays(repeat: Json) -> frozenset[str]:
    days = frozenset(str(day).lower() for day in _listed(repeat.get("dayOfWeek")))
    if days - {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}:
        raise Unreadable("The timing has a day of the week that could not be read.")
    return days


def _on_weekdays(timing: Timing, weekdays: frozenset[str], repeat: Json) -> Timing:
    """The timing on the named days: a frequency by the week is shared out over them."""
    if not weekdays:
        return timing
    count = Decimal(len(weekdays))
    if timing.days is not None and timing.days < 7:
        doses = timing.days * (timing.high or 1)
        if doses % count:
            raise contradiction("The days of the week and the frequency say different numbers of doses a week.")
        return Timing(doses / count, doses / count, count, timing.parts, weekdays)
    if (views.text(repeat, "periodUnit") or "d") not in {"d", "h", "min"} and timing.high is not None:
        doses = timing.high * 7
        return Timing(doses / count, doses / count, count, timing.parts, weekdays)
    return Timing(timing.low, timing.high, count, timing.parts, weekdays)


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def bounds(repeat: Json, dosing: Dosing) -> Bounds:
    """From when and for how long the dosage holds. A range of lengths counts as its shortest."""
    period, span = views.child(repeat, "boundsPeriod"), views.child(repeat, "boundsRange")
    start, end = views.day(period.get("start")), views.day(period.get("end"))
    length = _length(views.child(repeat, "boundsDuration") or views.child(span, "low") or views.child(span, "high"), dosing)
    if length is None and start and end and end >= start:
        return Bounds(start, end, views.inclusive_days(start, end))
    return Bounds(start, end, length, ends=length is not None)


def _length(duration: Json, dosing: Dosing) -> int | None:
    value = views.number(duration.get("value"))
    code, unit = views.text(duration, "code") or "", (views.text(duration, "unit") or "").lower()
    seconds = dosing.seconds.get(code) or dosing.seconds.get(unit)
    return None if value is None or value <= 0 or seconds is None else whole_days(value, seconds)


def whole_days(value: Decimal, seconds: int) -> int:
    """A length of time in days, begun days counted. Refuses more than a calendar holds."""
    days = int((value * seconds / DAY).to_integral_value(ROUND_CEILING))
    if days > MOST_DAYS:
        raise Unreadable("The order is for a longer time than can be meant.")
    return days


def doses_in_all(timing: Json, repeat: Json) -> int | None:
    """The number of doses in all, where Timing says it: a count, or the dates of events."""
    most = views.number(repeat.get("countMax")) or views.number(repeat.get("count"))
    if most is not None and most >= 1:
        return int(most)
    events = _listed(timing.get("event"))
    if events and not all(views.day(event) for event in events):
        raise Unreadable("The timing lists a date that could not be read.")
    return len(events) or None
