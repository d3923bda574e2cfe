"""One question of a browser: who asks, by which rule book, with what form; and how it comes to the function that answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from cds.errors import RefusedCall
from cds.knowledge.model import Knowledge
from cds.settings import Settings
from cds.web.live_rules import LiveRules
from cds.web.logs import LOG, place_of
from cds.web.pages.access import Access, User
from cds.web.pages.rendering import page
from cds.web.pools import Pool
from cds.web.recording import Recording
from cds.web.revision import Revision, SiteRevision

LARGEST_FORM = 2 * 1024 * 1024
"""Bytes: a pasted request of several hundred resources, or the largest rule file several times over."""
MOST_FIELDS = 100
TOKEN = "form_token"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question. `form` holds the last value of each field, of the address for a GET."""

    request: Request
    user: User | None
    revision: Revision
    day: date
    form: Mapping[str, str] = field(default_factory=dict)
    several: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def here(self) -> SiteRevision:
        """The rule book for who belongs to no site."""
        return self.revision.at(None)

    @property
    def knowledge(self) -> Knowledge:
        return self.here.on(self.day)


Answer = Callable[[Asked], Response]


class PageContext:
    """What every page needs: the live rules, the settings, the clock, the store, and who may see it."""

    def __init__(self, live: LiveRules, settings: Settings, today: Callable[[], date], keeping: Recording | None) -> None:
        self.live = live
        self.settings = settings
        self.today = today
        self.keeping = keeping
        self.access = Access(settings, keeping.recorder.keyed.key if keeping else None)
        self._threads = Pool("pages", 2, 40)

    def open(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a page that anybody may open who can reach the service."""
        return self._endpoint(answer, guarded=False)

    def guarded(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a page that only a known user may open."""
        return self._endpoint(answer, guarded=True)

    def told(self, asked: Asked, **more: Any) -> dict[str, Any]:
        """What every template needs."""
        return {
            "user": asked.user,
            "may_sign_in": self.access.by_password and asked.user is None,
            "editing": self.settings.editing,
            "form_token": self.access.form_token(asked.user),
            "path": asked.request.url.path,
            "revision": asked.here.id,
            **more,
        }

    def refused(self, asked: Asked, status: int, title: str, says: str) -> Response:
        return page("refused.html", status, **self.told(asked, title=title, says=says))

    def _endpoint(self, answer: Answer, guarded: bool) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            user = self.access.user(request)
            with self.live.held() as revision:
                asked = Asked(request, user, revision, self.today())
                if guarded and user is None:
                    return self._not_let_in(asked)
                try:
                    form, several = await _form(request)
                except RefusedCall as error:
                    return self.refused(asked, error.status, "That was too much", str(error))
                asked = Asked(request, user, revision, asked.day, form, several)
                if request.method == "POST" and not self.access.is_ours(request, user, form.get(TOKEN, "")):
                    says = "The form did not come from a page of this service, or you signed in anew since. Open the page again."
                    return self.refused(asked, 403, "This form can't be taken", says)
                return await self._answered(answer, asked)

        return endpoint

    async def _answered(self, answer: Answer, asked: Asked) -> Response:
        try:
            return await self._threads.run(lambda: answer(asked))
        except RefusedCall as error:
            return self.refused(asked, error.status, "Not now", str(error))
        except Exception as error:
            LOG.error("page failed", extra={"fields": {"error": type(error).__name__, "place": place_of(error)}})
            says = "It is a fault of ours; the service's log tells where."
            return self.refused(asked, 500, "This page could not be made", says)

    def _not_let_in(self, asked: Asked) -> Response:
        if self.access.by_password:
            return page("sign_in.html", 401, **self.told(asked, name="", wrong=False, next=asked.request.url.path))
        says = (
            "These pages are for who is on the machine itself. To open them from elsewhere, an operator names the users in a "
            "file (CDS_PASSWORDS), or lets a proxy sign them in (CDS_USER_HEADER)."
        )
        return self.refused(asked, 403, "This page is for operators", says)


class FormTooLong(RefusedCall):
    """A form that is larger than is read."""

    status = 413
    code = "too-long"


async def _form(request: Request) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """The fields of a form. Refuses: one that is larger than is read (FormTooLong), before all of it was read."""
    text = request.url.query
    if request.method == "POST":
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > LARGEST_FORM:
                raise FormTooLong(f"The form is larger than {LARGEST_FORM // 1024 // 1024} MB. Paste a shorter text.")
        announced = request.headers.get("content-type", "").split(";")[0].strip().lower()
        text = content.decode("utf-8", "replace") if announced == FORM else ""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise FormTooLong(f"The form has more than {MOST_FIELDS} fields.") from None
    several: dict[str, list[str]] = {}
    for name, value in pairs:
        several.setdefault(name, []).append(value)
    return dict(pairs), {name: tuple(values) for name, values in several.items()}
