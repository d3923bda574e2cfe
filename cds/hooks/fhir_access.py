"""What a hook call says about reading more from the client's FHIR server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FhirAccess:
    """The FHIR server of a call, and the token to read from it for this call alone.

    `seconds` is for how long from its receipt the token may be used, None without a token. The token is shown in no text.
    """

    server: str
    token: str | None = field(default=None, repr=False)
    seconds: float | None = None


def fhir_access(body: Mapping[str, Any], subject: str | None = None) -> FhirAccess | None:
    """The access that the body of a call gives; None where it gives none, or gives it in a form that can't be used.

    `subject` is our own id at the client's authorization server, where it is known: a token for another is not used.

    Scopes are not looked at: some clients write them in their own words. The server decides what may be read.
    """
    server, authorization = body.get("fhirServer"), body.get("fhirAuthorization")
    if not isinstance(server, str):
        return None
    server = server.rstrip("/")
    if authorization is None:
        return FhirAccess(server)
    if not isinstance(authorization, dict):
        return None
    token, seconds = authorization.get("access_token"), authorization.get("expires_in")
    bearer = str(authorization.get("token_type", "")).lower() == "bearer"
    if subject is not None and authorization.get("subject") != subject:
        return None
    if not bearer or not isinstance(token, str) or not token or isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return FhirAccess(server, token, float(seconds)) if seconds > 0 else None
