"""Dates of conditions and observations: a partial one counts as the last day that it may mean, an impossible one not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.spec.calls import DAY, SNOMED, Desk, Json, condition, desk, draft, observation, order

LOR = "lorazepam 1 mg tablet"
THREE = "1 tablet three times daily"
FALL = "1912002"
AUDIT_C = "75626-2"
IMPOSSIBLE = ["1900-01-01", "1753-01-01", "1962-03-04", "1979", "2027-03", "2031-01-01", "9999-12-31"]
"""Before the birth of the patient of 1980, after the day, or what programs write where no date is known."""


@pytest.fixture(scope="module")
def asked() -> Iterator[Desk]:
    with desk() as one:
        yield one


def renewed(asked: Desk, **given: Any) -> Any:
    running = order("old", LOR, THREE, since=200)
    return asked.ask([draft("d", LOR, THREE, prior="old")], requests=[running], at_length=True, **given)


def scored(when: object, value: int = 9, name: str = "effectiveDateTime") -> Json:
    one = observation("a", AUDIT_C, 0, valueQuantity={"value": value, "unit": "{score}", "code": "{score}"})
    del one["effectiveDateTime"]
    return {**one, name: when}


def fallen(when: object, name: str = "onsetDateTime") -> Json:
    one = condition(SNOMED, FALL)
    del one["onsetDateTime"]
    return {**one, name: when}


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_an_impossible_date_of_a_measurement_is_a_gap_and_the_value_is_not_used(asked: Desk, text: str) -> None:
    used, not_used = renewed(asked, observations=[scored(DAY.isoformat())]), renewed(asked, observations=[scored(text)])
    assert used.risks("d") != renewed(asked).risks("d")
    assert any("A measurement's date" in gap and "not used" in gap for gap in not_used.gaps)
    assert not_used.risks("d") == renewed(asked).risks("d")


@pytest.mark.parametrize("text", ["2026-10", "2026", "2026-11"])
@pytest.mark.parametrize("name", ["effectiveDateTime", "effectiveInstant"])
def test_a_measurement_of_a_month_counts_as_of_its_last_day_and_says_so(asked: Desk, text: str, name: str) -> None:
    answer = renewed(asked, observations=[scored(text, name=name)])
    assert answer.risks("d") == renewed(asked, observations=[scored(DAY.isoformat())]).risks("d")
    assert any("month or year only" in gap for gap in answer.gaps)


def test_of_two_measurements_one_of_a_month_only_is_not_the_newer_for_its_last_day(asked: Desk) -> None:
    dated, of_a_month = scored("2026-11-20"), {**scored("2026-11", 0), "id": "b"}
    assert renewed(asked, observations=[dated, of_a_month]).risks("d") == renewed(asked, observations=[dated]).risks("d")


@pytest.mark.parametrize("text", IMPOSSIBLE)
@pytest.mark.parametrize("name", ["onsetDateTime", "recordedDate"])
def test_an_impossible_date_of_a_condition_is_a_gap_and_the_condition_still_counts(asked: Desk, text: str, name: str) -> None:
    answer = renewed(asked, conditions=[fallen(text, name)])
    assert any("A condition's date" in gap and "not used" in gap for gap in answer.gaps)
    assert answer.risks("d") == renewed(asked, conditions=[fallen(DAY.isoformat())]).risks("d")


@pytest.mark.parametrize("text", ["2026-10", "2026", "2025-12"])
def test_a_condition_of_a_month_counts_as_of_its_last_day(asked: Desk, text: str) -> None:
    assert renewed(asked, conditions=[fallen(text)]).risks("d") == renewed(asked, conditions=[fallen(DAY.isoformat())]).risks("d")


def test_a_condition_of_long_ago_does_not_count_where_only_recent_ones_do(asked: Desk) -> None:
    assert renewed(asked, conditions=[fallen("2019")]).risks("d") == renewed(asked).risks("d")


@pytest.mark.parametrize(
    "when", ["yesterday", "", 20261101, True, [], {}, "2026-99", "0000-00-00", "2026-02-30T25:00:00Z", None, "99999-01-01"]
)
def test_no_date_of_a_finding_stops_an_answer(asked: Desk, when: object) -> None:
    assert renewed(asked, conditions=[fallen(when)], observations=[scored(when)]).orders
