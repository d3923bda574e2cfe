"""What reading the resources of one call needs; and what the same words and codes were read as before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

from cds.core.gap import Reading
from cds.core.medication import Medication
from cds.core.regimen import Regimen
from cds.fhir import views
from cds.fhir.dosage import ReadingLimits, regimen
from cds.fhir.medications import linked, medication
from cds.fhir.references import Library
from cds.fhir.views import Json
from cds.knowledge.model import Knowledge

DRUG = ("medicationCodeableConcept", "medication", "medicationReference")
DOSES = ("dosageInstruction", "dosage", "quantity", "daysSupply")
SUPPLIED = ("quantity", "expectedSupplyDuration")

NOWHERE = ""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """What every reader needs: the knowledge, the reading limits of the day, and the resources that references may name."""

    knowledge: Knowledge
    limits: ReadingLimits
    library: Library
    day: date
    _drugs: dict[int, tuple[Json, Reading[Medication]]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """By the identity of the resource, which is kept so that no other takes it over."""

    def drug(self, resource: Json) -> Reading[Medication]:
        """The medication of a resource: see `medication`. Each resource of the call is read once."""
        known = self._drugs.get(id(resource))
        if known is None:
            known = self._drugs[id(resource)] = (resource, self._read_drug(resource))
        return known[1]

    def _read_drug(self, resource: Json) -> Reading[Medication]:
        targets = linked(resource, self.library)
        said = None if targets is None else [*map(resource.get, DRUG), *targets]
        return self._recalled(said, None, resource, lambda: medication(resource, self.library, self.knowledge))

    def doses(self, resource: Json, drug: Medication) -> Reading[Regimen]:
        """The doses that a resource tells to take of its medication: see `regimen`. Nothing else of the resource is read."""
        said = _of(resource, DOSES)
        if supply := views.child(resource, "dispenseRequest"):
            said["dispenseRequest"] = _of(supply, SUPPLIED)
        dosing, limits = self.knowledge.dosing, self.limits
        return self._recalled(said, (drug, limits), resource, lambda: regimen(said, drug, dosing, limits, NOWHERE))

    def _recalled(self, said: object, about: object, resource: Json, read: Callable[[], Reading[T]]) -> Reading[T]:
        """What the same JSON was read as before, its gaps about this resource. Remembered is a digest, and gaps of nowhere."""
        fingerprint = None if said is None else views.fingerprint(said)
        if fingerprint is None:
            return _of_resource(read(), views.reference(resource))
        known = self.knowledge.readings.recall((fingerprint, about), lambda: _of_resource(read(), NOWHERE))
        return _of_resource(known, views.reference(resource)) if known.gaps else known


def _of_resource(reading: Reading[T], reference: str) -> Reading[T]:
    return Reading(reading.value, tuple(replace(gap, resource=reference) for gap in reading.gaps))


def _of(resource: Json, names: Iterable[str]) -> dict[str, Any]:
    return {name: resource[name] for name in names if name in resource}
