"""Every route, service, prefetch key, refusal and counter stands in docs/routes.md, and no other."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.routing import Route
from starlette.testclient import TestClient

from cds.core.record import RecordPart
from cds.engine.engine import Engine
from cds.errors import RefusedCall
from cds.hooks.services import HOOKS
from cds.knowledge.loader import knowledge
from cds.settings import Settings
from cds.web.app import app
from cds.web.body import LARGEST_BODY, MEDIA_TYPES
from cds.web.recording import keeping

PAGE = (Path(__file__).parents[2] / "docs/routes.md").read_text()
PAGES = (Path(__file__).parents[2] / "docs/pages.md").read_text()
"""The routes for people, which are not part of the OpenAPI document."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    rule_book = knowledge(Settings().rules)
    kept = keeping(f"sqlite:///{tmp_path_factory.mktemp('store')}/records.sqlite", None, lambda: datetime.now(UTC))
    return app(rule_book, Engine(rule_book), Settings(), lambda: date(2026, 11, 23), kept)


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def test_each_route_is_listed_and_no_other(service: FastAPI) -> None:
    served = {
        f"{method} {route.path.rstrip('/') or '/'}"
        for route in service.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)`", PAGE + PAGES, re.MULTILINE)) == served


def test_each_service_is_listed_with_its_hook_and_no_other() -> None:
    assert dict(re.findall(r"^\| `([\w-]+)` \| `([\w-]+)` \|", section("Services"), re.MULTILINE)) == dict(HOOKS)


def test_each_prefetch_key_is_named() -> None:
    assert [part.value for part in RecordPart if f"`{part.value}`" not in section("What a call should bring")] == []


@pytest.mark.row("ERR-3")
def test_each_refusal_is_listed() -> None:
    listed = set(re.findall(r"^\| (\d{3}) \|", section("Refusals"), re.MULTILINE))
    assert {str(refusal.status) for refusal in all_below(RefusedCall)} <= listed


def test_the_limits_of_a_body_are_told() -> None:
    assert f"over {LARGEST_BODY // 1024 // 1024} MB" in PAGE
    assert [media_type for media_type in MEDIA_TYPES if f"`{media_type}`" not in PAGE] == []


def test_each_counter_is_listed_and_no_other(service: FastAPI) -> None:
    exposed = TestClient(service).get("/metrics").text
    counted = {name for name in re.findall(r"^# TYPE (\w+)", exposed, re.MULTILINE) if not name.endswith("_created")}
    assert set(re.findall(r"^\| `(cds_\w+)`", section("Counters"), re.MULTILINE)) == counted


def all_below(refusal: type[RefusedCall]) -> set[type[RefusedCall]]:
    return {refusal, *(deeper for below in refusal.__subclasses__() for deeper in all_below(below))}
