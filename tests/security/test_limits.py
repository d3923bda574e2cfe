"""How much one client, one call and one browser page can ask of the service."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.testclient import TestClient

from cds.settings import Settings
from cds.trust.client_registry import Client
from cds.web.app import app
from cds.web.limits import RateLimit, SharedAllowances
from tests.security.conftest import Site
from tests.security.tokens import CALL, DAY, SIGN, ec_key, shown

PAGE = "https://sandbox.cds-hooks.org"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allowances do not fill up, however long the calls of a test take."""
    monkeypatch.setattr("cds.web.middleware.RateLimit", partial(RateLimit, clock=lambda: 0.0))


@pytest.mark.usefixtures("no_time_passes")
def test_err_6_a_client_that_calls_too_often_gets_429_and_how_long_to_wait(site: Site) -> None:
    with TestClient(site.app("calls_a_minute: 12")) as service:
        answers = [service.post(SIGN, json=CALL, headers=shown(site.ec.token())) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert answers[2].json()["resourceType"] == "OperationOutcome"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 5


@pytest.mark.usefixtures("no_time_passes")
def test_a_client_that_calls_too_often_holds_up_no_other(site: Site) -> None:
    other = ec_key("other")
    site.publish(site.ec, other)
    more = "  second:\n    issuer: https://second.example\n    keys: keys.json\n"
    with TestClient(site.app("calls_a_minute: 6", more)) as service:
        mine = [service.post(SIGN, json=CALL, headers=shown(site.ec.token())).status_code for _ in range(3)]
        theirs = service.post(SIGN, json=CALL, headers=shown(other.token(iss="https://second.example"))).status_code
    assert (mine, theirs) == ([200, 429, 429], 200)


def test_a_caller_that_is_not_trusted_spends_nobody_s_allowance(site: Site) -> None:
    with TestClient(site.app("calls_a_minute: 6")) as service:
        for _ in range(5):
            assert service.post(SIGN, json=CALL, headers=shown(ec_key(site.ec.id).token())).status_code == 401
        assert service.post(SIGN, json=CALL, headers=shown(site.ec.token())).status_code == 200


def test_an_allowance_fills_up_as_time_goes_by() -> None:
    now = [0.0]
    limit = RateLimit(60, lambda: now[0])
    client = Client("c")
    assert [limit.wait(client) for _ in range(10)] == [0.0] * 10
    assert limit.wait(client) == pytest.approx(1.0)
    now[0] = 0.5
    assert limit.wait(client) == pytest.approx(0.5)
    now[0] = 3.0
    assert [limit.wait(client) == 0 for _ in range(4)] == [True, True, True, False]
    now[0] = 10_000.0
    assert [limit.wait(client) == 0 for _ in range(11)] == [True] * 10 + [False]


def test_workers_that_share_a_folder_share_an_allowance(tmp_path: Path) -> None:
    now, client, other = [0.0], Client("c"), Client("d")
    here, there = (RateLimit(60, lambda: now[0], SharedAllowances(tmp_path)) for _ in range(2))
    taken = [limit.wait(client) == 0 for _ in range(6) for limit in (here, there)]
    assert taken == [True] * 10 + [False] * 2
    assert here.wait(other) == 0.0
    now[0] = 2.0
    assert [limit.wait(client) == 0 for limit in (there, here, there)] == [True, True, False]


def test_a_folder_that_was_left_from_before_the_machine_started_holds_nobody_up_for_long(tmp_path: Path) -> None:
    late, early = (RateLimit(60, lambda moment=moment: moment, SharedAllowances(tmp_path)) for moment in (1_000_000.0, 5.0))
    assert [late.wait(Client("c")) for _ in range(10)] == [0.0] * 10
    assert early.wait(Client("c")) == pytest.approx(1.0)


def test_where_the_folder_can_not_be_used_a_worker_counts_for_itself(tmp_path: Path) -> None:
    limit = RateLimit(60, lambda: 0.0, SharedAllowances(tmp_path / "gone"))
    assert [limit.wait(Client("c")) == 0 for _ in range(11)] == [True] * 10 + [False]


# Slow and many, over real sockets ---------------------------------------------------------------------------------------


PATIENCE = 120.0
"""Seconds before something is given up. An idle machine needs one or two; a busy one is waited for."""


@contextmanager
def served(site: Site, seconds: float) -> Iterator[str]:
    """The service on a port of its own, open, with one call at a time and so many seconds for each."""
    settings = Settings(call_seconds=seconds, most_calls=1)
    server = uvicorn.Server(uvicorn.Config(app(site.book, site.engine, settings, lambda: DAY), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(5)


async def dripped(address: str, seconds: float) -> bytes:
    """What comes back where a body of many bytes is sent a byte at a time, for so long at most."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
    head = f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    writer.write(head.encode())
    answer = asyncio.create_task(reader.read(4096))
    try:
        for _ in range(int(seconds * 20)):
            if answer.done():
                break
            writer.write(b" ")
            await asyncio.sleep(0.05)
    finally:
        writer.close()
    return await answer


def test_a_body_that_drips_in_is_ended_with_408(site: Site) -> None:
    with served(site, 1.0) as address:
        answer = asyncio.run(dripped(address, PATIENCE))
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"timeout"' in answer


def test_err_6_what_is_over_the_number_in_hand_gets_503_and_when_to_come_back(site: Site) -> None:
    async def until(caller: httpx.AsyncClient, status: int, address: str) -> httpx.Response:
        """The first answer of that status, asked for again and again; the last one where patience ends."""
        give_up = time.monotonic() + PATIENCE
        while (answer := await caller.post(address + SIGN, json=CALL)).status_code != status and time.monotonic() < give_up:
            await asyncio.sleep(0.05)
        return answer

    async def tried(address: str) -> tuple[httpx.Response, httpx.Response, httpx.Response]:
        async with httpx.AsyncClient(timeout=PATIENCE) as caller:
            slow = asyncio.create_task(dripped(address, PATIENCE))
            second, health = await until(caller, 503, address), await caller.get(address + "/health")
            slow.cancel()
            return second, health, await until(caller, 200, address)

    with served(site, PATIENCE) as address:
        second, health, afterwards = asyncio.run(tried(address))
    assert (second.status_code, second.headers["retry-after"]) == (503, "1")
    assert (health.status_code, afterwards.status_code) == (200, 200)


# Bodies -----------------------------------------------------------------------------------------------------------------


def test_gen_10_a_body_that_says_that_it_is_too_large_is_refused_before_it_is_read(site: Site) -> None:
    with TestClient(app(site.book, site.engine, Settings(), lambda: DAY)) as service:
        headers = {"Content-Type": "application/json", "Content-Length": str(11 * 1024 * 1024)}
        assert service.post(SIGN, content=b"{}", headers=headers).status_code == 413


@pytest.mark.parametrize("many", [b"[]," * 3_000_000, b"{}," * 3_000_000, b'{"a":[' * 1_000_000])
def test_gen_10_a_body_of_millions_of_empty_things_is_refused_before_it_is_parsed(
    site: Site, many: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(_: bytes) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr("cds.web.body.orjson.loads", parsed)
    with TestClient(app(site.book, site.engine, Settings(), lambda: DAY)) as service:
        answer = service.post(SIGN, content=b'{"prefetch":[' + many, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


# Browsers ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/cds-services", SIGN, SIGN + "/feedback"])
def test_cors_1_and_2_a_preflight_of_an_allowed_page_needs_no_token(site: Site, path: str) -> None:
    with TestClient(site.app(f"origins: ['{PAGE}']")) as service:
        answer = service.options(path, headers={"Origin": PAGE, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert {"GET", "POST", "OPTIONS"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert {"authorization", "content-type", "accept"} <= set(answer.headers["access-control-allow-headers"].lower().split(", "))
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://sandbox.cds-hooks.org", PAGE + ".evil.example"])
def test_cors_2_no_other_page_is_allowed(site: Site, origin: str) -> None:
    with TestClient(site.app(f"origins: ['{PAGE}']")) as service:
        preflight = service.options(SIGN, headers={"Origin": origin, **PREFLIGHT})
        discovery = service.get("/cds-services", headers={"Origin": origin})
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in {**preflight.headers, **discovery.headers}


@pytest.mark.parametrize("where", ["entry", "setting"])
def test_cors_2_an_allowed_page_may_read_answers_and_errors(site: Site, where: str) -> None:
    made = site.app(f"origins: ['{PAGE}']") if where == "entry" else site.app(origins=(PAGE,))
    with TestClient(made) as service:
        answers: list[Any] = [
            service.get("/cds-services", headers={"Origin": PAGE}),
            service.post(SIGN, json=CALL, headers={"Origin": PAGE, **shown(site.ec.token())}),
            service.post(SIGN, json=CALL, headers={"Origin": PAGE}),
            service.post(SIGN, json={}, headers={"Origin": PAGE, **shown(site.ec.token())}),
            service.get("/nothing", headers={"Origin": PAGE}),
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 400, 404]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "Origin" in answer.headers["vary"]


def test_every_answer_tells_a_browser_not_to_guess(site: Site) -> None:
    with TestClient(site.app()) as service:
        for answer in (service.get("/cds-services"), service.post(SIGN, json=CALL), service.get("/nothing")):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["strict-transport-security"].startswith("max-age=")
