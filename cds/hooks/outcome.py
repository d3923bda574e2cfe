"""The OperationOutcome that an error answer carries."""

from __future__ import annotations

from typing import Any


def operation_outcome(code: str, says: str) -> dict[str, Any]:
    """An OperationOutcome of one error. `code` is a FHIR issue type; `says` holds no text from a patient's record."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code, "details": {"text": says}}]}
