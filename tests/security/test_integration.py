"""GET /integration: what a site types in by hand, and how the prefetch of each client fares."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from starlette.testclient import TestClient

from cds.hooks.client_profiles import Profile
from cds.knowledge.data_needs import asking
from cds.knowledge.model import Knowledge
from tests.docs.integration_page import PAGE, page
from tests.fhir_access.calls import HISTORY, bundle, stop
from tests.security.conftest import Site
from tests.security.tokens import PUBLIC, SIGN, shown

JSON = {"Accept": "application/json"}


def told(service: TestClient) -> dict[str, Any]:
    answer = service.get("/integration", headers=JSON)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_disc_19_the_same_templates_stand_there_as_in_discovery(service: TestClient) -> None:
    offered = service.get("/cds-services").json()["services"]
    assert all(one["prefetch"] == told(service)["prefetch"] for one in offered)
    assert [(one["id"], one["hook"]) for one in told(service)["services"]] == [(one["id"], one["hook"]) for one in offered]


def test_addresses_are_those_that_tokens_have_to_name(service: TestClient) -> None:
    assert all(one["address"].startswith(PUBLIC + "/cds-services/taper-") for one in told(service)["services"])


def test_fhir_10_the_least_scopes_are_those_of_what_is_read(service: TestClient) -> None:
    found = told(service)
    asked = {template.partition("?")[0].partition("/")[0] for template in found["prefetch"].values()}
    assert {scope["resource"] for scope in found["scopes"]} == {*asked, "Medication"}
    assert all(scope["smart1"].endswith(".read") for scope in found["scopes"])


def test_link_8_every_host_of_a_link_is_listed(service: TestClient, site: Site) -> None:
    call = stop(None, None, patient=None, medicationRequests=bundle(*HISTORY))
    cards = service.post(SIGN, json=call, headers=shown(site.ec.token())).json()["cards"]
    hosts = {urlsplit(link["url"]).hostname for card in cards for link in card["links"]}
    assert hosts and hosts <= set(told(service)["linkHosts"])


def test_it_is_a_page_for_a_browser_and_needs_no_token(service: TestClient) -> None:
    page = service.get("/integration", headers={"Accept": "text/html,application/json;q=0.9"})
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    for template in told(service)["prefetch"].values():
        assert template.replace("&", "&amp;") in page.text
    assert "<script" not in page.text


def test_what_a_client_brings_is_counted_and_what_it_lacks_named_with_the_rules(service: TestClient, site: Site) -> None:
    for _ in range(2):
        call = stop(None, None, medicationRequests=bundle(*HISTORY), conditions=None)
        assert service.post(SIGN, json=call, headers=shown(site.ec.token())).status_code == 200
    [client] = told(service)["clients"]
    assert (client["id"], client["profile"]) == ("hospital", "2.0.1")
    by_key = {part["key"]: part for part in client["prefetch"]}
    assert by_key["medicationRequests"]["states"] == {"sent": 2, "null": 0, "missing": 0, "fetched": 0, "failed": 0}
    assert by_key["conditions"]["states"]["null"] == 2
    assert by_key["conditions"]["withoutIt"] == {"silenced": [], "assuming": []}
    assert by_key["patient"]["states"]["missing"] == 2
    assert "older-adult" in by_key["patient"]["withoutIt"]["silenced"]
    assert "older-adult" in service.get("/integration").text


def test_a_rule_looks_at_what_its_facts_need_and_at_what_the_risks_that_it_asks_about_need(book: Knowledge) -> None:
    found = asking(book)
    assert "older-adult" in [rule.id for rule in found["patient"].silenced]
    assert "abrupt-stop" in [rule.id for rule in found["medicationDispenses"].silenced]
    for asked in found.values():
        assert not {rule.id for rule in asked.silenced if rule.kind == "risk"} & {
            rule.id for rule in asked.assuming if rule.kind == "risk"
        }


# docs/integration.md ----------------------------------------------------------------------------------------------------


def test_the_page_holds_what_the_rule_book_gives() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.docs.integration_page"


def test_the_page_tells_of_every_profile_and_of_nothing_else() -> None:
    listed = re.findall(r"^\| `([\w.]+)` \| ", PAGE.read_text().partition("A suggestion is offered only")[0], re.MULTILINE)
    assert sorted(listed) == sorted(Profile)
