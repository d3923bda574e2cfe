"""The discovery answer and its prefetch templates, by the rows of CDS Hooks 2.0.1."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import pytest
from starlette.testclient import TestClient

from cds.core.record import RecordPart

CONTEXT = {"patientId", "encounterId", "userId"}
SUBSET = {"patient", "code", "_sort", "_count"}


@pytest.fixture
def services(client: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/cds-services").json()["services"]
    return found


def test_disc_1_to_3_discovery_is_an_object_with_a_list_of_services(client: TestClient) -> None:
    response = client.get("/cds-services", headers={"Accept": "application/json"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"services"}


def test_disc_4_to_9_each_service_says_what_it_is(services: list[dict[str, Any]]) -> None:
    assert {service["id"]: service["hook"] for service in services} == {
        "taper-order-select": "order-select",
        "taper-order-sign": "order-sign",
        "taper-patient-view": "patient-view",
        "taper-medication-refill": "medication-refill",
        "taper-medication-prescribe": "medication-prescribe",
    }
    for service in services:
        assert set(service) == {"id", "hook", "title", "description", "prefetch", "usageRequirements"}
        assert re.fullmatch(r"[a-z-]+", service["id"])
        assert all(service.values())


def test_disc_14_no_two_services_share_hook_and_id(services: list[dict[str, Any]]) -> None:
    assert len({(service["hook"], service["id"]) for service in services}) == len(services)


def test_disc_18_discovery_may_be_kept_for_minutes_and_asked_again_by_its_tag(client: TestClient) -> None:
    first = client.get("/cds-services")
    assert first.headers["cache-control"] == "max-age=300"
    again = client.get("/cds-services", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_disc_18_head_and_a_trailing_slash_are_answered(client: TestClient) -> None:
    assert client.head("/cds-services").status_code == 200
    assert client.get("/cds-services/", follow_redirects=False).status_code == 200


def test_the_prefetch_keys_are_those_that_are_read(services: list[dict[str, Any]]) -> None:
    for service in services:
        assert set(service["prefetch"]) == {part.value for part in RecordPart}


@pytest.mark.row("PREF-16")
def test_pref_1_to_6_a_template_is_a_read_or_a_search_in_the_portable_subset(services: list[dict[str, Any]]) -> None:
    for template in services[0]["prefetch"].values():
        assert set(re.findall(r"\{\{context\.(\w+)\}\}", template)) <= CONTEXT
        assert template.count("{{") == len(re.findall(r"\{\{context\.\w+\}\}", template))
        kind, _, query = template.partition("?")
        assert re.fullmatch(r"[A-Z][A-Za-z]+(/\{\{context\.\w+\}\})?", kind)
        names = [name for name, _ in parse_qsl(query, strict_parsing=bool(query))]
        assert set(names) <= SUBSET
        assert len(names) == len(set(names)), "some clients merge a repeated parameter"


def test_observations_are_asked_for_by_code(services: list[dict[str, Any]]) -> None:
    codes = re.findall(r"http://loinc\.org\|([^,&]+)", services[0]["prefetch"]["observations"])
    assert codes
    assert all(re.fullmatch(r"\d+-\d", code) for code in codes), "an answer's code is no observation's code"
