"""Each request can be followed: its id in the log and the answer, what its time went on, and a span without patient data."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from starlette.testclient import TestClient

from cds.engine.engine import Engine
from cds.errors import CdsError
from cds.knowledge.model import Knowledge
from cds.settings import Settings
from cds.web.app import live_app
from cds.web.live_rules import LiveRules
from cds.web.logs import JsonLines
from cds.web.revision import Revision
from cds.web.tracing import Tracing, tracing

SIGN = "/cds-services/taper-order-sign"
ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SECRET = "Rumpelstiltskin"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


# The request id --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [ID, "D1577C69-DFBE-44AD-BA6D-3E05E953B2EA"])
def test_a_request_id_of_the_proxy_is_taken_over(client: TestClient, given: str) -> None:
    assert client.get("/health", headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", [SECRET, "", "1234567", "a" * 33, f"{ID}\t", "d1577c69-dfbe44ad-ba6d-3e05e953b2ea"])
def test_any_other_text_is_no_request_id_since_it_might_name_a_patient(client: TestClient, given: str) -> None:
    assert re.fullmatch(UUID, client.get("/health", headers={"X-Request-ID": given}).headers["x-request-id"])


def test_the_lines_of_a_call_tell_its_request_id(client: TestClient, stop: dict[str, Any]) -> None:
    lines: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonLines().format(record)))

    log, handler = logging.getLogger("cds"), Kept()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        client.post(SIGN, json=stop, headers={"X-Request-ID": ID})
        client.post(SIGN, json={}, headers={"X-Request-ID": ID})
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    assert [(line["status"], line["request"]) for line in lines if line["message"] == "call"] == [(200, ID), (400, ID)]


@pytest.mark.parametrize("path", ["/health", "/cds-services", "/nothing-here"])
def test_every_answer_tells_its_request_id_and_its_time(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert re.fullmatch(UUID, headers["x-request-id"])
    assert re.fullmatch(r"total;dur=\d+\.\d\d", headers["server-timing"])


def test_the_answer_to_a_call_tells_what_its_time_went_on(client: TestClient, stop: dict[str, Any]) -> None:
    told = dict(part.split(";dur=") for part in client.post(SIGN, json=stop).headers["server-timing"].split(", "))
    assert {"read", "decide", "total"} <= set(told)
    assert float(told["total"]) >= float(told["decide"]) > 0


# Traces ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(book: Knowledge, engine: Engine, clock: Any, spans: InMemorySpanExporter) -> Iterator[TestClient]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    service = live_app(
        LiveRules(Revision(book, engine)), Settings(), clock, tracing=Tracing(provider.get_tracer("test"), provider.shutdown)
    )
    with TestClient(service, raise_server_exceptions=False) as browser:
        yield browser


def test_a_call_is_one_span_of_its_service_and_counts(
    traced: TestClient, spans: InMemorySpanExporter, stop: dict[str, Any]
) -> None:
    traced.post(SIGN, json=stop, headers={"X-Request-ID": ID})
    [span] = spans.get_finished_spans()
    told = dict(span.attributes or {})
    assert span.name == "cds.call"
    assert set(told) == {"cds.request", "cds.service", "cds.status", "cds.cards", "cds.orders", "cds.gaps"}
    assert (told["cds.request"], told["cds.service"], told["cds.status"]) == (ID, "taper-order-sign", 200)
    assert told["cds.cards"] == len(traced.post(SIGN, json=stop).json()["cards"])


def test_a_span_belongs_to_the_trace_of_the_caller(traced: TestClient, spans: InMemorySpanExporter, stop: dict[str, Any]) -> None:
    traced.post(SIGN, json=stop, headers={"traceparent": f"00-{ID}-00f067aa0ba902b7-01"})
    [span] = spans.get_finished_spans()
    assert span.context is not None and f"{span.context.trace_id:032x}" == ID


def test_no_span_holds_a_word_of_the_call(
    traced: TestClient, spans: InMemorySpanExporter, stop: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError(SECRET)

    named = json.loads(json.dumps(stop).replace('"p"', f'"{SECRET}"').replace("Patient/p", f"Patient/{SECRET}"))
    headers = {
        "Authorization": f"Bearer {SECRET}",
        "User-Agent": SECRET,
        "baggage": f"patient={SECRET}",
        "tracestate": f"x={SECRET}",
    }
    traced.post(f"{SIGN}?patient={SECRET}", json=named, headers=headers)
    traced.post(f"/cds-services/{SECRET}", json=named, headers=headers)
    monkeypatch.setattr("cds.web.app.decide", broken)
    assert traced.post(SIGN, json=named).status_code == 500
    finished = spans.get_finished_spans()
    assert [span.status.status_code for span in finished] == [StatusCode.UNSET, StatusCode.UNSET, StatusCode.ERROR]
    assert SECRET not in "".join(span.to_json() for span in finished)


def test_what_operators_ask_is_no_call(traced: TestClient, spans: InMemorySpanExporter) -> None:
    for path in ("/health", "/ready", "/metrics", "/cds-services"):
        traced.get(path)
    assert spans.get_finished_spans() == ()


def test_nothing_is_traced_unless_a_collector_is_named() -> None:
    assert tracing({}) is None
    assert tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}) is None
    configured = tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    assert configured is not None
    configured.close()


def test_a_collector_without_the_packages_for_it_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(CdsError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT: set, but .* pip install taper-cds\[tracing\]"):
        tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
