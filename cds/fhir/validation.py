"""Draft orders against the FHIR specification, by fhir.resources: what a client is about to sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fhir.resources.R4B.medicationrequest import MedicationRequest
from pydantic import ValidationError

from cds.core.gap import Gap, GapKind
from cds.fhir import views

STU3_ONLY = ("context", "definition")
MOST_NAMED = 3


def validity_gaps(resources: Iterable[Mapping[str, Any]]) -> tuple[Gap, ...]:
    """A gap for each MedicationRequest that is not valid FHIR R4. It was still read: the gap warns that parts may be misread.

    STU3 resources are not checked. The gap names elements, never their values.
    """
    found = (_gap(resource) for resource in resources if not any(name in resource for name in STU3_ONLY))
    return tuple(gap for gap in found if gap is not None)


def _gap(resource: Mapping[str, Any]) -> Gap | None:
    try:
        MedicationRequest.model_validate(resource)
    except (ValidationError, ValueError, TypeError, AttributeError) as error:
        said = f"The draft is not valid FHIR R4{_elements(error)}; it was read as far as it could be."
        return Gap(GapKind.RESOURCE, said, views.reference(resource))
    return None


def _elements(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return ""
    names = dict.fromkeys(".".join(str(part) for part in item["loc"] if isinstance(part, str)) for item in error.errors())
    known = [name for name in names if name][:MOST_NAMED]
    return f" at {', '.join(known)}" if known else ""
