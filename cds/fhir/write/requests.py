"""The MedicationRequests of a plan, complete enough to be signed: FHIR R4, one for each strength.

Everything about who, where and why is the draft's; what to take, and what to dispense first, is the plan's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal

from fhir.resources.R4B.medicationrequest import MedicationRequest
from pydantic import ValidationError

from cds.core.tablets import Presentation
from cds.core.taper_plan import PlanStep
from cds.fhir import json_access as views
from cds.fhir.json_access import Json
from cds.fhir.write.dosages import (
    UCUM,
    Resource,
    dosages,
    last_day,
    products,
    quantity,
    taken,
    using,
)
from cds.json_text import WrittenList
from cds.knowledge.code_systems import RXNORM

INTENTS = {"proposal", "plan", "order", "original-order", "reflex-order", "filler-order", "instance-order", "option"}
CARRIED = (
    "category", "priority", "subject", "encounter", "supportingInformation", "requester", "performer", "performerType",
    "recorder", "reasonCode", "reasonReference", "basedOn", "groupIdentifier", "insurance", "priorPrescription",
)  # fmt: skip
"""What a new order takes over from the draft: who, where, why and who pays; never what or how much."""
PRESCRIBERS = ("Practitioner/", "PractitionerRole/")


@dataclass(frozen=True, slots=True)
class Visit:
    """Whose plan it is and where it is prescribed, for what the draft leaves open. `user` is a reference, the others are ids."""

    patient: str
    day: date
    encounter: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """What one set of orders is for: the doses of the days that they direct and supply, no day more; and why, in words."""

    steps: tuple[PlanStep, ...]
    says: str

    @property
    def days(self) -> int:
        return sum(step.days for step in self.steps)


def medication_requests(course: Course, shared: Resource, visit: Visit) -> tuple[Resource, ...]:
    """A MedicationRequest for each product of a course, in the order in which they are first taken.

    `shared` is what they take over from the draft: see `carried`. Each directs and supplies the same days, without repeats: every
    further supply is a decision of its own.
    """
    performer = shared.get("dispenseRequest", {})
    return tuple(
        {
            "resourceType": "MedicationRequest",
            "status": "draft",
            **shared,
            "medicationCodeableConcept": concept(product),
            "note": [{"text": course.says}],
            "dosageInstruction": WrittenList(dosages(course.steps, product)),
            "authoredOn": visit.day.isoformat(),
            "dispenseRequest": {**dispensed(course.steps, product), **performer},
        }
        for product in products(course.steps)
    )


def concept(product: Presentation) -> Resource:
    """The product by its RxNorm code, where it has one, and its name.

    What a pharmacy prepares is no product that a code names: it is told in words, its ingredient and strength among them.
    """
    if product.compounded:
        return {"text": product.name}
    coding = {"system": RXNORM, "code": product.code, "display": product.name}
    return {**({"coding": [coding]} if product.code else {}), "text": product.name}


def dispensed(steps: Sequence[PlanStep], product: Presentation) -> Resource:
    """What is dispensed of the product: what the directions of these steps use, on the days that they reach over; no repeats."""
    own = using(steps, product)
    total = sum((sum(taken(step, product).values(), Decimal(0)) * step.days for step in own), Decimal(0))
    start, end = own[0].start, last_day(own[-1])
    return {
        "validityPeriod": {"start": start.isoformat(), "end": end.isoformat()},
        "numberOfRepeatsAllowed": 0,
        "quantity": quantity(total.to_integral_value(ROUND_CEILING), product),
        "expectedSupplyDuration": {"value": (end - start).days + 1, "unit": "days", "system": UCUM, "code": "d"},
    }


# What comes from the draft ---------------------------------------------------------------------------------------------


def carried(draft: Json | None, visit: Visit, valid: bool = False) -> Resource:
    """What a new order takes over from the draft, with the visit's patient, encounter and user where the draft has none.

    What the draft holds in a form that R4 doesn't allow is left out; of one known to be `valid` nothing is. Without a draft it is
    a proposal. Of a dispenseRequest only the pharmacy is taken over.
    """
    given = draft or {}
    intent = views.text(given, "intent")
    offered = {name: value for name in CARRIED if (value := _as_list(name, given.get(name)))}
    fitting = (
        offered
        if valid or _fits(offered, given, visit)
        else {name: value for name, value in offered.items() if _fits({name: value}, given, visit)}
    )
    found: Resource = {"intent": intent if intent in INTENTS else "order" if draft else "proposal", **fitting}
    if "subject" not in found:
        found["subject"] = {"reference": f"Patient/{visit.patient}"}
    if visit.encounter and "encounter" not in found:
        found["encounter"] = {"reference": f"Encounter/{visit.encounter}"}
    if "requester" not in found and visit.user and visit.user.startswith(PRESCRIBERS):
        found["requester"] = {"reference": visit.user}
    return {**found, **_contained(given, found), **_pharmacy(given)}


LISTS = {"category", "supportingInformation", "reasonCode", "reasonReference", "basedOn", "insurance"}


def _as_list(name: str, value: object) -> object:
    """The value in a list where R4 has one and a client wrote it bare."""
    return [value] if name in LISTS and isinstance(value, Mapping) else value


def _fits(elements: Resource, draft: Json, visit: Visit) -> bool:
    """Whether R4 allows these elements of the draft."""
    least = {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": "any"},
        "subject": {"reference": f"Patient/{visit.patient}"},
    }
    try:
        MedicationRequest.model_validate({**least, **_contained(draft, elements), **elements})
    except (ValidationError, ValueError, TypeError, AttributeError):
        return False
    return True


def _contained(draft: Json, of: object) -> Resource:
    """The draft's contained resources that are referred to, and nothing where there are none."""
    kept = still_contained(views.objects(draft, "contained"), of)
    return {"contained": kept} if kept else {}


def still_contained(contained: list[Json], of: object) -> list[Json]:
    """The contained resources that something refers to, directly or from within one that is kept."""
    wanted = set(_local_links(of))
    kept: list[Json] = []
    while more := [item for item in contained if item not in kept and views.text(item, "id") in wanted]:
        kept += more
        wanted |= set(_local_links(more))
    return [item for item in contained if item in kept]


def _local_links(value: object) -> Iterator[str]:
    """The ids of contained resources that references anywhere in a value name."""
    if isinstance(value, Mapping):
        link = value.get("reference")
        if isinstance(link, str) and link.startswith("#"):
            yield link[1:]
        for name, member in value.items():
            if name != "contained":
                yield from _local_links(member)
    elif isinstance(value, list):
        for item in value:
            yield from _local_links(item)


def _pharmacy(draft: Json) -> Resource:
    """The draft's intended pharmacy, and nothing where it names none."""
    performer = views.child(draft, "dispenseRequest", "performer")
    return {"dispenseRequest": {"performer": performer}} if isinstance(performer.get("reference"), str) else {}
