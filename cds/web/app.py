"""The HTTP service: discovery, hook calls, and the routes that operators watch."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import orjson
from fastapi import FastAPI
from opentelemetry.trace import Tracer
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from cds.decide import Decision, decide
from cds.engine.engine import Engine
from cds.errors import BadRequest, RefusedCall
from cds.hooks.ledger import Ledger
from cds.hooks.messages import EXTENSION, hook_call
from cds.hooks.profiles import shaped
from cds.hooks.services import HOOKS, discovery
from cds.knowledge.model import Knowledge, Status
from cds.settings import Settings
from cds.web.answers import json_response, outcome_response
from cds.web.auth import CLIENT
from cds.web.body import parsed_body
from cds.web.doors import Doors
from cds.web.fetching import Fetcher, renamed
from cds.web.logs import LOG, place_of
from cds.web.metrics import Metrics
from cds.web.revision import Live, Revision
from cds.web.tracked import Tracked, spent_on, told_in_span

DISCOVERY_MAY_BE_KEPT = "max-age=300"


class Routes:
    """The routes, and what they need: the live revision, the clock, and the counters."""

    def __init__(self, live: Live, doors: Doors, settings: Settings, today: Callable[[], date]) -> None:
        self.live = live
        self.today = today
        self.metrics = Metrics(live)
        self.fetcher = Fetcher(doors.reader, settings.fhir_seconds, self.metrics.fhir_read)

    async def discover(self, request: Request) -> Response:
        content = orjson.dumps(discovery(self.live.now.on(self.today())))
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": DISCOVERY_MAY_BE_KEPT}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="application/json", headers=headers)

    async def call(self, request: Request) -> Response:
        """The answer to a hook call. Decided in place: a thread hop would cost as much as deciding."""
        started = time.perf_counter()
        id = str(uuid4())
        service = request.path_params["service"]
        try:
            with self.live.held() as revision:
                client = request.scope[CLIENT]
                with spent_on("read"):
                    body = await parsed_body(request)
                    call = renamed(hook_call(service, body), client.prefetch_names)
                day = self.today()
                knowledge = revision.on(day)
                with spent_on("fetch"):
                    call, parts = await self.fetcher.filled(call, body, client, knowledge, day)
                with spent_on("decide"):
                    decision = decide(call, knowledge, revision.engine, day, id, lambda: str(uuid4()))
            silent = silent_rules(decision, knowledge)
            response = json_response(200, shaped(decision.answer, client.profile))
            self.metrics.answered(decision.answer, silent)
            self.metrics.prefetched(client.id, parts)
        except ClientDisconnect:
            return self._refused(started, id, service, BadRequest("The caller hung up before the body was complete."))
        except Exception as error:
            return self._refused(started, id, service, error)
        told = {"client": client.id, "hook_instance": call.hook_instance, "prefetch": _by_state(parts)}
        self._tell(started, id, service, 200, **told, **_counts(decision.answer, silent))
        return response

    def _refused(self, started: float, id: str, service: str, error: Exception) -> Response:
        """The error answer, with an OperationOutcome. An unforeseen error is logged by its type and place only."""
        if isinstance(error, RecursionError):
            error = BadRequest("The body is nested too deeply.")
        if isinstance(error, RefusedCall):
            self._tell(started, id, service, error.status, refused=type(error).__name__)
            return outcome_response(error.status, error.code, str(error))
        self._tell(started, id, service, 500, error=type(error).__name__, place=place_of(error))
        return outcome_response(500, "exception", f"The call could not be answered; the service's log tells more under {id}.")

    def _tell(self, started: float, id: str, service: str, status: int, **more: Any) -> None:
        """Counts and logs a call. A service id that is not ours is the caller's text, so it is not repeated."""
        seconds = time.perf_counter() - started
        service = service if service in HOOKS else "unknown"
        self.metrics.calls.labels(service, str(status)).inc()
        self.metrics.seconds.labels(service).observe(seconds)
        fields = {"call": id, "service": service, "status": status, "ms": round(seconds * 1000, 2), **more}
        told_in_span(fields)
        LOG.log(logging.ERROR if status == 500 else logging.INFO, "call", extra={"fields": fields})

    async def health(self, request: Request) -> Response:
        return json_response(200, {"status": "alive"})

    async def ready(self, request: Request) -> Response:
        """Ready while it serves. `pending` says what stands under the rules and can't be served, or is due for review."""
        now = self.live.now
        if now.engine.ready():
            waiting = self.live.waiting()
            told = {"status": "ready", "knowledge": now.id}
            return json_response(200, {**told, "pending": waiting} if waiting else told)
        return outcome_response(503, "transient", "The rule engine does not give the answer that its reference gives.")

    async def counters(self, request: Request) -> Response:
        return Response(self.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def app(knowledge: Knowledge, engine: Engine, settings: Settings, today: Callable[[], date]) -> FastAPI:
    """The application over one revision that stays."""
    return live_app(Live(Revision(knowledge, engine)), settings, today)


def live_app(live: Live, settings: Settings, today: Callable[[], date], tracer: Tracer | None = None) -> FastAPI:
    """The application. Its routes are plain ones, so that a call costs little more than parsing and deciding."""
    doors = Doors(settings)
    routes = Routes(live, doors, settings, today)
    service = FastAPI(
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: refused_by_router},
        middleware=doors.middleware(routes.metrics.turned_away),
        lifespan=lambda _: running(live, doors),
        telemetry={"tracing": False, "metrics": False, "logs": False},  # its spans and logs hold addresses and messages of errors
    )
    service.add_middleware(Tracked, tracer=tracer)
    service.state.settings = settings
    for slash in ("", "/"):
        service.add_route(f"/cds-services{slash}", routes.discover, methods=["GET"])
        service.add_route(f"/cds-services/{{service}}{slash}", routes.call, methods=["POST"])
    service.add_route("/health", routes.health, methods=["GET"])
    service.add_route("/ready", routes.ready, methods=["GET"])
    service.add_route("/metrics", routes.counters, methods=["GET"])
    return service


@asynccontextmanager
async def running(live: Live, doors: Doors) -> AsyncIterator[None]:
    """While the service runs, the place of its rules is watched, and connections are kept."""
    task = asyncio.create_task(live.watch())
    try:
        async with doors.open():
            yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def silent_rules(decision: Decision, knowledge: Knowledge) -> list[str]:
    """The silent rules that were true, each as kind and id, once an order."""
    found = (finding for findings in decision.findings for finding in findings if finding.true)
    return [f"{one.kind}/{one.rule_id}" for one in found if knowledge.rule(one.rule_id, one.kind).status is Status.SILENT]


def today_in(zone: ZoneInfo) -> Callable[[], date]:
    """A clock that tells the day in a time zone."""
    return lambda: datetime.now(zone).date()


async def refused_by_router(request: Request, error: Exception) -> Response:
    """The answer where no route or method fits. OPTIONS is answered; origins are allowed before a request comes here."""
    status = getattr(error, "status_code", 500)
    headers = dict(getattr(error, "headers", None) or {})
    if status == 405:
        headers["Allow"] = f"{headers.get('Allow', '')}, OPTIONS".removeprefix(", ")
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        return outcome_response(405, "not-supported", f"The method does not fit; allowed are {headers['Allow']}.", headers)
    return outcome_response(status, "not-found", "There is nothing at this address; the services are at /cds-services.", headers)


def _by_state(parts: Ledger) -> dict[str, list[str]]:
    """The prefetch keys by what became of them, as the log tells it."""
    return {state.value: [part.value for part in parts if parts[part] is state] for state in dict.fromkeys(parts.values())}


def _counts(answer: Mapping[str, Any], silent: list[str]) -> dict[str, Any]:
    """What the log tells of an answer: rule ids and counts."""
    own = answer["extension"][EXTENSION]
    rules = [card["extension"][EXTENSION]["rule"] for card in answer["cards"]]
    told = {"cards": rules, "orders": len(own["orders"]), "gaps": len(own["gaps"]), "knowledge": own["knowledge"]}
    return told | ({"silent": silent} if silent else {})
