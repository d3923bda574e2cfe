"""Draft orders against the FHIR specification, by fhir.resources: what a client is about to sign."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fhir.resources.R4B.medicationrequest import MedicationRequest
from pydantic import ValidationError

from cds.core.gap import Gap, GapKind
from cds.fhir import json_access as views
from cds.memo import Remembered

DAY = r"[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
"""Days that every month has."""
TIME = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
ID = (re.compile(r"[A-Za-z0-9.-]{1,64}"), "x")
REFERENCE = (re.compile(r"[A-Z][A-Za-z]{1,40}/[A-Za-z0-9.-]{1,64}"), "Patient/x")
WORDS = (re.compile(r"[^\W_](?:[^\W_]|[ .,;:/()%+-])*"), "x")
DATE = (re.compile(DAY), "2000-01-01")
INSTANT = (re.compile(DAY + TIME), "2000-01-01T00:00:00Z")
CODE = (re.compile(r"[A-Za-z0-9{}._/-]{1,64}"), "x")
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
    "code": (CODE,),
}
"""By the name of a text member (a value's with its parent's), what FHIR certainly allows there, and what stands for it."""


LARGEST_COUNT = 10_000
"""Less than the seconds of a day, since whole days of them would be read as a date."""


def shape(value: Any, name: str = "") -> Any:
    """The JSON with stand-ins. Two resources of one shape are both valid FHIR, or invalid at the same elements."""
    if isinstance(value, dict):
        return {key: shape(member, f"{name}.value" if key == "value" else key) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(item, name) for item in value]
    if isinstance(value, str):
        return _stand_in(value, STAND_INS[name]) if name in STAND_INS else value
    if type(value) is int:
        return 1 if 1 <= value <= LARGEST_COUNT else value  # what takes one of these takes each
    return value


def _stand_in(value: str, forms: Iterable[tuple[re.Pattern[str], str]]) -> str:
    """What stands for the text, if it has one of the forms; else the text itself."""
    return next((text for allowed, text in forms if allowed.fullmatch(value)), value)


STU3_ONLY = ("context", "definition")
MOST_NAMED = 3
UNKNOWN_ELEMENT = "extra_forbidden"
"""Pydantic's type of the error."""


def validity_gaps(resources: Iterable[Mapping[str, Any]], known: Remembered) -> tuple[Gap, ...]:
    """A gap for each MedicationRequest that is not valid FHIR R4. It was still read: the gap warns that parts may be misread.

    STU3 resources are not checked. The gap names elements, never their values. What is `known` of a resource of the same shape is
    not checked again.
    """
    found = (_gap(resource, known) for resource in resources if not any(name in resource for name in STU3_ONLY))
    return tuple(gap for gap in found if gap is not None)


def _gap(resource: Mapping[str, Any], known: Remembered) -> Gap | None:
    fingerprint = views.fingerprint(shape(resource))
    fault = _fault(resource) if fingerprint is None else known.recall((_fault, fingerprint), lambda: _fault(resource))
    return None if fault is None else Gap(GapKind.RESOURCE, fault, views.reference(resource))


def _fault(resource: Mapping[str, Any]) -> str | None:
    try:
        MedicationRequest.model_validate(resource)
    except (ValidationError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        return f"The draft is not valid FHIR R4{_elements(error)}; it was read as far as it could be."
    return None


def _elements(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return ""
    names = dict.fromkeys(_element(item["type"], item["loc"]) for item in error.errors())
    return f" at {', '.join(list(names)[:MOST_NAMED])}"


def _element(kind: str, place: tuple[int | str, ...]) -> str:
    """The element, by names that FHIR has. One that it doesn't have is the client's text, so only where it stands is told."""
    names = [part for part in place if isinstance(part, str)]
    if kind != UNKNOWN_ELEMENT:
        return ".".join(names) or "its top"
    within = f" of {'.'.join(names[:-1])}" if names[:-1] else ""
    return f"an element{within} that R4 doesn't have"
