"""Resources of invented patients, as an EHR would export them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from cds.population.generate.distributions import RXNORM, Coded, Distributions, Product
from cds.population.known import CLINICAL, STATUS_CHANGED

Json = dict[str, Any]
UCUM = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Directions:
    """What an order directs: so many of a product, so often a day, perhaps only as needed; `words` in place of all that."""

    product: Product
    times: int
    at_a_time: float
    as_needed: bool = False
    words: str | None = None

    @property
    def mg(self) -> float:
        return self.product.strength * self.times * self.at_a_time


class Writer:
    """Writes the resources of one patient, numbered as they come."""

    def __init__(self, patient: str, random: Random, told: Distributions) -> None:
        self.patient, self._random, self._told = patient, random, told
        self.found: list[Json] = []
        self._number = 0

    def _add(self, type: str, **members: Any) -> Json:
        self._number += 1
        resource = {
            "resourceType": type,
            "id": f"{self.patient}-{self._number}",
            "subject": {"reference": f"Patient/{self.patient}"},
        }
        self.found.append(resource | members)
        return self.found[-1]

    def person(self, born: date, woman: bool, language: str) -> None:
        spoken = [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": language}]}, "preferred": True}]
        person: Json = {"resourceType": "Patient", "id": self.patient, "gender": "female" if woman else "male"}
        person["birthDate"] = born.isoformat()
        self.found.append(person | ({} if language == "not said" else {"communication": spoken}))

    def condition(self, coded: Coded, recorded: date) -> None:
        concept = {"coding": [{"system": coded.system, "code": coded.code, "display": coded.display}], "text": coded.display}
        status = {"coding": [{"system": CLINICAL, "code": "active"}]}
        self._add("Condition", clinicalStatus=status, code=concept, recordedDate=recorded.isoformat())

    def other(self, coded: Coded, day: date, days: int, by: str) -> Json:
        return self._add(
            "MedicationRequest",
            status="active",
            intent="order",
            medicationCodeableConcept={"coding": [{"system": coded.system, "code": coded.code, "display": coded.display}]},
            authoredOn=day.isoformat(),
            requester={"reference": by},
            dosageInstruction=[{"text": "Take as directed"}],
            dispenseRequest={"expectedSupplyDuration": _days(days)},
        )

    def order(self, regimen: Directions, day: date, days: int, repeats: int, by: str, before: Json | None = None) -> Json:
        follows = {"priorPrescription": {"reference": f"MedicationRequest/{before['id']}"}} if before else {}
        return self._add(
            "MedicationRequest",
            status="active",
            intent="order",
            medicationCodeableConcept=_concept(regimen.product),
            authoredOn=day.isoformat(),
            requester={"reference": by},
            dosageInstruction=[self._dosage(regimen)],
            dispenseRequest=self._supply(regimen, days, repeats),
            **follows,
        )

    def end(self, order: Json, day: date, status: str, dated: bool) -> None:
        order["status"] = status
        if dated:
            order["extension"] = [{"url": STATUS_CHANGED, "valueDateTime": day.isoformat()}]

    def dispense(self, regimen: Directions, day: date, days: int, order: Json | None) -> None:
        on = {"authorizingPrescription": [{"reference": f"MedicationRequest/{order['id']}"}]} if order else {}
        self._add(
            "MedicationDispense",
            status="completed",
            medicationCodeableConcept=_concept(regimen.product),
            quantity={"value": _plain(days * regimen.times * regimen.at_a_time), "unit": regimen.product.form},
            daysSupply=_days(days),
            whenHandedOver=day.isoformat(),
            dosageInstruction=[self._dosage(regimen)],
            **on,
        )

    def _supply(self, regimen: Directions, days: int, repeats: int) -> Json:
        supply: Json = {"numberOfRepeatsAllowed": repeats}
        if self._random.random() < self._told["with_supply_duration"]:
            return supply | {"expectedSupplyDuration": _days(days)}
        return supply | {"quantity": {"value": _plain(days * regimen.times * regimen.at_a_time), "unit": regimen.product.form}}

    def _dosage(self, regimen: Directions) -> Json:
        how = self._told.drawn("directions", self._random)
        if regimen.words is not None:
            return {"text": regimen.words}
        if how == "as-directed":
            return {"text": self._random.choice(self._told["words"]["as_directed"])}
        words = {"text": self.sig(regimen)}
        dose = {
            "value": _plain(regimen.at_a_time),
            "unit": regimen.product.form,
            "system": UCUM,
            "code": f"{{{regimen.product.form}}}",
        }
        coded: Json = {"timing": {"repeat": {"frequency": regimen.times, "period": 1, "periodUnit": "d"}}}
        coded |= {"asNeededBoolean": True} if regimen.as_needed else {}
        coded |= {"doseAndRate": [{"doseQuantity": dose}]}
        return words | coded if how == "both" else words if how == "words" else coded

    def sig(self, regimen: Directions) -> str:
        """The directions as somebody types them."""
        words, random = self._told["words"], self._random
        at_night = regimen.times == 1 and regimen.product.agent in self._told.at_night
        often = random.choice(words["night"]["often"] if at_night else words["often"][regimen.times])
        latin = random.choice(words["night"]["latin"] if at_night else words["latin"][regimen.times])
        n, form = _plain(regimen.at_a_time), regimen.product.form
        forms = form if n == 1 else f"{form}s"
        named = {"n": n, "N": n, "form": forms, "FORM": forms.upper(), "short": "tab" if form == "tablet" else "cap"}
        named |= {
            "often": often,
            "OFTEN": often.upper(),
            "latin": latin,
            "mg": _plain(regimen.product.strength * regimen.at_a_time),
        }
        written: str = random.choice(words["take"]).format(**named)
        return written + (random.choice(words["prn"]) if regimen.as_needed else "")


def _plain(number: float) -> float:
    return int(number) if number == int(number) else round(number, 4)


def _days(days: int) -> Json:
    return {"value": days, "unit": "days", "system": UCUM, "code": "d"}


def _concept(product: Product) -> Json:
    return {"coding": [{"system": RXNORM, "code": product.code, "display": product.display}], "text": product.display}
