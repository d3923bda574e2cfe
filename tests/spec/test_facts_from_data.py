"""Facts of common kinds are answered by the data that the vocabulary names; what is not given in full is never 0 or no."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cds.cli.rules.answered import check_answers
from cds.cli.rules.folder import engine_of
from cds.core.facts import Known, Unknown
from cds.decision.decide import decide
from cds.hooks.messages import hook_call
from cds.knowledge.loader import files_of, from_files
from cds.knowledge.model import Knowledge
from cds.knowledge.problems import Problems

FILES = files_of(Path(__file__).parents[2] / "rules")
WORDS = """
  gabapentinoid_on_record: {means: M, type: yes_no, drug_groups: [gabapentinoid]}
  gabapentinoid_started: {means: M, type: yes_no, drug_groups: [gabapentinoid]}
  gabapentinoids_named: {means: M, type: text, drug_groups: [gabapentinoid]}
  gabapentinoids: {means: M, type: quantity, unit: drugs, drug_groups: [gabapentinoid]}
  liver_value: {means: M, type: quantity, unit: U/L, value_sets: [alt]}
"""
NOTHING = "  nothing_answers_this: {means: M, type: yes_no}\n"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def book_with(words: str) -> Knowledge:
    found = from_files(FILES | {"vocabulary.yaml": FILES["vocabulary.yaml"] + words.encode()})
    return replace(found, rules=())


@pytest.fixture(scope="module")
def book() -> Knowledge:
    return book_with(WORDS)


def request(id: str, code: str, name: str, status: str) -> dict[str, Any]:
    coded = {"coding": [{"system": RXNORM, "code": code, "display": name}], "text": name}
    own = {"id": id, "status": status, "intent": "order", "subject": {"reference": "Patient/p"}, "authoredOn": "2026-11-20"}
    return {"resourceType": "MedicationRequest", "medicationCodeableConcept": coded, **own}


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": each} for each in resources]}


def facts(book: Knowledge, *prefetched: dict[str, Any], requests: bool = True) -> dict[str, Any]:
    """The facts about an order of alprazolam, with this on record."""
    orders = bundle(*(each for each in prefetched if each["resourceType"] == "MedicationRequest"))
    others = bundle(*(each for each in prefetched if each["resourceType"] == "Observation"))
    context = {"userId": "Practitioner/a", "patientId": "p", "draftOrders": bundle(request("d", "596", "alprazolam", "draft"))}
    given = {"medicationDispenses": bundle(), "observations": others} | ({"medicationRequests": orders} if requests else {})
    body = {"hook": "order-sign", "hookInstance": "00000000-0000-4000-8000-000000000000", "context": context, "prefetch": given}
    engine = engine_of(book)
    day = max(edition.since for parameter in book.parameters.values() for edition in parameter.editions)
    try:
        (judgement,) = decide(hook_call("taper-order-sign", body), book, engine, day, "d", lambda: "i").judgements
        return dict(judgement.facts)
    finally:
        engine.close()


def test_a_drug_of_the_group_on_record_answers_yes_with_its_name_and_count(book: Knowledge) -> None:
    found = facts(book, request("g", "25480", "gabapentin", "active"))
    assert found["gabapentinoid_on_record"].value is True
    assert found["gabapentinoids_named"].value == "gabapentin"
    assert found["gabapentinoids"].value == 1
    assert found["gabapentinoid_started"].value is False


def test_none_in_a_complete_list_is_no_and_0_and_of_a_list_that_was_not_given_nothing_is_known(book: Knowledge) -> None:
    complete = facts(book)
    assert (complete["gabapentinoid_on_record"].value, complete["gabapentinoids"].value) == (False, 0)
    missing = facts(book, requests=False)
    assert isinstance(missing["gabapentinoid_on_record"], Unknown) and isinstance(missing["gabapentinoids"], Unknown)


@pytest.mark.parametrize(("unit", "known"), [("U/L", True), ("ukat/L", False), (None, False)])
def test_the_newest_value_counts_in_its_own_unit_alone(book: Knowledge, unit: str | None, known: bool) -> None:
    value = {"resourceType": "Observation", "id": "o", "status": "final", "subject": {"reference": "Patient/p"}}
    value["code"] = {"coding": [{"system": "http://loinc.org", "code": "1742-6"}]}
    measured = {"value": 88, **({"code": unit, "system": "http://unitsofmeasure.org"} if unit else {})}
    found = facts(book, {**value, "effectiveDateTime": "2026-11-01", "valueQuantity": measured})["liver_value"]
    assert isinstance(found, Known) is known, found


def test_a_fact_that_nothing_answers_is_an_error(book: Knowledge) -> None:
    problems = Problems()
    check_answers(book, problems)
    assert problems.found == []
    check_answers(book_with(WORDS + NOTHING), problems)
    assert [(one.code, "nothing_answers_this" in one.seen) for one in problems.found] == [("RULE142", True)]
