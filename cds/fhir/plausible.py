"""What a written dose may come to before it is taken for a slip of the pen, from `rules/parameters/reading.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cds.knowledge.model import Knowledge


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """Units: doses a day, days between doses, tablets or mL in one dose, mg a day."""

    most_doses_a_day: Decimal
    longest_interval: Decimal
    most_units: Decimal
    most_mg_a_day: Decimal


def reading_limits(knowledge: Knowledge, day: date) -> ReadingLimits:
    """The limits in force on a day."""
    return ReadingLimits(
        most_doses_a_day=knowledge.value("most_doses_a_day", day),
        longest_interval=knowledge.value("longest_dosing_interval", day),
        most_units=knowledge.value("most_units_in_a_dose", day),
        most_mg_a_day=knowledge.value("most_mg_in_a_day", day),
    )
