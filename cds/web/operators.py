"""What operators alone may see: the counters, and what clients have brought."""

from __future__ import annotations

import hmac
import ipaddress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from cds.web.responses import outcome_response

OPERATORS_ALONE = ("/metrics", "/integration")
FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")
"""Headers by which a proxy on this machine says that somebody else asks."""


class Operators:
    """Lets in who shows the operators' token. Without one, only callers on this machine, asking for themselves."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") not in OPERATORS_ALONE or self._may(scope):
            await self._app(scope, receive, send)
        elif self._token:
            says = "This is for operators: show the token of CDS_OPERATOR_TOKEN as Authorization: Bearer."
            await outcome_response(401, "login", says, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
        else:
            says = "This is for operators: ask from the machine itself, or set CDS_OPERATOR_TOKEN and show it."
            await outcome_response(403, "forbidden", says)(scope, receive, send)

    def _may(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if self._token:
            scheme, _, shown = headers.get("authorization", "").partition(" ")
            return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), self._token.encode())
        return is_here(scope) and not is_passed_on(headers)


def is_passed_on(headers: Headers) -> bool:
    """Whether a proxy says that it asks for somebody else."""
    return any(name in headers for name in FORWARDED)


def is_here(scope: Scope) -> bool:
    """Whether the caller is on this machine: by its address, or without one, as over a socket in a folder."""
    host = (scope.get("client") or ("",))[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True
