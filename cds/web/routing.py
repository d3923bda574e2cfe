"""Which requests are to a service, and who made one."""

from __future__ import annotations

from starlette.types import Scope

PROTECTED = "/cds-services"
CLIENT = "cds.client"
"""Where a request's scope holds the client that made it."""


def is_service(scope: Scope) -> bool:
    """Whether a request is to discovery, a hook or feedback."""
    path: str = scope.get("path", "")
    return scope["type"] == "http" and (path == PROTECTED or path.startswith(f"{PROTECTED}/"))
