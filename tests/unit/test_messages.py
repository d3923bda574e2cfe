"""Hook calls: what is accepted, what is refused and with which words; and what an answer tells machines."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest

from cds.core.gap import Gap, GapKind
from cds.core.judged_order import Crossover, JudgedOrder, RiskFactor
from cds.core.quantity import Range
from cds.errors import BadRequest, OtherPatient, UnknownService
from cds.hooks.messages import HookCall, answer_extension, hook_call, judged_json, refuse_other_patients

ORDER = {"resourceType": "MedicationRequest", "id": "1", "subject": {"reference": "Patient/p"}}


def body(**changes: Any) -> dict[str, Any]:
    """A request of order-select; a change to `context__x` is made inside the context, and None takes a member out."""
    context = {
        "userId": "Practitioner/1",
        "patientId": "p",
        "encounterId": "e",
        "selections": ["MedicationRequest/1"],
        "draftOrders": {"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:1", "resource": ORDER}]},
    }
    call: dict[str, Any] = {"hook": "order-select", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context}
    for name, value in changes.items():
        members, name = (context, name.removeprefix("context__")) if name.startswith("context__") else (call, name)
        if value is None:
            members.pop(name, None)
        else:
            members[name] = value
    return call


def call(**changes: Any) -> HookCall:
    return hook_call("taper-order-select", body(**changes))


def test_a_whole_call_is_read() -> None:
    read = call(
        prefetch={"patient": None},
        fhirServer="https://ehr.test/fhir",
        fhirAuthorization={"access_token": "secret", "patient": "p"},
    )
    assert read == HookCall(
        service="taper-order-select",
        hook="order-select",
        hook_instance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        patient_id="p",
        user="Practitioner/1",
        encounter_id="e",
        drafts=(("urn:uuid:1", ORDER),),
        selections=("MedicationRequest/1",),
        prefetch={"patient": None},
        fhir_server="https://ehr.test/fhir",
        has_token=True,
        token_patient="p",
    )
    assert "secret" not in repr(read)


ACCEPTED = {
    "an upper-case UUID": ({"hookInstance": "D1577C69-DFBE-11ED-BA6D-3E05E953B2EA"}, "patient_id", "p"),
    "no prefetch": ({"prefetch": None}, "prefetch", {}),
    "a typed patient id": ({"context__patientId": "Patient/p"}, "patient_id", "p"),
    "a typed encounter id": ({"context__encounterId": "Encounter/e"}, "encounter_id", "e"),
    "no encounter": ({"context__encounterId": None}, "encounter_id", None),
    "no user": ({"context__userId": None}, "user", None),
    "no selections: every draft is meant": ({"context__selections": None}, "selections", None),
    "selections that are empty": ({"context__selections": []}, "selections", ()),
    "no draft orders": ({"context__draftOrders": None}, "drafts", ()),
    "a Bundle without entries": ({"context__draftOrders": {"resourceType": "Bundle"}}, "drafts", ()),
    "an entry without a resource": ({"context__draftOrders": {"resourceType": "Bundle", "entry": [{}]}}, "drafts", ()),
    "an id of 190 characters": ({"context__patientId": "p" * 190}, "patient_id", "p" * 190),
    "members that are not known": ({"extension": {"x": 1}, "context__more": 1, "applyCql": True}, "patient_id", "p"),
    "no token": ({}, "has_token", False),
}


@pytest.mark.row("REQ-3", "REQ-4", "REQ-10")
@pytest.mark.parametrize(("changes", "member", "expected"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_is_accepted(changes: dict[str, Any], member: str, expected: object) -> None:
    assert getattr(call(**changes), member) == expected


REFUSED = {
    "no hook": ({"hook": None}, "hook: missing; it is required."),
    "another hook": ({"hook": "order-sign"}, "hook: seen another hook; taper-order-select answers order-select."),
    "no instance": ({"hookInstance": None}, "hookInstance: missing; it is required."),
    "an instance that is no UUID": (
        {"hookInstance": "test"},
        "hookInstance: seen a text that is no UUID; expected one such as d1577c69-dfbe-44ad-ba6d-3e05e953b2ea.",
    ),
    "no context": ({"context": None}, "context: missing; it is required."),
    "a context that is a list": ({"context": []}, "context: seen a list; expected an object."),
    "no patient": ({"context__patientId": None}, "context.patientId: missing; it is required."),
    "an empty patient": ({"context__patientId": ""}, "context.patientId: seen an empty text; expected a text."),
    "a patient that is a number": ({"context__patientId": 7}, "context.patientId: seen a number; expected a text."),
    "a patient of another type": (
        {"context__patientId": "Group/1"},
        "context.patientId: seen a text that is no id; expected the bare id of the Patient.",
    ),
    "a user that is an object": ({"context__userId": {}}, "context.userId: seen an object; expected a text."),
    "draft orders that are a list": ({"context__draftOrders": []}, "context.draftOrders: seen a list; expected an object."),
    "draft orders that are no Bundle": (
        {"context__draftOrders": ORDER},
        "context.draftOrders: seen an object that is no Bundle; expected a FHIR Bundle.",
    ),
    "entries that are no list": (
        {"context__draftOrders": {"resourceType": "Bundle", "entry": {}}},
        "context.draftOrders.entry: seen an object; expected a list.",
    ),
    "prefetch that is a list": ({"prefetch": []}, "prefetch: seen a list; expected an object."),
    "a token without a server": (
        {"fhirAuthorization": {"access_token": "x"}},
        "fhirServer: missing; expected the FHIR server's URL, since fhirAuthorization is there.",
    ),
    "a token that is a text": (
        {"fhirServer": "https://ehr.test", "fhirAuthorization": "x"},
        "fhirAuthorization: seen a text; expected an object.",
    ),
}


@pytest.mark.row("REQ-12")
@pytest.mark.parametrize(("changes", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_says_where_and_what_was_expected(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        call(**changes)
    assert str(refused.value) == says


@pytest.mark.parametrize("value", [None, [], "x", 1, True])
def test_a_body_that_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(BadRequest, match="the body: seen"):
        hook_call("taper-order-select", value)


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(UnknownService):
        hook_call("taper", body())


def test_patient_view_has_no_drafts() -> None:
    assert hook_call("taper-patient-view", body(hook="patient-view")).drafts == ()


# The patient of the call ----------------------------------------------------------------------------------------------


def about(subject: object, member: str = "subject") -> HookCall:
    draft = {"resourceType": "MedicationRequest", "id": "1", member: subject}
    return call(context__draftOrders={"resourceType": "Bundle", "entry": [{"resource": draft}]})


SAME = [
    "Patient/p",
    "https://ehr.test/fhir/Patient/p",
    "Patient/p/_history/3",
    "https://ehr.test/fhir/Patient/p/_history/3",
    "urn:uuid:d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "#patient",
    "",
]
OTHERS = ["Patient/q", "https://ehr.test/fhir/Patient/q", "Group/p", "Patient/P", "Patient/p/x", "Patient/", "https://ehr.test/p"]


@pytest.mark.parametrize("reference", SAME)
def test_an_order_for_the_patient_of_the_call_is_accepted(reference: str) -> None:
    refuse_other_patients(about({"reference": reference}))


@pytest.mark.parametrize("member", ["subject", "patient"])
@pytest.mark.parametrize("reference", OTHERS)
def test_an_order_for_somebody_else_is_refused_without_naming_them(reference: str, member: str) -> None:
    with pytest.raises(OtherPatient, match=rf"entry\[0\].resource.{member}: seen another subject") as refused:
        refuse_other_patients(about({"reference": reference}, member))
    assert reference not in str(refused.value)


@pytest.mark.parametrize("subject", [None, {}, {"identifier": {"value": "1"}}, "Patient/q", {"reference": 1}, []])
def test_a_subject_that_names_nobody_is_not_known_to_be_another(subject: object) -> None:
    refuse_other_patients(about(subject))


@pytest.mark.parametrize(("patient", "same"), [("p", True), ("Patient/p", True), ("q", False), ("Patient/q", False)])
def test_the_patient_of_the_token_is_the_patient_of_the_call(patient: str, same: bool) -> None:
    read = call(fhirServer="https://ehr.test", fhirAuthorization={"patient": patient})
    if same:
        refuse_other_patients(read)
    else:
        with pytest.raises(OtherPatient):
            refuse_other_patients(read)


# What an answer tells machines ----------------------------------------------------------------------------------------

JUDGED = JudgedOrder(
    request="MedicationRequest/1",
    agent="alprazolam",
    action="stop",
    daily_dose=Decimal("0.0"),
    takes_now=Decimal("2.8750"),
    equivalent=Range(Decimal("30.0"), Decimal(60)),
    change_percent=Decimal(-100),
    gaps=(Gap(GapKind.DOSE, "Nothing was given.", ""),),
    risk_factors=(RiskFactor("long-use", "Supplied on 182 days"),),
    pace="slower",
    crossover=Crossover("favoured", "diazepam", ("It acts for long.",)),
)


def test_a_judged_order_is_told_in_json_numbers() -> None:
    assert orjson.dumps(judged_json(JUDGED)).decode() == (
        '{"request":"MedicationRequest/1","agent":"alprazolam","action":"stop","dailyDoseMg":0,"takesNowMg":2.875,'
        '"diazepamEquivalentMg":{"low":30,"high":60},"changePercent":-100,'
        '"gaps":[{"kind":"dose","says":"Nothing was given."}],'
        '"riskFactors":[{"id":"long-use","because":"Supplied on 182 days"}],"pace":"slower",'
        '"crossover":{"advice":"favoured","to":"diazepam","because":["It acts for long."]}}'
    )


def test_a_dose_on_some_days_only_says_on_how_many() -> None:
    told = judged_json(replace(JUDGED, days_a_week=Decimal("3.5")))
    assert told["daysAWeek"] == 3.5 and "daysAWeek" not in judged_json(JUDGED)


def test_what_could_not_be_read_is_absent() -> None:
    nothing = JudgedOrder(
        "MedicationRequest/1", "zolpidem", None, None, None, None, None, (), (), None, Crossover("not-relevant")
    )
    assert judged_json(nothing) == {
        "request": "MedicationRequest/1",
        "agent": "zolpidem",
        "gaps": [],
        "riskFactors": [],
        "crossover": {"advice": "not-relevant", "because": []},
    }


def test_the_extension_of_an_answer() -> None:
    assert answer_extension("d", "sha256:0", (), (Gap(GapKind.DATE, "No date.", "Condition/1"),)) == {
        "org.taper-cds": {
            "decision": "d",
            "knowledge": "sha256:0",
            "gaps": [{"kind": "date", "says": "No date.", "resource": "Condition/1"}],
            "orders": [],
        }
    }
