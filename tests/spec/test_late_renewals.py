"""A late renewal is told from a new start by the same words, whatever kind of record holds the use before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.spec.calls import Answer, Desk, Json, desk, dispense, draft, order

LOR = "lorazepam 1 mg tablet"
THREE = "1 tablet three times daily"
MONTHS = range(8)


@pytest.fixture(scope="module")
def asked() -> Iterator[Desk]:
    with desk() as one:
        yield one


def requests(gap: int, status: str) -> list[Json]:
    return [order(f"o{n}", LOR, THREE, since=30 * n + 30 + gap, days=30, status=status) for n in MONTHS]


def one_request(gap: int, status: str) -> list[Json]:
    return [order("o0", LOR, THREE, since=240 + gap, days=30, refills=7, status=status)]


def dispenses(gap: int) -> list[Json]:
    return [dispense(f"h{n}", LOR, 30 * n + 30 + gap, 30, THREE) for n in MONTHS]


RECORDS = {
    "active requests": lambda gap: {"requests": requests(gap, "active")},
    "completed requests": lambda gap: {"requests": requests(gap, "completed")},
    "one active request": lambda gap: {"requests": one_request(gap, "active")},
    "one completed request": lambda gap: {"requests": one_request(gap, "completed")},
    "dispenses": lambda gap: {"dispenses": dispenses(gap)},
    "dispenses of a completed request": lambda gap: {"dispenses": dispenses(gap), "requests": one_request(gap, "completed")},
}


def renewed(asked: Desk, record: str, gap: int, **more: Any) -> Answer:
    return asked.ask([draft("d", LOR, THREE, days=30, **more)], **RECORDS[record](gap))


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("gap", [20, 45, 80])
def test_weeks_after_the_last_supply_the_old_dose_is_asked_about(asked: Desk, record: str, gap: int) -> None:
    answer = renewed(asked, record, gap)
    assert answer.cards == ["supply-gap warning"]
    assert f"for {gap} days" in answer.text
    assert answer.order("d")["action"] in {"continue", "increase"}


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("gap", [0, 5])
def test_days_after_the_last_supply_it_is_a_renewal(asked: Desk, record: str, gap: int) -> None:
    answer = renewed(asked, record, gap)
    assert answer.cards == ["review-long-use info"]
    assert answer.order("d")["action"] == "continue"


@pytest.mark.parametrize("record", ["completed requests", "one completed request", "dispenses"])
@pytest.mark.parametrize("gap", [100, 585])
def test_months_after_what_is_listed_as_ended_it_is_a_start(asked: Desk, record: str, gap: int) -> None:
    answer = renewed(asked, record, gap)
    assert answer.cards == ["start-with-an-exit info"]
    assert answer.order("d")["action"] == "start"


@pytest.mark.parametrize("record", ["active requests", "completed requests", "one active request", "one completed request"])
@pytest.mark.parametrize("gap", [0, 20, 100, 585])
def test_whether_a_renewal_names_the_order_before_changes_nothing(asked: Desk, record: str, gap: int) -> None:
    named, not_named = renewed(asked, record, gap, prior="o0"), renewed(asked, record, gap)
    assert named.cards == not_named.cards
    assert named.order("d")["action"] == not_named.order("d")["action"]


def test_another_drug_of_its_kind_is_not_said_to_be_without_supply(asked: Desk) -> None:
    before = [order("o", "alprazolam 1 mg tablet", THREE, since=200, days=30, refills=5, status="completed")]
    assert "supply-gap warning" not in asked.ask([draft("d", LOR, THREE, days=30)], requests=before).cards
