"""The JSON Schemas of the messages: what is right passes, what is wrong is found at its place, and we keep to them ourselves."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from cds.hooks.schemas import names, problems, schema
from cds.hooks.services import HOOKS
from tests.conformance.changing import GONE, changed

ROOT = Path(__file__).parents[2]
STORIES = sorted((ROOT / "fhir_examples").glob("*/request.json"))
PAGE = (ROOT / "docs/schemas.md").read_text()
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
DRAFTS = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "MedicationRequest", "id": "1"}}]}
WHO = {"userId": "Practitioner/1", "patientId": "p", "encounterId": "e"}
CALL = {
    "hook": "order-sign",
    "hookInstance": INSTANCE,
    "fhirServer": "https://ehr.test/fhir",
    "fhirAuthorization": {
        "access_token": "x",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.read",
        "subject": "taper",
        "patient": "p",
    },
    "context": {**WHO, "draftOrders": DRAFTS},
    "prefetch": {"patient": {"resourceType": "Patient"}, "conditions": None},
    "extension": {"com.example": {"x": 1}},
}


def called(hook: str, **context: Any) -> dict[str, Any]:
    return {**CALL, "hook": hook, "context": {**WHO, **context}}


ACTIONS = [
    {"type": "create", "description": "Orders it", "resource": {"resourceType": "MedicationRequest"}},
    {"type": "delete", "description": "Takes the draft back", "resourceId": "MedicationRequest/1"},
]
CARD = {
    "uuid": INSTANCE,
    "summary": "Slow down",
    "detail": "**Why**",
    "indicator": "warning",
    "source": {"label": "Guide", "url": "https://guide.test", "topic": {"system": "urn:x", "code": "slow"}},
    "suggestions": [{"label": "Taper", "uuid": INSTANCE, "isRecommended": True, "actions": ACTIONS}, {"label": "Other"}],
    "selectionBehavior": "at-most-one",
    "overrideReasons": [{"code": "x", "system": "urn:x", "display": "X"}],
    "links": [
        {"label": "Guide", "url": "https://guide.test/x", "type": "absolute"},
        {"label": "App", "url": "https://app.test", "type": "smart", "appContext": "{}", "autolaunchable": False},
    ],
    "extension": {"org.example": {}},
}
REPORT = {
    "card": INSTANCE,
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": INSTANCE}],
    "outcomeTimestamp": "2026-11-23T09:00:00.25Z",
}
OVERRIDDEN = {
    "card": INSTANCE,
    "outcome": "overridden",
    "overrideReason": {"reason": {"code": "x", "system": "urn:x"}, "userComment": "no"},
    "outcomeTimestamp": "2026-11-23T09:00:00+00:00",
}
SERVICE = {
    "hook": "order-sign",
    "id": "taper-order-sign",
    "title": "Taper",
    "description": "Looks",
    "prefetch": {"patient": "Patient/{{context.patientId}}"},
}
GOOD: dict[str, list[Any]] = {
    "discovery-response": [{"services": []}, {"services": [SERVICE]}],
    "hook-request": [{"hook": "x", "hookInstance": INSTANCE, "context": {}}, CALL],
    "order-select-request": [called("order-select", selections=["MedicationRequest/1"], draftOrders=DRAFTS)],
    "order-sign-request": [CALL],
    "patient-view-request": [called("patient-view"), called("patient-view", userId="RelatedPerson/1")],
    "medication-refill-request": [called("medication-refill", medications=DRAFTS)],
    "medication-prescribe-request": [called("medication-prescribe", medications=DRAFTS)],
    "hook-response": [{"cards": []}, {"cards": [CARD], "systemActions": ACTIONS, "extension": {"org.example": {}}}],
    "feedback-request": [{"feedback": []}, {"feedback": [REPORT, OVERRIDDEN]}],
    "operation-outcome": [
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid", "details": {"text": "x"}}]}
    ],
}

BROKEN: list[tuple[str, str, Any, str]] = [
    ("discovery-response", "services", GONE, "DISC-2"),
    ("discovery-response", "services", {}, "DISC-3"),
    ("discovery-response", "services.0.hook", "", "DISC-4"),
    ("discovery-response", "services.0.description", GONE, "DISC-5"),
    ("discovery-response", "services.0.id", "a/b", "DISC-6"),
    ("discovery-response", "services.0.title", None, "GEN-2"),
    ("discovery-response", "services.0.prefetch", {}, "DISC-8"),
    ("discovery-response", "services.0.prefetch", {"patient": {"query": "x"}}, "DISC-8"),
    ("discovery-response", "services.0.prefetch", {"patient": "https://ehr.test/Patient/1"}, "PREF-1"),
    ("discovery-response", "services.0.usageRequirements", [], "DISC-9"),
    ("discovery-response", "services.0.extension", [], "DISC-12"),
    ("hook-request", "hook", GONE, "REQ-2"),
    ("hook-request", "hookInstance", "1", "REQ-3"),
    ("hook-request", "context", [], "REQ-4"),
    ("hook-request", "fhirServer", GONE, "REQ-5"),
    ("hook-request", "fhirServer", "ehr.test", "REQ-6"),
    ("hook-request", "fhirAuthorization", None, "REQ-7"),
    ("hook-request", "prefetch", [], "REQ-8"),
    ("hook-request", "prefetch", {"patient": {}}, "PREF-15"),
    ("hook-request", "extension", [], "REQ-9"),
    ("hook-request", "fhirAuthorization.access_token", GONE, "FHIR-1"),
    ("hook-request", "fhirAuthorization.token_type", "MAC", "FHIR-2"),
    ("hook-request", "fhirAuthorization.expires_in", "300", "FHIR-3"),
    ("hook-request", "fhirAuthorization.scope", GONE, "FHIR-4"),
    ("hook-request", "fhirAuthorization.subject", GONE, "FHIR-5"),
    ("hook-request", "fhirAuthorization.patient", 1, "FHIR-6"),
    ("order-select-request", "hook", "order-sign", "REQ-2"),
    ("order-select-request", "context.selections", "MedicationRequest/1", "REQ-4"),
    ("order-select-request", "context.selections", ["1"], "REQ-4"),
    ("order-select-request", "context.draftOrders", GONE, "REQ-4"),
    ("order-sign-request", "context.draftOrders", {"resourceType": "List"}, "REQ-4"),
    ("order-sign-request", "context.patientId", "Patient/p", "REQ-4"),
    ("order-sign-request", "context.encounterId", "Encounter/e", "REQ-4"),
    ("order-sign-request", "context.userId", "1", "REQ-4"),
    ("patient-view-request", "context.userId", "Device/1", "REQ-4"),
    ("medication-refill-request", "context.medications", GONE, "REQ-4"),
    ("medication-prescribe-request", "context.userId", "PractitionerRole/1", "REQ-4"),
    ("hook-response", "cards", GONE, "RESP-2"),
    ("hook-response", "cards", None, "RESP-3"),
    ("hook-response", "systemActions", [], "RESP-4"),
    ("hook-response", "cards.0.uuid", "1", "CARD-1"),
    ("hook-response", "cards.0.summary", "x" * 140, "CARD-2"),
    ("hook-response", "cards.0.summary", "two\nlines", "CARD-2"),
    ("hook-response", "cards.0.detail", "", "CARD-3"),
    ("hook-response", "cards.0.indicator", "hard-stop", "CARD-4"),
    ("hook-response", "cards.0.source", GONE, "CARD-5"),
    ("hook-response", "cards.0.selectionBehavior", GONE, "CARD-6"),
    ("hook-response", "cards.0.selectionBehavior", "all", "CARD-7"),
    ("hook-response", "cards.0.overrideReasons.0.display", GONE, "CARD-9"),
    ("hook-response", "cards.0.links", [], "CARD-11"),
    ("hook-response", "cards.0.extension", [], "CARD-15"),
    ("hook-response", "cards.0.hint", "x", "EXT-1"),
    ("hook-response", "cards.0.source.label", "", "SRC-1"),
    ("hook-response", "cards.0.source.url", "guide.test", "SRC-2"),
    ("hook-response", "cards.0.source.icon", "icon.png", "SRC-3"),
    ("hook-response", "cards.0.source.topic.system", GONE, "SRC-4"),
    ("hook-response", "cards.0.suggestions.0.label", GONE, "SUG-1"),
    ("hook-response", "cards.0.suggestions.0.uuid", "1", "SUG-2"),
    ("hook-response", "cards.0.suggestions.0.isRecommended", "yes", "SUG-3"),
    ("hook-response", "cards.0.suggestions.1.isRecommended", True, "SUG-3"),
    ("hook-response", "cards.0.suggestions.0.actions", [], "SUG-4"),
    ("hook-response", "cards.0.suggestions.0.actionSelectionBehavior", "any", "SUG-6"),
    ("hook-response", "cards.0.suggestions.0.actions.0.type", "Create", "ACT-1"),
    ("hook-response", "cards.0.suggestions.0.actions.0.description", GONE, "ACT-2"),
    ("hook-response", "cards.0.suggestions.0.actions.0.resource", GONE, "ACT-3"),
    ("hook-response", "cards.0.suggestions.0.actions.0.resource", "{}", "ACT-3"),
    ("hook-response", "cards.0.suggestions.0.actions.0.resourceId", "MedicationRequest/1", "ACT-3"),
    ("hook-response", "cards.0.suggestions.0.actions.1.resourceId", "1", "ACT-5"),
    ("hook-response", "cards.0.suggestions.0.actions.1.resource", "MedicationRequest/1", "ACT-5"),
    ("hook-response", "cards.0.links.0.label", "", "LINK-1"),
    ("hook-response", "cards.0.links.0.url", "/x", "LINK-2"),
    ("hook-response", "cards.0.links.0.type", "external", "LINK-3"),
    ("hook-response", "cards.0.links.0.appContext", "{}", "LINK-4"),
    ("hook-response", "cards.0.links.1.appContext", {}, "LINK-6"),
    ("hook-response", "cards.0.links.1.autolaunchable", "no", "LINK-7"),
    ("feedback-request", "feedback", GONE, "FB-2"),
    ("feedback-request", "feedback.0.card", GONE, "FB-3"),
    ("feedback-request", "feedback.0.outcome", "ignored", "FB-4"),
    ("feedback-request", "feedback.0.acceptedSuggestions", GONE, "FB-5"),
    ("feedback-request", "feedback.0.acceptedSuggestions", [], "FB-5"),
    ("feedback-request", "feedback.1.overrideReason", {}, "FB-6"),
    ("feedback-request", "feedback.1.overrideReason.reason.system", GONE, "FB-7"),
    ("feedback-request", "feedback.0.outcomeTimestamp", "2026-11-23", "FB-8"),
    ("feedback-request", "feedback.0.outcomeTimestamp", "2026-11-23T09:00:00+01:00", "FB-8"),
    ("operation-outcome", "issue", [], "ERR-4"),
    ("operation-outcome", "issue.0.severity", GONE, "ERR-4"),
]


@pytest.mark.parametrize("name", names())
def test_a_schema_is_one_of_the_draft_that_it_names(name: str) -> None:
    assert schema(name)["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema(name))


def test_there_is_a_schema_for_every_hook_that_is_served_and_for_every_other_message() -> None:
    other = {"discovery-response", "hook-request", "hook-response", "feedback-request", "operation-outcome"}
    assert set(names()) == {f"{hook}-request" for hook in HOOKS.values()} | other == set(GOOD)


@pytest.mark.parametrize("name", GOOD)
def test_a_right_message_passes(name: str) -> None:
    assert [problems(name, message) for message in GOOD[name]] == [[] for _ in GOOD[name]]


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [pytest.param(name, path, value, id=f"{row}-{path}-{number}") for number, (name, path, value, row) in enumerate(BROKEN)],
)
def test_a_wrong_message_is_found(name: str, path: str, value: Any) -> None:
    assert problems(name, changed(GOOD[name][-1], path, value))


def test_a_problem_tells_its_place_and_never_what_stands_there() -> None:
    found = problems("hook-request", {**CALL, "hookInstance": "Rumpelstiltskin"})
    assert found == ["$.hookInstance: breaks `pattern` of the schema"]


def test_a_name_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="There is no message common"):
        schema("common")


# What the project itself says -------------------------------------------------------------------------------------------


HELD_BY_ANSWERS = (
    *("RESP-2", "RESP-3", "CARD-1", "CARD-2", "CARD-3", "CARD-4", "CARD-5", "CARD-6", "CARD-7", "CARD-9", "CARD-11", "CARD-15"),
    *("SRC-1", "SRC-2", "SRC-4", "SUG-1", "SUG-2", "SUG-3", "SUG-4", "SUG-6", "ACT-1", "ACT-2", "ACT-3", "ACT-5"),
    *("LINK-1", "LINK-2", "LINK-3", "LINK-4", "EXT-1"),
)
HELD_BY_DISCOVERY = ("DISC-2", "DISC-3", "DISC-4", "DISC-5", "DISC-6", "DISC-8", "DISC-9", "PREF-1")


@pytest.mark.parametrize("row", [*HELD_BY_ANSWERS, *HELD_BY_DISCOVERY])
def test_a_row_that_is_held_by_a_schema_is_one_whose_breach_it_finds(row: str) -> None:
    assert [sample for sample in BROKEN if sample[3] == row]


@pytest.mark.row(*HELD_BY_ANSWERS)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.parent.name)
def test_a_story_is_asked_and_answered_as_the_schemas_say(client: TestClient, clock: Any, story: Path) -> None:
    call = json.loads(story.read_text())
    clock.day = date.fromisoformat(json.loads(story.with_name("expected.json").read_text())["day"])
    assert problems(f"{call['hook']}-request", call) == []
    response = client.post(f"/cds-services/taper-{call['hook']}", json=call)
    assert response.status_code == 200
    assert problems("hook-response", response.json()) == []


@pytest.mark.row(*HELD_BY_DISCOVERY)
def test_discovery_is_answered_as_its_schema_says(client: TestClient) -> None:
    assert problems("discovery-response", client.get("/cds-services").json()) == []


@pytest.mark.row("ERR-4")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/cds-services/taper-order-sign", {}),
        ("POST", "/cds-services/taper-order-sign", {**CALL, "hookInstance": "1"}),
        ("POST", "/cds-services/none", CALL),
        ("PUT", "/cds-services", {}),
        ("GET", "/none", None),
    ],
)
def test_a_refusal_is_an_operation_outcome(client: TestClient, method: str, path: str, body: Any) -> None:
    response = client.request(method, path, json=body)
    assert response.status_code >= 400
    assert problems("operation-outcome", response.json()) == []


def test_the_page_lists_each_schema_and_no_other() -> None:
    assert sorted(re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE)) == names()


def test_the_example_of_the_page_does_what_it_says() -> None:
    code, told = re.findall(r"```(?:python|text)\n(.*?)```", PAGE, re.DOTALL)
    said: list[str] = []
    exec(code, {"print": lambda line: said.append(line)})
    assert said == told.strip().splitlines()
