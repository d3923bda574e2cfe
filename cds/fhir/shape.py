"""A resource with stand-ins for ids, names, days and free text that are plainly well formed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

DAY = r"[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
"""Days that every month has."""
TIME = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"

ID = (re.compile(r"[A-Za-z0-9.-]{1,64}"), "x")
REFERENCE = (re.compile(r"[A-Z][A-Za-z]{1,40}/[A-Za-z0-9.-]{1,64}"), "Patient/x")
WORDS = (re.compile(r"[^\W_](?:[^\W_]|[ .,;:/()%+-])*"), "x")
DATE = (re.compile(DAY), "2000-01-01")
INSTANT = (re.compile(DAY + TIME), "2000-01-01T00:00:00Z")

STAND_INS: Mapping[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    "id": (ID,),
    "versionId": (ID,),
    "reference": (REFERENCE,),
    "display": (WORDS,),
    "text": (WORDS,),
    "identifier.value": (WORDS,),
    "authoredOn": (DATE, INSTANT),
    "start": (DATE, INSTANT),
    "end": (DATE, INSTANT),
    "lastUpdated": (INSTANT,),
}
"""By the name of a text member (a value's with its parent's), what FHIR certainly allows there, and what stands for it."""


def shape(value: Any, name: str = "") -> Any:
    """The JSON with stand-ins. Two resources of one shape are both valid FHIR, or invalid at the same elements."""
    if isinstance(value, dict):
        return {key: shape(member, f"{name}.value" if key == "value" else key) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(item, name) for item in value]
    if isinstance(value, str):
        return _stand_in(value, STAND_INS[name]) if name in STAND_INS else value
    return value


def _stand_in(value: str, forms: Iterable[tuple[re.Pattern[str], str]]) -> str:
    """What stands for the text, if it has one of the forms; else the text itself."""
    return next((text for allowed, text in forms if allowed.fullmatch(value)), value)
