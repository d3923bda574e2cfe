"""A client gets its answers in its own form, and may send prefetch under names of its own."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from cds.web.openapi import openapi
from tests.fhir_access.calls import HISTORY, KEYS, PATIENT, bundle, stop
from tests.fhir_access.conftest import FhirServer
from tests.security.conftest import Site
from tests.security.tokens import SIGN, shown

PREFETCH = {**dict.fromkeys(KEYS), "patient": PATIENT, "medicationRequests": bundle(*HISTORY)}


def cards(site: Site, entry: str, prefetch: dict[str, Any] = PREFETCH) -> list[dict[str, Any]]:
    with TestClient(site.app(entry)) as service:
        answer = service.post(SIGN, json=stop(None, None, **prefetch), headers=shown(site.ec.token()))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["cards"]
    return found


@pytest.mark.parametrize(
    ("profile", "uuid", "behaviors"),
    [
        ("2.0.1", True, {"at-most-one", "any"}),
        ("3.0", True, {"at-most-one", "any"}),
        ("1.0", False, {"at-most-one"}),
        ("epic", True, {"any"}),
    ],
)
def test_ver_6_the_profile_of_a_client_shapes_its_answers(site: Site, profile: str, uuid: bool, behaviors: set[str]) -> None:
    found = cards(site, f"profile: '{profile}'")
    assert found
    assert all(("uuid" in card) is uuid for card in found)
    assert {card["selectionBehavior"] for card in found if "selectionBehavior" in card} <= behaviors


@pytest.mark.row("DISC-10", "VER-1")
def test_discovery_tells_its_version_to_a_client_of_3_0_alone(site: Site) -> None:
    components = openapi(None, guarded=True, feedback=True)["components"]
    described = Draft202012Validator({"$ref": "#/components/schemas/discovery-response", "components": components})

    def told(entry: str, token: bool = True) -> tuple[set[str | None], str]:
        with TestClient(site.app(entry)) as service:
            headers = shown(site.ec.token("/cds-services")) if token else {}
            answer = service.get("/cds-services", headers=headers)
        assert "Authorization" in answer.headers["vary"]
        assert described.is_valid(answer.json())
        return {one.get("version") for one in answer.json()["services"]}, answer.headers["etag"]

    of_3_0, of_2_0 = told("profile: '3.0'"), told("profile: '2.0.1'")
    assert (of_3_0[0], of_2_0[0]) == ({"3.0.0"}, {None})
    assert of_3_0[1] != of_2_0[1]
    assert told("profile: '3.0'", token=False) == of_2_0


@pytest.mark.parametrize(
    ("registered", "subject", "used"),
    [
        ("taper-cds", "taper-cds", True),
        ("taper-cds", "another-app", False),
        ("taper-cds", None, False),
        (None, "another-app", True),
        (None, None, True),
    ],
)
def test_fhir_5_an_access_token_for_another_than_us_is_not_used(
    site: Site, fhir: FhirServer, registered: str | None, subject: str | None, used: bool
) -> None:
    call = stop(fhir.base)
    call["fhirAuthorization"]["subject"] = subject
    entry = f"fhir_servers: ['{fhir.base}']" + (f"\nsubject: {registered}" if registered else "")
    with TestClient(site.app(entry)) as service:
        answer = service.post(SIGN, json=call, headers=shown(site.ec.token()))
    assert (answer.status_code, bool(fhir.asked)) == ((200, True) if used else (412, False))


@pytest.mark.parametrize("entry", ["profile: epic", "profile: sandbox", "cards: words-only"])
def test_a_client_that_can_not_do_the_whole_of_a_suggestion_gets_words(site: Site, entry: str) -> None:
    assert not any("suggestions" in card for card in cards(site, entry))


def test_what_a_client_does_is_said_in_its_entry(site: Site) -> None:
    item = "{item: K, product: '308047', directions: ['Take 1 tablet (1 mg) at night.'], days: 28}"
    assert any("suggestions" in card for card in cards(site, "tables: plain"))
    assert not any("extension" in card for card in cards(site, "extension: no"))
    assert not any("suggestions" in card for card in cards(site, f"profile: epic\npreference_list: [{item}]"))


def test_pref_15_a_client_may_have_its_own_names_of_prefetch_keys(site: Site) -> None:
    renamed = {"meds-user" if key == "medicationRequests" else key: value for key, value in PREFETCH.items()}
    assert [card["summary"] for card in cards(site, "prefetch_names: {meds-user: medicationRequests}", renamed)] == [
        card["summary"] for card in cards(site, "")
    ]
