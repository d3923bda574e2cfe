"""The first page: what this is, whether it is well, and where to go; and signing in and out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from cds.records.page_queries import RecentCall, recent
from cds.records.store_errors import StoreUnavailable
from cds.web.pages.asking import Asked, PageContext
from cds.web.pages.rendering import page

LAST_CALLS = 5
LONGEST_PASSWORD = 300


class Home:
    """The page itself, and the session that a password begins."""

    def __init__(self, desk: PageContext) -> None:
        self._desk = desk

    def show(self, asked: Asked) -> Response:
        told: dict[str, Any] = {"ready": asked.revision.ready(), "rules": len(asked.revision.book.rules), "day": asked.day}
        told |= {"pending": self._desk.live.waiting(asked.day), "sites": self._desk.live.sites(), "calls": (), "store": None}
        if asked.user is not None and self._desk.keeping is not None:
            told["calls"], told["store"] = self._calls()
        return page("home.html", **self._desk.told(asked, **told))

    def _calls(self) -> tuple[list[RecentCall], str | None]:
        assert self._desk.keeping is not None
        try:
            return self._desk.keeping.store.asked(lambda connection: recent(connection, LAST_CALLS)), None
        except StoreUnavailable as error:
            return [], str(error)

    def sign_in(self, asked: Asked) -> Response:
        """The page that was asked for, with a session; the form again, what was typed kept, where the password does not fit."""
        access = self._desk.access
        form = asked.form
        name, next = form.get("name", "").strip().lower(), _own(form.get("next", "/"))
        if not access.by_password:
            return RedirectResponse("/", 303)
        if asked.request.method == "GET":
            return page("sign_in.html", **self._desk.told(asked, name="", wrong=False, next=next))
        cookie = access.sign_in(name, form.get("password", "")[:LONGEST_PASSWORD])
        if cookie is None:
            return page("sign_in.html", 401, **self._desk.told(asked, name=name, wrong=True, next=next))
        response = RedirectResponse(next, 303)
        access.keep(response, cookie)
        return response

    def sign_out(self, asked: Asked) -> Response:
        response = RedirectResponse("/", 303)
        self._desk.access.forget(response)
        return response


def _own(address: str) -> str:
    """A path of this service; anything else is the first page."""
    found = urlsplit(address)
    plain = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return found.path if plain and not found.netloc and not found.scheme else "/"
