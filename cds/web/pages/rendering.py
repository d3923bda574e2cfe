"""Pages as HTML: templates in which every text is escaped, and headers that let a browser load nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import date, datetime
from functools import cache
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from cds.core.period import written
from cds.core.quantity import exact

POLICY = (
    "default-src 'none'; script-src 'self'; style-src {style}; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
STATIC = "/static"


@cache
def environment() -> Environment:
    """The templates of the pages. A name that was not given is an error."""
    found = Environment(
        loader=PackageLoader("cds.web.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.filters["day"] = in_words
    found.filters["clock"] = clock
    found.filters["amount"] = exact
    found.filters["markdown"] = as_html
    found.globals["program"] = version("taper-cds")
    return found


def in_words(day: date | str) -> str:
    """A day as a clinician writes it: `3 May 2027`."""
    return written(date.fromisoformat(day) if isinstance(day, str) else day)


def clock(moment: datetime) -> str:
    """A moment as a page tells it: `23 Nov 2026, 10:05 UTC`."""
    return f"{written(moment.date())}, {moment:%H:%M} UTC"


@cache
def _markdown() -> MarkdownIt:
    """GitHub's tables, and no HTML of the text's own."""
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def as_html(text: str) -> Markup:
    """Markdown as HTML. What looks like HTML in it is shown as text."""
    return Markup(_markdown().render(text).replace("<table>", '<table class="plain">'))


def page(template: str, status: int = 200, **told: Any) -> Response:
    """A whole page, or a part of one."""
    return html(environment().get_template(template).render(**told), status)


def html(text: str, status: int = 200) -> Response:
    """The text as a page. A stylesheet may stand within it; every other style or script has to be a file of ours."""
    own = "".join(f" 'sha256-{_digest(style)}'" for style in STYLE.findall(text))
    headers = {
        "Content-Security-Policy": POLICY.format(style=f"'self'{own}"),
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex, nofollow",
    }
    return Response(text, status, headers, media_type="text/html")


def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def wants_a_part(request: Request) -> bool:
    """Whether the page itself asks, to put the answer in place, and not a browser that opens it."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"
