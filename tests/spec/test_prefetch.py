"""What a prefetch key says about a part of the record: data, no data, part of it, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from cds.core.record import Completeness, RecordPart
from cds.hooks.prefetch import deliveries, full_urls

REQUEST = {"resourceType": "MedicationRequest", "id": "1", "status": "active"}
OTHER = {"resourceType": "MedicationRequest", "id": "2", "status": "active"}
MEDICATION = {"resourceType": "Medication", "id": "m"}
PATIENT = {"resourceType": "Patient", "id": "p"}
CONDITION = {"resourceType": "Condition", "id": "c"}
COMPLETE, PARTIAL, MISSING = Completeness.COMPLETE, Completeness.PARTIAL, Completeness.MISSING


def outcome(severity: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}


def bundle(*resources: object, mode: str | None = None, **more: object) -> dict[str, Any]:
    search = {"search": {"mode": mode}} if mode else {}
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one, **search} for one in resources], **more}


def ids(resources: tuple[Any, ...]) -> list[str]:
    return [resource["id"] for resource in resources]


NEXT_PAGE = [{"relation": "self", "url": "https://ehr.test/1"}, {"relation": "next", "url": "https://ehr.test/2"}]

SEARCHES = {
    "null: the client looked and there is no data": (None, COMPLETE, []),
    "an empty Bundle: no data": (bundle(), COMPLETE, []),
    "a Bundle without the entry member: no data": ({"resourceType": "Bundle", "type": "searchset", "total": 0}, COMPLETE, []),
    "a Bundle: its resources": (bundle(REQUEST, OTHER), COMPLETE, ["1", "2"]),
    "the matches of a search": (bundle(REQUEST, mode="match"), COMPLETE, ["1"]),
    "a Medication that came along": (bundle(REQUEST, MEDICATION), COMPLETE, ["1", "m"]),
    "a single resource in place of a Bundle": (REQUEST, COMPLETE, ["1"]),
    "the same resource twice counts once": (bundle(REQUEST, REQUEST), COMPLETE, ["1"]),
    "two versions of one resource: neither": (bundle(REQUEST, {**REQUEST, "status": "stopped"}, OTHER), PARTIAL, ["2"]),
    "resources without an id are each kept": (bundle({**REQUEST, "id": ""}, {**REQUEST, "id": ""}), COMPLETE, ["", ""]),
    "a resource of another type is left out": (bundle(REQUEST, CONDITION), COMPLETE, ["1"]),
    "only resources of another type": (bundle(CONDITION), MISSING, []),
    "one resource of another type": (CONDITION, MISSING, []),
    "an empty search with a warning": (bundle(outcome("warning"), mode="outcome", total=0), COMPLETE, []),
    "data with a warning": (bundle(REQUEST, outcome("information")), COMPLETE, ["1"]),
    "data with an error": (bundle(REQUEST, outcome("error")), PARTIAL, ["1"]),
    "data with a fatal error": (bundle(REQUEST, outcome("fatal")), PARTIAL, ["1"]),
    "an empty search with an error": (bundle(outcome("error")), MISSING, []),
    "an error in place of the data": (outcome("error"), MISSING, []),
    "a warning in place of the data": (outcome("warning"), MISSING, []),
    "a further page": (bundle(REQUEST, link=NEXT_PAGE), PARTIAL, ["1"]),
    "only this page": (bundle(REQUEST, link=NEXT_PAGE[:1]), COMPLETE, ["1"]),
    "fewer entries than were found": (bundle(REQUEST, total=2), PARTIAL, ["1"]),
    "what was found, with what came along": (bundle(REQUEST, MEDICATION, total=1), COMPLETE, ["1", "m"]),
    "an entry that is not an object": ({"resourceType": "Bundle", "entry": [None, {"resource": REQUEST}]}, PARTIAL, ["1"]),
    "an entry without a resource": ({"resourceType": "Bundle", "entry": [{"fullUrl": "urn:x"}]}, MISSING, []),
    "entries that are no list": ({"resourceType": "Bundle", "entry": {"resource": REQUEST}}, MISSING, []),
    "a text": ("MedicationRequest/1", MISSING, []),
    "a number": (7, MISSING, []),
    "a list of resources": ([REQUEST], MISSING, []),
    "an empty object": ({}, MISSING, []),
    "wrapped, as the first drafts did": ({"response": {"status": "200 OK"}, "resource": bundle(REQUEST)}, COMPLETE, ["1"]),
    "wrapped, nothing found": ({"response": {"status": "200 OK"}, "resource": None}, COMPLETE, []),
    "wrapped, with a failure": ({"response": {"status": "500"}, "resource": None}, MISSING, []),
}  # fmt: skip


@pytest.mark.row("PREF-9", "PREF-10", "PREF-11", "PREF-13", "PREF-17")
@pytest.mark.parametrize(("value", "completeness", "expected"), SEARCHES.values(), ids=SEARCHES.keys())
def test_a_search_key(value: object, completeness: Completeness, expected: list[str]) -> None:
    delivery = deliveries({"medicationRequests": value})[RecordPart.REQUESTS]
    assert (delivery.completeness, ids(delivery.resources)) == (completeness, expected)
    assert bool(delivery.said) == (completeness is not COMPLETE)


READS = {
    "a resource": (PATIENT, COMPLETE, ["p"]),
    "a Bundle in place of a resource": (bundle(PATIENT), COMPLETE, ["p"]),
    "null: there is none": (None, COMPLETE, []),
    "an error": (outcome("error"), MISSING, []),
    "another type": (REQUEST, MISSING, []),
}


@pytest.mark.row("PREF-9", "PREF-11", "PREF-17")
@pytest.mark.parametrize(("value", "completeness", "expected"), READS.values(), ids=READS.keys())
def test_a_read_key(value: object, completeness: Completeness, expected: list[str]) -> None:
    delivery = deliveries({"patient": value})[RecordPart.PATIENT]
    assert (delivery.completeness, ids(delivery.resources)) == (completeness, expected)


@pytest.mark.row("PREF-8")
@pytest.mark.parametrize("part", RecordPart)
def test_a_key_that_was_not_sent_is_missing_and_never_empty(part: RecordPart) -> None:
    assert deliveries({})[part].completeness is MISSING


@pytest.mark.row("PREF-7")
@pytest.mark.parametrize("part", RecordPart)
def test_each_key_is_read_for_itself(part: RecordPart) -> None:
    given = deliveries({part.value: None})
    assert [each for each, delivery in given.items() if delivery.completeness is COMPLETE] == [part]


@pytest.mark.row("PREF-15")
def test_an_unknown_key_changes_nothing() -> None:
    assert deliveries({"item1": bundle(REQUEST)}) == deliveries({})


def test_every_fault_is_said_and_none_repeats_the_record() -> None:
    secret = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": "Jane Roe"}]}
    delivery = deliveries({"medicationRequests": bundle(REQUEST, secret, link=NEXT_PAGE)})[RecordPart.REQUESTS]
    assert delivery.said == "the EHR reported an error; further pages were not read"


def test_references_can_be_followed_by_the_full_url_of_an_entry() -> None:
    entry = {"fullUrl": "urn:uuid:1", "resource": MEDICATION}
    given = {
        "medicationRequests": {"resourceType": "Bundle", "entry": [entry, {"resource": REQUEST}]},
        "patient": PATIENT,
        "x": None,
    }
    assert full_urls(given) == (("urn:uuid:1", MEDICATION), (None, REQUEST), (None, PATIENT))
