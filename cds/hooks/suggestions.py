"""Suggestions of a card: a button, and the actions that it takes on the order, all or none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

EMPTY = (b"null", b'""', b"{}", b"[]")
"""How what is empty looks in JSON; it may also stand within a text."""


def suggestion(
    label: str, actions: Iterable[Mapping[str, Any]], new_id: Callable[[], str], recommended: bool = False
) -> dict[str, Any]:
    """A CDS Hooks suggestion. `isRecommended` stands there only where true.

    Several recommended suggestions on one card need the selection behavior `any`.
    """
    members = {
        "label": label,
        "uuid": new_id(),
        "isRecommended": recommended or None,
        "actions": list(actions),
    }
    return {name: value for name, value in members.items() if value}


def without_empty(value: Any) -> Any:
    """The value without empty members. A null in a list stays: FHIR uses it to keep two lists in step."""
    written = orjson.dumps(value)
    return _without_empty(value) if any(mark in written for mark in EMPTY) else value


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = ((name, _without_empty(member)) for name, member in value.items())
        return {name: member for name, member in kept if not _is_empty(member)}
    if isinstance(value, list | tuple):
        kept_items = (_without_empty(item) for item in value)
        return [item for item in kept_items if item is None or not _is_empty(item)]
    return value


def _is_empty(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, list | dict) and not value)
