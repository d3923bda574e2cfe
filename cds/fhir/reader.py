"""What reading the resources of one call needs; and what the same words and codes were read as before."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple, TypeVar

from cds.core.gap import Gap, GapKind, Reading
from cds.core.medication import Medication
from cds.core.regimen import Regimen
from cds.fhir import json_access as views
from cds.fhir.dosage.dosage import ReadingLimits, regimen
from cds.fhir.dosage.sig_words import LONGEST_SIG
from cds.fhir.json_access import Json
from cds.fhir.medications import linked, medication
from cds.fhir.references import Library
from cds.knowledge.model import Knowledge

DRUG = ("medicationCodeableConcept", "medication", "medicationReference")
DOSES = ("dosageInstruction", "dosage", "quantity", "daysSupply")
SUPPLIED = ("quantity", "expectedSupplyDuration")

NOWHERE = ""
MOST_DIRECTIONS = 60_000
"""Characters of different directions that are read in one call, a dosage line counted as LINE more."""
MOST_LINES, LINE = 100, 50
"""Dosage lines of one order; what one costs beside its words, in characters."""
TOO_MANY = "The record holds more directions than are read in one call; those of this order were not read."
TOO_MANY_LINES = "The order has more dosage lines than are read."
DIRECTIONS = ("dosageInstruction", "dosage")
WORDS = frozenset({"text", "patientInstruction", "display"})
T = TypeVar("T")


class _Drug(NamedTuple):
    """What a resource says of its medication: the resource, a digest of what was read, None where it can't be taken, the reading.

    The resource is kept so that no other takes its identity over.
    """

    resource: Json
    digest: bytes | None
    reading: Reading[Medication]


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """What every reader needs: the knowledge, the reading limits of the day, and the resources that references may name."""

    knowledge: Knowledge
    limits: ReadingLimits
    library: Library
    day: date
    born: date | None = None
    """The patient's birth: nothing of the record is older."""
    _drugs: dict[int, _Drug] = field(default_factory=dict, init=False, repr=False, compare=False)
    """By the identity of the resource."""
    _read: dict[Hashable, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was read of directions in this call: by their digest, how much. The same again costs nothing, also where it is
    remembered of another call, so that an answer doesn't hang on what was asked before."""

    def drug(self, resource: Json) -> Reading[Medication]:
        """The medication of a resource: see `medication`. Each resource of the call is read once."""
        return self._drug(resource).reading

    def _drug(self, resource: Json) -> _Drug:
        known = self._drugs.get(id(resource))
        if known is None:
            known = self._drugs[id(resource)] = self._read_drug(resource)
        return known

    def _read_drug(self, resource: Json) -> _Drug:
        targets = linked(resource, self.library)
        digest = None if targets is None else views.fingerprint([*map(resource.get, DRUG), *targets])
        reading = self._recalled(digest, resource, lambda: medication(resource, self.library, self.knowledge))
        return _Drug(resource, digest, reading)

    def doses(self, resource: Json) -> Reading[Regimen]:
        """The doses that a resource tells to take of its medication: see `regimen`. Nothing else of the resource is read."""
        _, of_drug, drug = self._drug(resource)
        if drug.value is None:
            return Reading(None)
        said, medication, limits = _of(resource, DOSES), drug.value, self.limits
        if supply := views.child(resource, "dispenseRequest"):
            said["dispenseRequest"] = _of(supply, SUPPLIED)
        digest = None if of_drug is None else views.fingerprint(said)
        if (beyond := self._beyond(said, digest or id(resource))) is not None:
            return Reading(None, (Gap(GapKind.DOSE, beyond, views.reference(resource)),))
        about = None if digest is None else (digest, of_drug, self.day)
        return self._recalled(about, resource, lambda: regimen(said, medication, self.knowledge.dosing, limits, NOWHERE))

    def _beyond(self, said: Json, digest: Hashable) -> str | None:
        """Why directions are not read, where they are more than one order or one call may have."""
        lines = [row for name in DIRECTIONS for row in views.objects(said, name)]
        if len(lines) > MOST_LINES:
            return TOO_MANY_LINES
        if lines and digest not in self._read:
            cost = len(lines) * LINE + sum(_letters(row) for row in lines)
            if sum(self._read.values()) + cost > MOST_DIRECTIONS:
                return TOO_MANY
            self._read[digest] = cost
        return None

    def _recalled(self, about: Hashable, resource: Json, read: Callable[[], Reading[T]]) -> Reading[T]:
        """What the same JSON was read as before, its gaps about this resource; read anew where that can't be told (None).

        Remembered are digests, and gaps of nowhere.
        """
        if about is None:
            return _of_resource(read(), views.reference(resource))
        known = self.knowledge.readings.recall(about, lambda: _of_resource(read(), NOWHERE))
        return _of_resource(known, views.reference(resource)) if known.gaps else known


def _letters(line: Json) -> int:
    """How long the words of a dosage line are."""
    waiting: list[object] = [line]
    found = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            texts = (text for name, text in value.items() if name in WORDS and isinstance(text, str))
            found += sum(min(len(text), LONGEST_SIG) for text in texts)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return found


def _of_resource(reading: Reading[T], reference: str) -> Reading[T]:
    return Reading(reading.value, tuple(replace(gap, resource=reference) for gap in reading.gaps))


def _of(resource: Json, names: Iterable[str]) -> dict[str, Any]:
    return {name: resource[name] for name in names if name in resource}
