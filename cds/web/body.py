"""The body of a hook call: read up to a limit, parsed once."""

from __future__ import annotations

import json
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


async def read_body(request: Request) -> bytes:
    """The body as it came. Refuses: another media type, one whose length is told in two ways, and one over the limit."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise WrongMediaType(f"Content-Type: expected {' or '.join(sorted(MEDIA_TYPES))}.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise WrongMediaType("Content-Encoding: expected none; send the body uncompressed.")
    if "content-length" in request.headers and "transfer-encoding" in request.headers:
        raise BadRequest("Content-Length and Transfer-Encoding: seen both; expected one of them.")
    body = await _bytes(request)
    if parts_in(body) > MOST_PARTS:
        raise TooLarge("The body holds more objects and lists than are read; prefetch fewer resources.")
    return body


def parts_in(body: bytes) -> int:
    """How many objects and lists there may be in a body."""
    return body.count(b"{") + body.count(b"[")


def parsed(body: bytes) -> Any:
    """The JSON value in a body. Refuses: what is no strict JSON, and one that says twice who or what is meant."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: at line {error.lineno}, column {error.colno}.") from None
    if _may_say_twice(body, found):
        json.loads(body, object_pairs_hook=_each_once)
    return found


def _may_say_twice(body: bytes, found: Any) -> bool:
    """Whether an object may have a member twice: then fewer colons are left of what was parsed. One may hide as an escape."""
    try:
        left = orjson.dumps(found).count(b":")
    except orjson.JSONEncodeError:  # nested more deeply than is written out
        return True
    return body.count(b":") != left or b"\\u003a" in body.lower()


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object. Refuses: one that is there twice and says two things. Parsers differ in which they take, so that
    a proxy may have checked another patient, or another drug, than would be judged here."""
    read: dict[str, Any] = {}
    for name, value in members:
        if read.setdefault(name, value) != value:
            raise BadRequest("The body has an object in which a member stands twice and says two things; expected each once.")
    return read


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
