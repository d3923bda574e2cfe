"""Resource references as a record keeps them: `MedicationRequest#1`, one name for each resource within one decision."""

from __future__ import annotations

from cds.core.record import RecordPart

OURS = frozenset(f"prefetch/{part.value}" for part in RecordPart)
"""Gaps about a whole prefetch key name the key, which is no resource."""
KNOWN = frozenset(
    {"MedicationRequest", "MedicationOrder", "MedicationDispense", "MedicationStatement", "MedicationUsage", "Medication",
     "Condition", "Observation", "Patient", "Encounter"}
)  # fmt: skip
OTHER = "Resource"


class Pseudonyms:
    """The names given so far, numbered by type in the order in which the resources were met."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._lists: dict[tuple[str, ...], list[str]] = {}
        self._counts: dict[str, int] = {}

    def of(self, reference: str) -> str:
        """The name that stands for a resource. A bare type without an id, and a prefetch key, stand for themselves."""
        given = self._given.get(reference)
        if given is None:
            given = self._given[reference] = self._named(reference)
        return given

    def all(self, references: tuple[str, ...]) -> list[str]:
        given = self._lists.get(references)
        if given is None:
            given = self._lists[references] = [self.of(reference) for reference in references]
        return given

    def _named(self, reference: str) -> str:
        if not reference or reference in KNOWN or reference in OURS:
            return reference
        type, _, _ = reference.partition("/")
        type = type if type in KNOWN else OTHER
        self._counts[type] = self._counts.get(type, 0) + 1
        return f"{type}#{self._counts[type]}"
