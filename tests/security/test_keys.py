"""Where the keys of a client come from: an allowed address or a file, asked again when they change, and not too often."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds.trust.keys import (
    ASK_AGAIN_SECONDS,
    FRESH_SECONDS,
    RENEWED_AFTER_SECONDS,
    STALE_SECONDS,
    TRY_AGAIN_SECONDS,
    KeySet,
    usable,
)
from tests.security.conftest import Site
from tests.security.test_tokens import status
from tests.security.tokens import Key, ec_key, shown


class KeyServer(ThreadingHTTPServer):
    """A client's address of keys."""

    daemon_threads = True
    keys: tuple[Key, ...] = ()
    asked = 0
    answer: tuple[int, bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/jwks.json"


class Handler(BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.asked += 1
        code, body = self.server.answer or (200, json.dumps({"keys": [key.public() for key in self.server.keys]}).encode())
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(site: Site) -> Iterator[KeyServer]:
    found = KeyServer(("127.0.0.1", 0), Handler)
    found.keys = (site.ec, site.rsa)
    threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def service(site: Site, server: KeyServer) -> Iterator[TestClient]:
    with TestClient(site.app(f"jku: [{server.url}]")) as browser:
        yield browser


def test_sec_9_keys_are_read_from_the_allowed_address_once(service: TestClient, site: Site, server: KeyServer) -> None:
    for key in (site.ec, site.rsa, site.ec):
        assert status(service, key.token(header={"jku": server.url})) == 200
    assert server.asked == 1


def test_sec_9_an_address_that_is_not_listed_is_never_asked(service: TestClient, site: Site, server: KeyServer) -> None:
    for jku in ("https://evil.example/jwks.json", server.url + "?x", server.url.replace("127.0.0.1", "localhost"), 7, ["x"], {}):
        assert status(service, site.ec.token(header={"jku": jku})) == 401
    assert server.asked == 0


def test_sec_10_without_jku_in_the_token_the_registered_address_counts(
    service: TestClient, site: Site, server: KeyServer
) -> None:
    assert status(service, site.ec.token()) == 200


def test_sec_10_with_a_file_of_keys_nothing_is_asked_whatever_the_token_says(site: Site, server: KeyServer) -> None:
    with TestClient(site.app("keys: keys.json")) as service:
        assert status(service, site.ec.token(header={"jku": server.url})) == 200
        assert status(service, site.ec.token()) == 200
    assert server.asked == 0


def test_sec_11_and_18_a_new_key_is_found_and_a_flood_of_unknown_ones_asks_no_more(
    site: Site, server: KeyServer, clock: Callable[[float], None]
) -> None:
    with TestClient(site.app(f"jku: [{server.url}]")) as service:
        assert status(service, site.ec.token()) == 200
        new = ec_key("new")
        server.keys = (site.ec, new)
        for _ in range(5):
            assert status(service, new.token()) == 401
        assert server.asked == 1
        clock(ASK_AGAIN_SECONDS)
        assert status(service, new.token()) == 200
        assert server.asked == 2
        for number in range(5):
            assert status(service, ec_key(f"x{number}").token()) == 401
        assert server.asked == 2


def test_sec_18_a_key_that_was_withdrawn_stops_counting(site: Site, server: KeyServer, clock: Callable[[float], None]) -> None:
    with TestClient(site.app(f"jku: [{server.url}]")) as service:
        assert status(service, site.rsa.token()) == 200
        server.keys = (site.ec,)
        clock(FRESH_SECONDS + 1)
        assert status(service, site.rsa.token()) == 401
        assert status(service, site.ec.token()) == 200


@pytest.mark.parametrize("answer", [(500, b""), (302, b""), (200, b"<html>"), (200, b"[]"), (200, b'{"keys": 1}'), (404, b"{}")])
def test_sec_18_known_keys_count_for_a_day_while_their_source_is_broken(
    site: Site, server: KeyServer, clock: Callable[[float], None], answer: tuple[int, bytes]
) -> None:
    with TestClient(site.app(f"jku: [{server.url}]")) as service:
        assert status(service, site.ec.token()) == 200
        server.answer = answer
        clock(STALE_SECONDS - 1)
        assert status(service, site.ec.token()) == 200
        clock(2)
        assert status(service, site.ec.token()) == 401


def test_a_source_that_failed_is_asked_again_soon(site: Site, server: KeyServer, clock: Callable[[float], None]) -> None:
    server.answer = (503, b"")
    with TestClient(site.app(f"jku: [{server.url}]")) as service:
        assert [status(service, site.ec.token()) for _ in range(3)] == [401, 401, 401]
        assert server.asked == 1
        server.answer = None
        clock(TRY_AGAIN_SECONDS)
        assert status(service, site.ec.token()) == 200


def test_a_file_of_keys_that_was_changed_is_read_again(site: Site, clock: Callable[[float], None]) -> None:
    with TestClient(site.app()) as service:
        assert status(service, site.ec.token()) == 200
        new = ec_key("new")
        site.publish(new)
        clock(ASK_AGAIN_SECONDS)
        assert status(service, new.token()) == 200
        assert status(service, site.ec.token()) == 401


def test_many_calls_with_an_unknown_key_wait_for_one_look() -> None:
    asked = 0

    async def load() -> object:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return {"keys": [ec_key("k").public()]}

    async def all_at_once() -> list[Any]:
        keys = KeySet(load)
        return await asyncio.gather(*(keys.key("k") for _ in range(20)))

    assert all(found["kid"] == "k" for found in asyncio.run(all_at_once()))
    assert asked == 1


def test_sec_7_only_keys_of_our_algorithms_count(site: Site) -> None:
    odd = [
        {"kty": "oct", "kid": "secret"},
        {"kty": "EC", "crv": "P-256", "kid": "small"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "edwards"},
        {"kty": "EC", "crv": "P-384"},
        "x",
    ]
    assert set(usable({"keys": [*odd, site.ec.public(), site.rsa.public()]})) == {site.ec.id, site.rsa.id}


@pytest.mark.parametrize("member", ["d", "k", "p"])
def test_a_set_that_holds_a_private_key_is_refused(site: Site, member: str) -> None:
    with pytest.raises(ValueError, match="private or secret"):
        usable({"keys": [{**site.ec.public(), member: "x"}]})


def test_the_keys_of_one_client_open_nothing_for_another(site: Site) -> None:
    other = ec_key(site.ec.id)
    (site.folder / "other.json").write_text(json.dumps({"keys": [other.public()]}))
    more = "  other:\n    issuer: https://other.example\n    keys: other.json\n"
    with TestClient(site.app(more=more)) as service:
        assert status(service, other.token()) == 401
        assert status(service, site.ec.token(iss="https://other.example")) == 401
        assert (
            service.post(
                "/cds-services/taper-order-sign", json={}, headers=shown(other.token(iss="https://other.example"))
            ).status_code
            == 400
        )


def test_keys_are_read_again_before_they_are_old_and_a_source_that_is_away_holds_up_no_call(
    clock: Callable[[float], None],
) -> None:
    """Beside the calls: a call whose key is known waits for no source, whether it answers slowly or not at all."""
    asked: list[str] = []
    key = ec_key("known")

    async def tried() -> None:
        away = asyncio.Event()

        async def load() -> object:
            asked.append("")
            if len(asked) > 1:
                await away.wait()
                raise OSError
            return {"keys": [key.public()]}

        keys = KeySet(load)
        assert await keys.key("known")
        clock(RENEWED_AFTER_SECONDS + 1)
        keys.renew()
        await asyncio.sleep(0)
        assert len(asked) == 2 and await asyncio.wait_for(keys.key("known"), 10), "it is used while it is read again"
        away.set()
        await asyncio.sleep(0.01)
        away.clear()
        clock(FRESH_SECONDS)
        assert await asyncio.wait_for(keys.key("known"), 10), "the source is away, and is asked again beside the call"
        away.set()

    asyncio.run(tried())
    assert len(asked) == 3
