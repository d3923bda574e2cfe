"""What operators alone may see, how large answers leave, and who may call from a browser on this machine."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cds.settings import BadSettings, Settings, settings
from cds.web.app import app
from cds.web.middleware import SANDBOX
from cds.web.revision import Revision
from cds.web.warming import warm
from tests.security.conftest import Site
from tests.security.tokens import DAY, SIGN

TOKEN = "a token that nobody can guess"
STOP = json.loads((Path(__file__).parents[2] / "fhir_examples/abrupt-stop-alprazolam/request.json").read_text())


def served(site: Site, caller: str, **given: object) -> TestClient:
    return TestClient(app(site.book, site.engine, Settings(**given), lambda: DAY), client=(caller, 50_000))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/integration"])
@pytest.mark.parametrize(("caller", "status"), [("127.0.0.1", 200), ("::1", 200), ("10.1.2.3", 403), ("93.184.216.34", 403)])
def test_without_a_token_only_this_machine_sees_them(site: Site, path: str, caller: str, status: int) -> None:
    assert served(site, caller).get(path.rstrip("/") if status == 200 else path).status_code == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_a_proxy_on_this_machine_shows_them_to_nobody(site: Site, header: str) -> None:
    assert served(site, "127.0.0.1").get("/metrics", headers={header: "for=93.184.216.34"}).status_code == 403


@pytest.mark.parametrize(
    ("shown", "status"),
    [(None, 401), ("Bearer other", 401), (f"Basic {TOKEN}", 401), (f"Bearer {TOKEN}", 200), (f"bearer {TOKEN}", 200)],
)
def test_with_a_token_it_has_to_be_shown_from_anywhere(site: Site, shown: str | None, status: int) -> None:
    for caller in ("127.0.0.1", "10.1.2.3"):
        service = served(site, caller, operator_token=TOKEN)
        answer = service.get("/metrics", headers={"Authorization": shown} if shown else {})
        assert (answer.status_code, TOKEN in answer.text) == (status, False)


@pytest.mark.parametrize("path", ["/health", "/ready", "/cds-services"])
def test_what_others_need_is_shown_to_them(site: Site, path: str) -> None:
    assert served(site, "10.1.2.3", operator_token=TOKEN).get(path).status_code == 200


def test_a_token_that_can_be_guessed_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadSettings) as refusal:
        settings({"CDS_OPERATOR_TOKEN": "short"})
    assert "CDS_OPERATOR_TOKEN" in str(refusal.value) and "short" not in str(refusal.value)


def test_answers_are_compressed_for_who_asks_for_it(site: Site) -> None:
    service = served(site, "127.0.0.1")
    small = service.post(SIGN, json=STOP, headers={"Accept-Encoding": "gzip"})
    whole = service.post(SIGN, json=STOP, headers={"Accept-Encoding": "identity"})
    assert (small.headers["content-encoding"], "content-encoding" in whole.headers) == ("gzip", False)
    assert int(small.headers["content-length"]) < len(whole.content) / 4
    assert len(small.json()["cards"]) == len(whole.json()["cards"]) > 0


def test_one_switch_lets_the_public_sandbox_call(site: Site) -> None:
    ask = {"Origin": SANDBOX, "Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
    closed, opened = served(site, "127.0.0.1"), served(site, "127.0.0.1", sandbox=True)
    assert "access-control-allow-origin" not in closed.options(SIGN, headers=ask).headers
    answer = opened.options(SIGN, headers={**ask, "Access-Control-Request-Headers": "content-type"})
    assert answer.headers["access-control-allow-origin"] == SANDBOX
    assert answer.headers["access-control-allow-private-network"] == "true"
    assert opened.post(SIGN, json=STOP, headers={"Origin": SANDBOX}).headers["access-control-allow-origin"] == SANDBOX


def test_the_sandbox_and_trusted_clients_are_not_mixed(site: Site) -> None:
    given = site.settings()
    environment = {"CDS_SANDBOX": "yes", "CDS_CLIENTS": str(given.clients), "CDS_PUBLIC_URL": "https://cds.example.org"}
    with pytest.raises(BadSettings, match="CDS_SANDBOX"):
        settings(environment)


def test_the_call_that_warms_the_service_up_gets_cards_on_any_day(site: Site) -> None:
    for days in (0, 1, 3650):
        [decision] = warm(Revision(site.book, site.engine), DAY + timedelta(days=days))
        assert decision.answer["cards"] and not decision.unclear
