"""Why a dosage could not be read: raised where it is met, and turned into a gap where the dosage as a whole is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cds.core.gap import Gap, GapKind, Reading
from cds.core.regimen import Regimen
from cds.knowledge.model import Knowledge


class Unreadable(Exception):
    """One sentence for a clinician, with no text of the record in it.

    `silent` is true where nothing that bears on the dose was said, so that another element of the order may be read instead.
    """

    def __init__(self, says: str, kind: GapKind = GapKind.DOSE, *, silent: bool = False) -> None:
        super().__init__(says)
        self.says = says
        self.kind = kind
        self.silent = silent

    def reading(self, reference: str) -> Reading[Regimen]:
        return Reading(None, (Gap(self.kind, self.says, reference),))


def contradiction(says: str) -> Unreadable:
    return Unreadable(says, GapKind.CONTRADICTION)


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
