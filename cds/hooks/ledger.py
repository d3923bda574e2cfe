"""Where each part of the record came from: the prefetch ledger of a call."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from cds.core.record import Part


class State(StrEnum):
    """What became of one prefetch key."""

    SENT = "sent"
    NULL = "null"
    """The client looked, and there is none."""
    MISSING = "missing"
    """Not sent, and not read: there was no need, or no way."""
    FETCHED = "fetched"
    """Not sent, and read from the client's FHIR server."""
    FAILED = "failed"
    """The client sent an error, or reading it failed."""


Ledger = Mapping[Part, State]


def ledger(prefetch: Mapping[str, Any]) -> dict[Part, State]:
    """The ledger of a call as it came in."""
    return {part: _state(prefetch[part.value]) if part.value in prefetch else State.MISSING for part in Part}


def _state(value: object) -> State:
    if value is None:
        return State.NULL
    kind = value.get("resourceType") if isinstance(value, dict) else None
    if kind == "OperationOutcome":
        return State.FAILED
    return State.NULL if kind == "Bundle" and isinstance(value, dict) and not value.get("entry") else State.SENT
