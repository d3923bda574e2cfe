"""The real application beside a real FHIR server over HTTP, which can be slow, wrong, paged or dead."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from cds.engine.engine import Engine
from cds.knowledge.model import Knowledge
from cds.settings import Settings
from cds.web.app import app
from tests.fhir_access.calls import DAY, HISTORY, PATIENT, bundle

Answer = Callable[["FhirServer", BaseHTTPRequestHandler], None]


@dataclass
class FhirServer:
    """A FHIR server on this machine. `ways` says how it answers what comes under a path; without one it answers well."""

    port: int
    ways: dict[str, Answer] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path with query, and the Authorization header, of each request."""
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/fhir"

    def paths(self) -> list[str]:
        return [urlsplit(url).path.removeprefix("/fhir/") for url, _ in self.asked]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        fhir: FhirServer = self.server.fhir
        fhir.asked.append((self.path, self.headers.get("Authorization")))
        path = urlsplit(self.path).path.removeprefix("/fhir/")
        way = fhir.ways.get(path) or fhir.ways.get("*")
        (way or well)(fhir, self)

    def log_message(self, *_: object) -> None:
        pass


def send(handler: BaseHTTPRequestHandler, status: int, body: object, **headers: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/fhir+json")
    handler.send_header("Content-Length", str(len(content)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


def well(fhir: FhirServer, handler: BaseHTTPRequestHandler) -> None:
    """What it holds, or 404 for a read and an empty Bundle for a search."""
    path = urlsplit(handler.path).path.removeprefix("/fhir/")
    found = fhir.resources.get(path)
    if found is None and "/" in path:
        send(handler, 404, {"resourceType": "OperationOutcome", "issue": []})
    else:
        send(handler, 200, found or bundle())


def status(code: int, **headers: str) -> Answer:
    return lambda fhir, handler: send(handler, code, {"resourceType": "OperationOutcome", "issue": []}, **headers)


def content(body: object, **headers: str) -> Answer:
    return lambda fhir, handler: send(handler, 200, body, **headers)


def hangs(fhir: FhirServer, handler: BaseHTTPRequestHandler) -> None:
    """Nothing, for as long as the test lasts."""
    fhir.stopping.wait()
    handler.close_connection = True


def drips(fhir: FhirServer, handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then: never silent for long, and never done."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not fhir.stopping.is_set():
        try:
            handler.wfile.write(b" ")
            handler.wfile.flush()
        except OSError:
            break
        time.sleep(0.05)
    handler.close_connection = True


def breaks_off(fhir: FhirServer, handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.close_connection = True


def pages(*bundles: Any) -> Answer:
    """The Bundles one after the other, each linked to the next."""

    def paged(fhir: FhirServer, handler: BaseHTTPRequestHandler) -> None:
        at = int(parse_qs(urlsplit(handler.path).query).get("page", ["0"])[0])
        more = at + 1 < len(bundles)
        link = [{"relation": "next", "url": f"{fhir.base}/MedicationRequest?page={at + 1}"}] if more else []
        send(handler, 200, {**bundles[at], "link": link})

    return paged


class Listener(ThreadingHTTPServer):
    """Takes every read of a call at once."""

    request_queue_size = 128
    daemon_threads = True


@pytest.fixture
def fhir() -> Iterator[FhirServer]:
    server = Listener(("127.0.0.1", 0), Handler)
    running = FhirServer(server.server_address[1])
    running.resources = {"MedicationRequest": bundle(*HISTORY), f"Patient/{PATIENT['id']}": PATIENT}
    server.fhir = running  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield running
    running.stopping.set()
    server.shutdown()
    server.server_close()


Serving = Callable[[float], AbstractContextManager[TestClient]]


@pytest.fixture
def serving(book: Knowledge, engine: Engine, fhir: FhirServer) -> Serving:
    """The application, which may read from the test server, for so many seconds at a time and twice as many in all."""

    @contextmanager
    def running(seconds: float) -> Iterator[TestClient]:
        settings = Settings(
            fhir_servers=(fhir.base,), fhir_read_seconds=seconds, fhir_seconds=2 * seconds, call_seconds=4 * seconds + 10
        )
        with TestClient(app(book, engine, settings, lambda: DAY), raise_server_exceptions=False) as browser:
            yield browser

    return running


@pytest.fixture
def service(serving: Serving) -> Iterator[TestClient]:
    """The application with more time to read than a busy machine needs: for a server that answers, however badly."""
    with serving(30.0) as browser:
        yield browser


@pytest.fixture
def hurried(serving: Serving) -> Callable[[Callable[[TestClient], None]], None]:
    """Tries what holds for a server that does not answer in time: with half a second, or with more on a busy machine."""

    def tried(holds: Callable[[TestClient], None]) -> None:
        for seconds in (0.5, 2.0, 8.0):
            with serving(seconds) as browser, suppress(AssertionError):
                holds(browser)
                return
        with serving(30.0) as browser:
            holds(browser)

    return tried


@pytest.fixture
def paged() -> Callable[..., Answer]:
    return pages


@pytest.fixture
def answers() -> Callable[..., Answer]:
    return content
