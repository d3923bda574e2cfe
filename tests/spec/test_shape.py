"""A draft of a known shape need not be validated again: its shape is as valid as itself."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from fhir.resources.R4B.medicationrequest import MedicationRequest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cds.fhir.validation import STAND_INS, shape, validity_gaps
from cds.memo import Remembered

DRAFT: dict[str, Any] = {
    "resourceType": "MedicationRequest",
    "id": "1",
    "meta": {"versionId": "3", "lastUpdated": "2026-11-20T08:15:30.000+00:00"},
    "identifier": [{"system": "urn:oid:1.2", "value": "A-1"}],
    "status": "draft",
    "intent": "order",
    "medicationCodeableConcept": {"coding": [{"system": "urn:x", "code": "1", "display": "alprazolam"}], "text": "alprazolam"},
    "subject": {"reference": "Patient/1", "display": "Doe, Jane"},
    "authoredOn": "2026-11-23",
    "dosageInstruction": [
        {"text": "1 tablet daily", "timing": {"repeat": {"boundsPeriod": {"start": "2026-11-23", "end": "2026-12-20"}}}}
    ],
    "dispenseRequest": {
        "validityPeriod": {"start": "2026-11-23T10:00:00Z"},
        "quantity": {"value": 30, "code": "{tablet}"},
        "numberOfRepeatsAllowed": 2,
    },
}
PLACES = [
    ("id",), ("meta", "versionId"), ("meta", "lastUpdated"), ("identifier", 0, "value"), ("authoredOn",),
    ("medicationCodeableConcept", "text"), ("medicationCodeableConcept", "coding", 0, "display"), ("subject", "reference"),
    ("subject", "display"), ("dosageInstruction", 0, "text"), ("dispenseRequest", "validityPeriod", "start"),
    ("dosageInstruction", 0, "timing", "repeat", "boundsPeriod", "end"), ("dispenseRequest", "quantity", "value"),
    ("dispenseRequest", "quantity", "code"), ("dispenseRequest", "numberOfRepeatsAllowed"),
    ("medicationCodeableConcept", "coding", 0, "code"),
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(["", " ", "x", "Patient/2", "a/b", "#m", "urn:uuid:1", "2026-02-29", "2026-02-28", "2026", "1e5", "x" * 65]),
    st.from_regex(r"[12]\d{3}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?", fullmatch=True),
    *(st.from_regex(allowed, fullmatch=True) for pairs in STAND_INS.values() for allowed, _ in pairs),
    st.text(max_size=20),
)  # fmt: skip


def valid(resource: dict[str, Any]) -> bool:
    try:
        MedicationRequest.model_validate(resource)
    except (ValidationError, ValueError):
        return False
    return True


def changed(place: tuple[str | int, ...], value: object) -> dict[str, Any]:
    resource = deepcopy(DRAFT)
    inner: Any = resource
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return resource


def test_the_draft_itself_is_valid() -> None:
    assert valid(DRAFT) and valid(shape(DRAFT))


@settings(max_examples=700, deadline=None)
@given(st.sampled_from(PLACES), st.one_of(TEXTS, st.integers(-2, 200_000), st.booleans(), st.just(86_400), st.floats(0, 10)))
def test_a_shape_is_valid_exactly_where_what_has_it_is(place: tuple[str | int, ...], value: object) -> None:
    resource = changed(place, value)
    assert valid(shape(resource)) is valid(resource)


@pytest.mark.parametrize("place", [("id",), ("subject", "reference"), ("authoredOn",), ("medicationCodeableConcept", "text")])
def test_who_and_when_are_not_part_of_the_shape(place: tuple[str | int, ...]) -> None:
    other = {"id": "2", "reference": "Patient/2", "authoredOn": "2026-01-02", "text": "Alprazolam 1 mg"}[str(place[-1])]
    assert shape(changed(place, other)) == shape(DRAFT)


def test_what_is_wrong_with_a_shape_is_told_of_each_draft_that_has_it() -> None:
    known = Remembered()
    for id in ("1", "2"):
        [gap] = validity_gaps([{**DRAFT, "id": id, "authoredOn": "soon"}], known)
        assert gap.resource == f"MedicationRequest/{id}"
        assert "authoredOn" in gap.says
    assert len(known) == 1
    assert validity_gaps([DRAFT], known) == ()
