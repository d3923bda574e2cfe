"""Orders and histories of FHIR DSTU2 and STU3: what they come to in the shape of R4."""

from __future__ import annotations

from typing import Any

import pytest

from cds.fhir.legacy import in_r4, is_older, r4_reference
from cds.fhir.validation import validity_gaps
from cds.memo import Remembered

SUBJECT = {"reference": "Patient/p"}
TABLET = {"value": 1, "unit": "tablet"}
DRUG = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "308048"}]}


def order(**more: Any) -> dict[str, Any]:
    return {"resourceType": "MedicationOrder", "id": "o", "status": "draft", "patient": SUBJECT,
            "medicationCodeableConcept": DRUG, **more}  # fmt: skip


def dosed(name: str, **dosage: Any) -> dict[str, Any]:
    return {name: [dosage]}


@pytest.mark.row("REQ-13")
@pytest.mark.parametrize(
    ("dstu2", "r4"),
    [
        ({"dateWritten": "2026-05-01"}, {"authoredOn": "2026-05-01"}),
        ({"prescriber": {"reference": "Practitioner/1"}}, {"requester": {"reference": "Practitioner/1"}}),
        ({"reasonCodeableConcept": {"text": "anxiety"}}, {"reasonCode": [{"text": "anxiety"}]}),
        ({"reasonReference": {"reference": "Condition/1"}}, {"reasonReference": [{"reference": "Condition/1"}]}),
        ({"note": "as agreed"}, {"note": [{"text": "as agreed"}]}),
        ({"priorPrescription": {"reference": "MedicationOrder/1"}}, {"priorPrescription": {"reference": "MedicationRequest/1"}}),
        ({"dateEnded": "2026-05-01", "reasonEnded": {"text": "x"}}, {}),
        (dosed("dosageInstruction", doseQuantity=TABLET), dosed("dosageInstruction", doseAndRate=[{"doseQuantity": TABLET}])),
        (
            dosed("dosageInstruction", timing={"repeat": {"frequency": 3, "period": 1, "periodUnits": "d", "when": "HS"}}),
            dosed("dosageInstruction", timing={"repeat": {"frequency": 3, "period": 1, "periodUnit": "d", "when": ["HS"]}}),
        ),
        (
            dosed("dosageInstruction", additionalInstructions={"text": "with food"}),
            dosed("dosageInstruction", additionalInstruction=[{"text": "with food"}]),
        ),
    ],
)
def test_a_medication_order_of_dstu2_becomes_a_medication_request(dstu2: dict[str, Any], r4: dict[str, Any]) -> None:
    plain = {"resourceType": "MedicationRequest", "intent": "order", "id": "o", "status": "draft", "subject": SUBJECT,
             "medicationCodeableConcept": DRUG}  # fmt: skip
    read = in_r4(order(**dstu2))
    assert read == {**plain, **r4}
    assert validity_gaps([read], Remembered()) == ()


@pytest.mark.row("REQ-13")
@pytest.mark.parametrize(
    ("stu3", "r4"),
    [
        ({"context": {"reference": "Encounter/e"}}, {"encounter": {"reference": "Encounter/e"}}),
        ({"definition": [{"reference": "ActivityDefinition/a"}]}, {}),
        (
            {"requester": {"agent": {"reference": "Practitioner/1"}, "onBehalfOf": {"reference": "Organization/1"}}},
            {"requester": {"reference": "Practitioner/1"}},
        ),
        (
            {"context": {"reference": "Encounter/e"}, **dosed("dosageInstruction", doseRange={"low": TABLET})},
            {
                "encounter": {"reference": "Encounter/e"},
                **dosed("dosageInstruction", doseAndRate=[{"doseRange": {"low": TABLET}}]),
            },
        ),
    ],
)
def test_a_medication_request_of_stu3_takes_the_shape_of_r4(stu3: dict[str, Any], r4: dict[str, Any]) -> None:
    plain = {"resourceType": "MedicationRequest", "id": "o", "status": "draft", "intent": "order", "subject": SUBJECT,
             "medicationCodeableConcept": DRUG}  # fmt: skip
    assert in_r4({**plain, **stu3}) == {**plain, **r4}


def test_a_statement_of_dstu2_that_was_not_taken_says_so_by_its_status() -> None:
    statement = {"resourceType": "MedicationStatement", "patient": SUBJECT, "status": "active", "wasNotTaken": True}
    assert in_r4(statement) == {"resourceType": "MedicationStatement", "subject": SUBJECT, "status": "not-taken"}


def test_an_amount_of_a_statement_of_dstu2_is_a_dose() -> None:
    statement = {"resourceType": "MedicationStatement", "patient": SUBJECT, **dosed("dosage", quantityQuantity=TABLET)}
    assert in_r4(statement)["dosage"] == [{"doseAndRate": [{"doseQuantity": TABLET}]}]


def test_a_dispense_of_dstu2_names_the_request_by_the_name_that_it_has_here() -> None:
    dispense = {"resourceType": "MedicationDispense", "patient": SUBJECT, "authorizingPrescription": [
        {"reference": "https://ehr.test/MedicationOrder/1"}]}  # fmt: skip
    assert in_r4(dispense) == {
        "resourceType": "MedicationDispense",
        "subject": SUBJECT,
        "authorizingPrescription": [{"reference": "https://ehr.test/MedicationRequest/1"}],
    }


def test_what_has_a_place_in_a_bundle_or_a_wrapper_keeps_it() -> None:
    bundle = {"resourceType": "Bundle", "total": 2, "entry": [{"fullUrl": "u", "resource": order()}, {}, None]}
    read = in_r4(bundle)
    assert read["total"] == 2
    assert read["entry"][0]["resource"]["resourceType"] == "MedicationRequest"
    assert read["entry"][1:] == [{}, None]
    assert in_r4({"response": {"status": "200"}, "resource": order()})["resource"]["resourceType"] == "MedicationRequest"


R4 = {"resourceType": "MedicationRequest", "status": "draft", "intent": "order", "subject": SUBJECT,
      "dosageInstruction": [{"doseAndRate": [{"doseQuantity": TABLET}]}]}  # fmt: skip


@pytest.mark.parametrize(
    "value", [R4, {"resourceType": "Bundle", "entry": [{"resource": R4}]}, None, [], "x", {}, {"resourceType": []}]
)
def test_what_is_of_no_older_version_stays_the_very_same_object(value: object) -> None:
    assert in_r4(value) is value


def test_a_rate_stays_where_it_is_so_that_it_is_not_read_as_a_dose() -> None:
    [dosage] = in_r4(order(**dosed("dosageInstruction", rateRatio={"numerator": TABLET})))["dosageInstruction"]
    assert dosage == {"rateRatio": {"numerator": TABLET}}


def test_an_r4_request_is_not_taken_for_an_older_one() -> None:
    assert not is_older(R4)


def test_a_reference_to_an_order_of_dstu2_is_read_by_its_new_name() -> None:
    assert r4_reference("MedicationOrder/1") == "MedicationRequest/1"
    assert r4_reference("https://ehr.test/fhir/MedicationOrder/1") == "https://ehr.test/fhir/MedicationRequest/1"
