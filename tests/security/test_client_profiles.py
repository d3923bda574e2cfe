"""A client gets its answers in its own form, and may send prefetch under names of its own."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.fhir_access.calls import HISTORY, KEYS, PATIENT, bundle, stop
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


def test_epic_gets_one_action_a_suggestion(site: Site) -> None:
    assert all(len(one["actions"]) == 1 for card in cards(site, "profile: epic") for one in card.get("suggestions", []))


def test_pref_15_a_client_may_have_its_own_names_of_prefetch_keys(site: Site) -> None:
    renamed = {"meds-user" if key == "medicationRequests" else key: value for key, value in PREFETCH.items()}
    assert [card["summary"] for card in cards(site, "prefetch_names: {meds-user: medicationRequests}", renamed)] == [
        card["summary"] for card in cards(site, "")
    ]
