"""Spans reach a collector that the environment names, those of the last calls too, and hold nothing of the patient."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.operations.served import PATIENCE, served


class Collector(ThreadingHTTPServer):
    """An OpenTelemetry collector that keeps what it is sent, by path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.taken: list[tuple[str, bytes]] = []


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    one = Collector()
    thread = threading.Thread(target=one.serve_forever)
    thread.start()
    yield one
    one.shutdown()
    thread.join()
    one.server_close()


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one worker", "two workers"])
def test_the_spans_of_the_last_calls_are_sent_before_the_service_ends(
    tmp_path: Path, collector: Collector, options: tuple[str, ...]
) -> None:
    address = f"http://127.0.0.1:{collector.server_port}"
    with served(tmp_path, *options, OTEL_EXPORTER_OTLP_ENDPOINT=address) as service:
        assert [service.post()[0] for _ in range(3)] == [200, 200, 200]
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(PATIENCE)
    sent = b"".join(body for path, body in collector.taken if path == "/v1/traces")
    assert sent.count(b"cds.call") == 3
    assert sent.count(b"taper-order-sign") == 3
    assert {path for path, _ in collector.taken} == {"/v1/traces"}, "neither logs nor metrics leave by that way"
    assert b"Patient" not in sent and b"alprazolam" not in sent


def test_a_collector_that_is_away_holds_up_no_call(tmp_path: Path) -> None:
    with served(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT="1") as service:
        assert service.post()[0] == 200
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(PATIENCE)
    assert [line["status"] for line in service.lines() if line["message"] == "call"] == [200]
