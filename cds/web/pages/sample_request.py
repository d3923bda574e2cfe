"""A request out of a small form: an order at signing, what is taken, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from cds.knowledge.files.drug_names import folded
from cds.knowledge.model import Knowledge

MONTH, MOST_MONTHS, OLDEST, LONGEST_DOSE = 30, 60, 120, 120
PATIENT = "try"


@dataclass(frozen=True, slots=True)
class Sample:
    """The request, or what is wrong with the form by field."""

    body: Mapping[str, Any] | None
    problems: Mapping[str, str]


def sample(form: Mapping[str, str], knowledge: Knowledge, day: date) -> Sample:
    """The request that the fields `agent`, `dose`, `months`, `age`, `condition` and `order` describe."""
    problems: dict[str, str] = {}
    agent = form.get("agent", "").strip()
    known = knowledge.names.get(folded(agent))
    if known is None or known.agent not in knowledge.agents:
        problems["agent"] = f"Seen {agent[:40]!r}; expected a benzodiazepine or Z-drug, such as alprazolam or Xanax."
    dose, order = form.get("dose", "").strip(), form.get("order", "").strip()
    if not 0 < len(dose) <= LONGEST_DOSE:
        problems["dose"] = 'Expected what is taken, such as "1 mg three times daily".'
    if len(order) > LONGEST_DOSE:
        problems["order"] = f"Seen {len(order)} characters; expected at most {LONGEST_DOSE}."
    months = _whole(form, "months", MOST_MONTHS, problems)
    age = _whole(form, "age", OLDEST, problems)
    condition = form.get("condition", "")
    if condition and condition not in knowledge.value_sets:
        problems["condition"] = "Expected one of the list."
    if problems:
        return Sample(None, problems)
    return Sample(_body(agent, dose, order, months, age, condition, knowledge, day), {})


def _whole(form: Mapping[str, str], name: str, most: int, problems: dict[str, str]) -> int:
    text = form.get(name, "").strip()
    if not text.isascii() or not text.isdigit() or int(text[:6]) > most:
        problems[name] = f"Seen {text[:10]!r}; expected a whole number up to {most}."
        return 0
    return int(text)


def _body(
    agent: str, dose: str, order: str, months: int, age: int, condition: str, knowledge: Knowledge, day: date
) -> dict[str, Any]:
    running = _request("running", "active", agent, dose, day - timedelta(days=months * MONTH))
    supplies = [_dispense(n, agent, dose, day - timedelta(days=n * MONTH)) for n in range(months, 0, -1)]
    draft = (
        _request("draft", "draft", agent, order, day)
        if order
        else {**_request("running", "stopped", agent, dose, day - timedelta(days=months * MONTH))}
    )
    coded = knowledge.value_sets[condition][:1] if condition else ()
    conditions = [
        {
            "resourceType": "Condition",
            "id": "condition",
            "clinicalStatus": {
                "coding": [{"code": "active", "system": "http://terminology.hl7.org/CodeSystem/condition-clinical"}]
            },
            "code": {"coding": [{"system": one.system, "code": one.code, "display": one.display}]},
            "subject": {"reference": f"Patient/{PATIENT}"},
        }
        for one in coded
    ]
    return {
        "hook": "order-sign",
        "hookInstance": "00000000-0000-4000-8000-000000000000",
        "context": {"userId": "Practitioner/try", "patientId": PATIENT, "draftOrders": _bundle([draft])},
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": PATIENT, "birthDate": _born(age, day)},
            "medicationRequests": _bundle([running] if months else []),
            "medicationDispenses": _bundle(supplies),
            "medicationStatements": None,
            "conditions": _bundle(conditions),
            "observations": None,
        },
    }


def _born(age: int, day: date) -> str:
    return (day - timedelta(days=int(age * 365.25) + 1)).isoformat()


def _bundle(resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def _request(id: str, status: str, agent: str, text: str, on: date) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"text": agent},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "authoredOn": on.isoformat(),
        "dosageInstruction": [{"text": text}],
    }


def _dispense(number: int, agent: str, text: str, on: date) -> dict[str, Any]:
    return {
        "resourceType": "MedicationDispense",
        "id": f"supply-{number}",
        "status": "completed",
        "medicationCodeableConcept": {"text": agent},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "whenHandedOver": on.isoformat(),
        "daysSupply": {"value": MONTH, "unit": "days"},
        "dosageInstruction": [{"text": text}],
    }
