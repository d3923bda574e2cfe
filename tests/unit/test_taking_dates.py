"""Dates far away: a length that no calendar holds costs nothing but itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from cds.core.current_use import last_day
from cds.core.medication import Medication
from cds.core.record import Order, OrderState


def test_a_supply_of_thousands_of_years_ends_with_the_calendar() -> None:
    order = Order(
        reference="MedicationRequest/a",
        status="completed",
        state=OrderState.ENDED,
        medication=Medication(name="alprazolam", agent="alprazolam"),
        starts=date(2026, 1, 1),
        days=Decimal(2912177),
        supplies=99,
    )
    assert last_day(order) == date.max
