"""Facts of common kinds are answered by the data that the vocabulary names; what is not given in full is never 0 or no."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cds.cli.rules.folder import engine_of
from cds.core.facts import Known, Unknown
from cds.decision.answered import check_answers
from cds.decision.decide import decide
from cds.errors import BadKnowledge
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
  falls_counted:
    {means: M, type: quantity, unit: times, value_sets: [falls-and-frailty], within: falls_window, needs: [conditions]}
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


def facts(book: Knowledge, *prefetched: dict[str, Any], requests: bool = True, conditions: bool = True) -> dict[str, Any]:
    """The facts about an order of alprazolam, with this on record."""
    orders = bundle(*(each for each in prefetched if each["resourceType"] == "MedicationRequest"))
    others = bundle(*(each for each in prefetched if each["resourceType"] == "Observation"))
    context = {"userId": "Practitioner/a", "patientId": "p", "draftOrders": bundle(request("d", "596", "alprazolam", "draft"))}
    given = {"medicationDispenses": bundle(), "observations": others} | ({"medicationRequests": orders} if requests else {})
    if conditions:
        given["conditions"] = bundle(*(each for each in prefetched if each["resourceType"] == "Condition"))
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


def fall(id: str, day: str | None) -> dict[str, Any]:
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "1912002"}]}
    return {
        "resourceType": "Condition",
        "id": id,
        "code": code,
        "clinicalStatus": status("resolved"),
        "subject": {"reference": "Patient/p"},
    } | ({"onsetDateTime": day} if day else {})


def status(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": code}]}


def test_what_is_on_record_is_counted_once_a_day_within_its_window(book: Knowledge) -> None:
    falls = [fall("a", "2026-11-01"), fall("b", "2026-11-01"), fall("c", "2026-10-20"), fall("d", "2001-01-01")]
    assert facts(book, *falls)["falls_counted"].value == 2
    assert facts(book)["falls_counted"].value == 0


def test_a_count_is_unknown_where_the_part_was_not_given_or_one_has_no_date(book: Knowledge) -> None:
    assert isinstance(facts(book, conditions=False)["falls_counted"], Unknown)
    assert isinstance(facts(book, fall("a", "2026-11-01"), fall("b", None))["falls_counted"], Unknown)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("  x: {means: M, type: quantity, unit: mg, drug_groups: [gabapentinoid]}\n", "RULE112"),
        ("  x: {means: M, type: quantity, unit: times, value_sets: [falls-and-frailty]}\n", "RULE021"),
    ],
)
def test_a_count_says_what_it_counts(word: str, code: str) -> None:
    with pytest.raises(BadKnowledge) as refused:
        book_with(word)
    assert [one.code for one in refused.value.problems] == [code]


def test_a_fact_that_nothing_answers_is_an_error(book: Knowledge) -> None:
    problems = Problems()
    check_answers(book, problems)
    assert problems.found == []
    check_answers(book_with(WORDS + NOTHING), problems)
    assert [(one.code, "nothing_answers_this" in one.seen) for one in problems.found] == [("RULE142", True)]
