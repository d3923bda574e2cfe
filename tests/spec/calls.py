"""Hook calls in few words, for specs of what a whole call is answered: a drug and a sig as a person writes them, days ago."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

from cds.decision.decide import decide
from cds.engine.engine import Engine
from cds.hooks.messages import hook_call
from cds.hooks.services import HOOKS
from cds.knowledge.loader import knowledge
from cds.knowledge.model import Knowledge
from tests.stories.book import ROOT

Json = dict[str, Any]
DAY = date(2026, 11, 23)
INSTANCE = "5bc362e6-fb30-53ff-b00b-18f85b8f291e"
ICD, SNOMED, LOINC = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct", "http://loinc.org"


def ago(days: int) -> str:
    return (DAY - timedelta(days=days)).isoformat()


def order(id: str | None, drug: str, sig: str | None = None, since: int = 0, status: str = "active", **more: Any) -> Json:
    """A MedicationRequest of `drug` ("alprazolam 1 mg tablet"), written so many days ago.

    `days`, `refills` and `quantity` make its dispenseRequest, `prior` is the id of the order that it follows; what else is given
    stands in the resource as it is.
    """
    dispense = {
        "expectedSupplyDuration": {"value": more.pop("days"), "unit": "days", "code": "d"} if "days" in more else None,
        "numberOfRepeatsAllowed": more.pop("refills", None),
        "quantity": {"value": more.pop("quantity"), "unit": "tablet"} if "quantity" in more else None,
    }
    members = {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"text": drug},
        "subject": {"reference": "Patient/p"},
        "authoredOn": ago(since),
        "priorPrescription": {"reference": f"MedicationRequest/{more.pop('prior')}"} if "prior" in more else None,
        "dosageInstruction": [{"text": sig}] if sig else None,
        "dispenseRequest": {name: value for name, value in dispense.items() if value is not None} or None,
        **more,
    }
    return {name: value for name, value in members.items() if value is not None}


def draft(id: str | None, drug: str, sig: str | None = None, status: str = "draft", **more: Any) -> Json:
    """An order of today that is not signed yet."""
    return order(id, drug, sig, status=status, **more)


def dispense(id: str, drug: str, start: int, days: int, sig: str | None = None, prior: str | None = None) -> Json:
    """What was handed over so many days ago, for so many days."""
    members = {
        "resourceType": "MedicationDispense",
        "id": id,
        "status": "completed",
        "medicationCodeableConcept": {"text": drug},
        "subject": {"reference": "Patient/p"},
        "whenHandedOver": ago(start),
        "daysSupply": {"value": days, "unit": "days", "code": "d"},
        "dosageInstruction": [{"text": sig}] if sig else None,
        "authorizingPrescription": [{"reference": f"MedicationRequest/{prior}"}] if prior else None,
    }
    return {name: value for name, value in members.items() if value is not None}


def condition(system: str, code: str, onset: int = 400, status: str = "active") -> Json:
    return {
        "resourceType": "Condition",
        "id": f"c-{code}",
        "clinicalStatus": {"coding": [{"code": status}]},
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": "Patient/p"},
        "onsetDateTime": ago(onset),
    }


def observation(id: str, code: str, taken: int, system: str = LOINC, **value: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": ago(taken),
        **value,
    }


@dataclass(frozen=True)
class Answer:
    """An answer, in what specs ask about."""

    body: Json

    @property
    def orders(self) -> list[Json]:
        found: list[Json] = self.body["extension"]["org.taper-cds"]["orders"]
        return found

    @property
    def cards(self) -> list[str]:
        """The rule of each card and its indicator: `abrupt-stop critical`."""
        return [f"{card['extension']['org.taper-cds']['rule']} {card['indicator']}" for card in self.body["cards"]]

    @property
    def says(self) -> set[str]:
        """Every advice that is told, also where another card tells it."""
        own = [card["extension"]["org.taper-cds"] for card in self.body["cards"]]
        return {rule for each in own for rule in (each["rule"], *each.get("alsoSays", ()))}

    @property
    def text(self) -> str:
        return "\n".join(f"{card['summary']}\n{card['detail']}" for card in self.body["cards"])

    @property
    def gaps(self) -> list[str]:
        return [gap["says"] for gap in self.body["extension"]["org.taper-cds"]["gaps"]]

    def order(self, request: str) -> Json:
        return next(each for each in self.orders if each["request"] == f"MedicationRequest/{request}")

    def risks(self, request: str) -> set[str]:
        return {risk["id"] for risk in self.order(request)["riskFactors"]}


@dataclass
class Desk:
    """Asks the shipped rule book."""

    book: Knowledge
    engine: Engine
    asked: Iterator[int] = field(default_factory=count)

    def ask(self, drafts: list[Json] | None = None, hook: str = "order-sign", day: date = DAY, **given: Any) -> Answer:
        """The answer to a call. `given`: parts of the prefetch as lists (`requests`, `dispenses`, `statements`, `conditions`,
        `observations`), `birth` a date, `selections`; `without` names prefetch keys that were not sent. `at_length` asks for the
        long text of each card, of all that stands behind it.
        """
        at_length = given.pop("at_length", False)
        context: Json = {"userId": "Practitioner/d", "patientId": "p"}
        if hook != "patient-view":
            context["draftOrders"] = _bundle(drafts or [])
        if "selections" in given:
            context["selections"] = [f"MedicationRequest/{id}" for id in given.pop("selections")]
        patient = {"resourceType": "Patient", "id": "p", "birthDate": given.pop("birth", "1980-05-05")}
        prefetch = {
            "patient": {name: value for name, value in patient.items() if value is not None},
            "medicationRequests": _bundle(given.pop("requests", [])),
            "medicationDispenses": _bundle(given.pop("dispenses", [])),
            "medicationStatements": _bundle(given.pop("statements", [])),
            "conditions": _bundle(given.pop("conditions", [])),
            "observations": _bundle(given.pop("observations", [])),
        }
        for key in given.pop("without", ()):
            del prefetch[key]
        prefetch |= given
        service = next(id for id, of in HOOKS.items() if of == hook)
        body = {"hook": hook, "hookInstance": INSTANCE, "context": context, "prefetch": prefetch}
        decision = decide(
            hook_call(service, body),
            self.book,
            self.engine,
            day,
            "decision",
            lambda: f"00000000-0000-4000-8000-{next(self.asked):012d}",
            at_length=at_length,
        )
        return Answer(json.loads(json.dumps(decision.answer)))


@contextmanager
def desk() -> Iterator[Desk]:
    read = knowledge(ROOT / "rules")
    engine = Engine(read)
    yield Desk(read, engine)
    engine.close()


def _bundle(resources: list[Json]) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource} for resource in resources]}
