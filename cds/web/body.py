"""The body of a hook call: read up to a limit, parsed once."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request

from cds.errors import BadRequest, RefusedCall

LARGEST_BODY = 10 * 1024 * 1024
MOST_PARTS = 500_000
"""Objects and lists in one body: each costs far more memory than the two bytes that it may be sent in."""
MEDIA_TYPES = {"application/json", "application/fhir+json"}


class TooLarge(RefusedCall):
    """The body is over the limit."""

    status = 413
    code = "too-long"


class WrongMediaType(RefusedCall):
    """The body is not announced as JSON."""

    status = 415
    code = "not-supported"


async def parsed_body(request: Request) -> Any:
    """The JSON value in the body. Refuses: another media type, a body over the limit, and what is no strict JSON."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise WrongMediaType(f"Content-Type: expected {' or '.join(sorted(MEDIA_TYPES))}.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise WrongMediaType("Content-Encoding: expected none; send the body uncompressed.")
    body = await _bytes(request)
    if body.count(b"{") + body.count(b"[") > MOST_PARTS:
        raise TooLarge("The body holds more objects and lists than are read; prefetch fewer resources.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: at line {error.lineno}, column {error.colno}.") from None


async def _bytes(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > LARGEST_BODY:
        raise _too_large()
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_BODY:
            raise _too_large()
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large() -> TooLarge:
    return TooLarge(f"The body is over {LARGEST_BODY // 1024 // 1024} MB; prefetch fewer resources.")
