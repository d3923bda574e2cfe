"""Of one call no more directions are read than are bounded, in number and in words; which, doesn't hang on other calls."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cds.fhir.dosage.unreadable import reading_limits
from cds.fhir.reader import LINE, MOST_DIRECTIONS, MOST_LINES, TOO_MANY, TOO_MANY_LINES, ReadingContext
from cds.fhir.references import Library
from cds.knowledge.model import Knowledge

DAY = date(2026, 11, 23)
LONG = " for anxiety" * 70


@pytest.fixture
def context(book: Knowledge) -> ReadingContext:
    return ReadingContext(book, reading_limits(book, DAY), Library(()), DAY)


def order(number: int, *texts: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": f"o{number}",
        "medicationCodeableConcept": {"text": "lorazepam 1 mg tablet"},
        "dosageInstruction": [{"text": text} for text in texts],
    }


def told(context: ReadingContext, resource: dict[str, Any]) -> list[str]:
    return [gap.says for gap in context.doses(resource).gaps]


def test_directions_beyond_the_bound_are_a_gap_of_their_order(context: ReadingContext) -> None:
    many = [order(number, f"Take {1 + number % 3} tablets at night {number}{LONG}") for number in range(200)]
    unread = [resource for resource in many if TOO_MANY in told(context, resource)]
    cost = LINE + len(many[-1]["dosageInstruction"][0]["text"])
    assert len(many) - len(unread) == pytest.approx(MOST_DIRECTIONS / cost, abs=1)
    assert unread == many[len(many) - len(unread) :]


def test_the_same_directions_again_cost_nothing(context: ReadingContext) -> None:
    same = [order(number, "Take 1 tablet at night" + LONG) for number in range(1000)]
    assert all(TOO_MANY not in told(context, resource) for resource in same)


def test_what_another_call_asked_changes_no_answer(book: Knowledge) -> None:
    def asked() -> list[list[str]]:
        context = ReadingContext(book, reading_limits(book, DAY), Library(()), DAY)
        return [told(context, order(number, f"1 tablet at night {number}{LONG}")) for number in range(100)]

    assert asked() == asked()


def test_an_order_of_more_lines_than_any_has_is_a_gap(context: ReadingContext) -> None:
    assert told(context, order(1, *["1 tablet at night"] * (MOST_LINES + 1))) == [TOO_MANY_LINES]


def test_an_order_without_directions_is_read_after_all_others(context: ReadingContext) -> None:
    for number in range(200):
        context.doses(order(number, f"1 tablet at night {number}{LONG}"))
    bare = {**order(1), "dispenseRequest": {"quantity": {"value": 30, "unit": "tablet"}, "expectedSupplyDuration": {"value": 30}}}
    assert context.doses(bare).value is not None
