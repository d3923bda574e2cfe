"""Every page by its address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from cds.web.pages.asking import PageContext
from cds.web.pages.book_pages import RulePages
from cds.web.pages.home import Home
from cds.web.pages.interface import reference
from cds.web.pages.rendering import STATIC

FILES = Path(__file__).parent / "static"


def page_routes(desk: PageContext, document: Callable[[], Mapping[str, Any]]) -> list[BaseRoute]:
    """The routes of all pages. `document` is the OpenAPI document of the service."""
    home, rules = Home(desk), RulePages(desk)
    return [
        Route("/", desk.open(home.show), methods=["GET"]),
        Route("/sign-in", desk.open(home.sign_in), methods=["GET", "POST"]),
        Route("/sign-out", desk.guarded(home.sign_out), methods=["POST"]),
        Route("/docs", desk.open(reference(desk, document)), methods=["GET"]),
        Route("/rules", desk.guarded(rules.index), methods=["GET"]),
        Route("/rules/{path:path}", desk.guarded(rules.one), methods=["GET"]),
        Mount(STATIC, StaticFiles(directory=FILES), name="static"),
    ]
