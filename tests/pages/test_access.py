"""Who may see a page, by the settings: a caller on this machine, one whom a trusted proxy names, one with a password."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from ipaddress import ip_network
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cds.engine.engine import Engine
from cds.knowledge.model import Knowledge
from cds.settings import BadSettings, Settings, settings
from cds.trust.passwords import BadPasswords, line, passwords
from cds.web.app import app
from cds.web.pages.access import MOST_FAILURES

GUARDED_PAGE = "/rules"
PASSWORD = "a long enough password"
HERE, ELSEWHERE = ("127.0.0.1", 5000), ("10.1.2.3", 5000)
Asking = Callable[..., TestClient]


@pytest.fixture
def asking(book: Knowledge, engine: Engine) -> Asking:
    """A client of a service with such settings, from such an address, asking for such a host."""

    def made(configured: Settings, peer: tuple[str, int] = HERE, host: str = "127.0.0.1") -> TestClient:
        service = app(book, engine, configured, lambda: date(2026, 11, 23))
        return TestClient(service, base_url=f"http://{host}:8000", client=peer, follow_redirects=False)

    return made


@pytest.fixture
def with_password(tmp_path: Path) -> Settings:
    file = tmp_path / "passwords"
    file.write_text(f"# who may see the pages\n{line('anna', PASSWORD)}\n")
    return Settings(passwords=file)


def form_token(client: TestClient, path: str = "/sign-in") -> str:
    found = re.search(r'name="form_token" value="(\w+)"', client.get(path).text)
    assert found is not None
    return found[1]


def test_without_settings_only_this_machine_is_let_in(asking: Asking) -> None:
    assert asking(Settings()).get(GUARDED_PAGE).status_code == 200
    assert asking(Settings(), ELSEWHERE).get(GUARDED_PAGE).status_code == 403
    assert asking(Settings()).get(GUARDED_PAGE, headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 403


def test_a_name_of_another_page_that_leads_here_opens_nothing(asking: Asking) -> None:
    assert asking(Settings(), host="rebound.example.org").get(GUARDED_PAGE).status_code == 403
    assert asking(Settings(), host="localhost").get(GUARDED_PAGE).status_code == 200


def test_a_trusted_proxy_names_the_user_and_nobody_else_does(asking: Asking) -> None:
    configured = Settings(user_header="X-Forwarded-User", trusted_proxies=(ip_network("10.1.0.0/16"),))
    named = {"X-Forwarded-User": "anna"}
    assert asking(configured, ELSEWHERE).get(GUARDED_PAGE, headers=named).status_code == 200
    assert asking(configured, ELSEWHERE).get(GUARDED_PAGE).status_code == 403
    assert asking(configured, ("10.9.9.9", 1)).get(GUARDED_PAGE, headers=named).status_code == 403
    assert asking(configured).get(GUARDED_PAGE, headers=named).status_code == 403


def test_a_password_begins_a_session_and_sign_out_ends_it(asking: Asking, with_password: Settings) -> None:
    client = asking(with_password, ELSEWHERE)
    assert client.get(GUARDED_PAGE).status_code == 401
    signed = client.post(
        "/sign-in", data={"form_token": form_token(client), "name": "anna", "password": PASSWORD, "next": GUARDED_PAGE}
    )
    assert (signed.status_code, signed.headers["location"]) == (303, GUARDED_PAGE)
    assert re.search(r"httponly.*samesite=strict", signed.headers["set-cookie"].lower())
    assert client.get(GUARDED_PAGE).status_code == 200
    client.post("/sign-out", data={"form_token": form_token(client, GUARDED_PAGE)})
    assert client.get(GUARDED_PAGE).status_code == 401


def test_a_name_that_is_taken_out_of_the_file_ends_its_session(asking: Asking, with_password: Settings) -> None:
    client = asking(with_password)
    client.post("/sign-in", data={"form_token": form_token(client), "name": "anna", "password": PASSWORD})
    assert client.get(GUARDED_PAGE).status_code == 200
    assert with_password.passwords is not None
    with_password.passwords.write_text("")
    assert client.get(GUARDED_PAGE).status_code == 401


def test_a_wrong_password_keeps_the_name_and_too_many_are_not_tried(asking: Asking, with_password: Settings) -> None:
    client = asking(with_password)
    token = form_token(client)
    for _ in range(MOST_FAILURES):
        wrong = client.post("/sign-in", data={"form_token": token, "name": "anna", "password": "not the password"})
        assert wrong.status_code == 401 and 'value="anna"' in wrong.text
    right = client.post("/sign-in", data={"form_token": token, "name": "anna", "password": PASSWORD})
    assert right.status_code == 401


@pytest.mark.parametrize("next", ["https://elsewhere.example.org/", "//elsewhere.example.org", "/\\elsewhere.example.org"])
def test_signing_in_leads_to_no_other_host(asking: Asking, with_password: Settings, next: str) -> None:
    client = asking(with_password)
    told = {"form_token": form_token(client), "name": "anna", "password": PASSWORD, "next": next}
    assert client.post("/sign-in", data=told).headers["location"] == "/"


def test_a_form_of_another_page_is_refused(asking: Asking, with_password: Settings) -> None:
    client = asking(with_password)
    told = {"name": "anna", "password": PASSWORD}
    assert client.post("/sign-in", data=told).status_code == 403
    crossed = client.post("/sign-in", data={**told, "form_token": form_token(client)}, headers={"Sec-Fetch-Site": "cross-site"})
    assert crossed.status_code == 403


def test_a_form_that_is_too_large_is_refused_before_it_is_read_whole(asking: Asking) -> None:
    client = asking(Settings())
    assert client.post("/sign-in", content=b"a" * 3_000_000, headers={"Content-Type": "text/plain"}).status_code == 413


@pytest.mark.parametrize("path", ["/", "/docs", GUARDED_PAGE, "/integration"])
def test_no_page_allows_what_is_unsafe(asking: Asking, path: str) -> None:
    policy = asking(Settings()).get(path, headers={"Accept": "text/html"}).headers["content-security-policy"]
    assert "unsafe" not in policy and policy.startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"CDS_USER_HEADER": "X-User"}, "needs CDS_TRUSTED_PROXIES"),
        ({"CDS_TRUSTED_PROXIES": "10.0.0.1"}, "needs CDS_TRUSTED_PROXIES"),
        ({"CDS_TRUSTED_PROXIES": "10.0.0.1/8", "CDS_USER_HEADER": "X-User"}, "expected addresses or networks"),
        ({"CDS_USER_HEADER": "X User", "CDS_TRUSTED_PROXIES": "10.0.0.1"}, "the name of a header"),
        ({"CDS_PASSWORDS": "none-there"}, "expected a file"),
    ],
)
def test_settings_that_can_not_be_used_stop_the_start(environment: dict[str, str], says: str) -> None:
    with pytest.raises(BadSettings, match=says):
        settings(environment)


@pytest.mark.parametrize("text", ["anna", "anna:secret", "Anna:$argon2id$x", "a:$argon2id$x\na:$argon2id$y"])
def test_a_file_of_passwords_says_which_line_can_not_be_used(tmp_path: Path, text: str) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"{text}\n")
    with pytest.raises(BadPasswords, match=r"passwords:\d: "):
        passwords(file)
    with pytest.raises(BadSettings, match="CDS_PASSWORDS"):
        settings({"CDS_PASSWORDS": str(file)})


@pytest.mark.parametrize(("name", "password"), [("Anna", PASSWORD), ("anna", "short"), ("", PASSWORD)])
def test_a_name_or_password_that_can_not_be_used_is_refused(name: str, password: str) -> None:
    with pytest.raises(BadPasswords):
        line(name, password)
