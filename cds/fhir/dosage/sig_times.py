"""What the times of a sig say, word by word, and which intervals beside a dose may belong to its supply."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

from cds.core.regimen import DayTime
from cds.fhir.dosage.dose_statement import Intake
from cds.fhir.dosage.dose_units import WrittenDose
from cds.fhir.dosage.sig_words import Token
from cds.fhir.dosage.timing import WEEK, Timing, in_period, part_of_day
from cds.fhir.dosage.unreadable import ReadingLimits, Unreadable
from cds.knowledge.files.dosing import Dosing

INTERVAL_UNCLEAR = "It could not be told whether an interval in the directions is that of the dose or of its supply."
_ALIKE = ({"product"}, {"bare"}, {"mg"}, {"product", "bare"})
EVERY_DAY = ("nightly", "every", "each", "q")
"""How the name of a part of the day begins that says every day."""


def timing_of(token: Token, dosing: Dosing, limits: ReadingLimits) -> Timing:
    """What one timing phrase says."""
    if token.kind == "often":
        low, high, days = token.value
        return Timing(low, high, days)
    if token.kind == "part":
        return Timing(parts=(DayTime(token.value),))
    if token.kind == "meals":
        return Timing(dosing.meal_doses, dosing.meal_doses)
    if token.kind == "weekdays":
        return Timing(weekdays=frozenset(token.value))
    if token.kind == "clock":
        if token.hour is None:
            raise Unreadable("The directions hold a time of day that could not be read.")
        return Timing(parts=(part_of_day(token.hour, dosing),))
    if token.kind == "days_a_week":
        return _days_a_week(token)
    return _counted(token, dosing, limits)


def _days_a_week(token: Token) -> Timing:
    days = token.high or Decimal(0)
    if not 0 < days <= 7:
        raise Unreadable("The directions name a number of days a week that no week has.")
    return Timing(days=days)


def _counted(token: Token, dosing: Dosing, limits: ReadingLimits) -> Timing:
    low, high = token.low or Decimal(0), token.high or Decimal(0)
    one = Decimal(1)
    if low % 1 or high % 1:
        raise Unreadable("The directions say how often in a number that is not whole.")
    if token.kind in {"every", "every_hours", "every_days"}:
        unit = {"every_hours": "h", "every_days": "d"}.get(token.kind) or token.time or ""
        seconds = dosing.seconds[unit]
        return in_period(one, one, low * seconds, high * seconds, limits)
    unit = {"times_a_day": "d", "times_a_week": "wk"}.get(token.kind) or token.time or ""
    seconds = dosing.seconds[unit]
    return in_period(low, high, Decimal(seconds), Decimal(seconds), limits)


def days_for(most: WrittenDose, intakes: Sequence[Intake]) -> Decimal | None:
    """On how many days of a week the most of a week is taken, at its smallest dose; None where that can't be told."""
    amount = intakes[0].amount if len(intakes) == 1 else None
    if amount is None or {amount.unit.measures, most.unit.measures} not in _ALIKE:
        return None
    a_day = amount.low * ((intakes[0].timing or Timing()).settled().low or Decimal(1))
    return min((most.high / a_day).to_integral_value(ROUND_CEILING), WEEK) if a_day > 0 else None


class Intervals:
    """Refuses an interval of a week or more beside a dose of every day: it may be that of the supply.

    "1 tablet nightly, weekly", "2 at bedtime. Monthly.": read as the dose's it would be a seventh of what is taken.
    """

    def __init__(self) -> None:
        self.timed = self.every_day = self.weekly = self.aside = False

    def amount(self) -> None:
        self.aside = False

    def pause(self, kind: str) -> None:
        self.aside |= kind == "comma"

    def met(self, token: Token, timing: Timing) -> None:
        weekly = timing.days is not None and timing.days <= 1 and token.kind in {"often", "every", "every_days", "times"}
        if weekly and self.timed and self.aside:
            raise Unreadable(INTERVAL_UNCLEAR)
        self.weekly |= weekly
        repeated = timing.high is not None and timing.high > 1 and timing.days in {None, 7}
        self.every_day |= repeated or (token.kind == "part" and token.text.startswith(EVERY_DAY))
        if self.weekly and self.every_day:
            raise Unreadable(INTERVAL_UNCLEAR)
        self.timed |= bool(timing.parts) or timing.high is not None
