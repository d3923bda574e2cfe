"""Answers as JSON, and refusals as an OperationOutcome."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.responses import Response

from cds.hooks.outcome import operation_outcome


def outcome_response(status: int, code: str, says: str, headers: Mapping[str, str] | None = None) -> Response:
    return json_response(status, operation_outcome(code, says), headers)


def json_response(status: int, content: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, media_type="application/json")
