"""The services that an EHR can call, and what each asks to be prefetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds.core.record import RecordPart
from cds.hooks.client_profiles import Profile
from cds.knowledge.code_systems import LOINC
from cds.knowledge.model import CodedValue, Knowledge

HOOKS: Mapping[str, str] = {
    "taper-order-select": "order-select",
    "taper-order-sign": "order-sign",
    "taper-patient-view": "patient-view",
    "taper-medication-refill": "medication-refill",
    "taper-medication-prescribe": "medication-prescribe",
}
"""The hook that each service answers. One id a hook, since some clients key on the id."""

ABOUT: Mapping[str, tuple[str, str]] = {
    "taper-order-select": (
        "Taper advice while a benzodiazepine is being ordered",
        "Looks at each selected benzodiazepine or Z-drug order and at drugs that act on it, and advises where a slower taper, "
        "a crossover or another order is safer for this patient.",
    ),
    "taper-order-sign": (
        "Taper advice before a benzodiazepine order is signed",
        "Looks at each order about to be signed (new, changed, cut or stopped) and warns where a benzodiazepine or Z-drug would "
        "be stopped or lowered faster than is safe for this patient.",
    ),
    "taper-patient-view": (
        "Long use of a benzodiazepine",
        "When a chart is opened: tells of benzodiazepines and Z-drugs taken for long or together with drugs that make them "
        "dangerous.",
    ),
    "taper-medication-refill": (
        "Taper advice before a benzodiazepine is refilled",
        "Looks at each refill request of a benzodiazepine or Z-drug as it would at an order about to be signed. The advice "
        "holds on the day on which it was asked for.",
    ),
    "taper-medication-prescribe": (
        "Taper advice while a benzodiazepine is prescribed, for clients of CDS Hooks 1.0",
        "Looks at each draft MedicationOrder (DSTU2) or MedicationRequest (STU3) of a benzodiazepine or Z-drug. It answers in "
        "words; a later client is better served by order-sign.",
    ),
}

DRAFTS_IN: Mapping[str, str] = {
    "order-select": "draftOrders",
    "order-sign": "draftOrders",
    "medication-refill": "medications",
    "medication-prescribe": "medications",
}
"""The member of a hook's context that holds the draft orders; a hook that is not named has none."""

VERSION_OF_3_0 = "3.0.0"
USAGE = (
    "Needs the patient's medication requests, prefetched; a call without them is answered with 412. Every other prefetch key "
    "makes the advice more exact: what is not sent is named on the card as not checked."
)


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of the discovery answer."""

    id: str
    hook: str
    title: str
    description: str
    prefetch: Mapping[str, str]
    usage_requirements: str


def services(knowledge: Knowledge) -> tuple[Service, ...]:
    """The services, their templates asking for the observations that the value sets hold."""
    offered = templates(knowledge)
    return tuple(Service(id, hook, *ABOUT[id], offered, USAGE) for id, hook in HOOKS.items())


def discovery(knowledge: Knowledge, profile: Profile = Profile.STU2) -> dict[str, Any]:
    """The answer to `GET /cds-services`, for a kind of client: one of 3.0 is told the version, which 2.0.1 has no member for."""
    told = {"version": VERSION_OF_3_0} if profile is Profile.R3 else {}
    return {"services": [_entry(service) | told for service in services(knowledge)]}


def _entry(service: Service) -> dict[str, Any]:
    return {
        "hook": service.hook,
        "title": service.title,
        "description": service.description,
        "id": service.id,
        "prefetch": dict(service.prefetch),
        "usageRequirements": service.usage_requirements,
    }


def templates(knowledge: Knowledge) -> dict[str, str]:
    """Prefetch templates in the portable subset of CDS Hooks 2.0.1: reads; searches by reference, token, `_sort` and `_count`."""
    codes = sorted({one.code for values in knowledge.value_sets.values() for one in values if _is_question(one)})
    observations = "Observation?patient={{context.patientId}}"
    if codes:
        observations += "&code=" + ",".join(f"{LOINC}|{code}" for code in codes)
    return {
        RecordPart.PATIENT.value: "Patient/{{context.patientId}}",
        RecordPart.REQUESTS.value: "MedicationRequest?patient={{context.patientId}}&_sort=-authoredon&_count=250",
        RecordPart.DISPENSES.value: "MedicationDispense?patient={{context.patientId}}&_sort=-whenhandedover&_count=250",
        RecordPart.STATEMENTS.value: "MedicationStatement?patient={{context.patientId}}&_sort=-effective&_count=250",
        RecordPart.CONDITIONS.value: "Condition?patient={{context.patientId}}&_sort=-recorded-date&_count=250",
        RecordPart.OBSERVATIONS.value: observations + "&_sort=-date&_count=50",
        RecordPart.ENCOUNTER.value: "Encounter/{{context.encounterId}}",
    }


def _is_question(coded: CodedValue) -> bool:
    """Whether a code is a LOINC term; answers in LOINC's lists have codes that begin with letters."""
    return coded.system == LOINC and coded.code[:1].isdigit()
