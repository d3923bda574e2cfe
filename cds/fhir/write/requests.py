"""The MedicationRequests of a plan, complete enough to be signed: FHIR R4, one for each strength.

Everything about who, where and why is the draft's; what to take, and what to dispense first, is the plan's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal

from fhir.resources.R4B.medicationrequest import MedicationRequest
from pydantic import ValidationError

from cds.core.plan import Plan
from cds.core.tablets import Presentation
from cds.fhir import json_access as views
from cds.fhir.json_access import Json
from cds.fhir.write.dosages import (
    UCUM,
    Resource,
    day_in_words,
    dosages,
    last_day,
    number,
    ordered_steps,
    products,
    quantity,
    taken,
)
from cds.json_text import WrittenList
from cds.knowledge.files.drugs import RXNORM

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


def medication_requests(plan: Plan, shared: Resource, visit: Visit, interval_days: int, reach_days: int) -> tuple[Resource, ...]:
    """A MedicationRequest for each product of the plan's first part, in the order in which they are first taken.

    `shared` is what they take over from the draft: see `carried`.

    The directions hold the steps that begin within `reach_days`, since an order is not valid for years; what is to be dispensed
    is the first interval of the product alone, so that every further supply is a decision of its own.
    """
    performer = shared.get("dispenseRequest", {})
    return tuple(
        {
            "resourceType": "MedicationRequest",
            "status": "draft",
            **shared,
            **order,
            "authoredOn": visit.day.isoformat(),
            "dispenseRequest": {**order["dispenseRequest"], **performer},
        }
        for order in plan.once(_orders, interval_days, reach_days)
    )


def _orders(plan: Plan, interval_days: int, reach_days: int) -> tuple[Resource, ...]:
    """What the orders hold that is the plan's own."""
    return tuple(
        {
            "medicationCodeableConcept": concept(product),
            "note": [{"text": _part_of(plan, reach_days)}],
            "dosageInstruction": WrittenList(dosages(plan, product, reach_days)),
            "dispenseRequest": first_dispense(plan, product, interval_days),
        }
        for product in products(ordered_steps(plan, reach_days))
    )


def concept(product: Presentation) -> Resource:
    """The product by its RxNorm code, where it has one, and its name. What a pharmacy prepares has a name of our own."""
    coding = {"system": RXNORM, "code": product.code, **({} if product.compounded else {"display": product.name})}
    return {**({"coding": [coding]} if product.code else {}), "text": product.name}


def _part_of(plan: Plan, reach_days: int) -> str:
    agents = plan.agent if plan.agent == plan.target else f"{plan.agent} by way of {plan.target}"
    steps = ordered_steps(plan, reach_days)
    whole = len(steps) == len(plan.steps)
    goes_on = "" if whole else f"This order ends on {day_in_words(last_day(steps[-1]))}; the taper goes on with the next one. "
    return (
        f"Part of a taper of {agents} from {day_in_words(plan.start)} to nothing on {day_in_words(plan.ends)}. "
        f"{goes_on}Dispense one interval at a time."
    )


def first_dispense(plan: Plan, product: Presentation, interval_days: int) -> Resource:
    """What to dispense of the product for the days from its first dose, as many as the interval at most; no repeats."""
    using = [(step, sum(taken(step, product).values(), Decimal(0))) for step in plan.steps]
    start = next(step.start for step, count in using if count)
    end = start
    total = Decimal(0)
    for step, count in using:
        stops = min(step.start + timedelta(days=step.days), start + timedelta(days=interval_days))
        if count and step.start < stops:
            total += count * (stops - step.start).days
            end = stops
    return {
        "validityPeriod": {"start": start.isoformat(), "end": (end - timedelta(days=1)).isoformat()},
        "numberOfRepeatsAllowed": 0,
        "quantity": quantity(total.to_integral_value(ROUND_CEILING), product),
        "expectedSupplyDuration": {"value": number(Decimal((end - start).days)), "unit": "days", "system": UCUM, "code": "d"},
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
