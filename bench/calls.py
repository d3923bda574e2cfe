"""Hook calls to measure with: a stop of alprazolam, with a record of any size around it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count, islice
from random import Random
from typing import Any

from cds.settings import RULES_OF_THIS_CHECKOUT

SUBJECT = {"reference": "Patient/bench", "display": "Bench, Patient"}
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
OTHER_DRUGS = [("314076", "lisinopril 10 MG Oral Tablet"), ("860975", "metformin hydrochloride 500 MG Oral Tablet"),
               ("617312", "atorvastatin 20 MG Oral Tablet")]  # fmt: skip
OTHER_CONDITIONS = [
    ("371631005", "Panic disorder"),
    ("38341003", "Hypertensive disorder"),
    ("44054006", "Type 2 diabetes mellitus"),
]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drug:
    """What is taken: a product, how often a day and how much at a time, and for how many days its last supply is back."""

    code: str = "197321"
    name: str = "alprazolam 1 MG Oral Tablet"
    frequency: int = 3
    tablets: int = 1
    last_supply: int = 20


def drawn(random: Random) -> Drug:
    """Another drug, dose and history than before: of every tablet that the rules know by a code of RxNorm."""
    with (RULES_OF_THIS_CHECKOUT / "drugs/products.csv").open(newline="") as table:
        tablets = [row for row in csv.DictReader(table) if (row["system"], row["tty"], row["form"]) == (RXNORM, "SCD", "tablet")]
    one = random.choice(tablets)
    return Drug(one["code"], one["display"], random.randint(1, 3), random.randint(1, 3), random.randint(5, 25))


KEYS = ("medicationRequests", "medicationDispenses", "medicationStatements", "conditions", "observations")


def hook_call(resources: int, day: date, drug: Drug = Drug()) -> bytes:
    """The body of one order-sign call on the day, with so many prefetched resources. Refuses: fewer than 6."""
    if resources < 6:
        raise ValueError(f"a record has at least 6 resources; seen {resources}")
    found: dict[str, list[Json]] = {key: [] for key in KEYS}
    for key, resource in islice(_history(day, drug), resources - 1):
        found[key].append(resource)
    patient = _resource("Patient", "bench", gender="female", birthDate="1981-03-14", name=[{"text": "Bench, Patient"}])
    call = {
        "hook": "order-sign",
        "hookInstance": "6d6ab1a2-2b34-4c61-9a39-0d6f0a3b1c55",
        "context": {
            "userId": "Practitioner/bench",
            "patientId": "bench",
            "draftOrders": _bundle("collection", [_order("draft", "stopped", day, drug)]),
        },
        "prefetch": {"patient": patient} | {key: _bundle("searchset", each) for key, each in found.items()},
    }
    return json.dumps(call).encode()


def _history(day: date, drug: Drug) -> Iterator[tuple[str, Json]]:
    """Prefetch keys and resources: one running order, then in turn dispenses, other drugs, conditions, laboratory values."""
    yield "medicationRequests", _order("running", "active", day - timedelta(days=240), drug)
    for turn in count():
        for number in range(turn * 3, turn * 3 + 3):
            yield "medicationDispenses", _dispense(number, day, drug)
        code, name = OTHER_DRUGS[turn % len(OTHER_DRUGS)]
        yield "medicationRequests", _order(f"other-{turn}", "active", day - timedelta(days=300 + turn), Drug(code, name, 1))
        code, name = OTHER_CONDITIONS[turn % len(OTHER_CONDITIONS)]
        yield "conditions", _condition(turn, code, name, day)
        if turn % 2 == 0:
            yield "observations", _observation(turn, day)


def _resource(type: str, id: str, **members: Any) -> Json:
    meta = {"versionId": "3", "lastUpdated": "2026-11-20T08:15:30.000+00:00", "source": "#a1b2c3d4e5f60718"}
    identifier = [{"use": "usual", "system": "urn:oid:1.2.36.146.595.217.0.1", "value": f"{type}-{id}-000{len(id)}"}]
    return {"resourceType": type, "id": id, "meta": meta, "identifier": identifier, **members}


def _concept(system: str, code: str, name: str) -> Json:
    local = {"system": "urn:oid:1.2.840.114350.1.13.1", "code": f"L{code}", "display": name}
    return {"coding": [{"system": system, "code": code, "display": name}, local], "text": name}


def _dosage(drug: Drug) -> list[Json]:
    text, frequency = f"{drug.tablets} tablet {drug.frequency} times a day", drug.frequency
    dose = {"value": drug.tablets, "unit": "tablet", "system": "http://unitsofmeasure.org", "code": "{tablet}"}
    route = _concept(SNOMED, "26643006", "Oral route")
    timing = {"repeat": {"frequency": frequency, "period": 1, "periodUnit": "d"}}
    return [{"sequence": 1, "text": text, "timing": timing, "route": route, "doseAndRate": [{"doseQuantity": dose}]}]


def _order(id: str, status: str, authored: date, drug: Drug) -> Json:
    supply = {"value": 30, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}
    return _resource(
        "MedicationRequest",
        id,
        status=status,
        intent="order",
        medicationCodeableConcept=_concept(RXNORM, drug.code, drug.name),
        subject=SUBJECT,
        encounter={"reference": "Encounter/bench-visit"},
        requester={"reference": "Practitioner/bench", "display": "Bench, Prescriber"},
        authoredOn=authored.isoformat(),
        dosageInstruction=_dosage(drug),
        dispenseRequest={"numberOfRepeatsAllowed": 11, "expectedSupplyDuration": supply},
    )


def _dispense(number: int, day: date, drug: Drug) -> Json:
    return _resource(
        "MedicationDispense",
        f"supply-{number}",
        status="completed",
        medicationCodeableConcept=_concept(RXNORM, drug.code, drug.name),
        subject=SUBJECT,
        performer=[{"actor": {"reference": "Organization/pharmacy", "display": "Bench Pharmacy"}}],
        authorizingPrescription=[{"reference": "MedicationRequest/running"}],
        quantity={"value": 30 * drug.frequency * drug.tablets, "unit": "tablet"},
        daysSupply={"value": 30, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"},
        whenHandedOver=_ago(day, drug.last_supply + 29 * number),
        dosageInstruction=_dosage(drug),
    )


def _condition(number: int, code: str, name: str, day: date) -> Json:
    base = "http://terminology.hl7.org/CodeSystem"
    return _resource(
        "Condition",
        f"condition-{number}",
        clinicalStatus={"coding": [{"system": f"{base}/condition-clinical", "code": "active"}]},
        verificationStatus={"coding": [{"system": f"{base}/condition-ver-status", "code": "confirmed"}]},
        category=[{"coding": [{"system": f"{base}/condition-category", "code": "problem-list-item"}]}],
        code=_concept(SNOMED, code, name),
        subject=SUBJECT,
        recordedDate=_ago(day, 500 + number),
    )


def _observation(number: int, day: date) -> Json:
    unit = {"unit": "U/L", "system": "http://unitsofmeasure.org", "code": "U/L"}
    name = "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma"
    return _resource(
        "Observation",
        f"laboratory-{number}",
        status="final",
        category=[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        code=_concept("http://loinc.org", "1742-6", name),
        subject=SUBJECT,
        effectiveDateTime=_ago(day, 10 + number),
        valueQuantity={"value": 24 + number % 7, **unit},
        referenceRange=[{"high": {"value": 40, **unit}}],
    )


def _bundle(type: str, resources: list[Json]) -> Json:
    entries = [{"fullUrl": f"https://ehr.example/{one['resourceType']}/{one['id']}", "resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": type, "total": len(entries), "entry": entries}


def _ago(day: date, days: int) -> str:
    return (day - timedelta(days=days)).isoformat()
