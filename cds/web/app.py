"""The HTTP service: discovery, hook calls, and the routes that operators watch."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from datetime import date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import orjson
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cds.decision.decide import Decision, decide
from cds.engine.engine import Engine
from cds.hooks.client_profiles import shaped
from cds.hooks.messages import EXTENSION, HookCall, hook_call
from cds.hooks.prefetch import Ledger
from cds.hooks.services import DRAFTS_IN, HOOKS, discovery
from cds.knowledge.model import Knowledge, Status
from cds.records.store import StoreState
from cds.settings import Settings
from cds.trust.client_registry import Client
from cds.web.body import parsed, parts_in, read_body
from cds.web.deciding import Deciding
from cds.web.fetching import Fetcher, renamed
from cds.web.integration_guide import as_page, guide
from cds.web.live_rules import LiveRules
from cds.web.logs import LOG
from cds.web.metrics import Metrics
from cds.web.middleware import ServiceAccess
from cds.web.openapi import PATH, openapi
from cds.web.pages.asking import PageContext
from cds.web.pages.page_routes import page_routes
from cds.web.pages.plan_links import with_plan_links
from cds.web.recording import Recording
from cds.web.replay_guard import SeenInStore
from cds.web.request_tracking import RequestTracking, spent_on, told_in_span
from cds.web.responses import json_response, outcome_response, refusal
from cds.web.revision import Revision, SiteRevision
from cds.web.routing import CLIENT
from cds.web.tracing import Tracing

MOST_TOLD = 5
"""How many items of feedback that were refused the log tells of."""
DISCOVERY_MAY_BE_KEPT = "max-age=300"


class Routes:
    """The routes, and what they need: the live revision, the clock, and the counters."""

    def __init__(
        self,
        live: LiveRules,
        doors: ServiceAccess,
        settings: Settings,
        today: Callable[[], date],
        keeping: Recording | None = None,
    ) -> None:
        self.live = live
        self.today = today
        self.keeping = keeping
        self.doors = doors
        self.metrics = Metrics(live, doors.clients, today, settings.metrics_folder)
        self.fetcher = Fetcher(doors.reader, settings.fhir_seconds, self.metrics.fhir_read)
        self.deciding = Deciding(doors.turns, settings.decide_seconds)
        self.document = openapi(doors.public_url, guarded=settings.clients is not None, feedback=keeping is not None)

    async def discover(self, request: Request) -> Response:
        content = orjson.dumps(discovery(self._here(request).on(self.today()), request.scope[CLIENT].profile))
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": DISCOVERY_MAY_BE_KEPT, "Vary": "Authorization"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="application/json", headers=headers)

    async def call(self, request: Request) -> Response:
        """The answer to a hook call. A usual one is decided in place: a thread hop would cost as much as deciding."""
        started = time.perf_counter()
        id = str(uuid4())
        service = request.path_params["service"]
        told: dict[str, Any]
        try:
            with self.live.held() as revision:
                client = request.scope[CLIENT]
                here = revision.at(client.site)
                with spent_on("read"):
                    content = await read_body(request)
                day = self.today()
                knowledge = here.on(day)
                size = parts_in(content)
                body, call = await self._read(service, content, client, size)
                with spent_on("fetch"):
                    call, parts, fetched = await self.fetcher.filled(call, body, client, knowledge, day)
                with spent_on("decide"):
                    decision = await self.deciding.done(
                        lambda check: decide(call, knowledge, here.engine, day, id, lambda: str(uuid4()), check),
                        size + fetched,
                        client.id,
                    )
            if self.keeping:
                with spent_on("remember"):
                    decision = await self.keeping.shortening(decision, call, knowledge, client.id, lambda: str(uuid4()))
            silent = silent_rules(decision, knowledge)
            response = json_response(200, shaped(self._with_links(decision, request), client.profile, client.can))
            if self.keeping:
                with spent_on("keep"):
                    await self.keeping.keep(decision, call, knowledge, client.id, _by_part(parts))
            self.metrics.answered(decision.answer, silent, here.site.id if here.site else "")
            self.metrics.prefetched(client.id, parts)
            if not call.drafts and call.hook in DRAFTS_IN:
                self.metrics.brought_no_order(client.id)
        except Exception as error:
            response, why = refusal(error, id)
            told = {"client": request.scope[CLIENT].id, **why}
        else:
            told = {"client": client.id, "prefetch": _by_state(parts)} | self._named(call)
            told |= _counts(decision.answer, silent)
        response.background = BackgroundTask(self._tell, time.perf_counter() - started, id, service, response.status_code, told)
        return response

    async def _read(self, service: str, content: bytes, client: Client, size: int) -> tuple[Any, HookCall]:
        """The body, and the call in it under our names."""

        def read(_: Callable[[], None]) -> tuple[Any, HookCall]:
            body = parsed(content)
            return body, renamed(hook_call(service, body), client.prefetch_names)

        with spent_on("read"):
            return await self.deciding.small_or_done(read, size, client.id)

    async def feedback(self, request: Request) -> Response:
        """200 and an empty object, once the feedback in the body is stored."""
        id, service = str(uuid4()), request.path_params["service"]
        client = request.scope[CLIENT].id
        response, told = json_response(200, {}), dict[str, Any](client=client)
        try:
            assert self.keeping is not None, "there is no such route where nothing is kept"
            knowledge = self._here(request).on(self.today())
            body = parsed(await read_body(request))
            refused = await self.keeping.take(service, body, knowledge, client)
            told |= {"items_refused": list(refused[:MOST_TOLD])} if refused else {}
        except Exception as error:
            response, why = refusal(error, id)
            told |= why
        fields = {"report": id, "service": service if service in HOOKS else "unknown", "status": response.status_code, **told}
        told_in_span(fields)
        LOG.log(logging.ERROR if response.status_code == 500 else logging.INFO, "feedback", extra={"fields": fields})
        return response

    def _named(self, call: HookCall) -> dict[str, str]:
        """The call's `hookInstance` as it is stored; the client's own text goes into no log."""
        return {"hook_instance": self.keeping.recorder.keyed.call(call.hook_instance)} if self.keeping else {}

    def _with_links(self, decision: Decision, request: Request) -> Mapping[str, Any]:
        """The answer with a link to each plan, at the address that is set, else at the one that was asked."""
        if self.keeping is None:
            return decision.answer
        base = self.doors.public_url or str(request.base_url).rstrip("/")
        return with_plan_links(decision, self.keeping.recorder.keyed, base)

    def _here(self, request: Request) -> SiteRevision:
        """The rule book as the caller's site has it now."""
        return self.live.now.at(request.scope[CLIENT].site)

    async def _tell(self, seconds: float, id: str, service: str, status: int, told: Mapping[str, Any]) -> None:
        """Counts and logs a call, once its answer has left. A service id that is not ours is the caller's text: not repeated."""
        service = service if service in HOOKS else "unknown"
        self.metrics.calls.labels(service, str(status)).inc()
        self.metrics.seconds.labels(service).observe(seconds)
        fields = {"call": id, "service": service, "status": status, "ms": round(seconds * 1000, 2), **told}
        told_in_span(fields)
        LOG.log(logging.ERROR if status == 500 else logging.INFO, "call", extra={"fields": fields})

    async def health(self, request: Request) -> Response:
        return json_response(200, {"status": "alive"})

    async def ready(self, request: Request) -> Response:
        """Ready while it serves. `pending` says what of the rules and the clients can't be served, or is due for review."""
        store = await self.keeping.state() if self.keeping else None
        now = self.live.now  # asked last: a revision that is swapped out while something is waited for is not ready
        if not now.ready():
            return outcome_response(503, "transient", "The rule engine does not give the answer that its reference gives.")
        if store is StoreState.DOWN:
            return outcome_response(503, "transient", "Decisions can be written neither to the database nor to the spool.")
        aside = self.keeping.set_aside() if self.keeping else None
        waiting = (self.live.waiting(self.today()), self.live.gone(), self.doors.clients.reloads.problem, aside)
        pending = "\n".join(filter(None, waiting))
        told = {"status": "ready", "knowledge": now.id, "sites": self.live.sites(), "store": store, "pending": pending}
        return json_response(200, {name: value for name, value in told.items() if value})

    async def openapi(self, request: Request) -> Response:
        return json_response(200, self.document)

    async def integration(self, request: Request) -> Response:
        """The guide for a site that registers by hand: a page, or JSON for who accepts only that."""
        now, day = self.live.now, self.today()
        clients = [(client, now.at(client.site).on(day)) for client in self.doors.known()]
        told = guide(now.at(None).on(day), clients, self.doors.public_url, self.metrics.text())
        if "application/json" in request.headers.get("accept", "") and "text/html" not in request.headers["accept"]:
            return json_response(200, told)
        return Response(as_page(told), media_type="text/html")

    async def counters(self, request: Request) -> Response:
        return Response(self.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def app(
    knowledge: Knowledge, engine: Engine, settings: Settings, today: Callable[[], date], keeping: Recording | None = None
) -> FastAPI:
    """The application over one revision that stays."""
    return live_app(LiveRules(Revision(knowledge, engine)), settings, today, keeping=keeping)


def live_app(
    live: LiveRules,
    settings: Settings,
    today: Callable[[], date],
    tracing: Tracing | None = None,
    keeping: Recording | None = None,
) -> FastAPI:
    """The application. Its routes are plain ones, so that a call costs little more than parsing and deciding.

    Without a `keeping` nothing is written down, and there is no route for feedback.
    """
    doors = ServiceAccess(settings, live, today, SeenInStore(keeping.store, keeping.calls) if keeping else None)
    routes = Routes(live, doors, settings, today, keeping)
    service = FastAPI(
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: refused_by_router},
        middleware=doors.middleware(routes.metrics.turned_away),
        lifespan=lambda _: running(live, doors, keeping, routes.metrics),
        telemetry={"tracing": False, "metrics": False, "logs": False},  # its spans and logs hold addresses and messages of errors
    )
    service.add_middleware(RequestTracking, tracing=tracing)
    service.state.settings = settings
    service.state.clients = doors.clients
    for slash in ("", "/"):
        service.add_route(f"/cds-services{slash}", routes.discover, methods=["GET"])
        service.add_route(f"/cds-services/{{service}}{slash}", routes.call, methods=["POST"])
        if keeping:
            service.add_route(f"/cds-services/{{service}}/feedback{slash}", routes.feedback, methods=["POST"])
    if keeping:
        keeping.counted_in(routes.metrics.registry)
    service.add_route("/health", routes.health, methods=["GET"])
    service.add_route("/ready", routes.ready, methods=["GET"])
    service.add_route("/metrics", routes.counters, methods=["GET"])
    service.add_route("/integration", routes.integration, methods=["GET"])
    service.add_route(PATH, routes.openapi, methods=["GET"])
    service.router.routes.extend(page_routes(PageContext(live, settings, today, keeping), lambda: routes.document))
    return service


@asynccontextmanager
async def running(live: LiveRules, doors: ServiceAccess, keeping: Recording | None, metrics: Metrics) -> AsyncIterator[None]:
    """While the service runs, the place of its rules is watched, connections are kept, and the spool is stored."""
    task = asyncio.create_task(live.watch())
    try:
        async with metrics.running(), doors.open(), keeping.running() if keeping else nullcontext():
            yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def silent_rules(decision: Decision, knowledge: Knowledge) -> list[str]:
    """The silent rules that were true, each as kind and id, once an order."""
    found = (finding for findings in decision.findings for finding in findings if finding.true)
    return [f"{one.kind}/{one.rule_id}" for one in found if knowledge.rule(one.rule_id, one.kind).status is Status.SILENT]


def shortened_rules(answer: Mapping[str, Any]) -> list[str]:
    """The rules whose cards were shown in one line, once an order."""
    return [one["rule"] for order in answer["extension"][EXTENSION]["orders"] for one in order.get("shortened", ())]


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


def _by_part(parts: Ledger) -> dict[str, str]:
    """What became of each prefetch key, as it is written down."""
    return {part.value: state.value for part, state in parts.items()}


def _by_state(parts: Ledger) -> dict[str, list[str]]:
    """The prefetch keys by what became of them, as the log tells it."""
    return {state.value: [part.value for part in parts if parts[part] is state] for state in dict.fromkeys(parts.values())}


def _counts(answer: Mapping[str, Any], silent: list[str]) -> dict[str, Any]:
    """What the log tells of an answer: rule ids and counts."""
    own = answer["extension"][EXTENSION]
    rules = [card["extension"][EXTENSION]["rule"] for card in answer["cards"]]
    told = {"cards": rules, "orders": len(own["orders"]), "gaps": len(own["gaps"]), "knowledge": own["knowledge"]}
    more = {"silent": silent, "shortened": shortened_rules(answer)}
    return told | {name: value for name, value in more.items() if value}
