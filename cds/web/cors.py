"""Browsers on other pages (CORS), and what a browser is told about our own pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "POST", "OPTIONS")
HEADERS = ("Authorization", "Content-Type", "Accept")
KEPT_SECONDS = 600
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PAGES = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
}
ENCRYPTED = {"Strict-Transport-Security": "max-age=31536000"}


class Cors(CORSMiddleware):
    """Answers preflights and marks answers, errors too, for pages of the origins that are allowed now; where there are none,
    does nothing."""

    def __init__(self, app: ASGIApp, origins: Callable[[], Sequence[str]]) -> None:
        super().__init__(
            app,
            allow_methods=METHODS,
            allow_headers=HEADERS,
            allow_private_network=True,
            expose_headers=["Retry-After", "WWW-Authenticate", "Server-Timing"],
            max_age=KEPT_SECONDS,
        )
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._origins():
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def is_allowed_origin(self, origin: str) -> bool:
        return origin in self._origins()


class SecurityHeaders:
    """Adds the headers that keep a browser from guessing, framing and telling. A response's own headers stay."""

    def __init__(self, app: ASGIApp, encrypted: bool) -> None:
        self._app = app
        self._everywhere = EVERYWHERE | (ENCRYPTED if encrypted else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                page = headers.get("content-type", "").startswith("text/html")
                for name, value in (self._everywhere | PAGES if page else self._everywhere).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, marked)
