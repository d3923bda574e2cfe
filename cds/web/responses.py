"""Answers as JSON, and refusals as an OperationOutcome."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from cds.errors import BadRequest, NeededDataMissing, RefusedCall
from cds.hooks.messages import operation_outcome
from cds.json_text import dumped
from cds.web.logs import place_of

TRY_AGAIN_IN = "5"
"""Seconds after which a store that was down is asked again."""


def outcome_response(status: int, code: str, says: str, headers: Mapping[str, str] | None = None) -> Response:
    return json_response(status, operation_outcome(code, says), headers)


def json_response(status: int, content: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(dumped(content), status, headers, media_type="application/json")


def refused_response(error: RefusedCall) -> Response:
    """The answer to a call that is refused; where trying again may help, it says when."""
    after = getattr(error, "retry_after", TRY_AGAIN_IN if error.status == 503 else None)
    return outcome_response(error.status, error.code, str(error), {"Retry-After": str(after)} if after else None)


def refusal(error: Exception, id: str) -> tuple[Response, dict[str, str]]:
    """The error answer, with an OperationOutcome, and what the log tells: of an unforeseen error its type and place only."""
    if isinstance(error, ClientDisconnect):
        error = BadRequest("The caller hung up before the body was complete.")
    if isinstance(error, RecursionError):
        error = BadRequest("The body is nested too deeply.")
    if isinstance(error, RefusedCall):
        why = {"why": error.why} if isinstance(error, NeededDataMissing) else {}
        return refused_response(error), {"refused": type(error).__name__, **why}
    says = f"The call could not be answered; the service's log tells more under {id}."
    return outcome_response(500, "exception", says), {"error": type(error).__name__, "place": place_of(error)}
