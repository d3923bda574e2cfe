"""Units of a dose: what each spelling counts, and what it comes to in mg for the product."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cds.core.gap import GapKind
from cds.core.medication import Form, Medication
from cds.core.quantity import plain
from cds.fhir.dosage.dosage import ReadingLimits, regimen
from cds.knowledge.files.dosing import dosing
from cds.knowledge.problems import Problems

WORDS = dosing(
    {"rules/drugs/dosing.yaml": (Path(__file__).parents[2] / "rules/drugs/dosing.yaml").read_bytes()}, Problems()
)  # fmt: skip
LIMITS = ReadingLimits(Decimal(12), Decimal(7), Decimal(30), Decimal(1000))
HALF = Medication("Clonazepam 0.5 MG Oral Tablet", "clonazepam", strength=Decimal("0.5"), form=Form.TABLET)
LIQUID = Medication("Lorazepam 2 MG/ML Oral Solution", "lorazepam", concentration=Decimal(2), form=Form.LIQUID)
INGREDIENT = Medication("clonazepam", "clonazepam")
UCUM, FORM, SNOMED = (
    "http://unitsofmeasure.org",
    "http://terminology.hl7.org/CodeSystem/v3-orderableDrugForm",
    "http://snomed.info/sct",
)


def daily(quantity: Any, drug: Medication = HALF) -> str:
    """mg of one such dose a day, or the kind of gap."""
    dosage = {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}, "doseAndRate": [{"doseQuantity": quantity}]}
    found = regimen({"dosageInstruction": [dosage]}, drug, WORDS, LIMITS, "MedicationRequest/1")
    return plain(found.value.first.mg.high) if found.value else str(found.gaps[0].kind)


TABLETS = [
    {"value": 3, "unit": "tablet", "system": UCUM, "code": "{tablet}"},
    {"value": 3, "unit": "TAB", "system": FORM, "code": "TAB"},
    {"value": 3, "unit": "Tablet", "system": FORM, "code": "TAB"},
    {"value": 3, "unit": "TABS"},
    {"value": 3, "unit": "tablet(s)"},
    {"value": 3, "unit": "tablet", "code": "{tbl}"},
    {"value": 3, "unit": "{tablet}", "code": "{tablet}"},
    {"value": 3, "unit": "capsule", "code": "{capsule}"},
    {"value": 3, "unit": "CAP", "system": FORM, "code": "CAP"},
    {"value": 3, "unit": "film"},
    {"value": 3, "unit": "tablet", "system": SNOMED, "code": "428673006"},
    {"value": 3, "unit": "Tablet", "system": SNOMED, "code": "385055001"},
    {"value": 3, "unit": "Capsule", "system": SNOMED, "code": "428641000"},
    {"value": 3, "unit": "Unit dose", "system": UCUM, "code": "1"},
    {"value": 3},
    {"value": 3.0},
    {"value": "3"},
    {"value": Decimal("3.0")},
]


@pytest.mark.parametrize("quantity", TABLETS, ids=str)
def test_every_spelling_of_a_tablet_counts_by_the_strength(quantity: dict[str, Any]) -> None:
    assert daily(quantity) == "1.5"


@pytest.mark.parametrize(
    ("quantity", "mg"),
    [
        ({"value": 3, "unit": "mg", "system": UCUM, "code": "mg"}, "3"),
        ({"value": 3, "unit": "MG"}, "3"),
        ({"value": 3, "unit": "milligram", "code": "mg"}, "3"),
        ({"value": 0.1, "unit": "mg"}, "0.1"),
        ({"value": 250, "unit": "mcg"}, "0.25"),
        ({"value": 250, "unit": "ug", "code": "ug"}, "0.25"),
        ({"value": 0.002, "unit": "g", "code": "g"}, "2"),
        ({"value": 0, "unit": "mg"}, "0"),
        ({"value": 0, "unit": "tablet"}, "0"),
    ],
    ids=str,
)
def test_a_dose_by_weight_is_never_multiplied_by_the_strength(quantity: dict[str, Any], mg: str) -> None:
    assert daily(quantity) == mg and daily(quantity, INGREDIENT) == mg


@pytest.mark.parametrize(
    "quantity",
    [{"value": 0.5, "unit": "mL"}, {"value": 0.5, "unit": "ml", "code": "ml"}, {"value": 0.5, "code": "{mL}"}],
    ids=str,
)
def test_millilitres_count_by_the_concentration(quantity: dict[str, Any]) -> None:
    assert daily(quantity, LIQUID) == "1"
    assert daily(quantity, HALF) == GapKind.DOSE


@pytest.mark.parametrize(
    ("quantity", "drug", "kind"),
    [
        ({"value": 1, "unit": "tablet"}, INGREDIENT, GapKind.DOSE),
        ({"value": 1, "unit": "tablet"}, LIQUID, GapKind.DOSE),
        ({"value": 1}, LIQUID, GapKind.DOSE),
        ({"value": 10, "unit": "drops"}, LIQUID, GapKind.DOSE),
        ({"value": 10, "unit": "[drp]", "code": "[drp]"}, LIQUID, GapKind.DOSE),
        ({"value": 1, "unit": "patch", "system": SNOMED, "code": "419702001"}, HALF, GapKind.DOSE),
        ({"value": 0.05, "unit": "mg/kg", "code": "mg/kg"}, HALF, GapKind.DOSE),
        ({"value": 1, "unit": "furlong"}, HALF, GapKind.DOSE),
        ({"value": 1, "unit": "mg", "code": "{tablet}"}, HALF, GapKind.CONTRADICTION),
        ({"value": 0.5}, HALF, GapKind.CONTRADICTION),
        ({"value": 31, "unit": "tablet"}, HALF, GapKind.DOSE),
        ({"value": -1, "unit": "tablet"}, HALF, GapKind.DOSE),
        ({"value": 1, "comparator": "<", "unit": "tablet"}, HALF, GapKind.DOSE),
        ({"value": "NaN", "unit": "mg"}, HALF, GapKind.DOSE),
        ({"value": "Infinity", "unit": "mg"}, HALF, GapKind.DOSE),
        ({"value": 1e300, "unit": "mg"}, HALF, GapKind.DOSE),
        ({"value": 1e-300, "unit": "mg"}, HALF, GapKind.DOSE),
        ({"value": True, "unit": "mg"}, HALF, GapKind.DOSE),
        ({"value": None, "unit": "mg"}, HALF, GapKind.DOSE),
        ({"value": [1], "unit": "mg"}, HALF, GapKind.DOSE),
        ({"unit": "mg"}, HALF, GapKind.DOSE),
        ([1], HALF, GapKind.DOSE),
        ("1 tablet", HALF, GapKind.DOSE),
    ],
    ids=str,
)
def test_what_cannot_be_told_in_mg_is_a_gap(quantity: Any, drug: Medication, kind: GapKind) -> None:
    assert daily(quantity, drug) == kind


def test_a_number_alone_that_equals_the_strength_is_a_contradiction_but_one_is_one_tablet() -> None:
    one_mg = Medication("Lorazepam 1 MG Oral Tablet", "lorazepam", strength=Decimal(1), form=Form.TABLET)
    two_mg = Medication("Diazepam 2 MG Oral Tablet", "diazepam", strength=Decimal(2), form=Form.TABLET)
    assert daily({"value": 1}, one_mg) == "1"
    assert daily({"value": 2}, two_mg) == GapKind.CONTRADICTION
    assert daily({"value": 1}, two_mg) == "2"


def test_a_gap_for_a_missing_strength_says_so() -> None:
    dosage = {"text": "1 tab bid"}
    gap = regimen({"dosageInstruction": [dosage]}, INGREDIENT, WORDS, LIMITS, "MedicationRequest/1").gaps[0]
    assert "strength" in gap.says
