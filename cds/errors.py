"""What a caller can do wrong, and what can be wrong with the knowledge.

    CdsError
    ├── RefusedCall            a hook call that gets an error status and an OperationOutcome
    │   ├── BadRequest         400  not JSON, not an object, a required member missing or of the wrong type
    │   ├── UnknownService     404
    │   ├── NeededDataMissing  412  the medication list could not be had
    │   └── OtherPatient       422  an order or a resource of the context belongs to another patient
    └── BadKnowledge                rule files that can't be loaded; holds every problem, not the first

No message holds text from a patient's record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class CdsError(Exception):
    """The root of our own errors."""


class RefusedCall(CdsError):
    """A hook call that is answered with an error status. `code` is an issue type of FHIR's OperationOutcome."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid"


class BadRequest(RefusedCall):
    """The body is not a CDS Hooks request."""


class UnknownService(RefusedCall):
    """No service has this id."""

    status = 404
    code = "not-found"


class NeededDataMissing(RefusedCall):
    """Data without which no advice is sound was not prefetched and could not be read. `why` goes into the log too."""

    status = 412
    code = "incomplete"

    def __init__(self, says: str, why: str = "") -> None:
        super().__init__(says)
        self.why = why


class OtherPatient(RefusedCall):
    """The call mixes patients."""

    status = 422
    code = "business-rule"


class BadKnowledge(CdsError):
    """Rule files that can't be loaded."""

    def __init__(self, problems: Sequence[object]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
