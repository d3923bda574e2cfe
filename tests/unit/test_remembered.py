"""What was worked out once is not worked out again, and what is remembered is about no one."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds.core.gap import GapKind
from cds.fhir.dosage.dosage import reading_limits, regimen
from cds.fhir.medications import medication
from cds.fhir.reader import ReadingContext
from cds.fhir.references import Library
from cds.knowledge.loader import knowledge
from cds.knowledge.model import Knowledge
from cds.memo import Remembered

RULES = Path(__file__).parents[2] / "rules"
DAY = date(2026, 11, 23)
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
TABLET = {"coding": [{"system": RXNORM, "code": "197321", "display": "alprazolam 1 MG Oral Tablet"}]}
TWO_DRUGS = {"coding": [{"system": RXNORM, "code": "197321"}], "text": "lorazepam"}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def book() -> Knowledge:
    return knowledge(RULES)


def desk(book: Knowledge, *resources: Json) -> ReadingContext:
    return ReadingContext(book, reading_limits(book, DAY), Library.of(*resources), DAY)


def order(id: str, **members: object) -> Json:
    return {"resourceType": "MedicationRequest", "id": id, "medicationCodeableConcept": TABLET, **members}


def counted(answer: object) -> tuple[list[None], Callable[[], object]]:
    calls: list[None] = []

    def work_out() -> object:
        calls.append(None)
        return answer

    return calls, work_out


def test_an_answer_is_worked_out_once() -> None:
    memory, (calls, work_out) = Remembered(), counted("answer")
    assert [memory.recall("question", work_out) for _ in range(3)] == ["answer"] * 3
    assert len(calls) == 1


def test_none_is_an_answer() -> None:
    memory, (calls, work_out) = Remembered(), counted(None)
    assert [memory.recall("question", work_out) for _ in range(3)] == [None] * 3
    assert len(calls) == 1


def test_it_holds_a_bounded_number_of_answers() -> None:
    memory = Remembered(most=3)
    for number in range(100):
        assert memory.recall(number, lambda number=number: number) == number  # type: ignore[misc]
        assert len(memory) <= 3


def test_a_failure_is_not_remembered() -> None:
    memory = Remembered()
    with pytest.raises(ZeroDivisionError):
        memory.recall("question", lambda: 1 // 0)
    assert memory.recall("question", lambda: 1) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"dosageInstruction": [{"text": "1 tablet 3 times a day"}]},
        {"dosageInstruction": [{"text": "as directed"}]},
        {"dosage": [{"text": "1 tablet 2 times a day"}]},
        {"quantity": {"value": 60, "unit": "tablet"}, "daysSupply": {"value": 30, "unit": "days", "code": "d"}},
        {"dispenseRequest": {"quantity": {"value": 60}, "expectedSupplyDuration": {"value": 30, "unit": "days"}}},
        {"dosageInstruction": "not a list"},
        {"dosageInstruction": [{"text": "1 tablet daily", "sequence": 10**30}]},
        {},
    ],
)
def test_what_is_remembered_is_what_is_read(book: Knowledge, said: Json) -> None:
    for id in ("1", "2"):
        resource = order(id, **deepcopy(said))
        drug = desk(book).drug(resource)
        assert drug == medication(resource, Library(), book)
        assert drug.value is not None
        read = regimen(resource, drug.value, book.dosing, reading_limits(book, DAY), f"MedicationRequest/{id}")
        assert desk(book).doses(resource) == read


def test_a_gap_names_the_resource_in_which_it_was_met_this_time(book: Knowledge) -> None:
    for id in ("1", "2"):
        [gap] = desk(book).drug(order(id, medicationCodeableConcept=TWO_DRUGS)).gaps
        assert (gap.kind, gap.resource) == (GapKind.CONTRADICTION, f"MedicationRequest/{id}")


def test_a_reference_is_followed_each_time(book: Knowledge) -> None:
    resource = {"resourceType": "MedicationRequest", "id": "1", "medicationReference": {"reference": "Medication/m"}}
    for name in ("alprazolam", "lorazepam"):
        there = {"resourceType": "Medication", "id": "m", "code": {"text": f"{name} 1 mg tablet"}}
        read = desk(book, there).drug(resource).value
        assert read is not None
        assert read.agent == name
    assert desk(book).drug(resource).value is None


def test_a_contained_ingredient_is_followed_each_time(book: Knowledge) -> None:
    compound = {"resourceType": "Medication", "id": "m", "ingredient": [{"itemReference": {"reference": "Substance/s"}}]}
    resource = {"resourceType": "MedicationRequest", "id": "1", "medicationReference": {"reference": "Medication/m"}}
    for name in ("alprazolam", "lorazepam"):
        read = desk(book, compound, {"resourceType": "Substance", "id": "s", "code": {"text": name}}).drug(resource).value
        assert read is not None
        assert read.agent == name


def test_no_text_of_a_record_stays_in_memory(book: Knowledge) -> None:
    fresh = knowledge(RULES)
    resource = order("secret-id", dosageInstruction=[{"text": "1 tablet daily, dispense to secret neighbour"}])
    desk(fresh).doses(resource)
    assert len(fresh.readings) == 2
    assert "secret" not in repr(vars(fresh.readings))
