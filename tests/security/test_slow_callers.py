"""Callers that dawdle or send too much, over real sockets: each is ended or refused, and the others are answered meanwhile."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse

import pytest
import uvicorn

from cds.settings import Settings
from cds.web.app import app
from cds.web.body import LARGEST_BODY
from cds.web.header_timeout import HeaderTimeoutProtocol
from tests.security.conftest import Site
from tests.security.tokens import CALL, DAY, SIGN

PATIENCE = 120
BODY = json.dumps(CALL).encode()
HEAD = f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n".encode()


@pytest.fixture
def port(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a service that waits half a second for the head of a request."""
    monkeypatch.setattr(HeaderTimeoutProtocol, "head_seconds", 0.5)
    made = app(site.book, site.engine, Settings(call_seconds=PATIENCE), lambda: DAY)
    server = uvicorn.Server(uvicorn.Config(made, port=0, log_level="error", http=HeaderTimeoutProtocol))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(5)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def answered(port: int) -> int:
    asked = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    asked.request("POST", SIGN, BODY, {"Content-Type": "application/json"})
    status = asked.getresponse().status
    asked.close()
    return status


def status_on(connection: socket.socket) -> int:
    """The status of one answer, read to its end."""
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def until_closed(slow: socket.socket, drop: bytes = b"") -> bytes:
    """What comes back until the other side hangs up, a drop sent now and then."""
    found, slow_down = b"", time.monotonic() + PATIENCE
    slow.settimeout(0.1)
    while time.monotonic() < slow_down:
        try:
            if drop:
                slow.sendall(drop)
            part = slow.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            return found
        if not part:
            return found
        found += part
    raise AssertionError("it was not closed")


def test_a_connection_on_which_nothing_is_asked_is_closed(port: int) -> None:
    with connected(port) as idle:
        assert until_closed(idle) == b""


def test_a_head_that_drips_in_is_ended_however_often_a_drop_comes(port: int) -> None:
    with connected(port) as slow:
        slow.sendall(HEAD)
        assert until_closed(slow, drop=b"X-A: b\r\n") == b""


def test_the_head_of_a_second_call_may_not_drip_in_either(port: int) -> None:
    with connected(port) as slow:
        slow.sendall(HEAD + b"\r\n" + BODY)
        assert status_on(slow) == 200
        slow.sendall(HEAD)
        assert b"HTTP/1.1" not in until_closed(slow, drop=b"X-A: b\r\n")


def test_a_body_and_a_connection_that_waits_for_its_next_call_have_more_time(port: int) -> None:
    with connected(port) as steady:
        for _ in range(2):
            steady.sendall(HEAD + b"\r\n" + BODY[:10])
            time.sleep(0.8)
            steady.sendall(BODY[10:])
            assert status_on(steady) == 200
            time.sleep(0.8)


def test_hundreds_that_dawdle_hold_up_no_call(port: int) -> None:
    with ExitStack() as many:
        for number in range(300):
            slow = many.enter_context(connected(port))
            slow.sendall(HEAD[: number % len(HEAD)])
        assert [answered(port) for _ in range(10)] == [200] * 10


@pytest.mark.row("GEN-10", "ERR-6")
def test_a_body_without_end_is_refused_once_it_is_too_large(port: int) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with connected(port) as large:
        large.sendall(HEAD.replace(f"Content-Length: {len(BODY)}".encode(), b"Transfer-Encoding: chunked") + b"\r\n")
        for _ in range(LARGEST_BODY // 65536 + 1):
            large.sendall(chunk)
        assert status_on(large) == 413
    assert answered(port) == 200


@pytest.mark.parametrize("body", [b"2\r\n{}\r\n0\r\n\r\n", b"{}"])
def test_a_body_whose_length_is_told_in_two_ways_is_refused(port: int, body: bytes) -> None:
    """A proxy may take the other of the two for the length, and what follows for a call of somebody else."""
    head = HEAD.replace(str(len(BODY)).encode(), b"2") + b"Transfer-Encoding: chunked\r\n\r\n"
    with connected(port) as caller:
        caller.sendall(head + body)
        assert status_on(caller) == 400
