"""What an order tells the patient to take: doses, and the steps in which they change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from cds.core.quantity import ZERO, Range

EVERY_DAY = Decimal(7)
"""Days a week."""


class Basis(StrEnum):
    """Where a dose was read, most certain first."""

    STRUCTURE = "structure"
    TEXT = "text"
    SUPPLY = "quantity over days supplied"


class DayTime(StrEnum):
    """A part of the day at which a dose is taken."""

    MORNING = "morning"
    MIDDAY = "midday"
    EVENING = "evening"
    NIGHT = "night"


@dataclass(frozen=True, slots=True)
class Dose:
    """What is taken on a day on which it is taken.

    `mg` is mg in that day, at the least and at the most (as needed counts at its maximum in `high`).
    `days_a_week` is on how many days of a week, 7 for daily use. `times` gives mg by part of day where the order says it.
    `says` is the sum as a clinician writes it: `1 mg x 3`; `doses_a_day` is None where it varies or is not stated.
    """

    mg: Range
    days_a_week: Decimal = EVERY_DAY
    as_needed: bool = False
    basis: Basis = Basis.STRUCTURE
    times: tuple[tuple[DayTime, Decimal], ...] = ()
    says: str = ""
    doses_a_day: int | None = None

    @property
    def average(self) -> Decimal:
        """mg a day at the most, over a week in which it is not taken on every day."""
        return self.mg.high * self.days_a_week / EVERY_DAY if self.intermittent else self.mg.high

    @property
    def intermittent(self) -> bool:
        return self.days_a_week < EVERY_DAY


NOTHING = Dose(mg=ZERO, says="0 mg")


@dataclass(frozen=True, slots=True)
class RegimenStep:
    """A dose, from when, and for how many days. A None start is the day on which the order starts; None days, no end stated."""

    dose: Dose
    start: date | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Regimen:
    """The doses of an order in the order in which they are taken; concurrent lines are already summed.

    `ends` is true where its last step has a stated length (a bounds duration, "for 30 days"), and `stops` where the order says
    that taking then stops ("for 14 days, then stop"); neither where merely a supply runs out. `single_doses` is how many doses
    there are in all, where the order is for a countable few, such as one before a procedure; it then ends.
    """

    steps: tuple[RegimenStep, ...]
    ends: bool = False
    single_doses: int | None = None
    stops: bool = False

    @property
    def first(self) -> Dose:
        return self.steps[0].dose
