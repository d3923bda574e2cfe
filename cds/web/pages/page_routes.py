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
from cds.web.pages.insight_page import InsightPage
from cds.web.pages.interface import reference
from cds.web.pages.plan_page import PlanPages
from cds.web.pages.rendering import STATIC
from cds.web.pages.workbench import Workbench

FILES = Path(__file__).parent / "static"


def page_routes(desk: PageContext, document: Callable[[], Mapping[str, Any]]) -> list[BaseRoute]:
    """The routes of all pages. `document` is the OpenAPI document of the service."""
    home, rules, plans, bench, insight = Home(desk), RulePages(desk), PlanPages(desk), Workbench(desk), InsightPage(desk)
    return [
        Route("/", desk.open(home.show), methods=["GET"]),
        Route("/sign-in", desk.open(home.sign_in), methods=["GET", "POST"]),
        Route("/sign-out", desk.guarded(home.sign_out), methods=["POST"]),
        Route("/docs", desk.open(reference(desk, document)), methods=["GET"]),
        Route("/rules", desk.guarded(rules.index), methods=["GET"]),
        Route("/rules/{path:path}", desk.guarded(rules.one), methods=["GET"]),
        Route("/plans/{token}", desk.open(plans.show), methods=["GET"]),
        Route("/plans/{token}/sheet", desk.open(plans.sheet), methods=["GET"]),
        Route("/plans/{token}/sheet.pdf", desk.open(plans.pdf), methods=["GET"]),
        Route("/plans/{token}/plan.{kind}", desk.open(plans.file), methods=["GET"]),
        Route("/try", desk.guarded(bench.show), methods=["GET"]),
        Route("/try/ask", desk.guarded(bench.ask), methods=["POST"]),
        Route("/try/change", desk.guarded(bench.change), methods=["POST"]),
        Route("/try/story", desk.guarded(bench.save_story), methods=["POST"]),
        Route("/insights", desk.guarded(insight.show), methods=["GET"]),
        Route("/insights/draft", desk.guarded(insight.draft), methods=["POST"]),
        Mount(STATIC, StaticFiles(directory=FILES), name="static"),
    ]
