"""A hook call in a file, with the day of its story, to which its dates can be moved."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson

from cds.cli.failing import fail
from cds.hooks.services import HOOKS

REQUEST, EXPECTED = "request.json", "expected.json"
DATE = re.compile(r"(\d{4}-\d{2})(-\d{2}(T.*)?)?", re.DOTALL)
"""A FHIR date of at least a month; a year alone is left, since codes look like one."""
MIDDLE = "-15"
"""The day for which a month stands while it is moved."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request that was read, and the day that it is told on, where it belongs to a story."""

    body: Any
    day: date | None


def read(request: str) -> ReadRequest:
    """The hook call in a file, a story's folder or standard input, with the story's day."""
    if request == "-":
        return ReadRequest(parsed(sys.stdin.buffer.read(), "standard input"), None)
    path = Path(request)
    if path.is_dir():
        path = path / REQUEST
    if not path.is_file():
        fail(f"{request}: there is no such file. Give a hook call as JSON, a folder with a {REQUEST}, or - for standard input.")
    body = parsed(path.read_bytes(), str(path))
    story = path.with_name(EXPECTED)
    told_on = parsed(story.read_bytes(), str(story)).get("day") if path.name == REQUEST and story.is_file() else None
    return ReadRequest(body, as_day(told_on) if told_on else None)


def parsed(content: bytes, where: str) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        fail(f"{where}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}")


def as_day(text: str, option: str = "--day") -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{option}: seen {text!r}; expected a day such as 2026-11-23.")


def service_of(body: object) -> str:
    """The service that answers the hook of a request."""
    hook = body.get("hook") if isinstance(body, Mapping) else None
    found = next((id for id, answered in HOOKS.items() if answered == hook), None)
    if found is None:
        fail(f"hook: seen none that a service answers; expected one of {', '.join(HOOKS.values())}. Or name a --service.")
    return found


def moved(asked: ReadRequest, on: date) -> Any:
    """The request with every date moved by the time between the story's day and another, so that it tells the same story then."""
    return _moved(asked.body, on - asked.day) if asked.day else asked.body


def _moved(value: Any, by: timedelta) -> Any:
    if isinstance(value, dict):
        return {name: _moved(member, by) for name, member in value.items()}
    if isinstance(value, list):
        return [_moved(member, by) for member in value]
    found = DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    try:
        if found[2] is None:
            return (date.fromisoformat(value + MIDDLE) + by).isoformat()[: len(value)]
        return (date.fromisoformat(value[:10]) + by).isoformat() + (found[3] or "")
    except (ValueError, OverflowError):
        return value
