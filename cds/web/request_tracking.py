"""Each request tracked from end to end: its id, what its time went on, and a span where tracing is configured."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cds.web.logs import REQUEST
from cds.web.tracing import Tracing

UUID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}(\1[0-9a-f]{4}){2}\1[0-9a-f]{12}", re.IGNORECASE)
"""The ids that are taken over from a caller. Any other text might name a patient, and goes into no log."""
SPAN = "cds.call"
SPENT: ContextVar[dict[str, float]] = ContextVar("spent")


@contextmanager
def spent_on(phase: str) -> Iterator[None]:
    """Adds the time of a block to a phase of the request; the answer tells it in `Server-Timing`."""
    started = time.perf_counter()
    try:
        yield
    finally:
        spent = SPENT.get(None)
        if spent is not None:
            spent[phase] = spent.get(phase, 0.0) + time.perf_counter() - started


def told_in_span(fields: Mapping[str, Any]) -> None:
    """Puts the service, the status and the counts of a call into its span, where there is one. Lists are counted."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    for name in ("service", "status", "cards", "orders", "gaps"):
        if name in fields:
            value = fields[name]
            span.set_attribute(f"cds.{name}", len(value) if isinstance(value, list) else value)
    if fields["status"] >= 500:
        span.set_status(Status(StatusCode.ERROR))


class RequestTracking:
    """Around the application: gives each request an id, times it, and opens a span for a call where there is a tracer."""

    def __init__(self, app: ASGIApp, tracing: Tracing | None = None) -> None:
        self.app = app
        self.tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, self._last_spans_first(send))
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        id = given if UUID.fullmatch(given) else str(uuid4())
        spent: dict[str, float] = {}

        async def send_tracked(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                told["X-Request-ID"] = id
                told["Server-Timing"] = server_timing({**spent, "total": time.perf_counter() - started})
            await send(message)

        request, timed = REQUEST.set(id), SPENT.set(spent)
        try:
            if self.tracing is None or scope["method"] != "POST":
                await self.app(scope, receive, send_tracked)
            else:
                with self._span(self.tracing.tracer, headers, id):
                    await self.app(scope, receive, send_tracked)
        finally:
            SPENT.reset(timed)
            REQUEST.reset(request)

    def _last_spans_first(self, send: Send) -> Send:
        """Sends the spans that are waiting before the service says that it has ended."""

        async def sent(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete" and self.tracing:
                await asyncio.to_thread(self.tracing.close)
            await send(message)

        return sent

    @contextmanager
    def _span(self, tracer: Tracer, headers: Headers, id: str) -> Iterator[None]:
        """A span without the address, the message of an error or any header, each of which may hold a patient's data."""
        parent = propagate.extract({name: headers[name] for name in ("traceparent",) if name in headers})
        with tracer.start_as_current_span(
            SPAN,
            parent,
            SpanKind.SERVER,
            {"cds.request": id},
            record_exception=False,
            set_status_on_exception=False,
        ):
            yield


def server_timing(spent: Mapping[str, float]) -> str:
    """The `Server-Timing` header of some phases. Units: seconds; the header's are milliseconds."""
    return ", ".join(f"{phase};dur={seconds * 1000:.2f}" for phase, seconds in spent.items())
