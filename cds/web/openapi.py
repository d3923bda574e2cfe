"""The OpenAPI document: every route, its bodies by the JSON Schemas of the messages, and every status that it may answer."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from cds.hooks.schemas import ENDING, SHARED, every
from cds.hooks.services import ABOUT, HOOKS
from cds.web.body import LARGEST_BODY, MEDIA_TYPES

Json = dict[str, Any]

PATH = "/openapi.json"
LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
TOKEN = "clientToken"
REFUSALS = {
    400: "The body is no request to the service.",
    401: "The token does not prove who calls. Which check failed is told in the log alone.",
    403: "The caller is on another machine, and no token of operators is set.",
    408: "The body was not there in time.",
    412: "The medication list was not given, and could not be read.",
    413: f"The body is over {LARGEST_BODY // 1024 // 1024} MB, or holds too many objects and lists.",
    415: "The body is not announced as JSON, or is compressed.",
    422: "An order, or the access token, is of another patient than the call.",
    429: "The client made more calls than it may make in a minute.",
    500: "A fault of ours; the log tells its place.",
    503: "Not now. `Retry-After` says when to try again.",
}
"""What each status says that is no success."""
OF_ANY_SERVICE = (401, 429, 503)
OF_FEEDBACK = (400, 401, 408, 413, 415, 429, 500, 503)
OF_OPERATORS = (401, 403)
OF_A_CALL = tuple(status for status in REFUSALS if status != 403)
WAITING = {429, 503}
"""The statuses that may say when to try again."""
TEXT: Json = {"type": "string", "minLength": 1}
READY = {
    "type": "object",
    "properties": {
        "status": {"const": "ready"},
        "knowledge": {**TEXT, "description": "The revision of the rules that is served."},
        "store": {"enum": ["reachable", "spooling"], "description": "Where decisions go."},
        "sites": {"type": "array", "items": TEXT, "description": "The sites by which clients are judged, where any is."},
        "pending": {**TEXT, "description": "What of the rules or the clients can't be served, or which review is due."},
    },
    "required": ["status", "knowledge"],
    "additionalProperties": False,
}
HEALTH = {"type": "object", "properties": {"status": {"const": "alive"}}, "required": ["status"], "additionalProperties": False}
GUIDE_PARTS = ("services", "prefetch", "scopes", "tokens", "linkHosts", "topics", "overrideReasons", "clients")
GUIDE = {"type": "object", "properties": dict.fromkeys(GUIDE_PARTS, True), "required": list(GUIDE_PARTS)}


def openapi(public_url: str | None, guarded: bool, feedback: bool) -> Json:
    """The document of a service.

    `guarded` says that calls need a token, `feedback` that there is a place to keep it.
    """
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Taper CDS",
            "version": version("taper-cds"),
            "summary": "CDS Hooks 2.0.1: advice on tapering benzodiazepines and Z-drugs",
            "license": LICENSE,
        },
        "paths": _paths(guarded, feedback),
        "components": {"schemas": dict(_components())},
    }
    service = document["components"]["schemas"]["discovery-response.service"]
    service["properties"]["version"] = {"description": "Told to clients of CDS Hooks 3.0 alone.", **TEXT}
    if public_url:
        document["servers"] = [{"url": public_url}]
    if guarded:
        scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A token of CDS Hooks, used once."}
        document["components"]["securitySchemes"] = {TOKEN: scheme}
    return document


def _paths(guarded: bool, feedback: bool) -> Json:
    needed: list[Json] = [{TOKEN: []}] if guarded else []
    offered: list[Json] = [{}, {TOKEN: []}] if guarded else []
    paths: Json = {"/cds-services": {"get": _discovery(offered)}}
    for service, hook in HOOKS.items():
        title, description = ABOUT[service]
        paths[f"/cds-services/{service}"] = {
            "post": {
                "operationId": service,
                "summary": title,
                "description": description,
                "security": needed,
                **_asked(f"{hook}-request"),
                "responses": {
                    "200": _answer("Cards, or none where there is nothing to say.", _ref("hook-response")),
                    **_refused(OF_A_CALL),
                },
            }
        }
        if feedback:
            paths[f"/cds-services/{service}/feedback"] = {
                "post": {
                    "operationId": f"{service}-feedback",
                    "summary": "What became of the cards of this service",
                    "security": needed,
                    **_asked("feedback-request"),
                    "responses": {
                        "200": _answer("Stored for good.", {"type": "object", "maxProperties": 0}),
                        **_refused(OF_FEEDBACK),
                    },
                }
            }
    return paths | _watched()


def _discovery(security: list[Json]) -> Json:
    kept = {"ETag": {"schema": TEXT, "required": True}, "Cache-Control": {"schema": TEXT, "required": True}}
    return {
        "operationId": "discovery",
        "summary": "The services, with their prefetch templates",
        "security": security,
        "parameters": [{"name": "If-None-Match", "in": "header", "schema": {"type": "string"}, "description": "An ETag."}],
        "responses": {
            "200": {**_answer("The services.", _ref("discovery-response")), "headers": kept},
            "304": {"description": "As it was when it had this tag.", "headers": kept},
            **_refused(OF_ANY_SERVICE),
        },
    }


def _watched() -> Json:
    """The routes for operators and integrators. Two of them are for operators alone, wherever one asks from."""
    counters = {"description": "The counters.", "content": {"text/plain": {"schema": TEXT}}}
    guide = {
        "description": "What a site types in by hand: a page, or JSON for who accepts that alone.",
        "content": {"text/html": {"schema": TEXT}, "application/json": {"schema": GUIDE}},
    }
    told = {
        "/health": ("That the process lives", {"200": _answer("It lives.", HEALTH)}),
        "/ready": ("That calls can be answered", {"200": _answer("They can.", READY), **_refused([503])}),
        "/metrics": ("Counters for Prometheus", {"200": counters, **_refused(OF_OPERATORS)}),
        "/integration": ("The guide for a site that registers by hand", {"200": guide, **_refused(OF_OPERATORS)}),
        PATH: ("This document", {"200": _answer("This document.", {"type": "object", "required": ["openapi", "paths"]})}),
    }
    return {
        path: {"get": {"operationId": path[1:].removesuffix(".json"), "summary": says, "responses": answers}}
        for path, (says, answers) in told.items()
    }


def _asked(name: str) -> Json:
    return {"requestBody": {"required": True, "content": {kind: {"schema": _ref(name)} for kind in sorted(MEDIA_TYPES)}}}


def _answer(says: str, of: Json) -> Json:
    return {"description": says, "content": {"application/json": {"schema": of}}}


def _refused(statuses: Iterable[int]) -> Json:
    found = {}
    for status in statuses:
        found[str(status)] = _answer(REFUSALS[status], _ref("operation-outcome"))
        if status in WAITING:
            found[str(status)]["headers"] = {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}}
    return found


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _components() -> Iterable[tuple[str, Json]]:
    """Every schema by its name, and what one defines within itself as `name.part`."""
    for name, schema in every().items():
        whole = {key: value for key, value in schema.items() if key != "$schema"}
        parts = whole.pop("$defs", {})
        if name != SHARED:
            yield name, _within(whole, name)
        for part, definition in parts.items():
            yield f"{name}.{part}", _within(definition, name)


def _within(value: Any, name: str) -> Any:
    """A part of the schema of that name, its references leading to the components of the document."""
    if isinstance(value, list):
        return [_within(one, name) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _within(one, name) for key, one in value.items()}
    if "$ref" in found:
        file, _, part = found["$ref"].partition("#/$defs/")
        found["$ref"] = _ref(".".join(filter(None, (file.removesuffix(ENDING) or name, part))))["$ref"]
    return found
