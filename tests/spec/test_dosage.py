"""Coded dosages: timing, several lines, tapers, structure against text, and supply; each with its daily dose or a gap."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.core.gap import GapKind, Reading
from cds.core.medication import Form, Medication
from cds.core.quantity import plain
from cds.core.regimen import Basis, DayTime, Regimen
from cds.fhir.dosage.dosage import ReadingLimits, regimen
from cds.knowledge.files.dosing import dosing
from cds.knowledge.problems import Problems

WORDS = dosing({"rules/drugs/dosing.yaml": (Path(__file__).parents[2] / "rules/drugs/dosing.yaml").read_bytes()}, Problems())
LIMITS = ReadingLimits(Decimal(12), Decimal(7), Decimal(30), Decimal(1000))
TABLET = Medication("Lorazepam 1 MG Oral Tablet", "lorazepam", strength=Decimal(1), form=Form.TABLET)
QUARTER = Medication("Alprazolam 0.25 MG Oral Tablet", "alprazolam", strength=Decimal("0.25"), form=Form.TABLET)
ONE = {"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet", "code": "{tablet}"}}]}
DAILY = {"frequency": 1, "period": 1, "periodUnit": "d"}


def read(*dosages: Any, drug: Medication = TABLET, **resource: Any) -> Reading[Regimen]:
    given = {"resourceType": "MedicationRequest", "dosageInstruction": list(dosages), **resource}
    return regimen(given, drug, WORDS, LIMITS, "MedicationRequest/1")


def mg_a_day(found: Reading[Regimen]) -> str:
    """The daily dose of each step with what marks it, or the kinds of gap."""
    if found.value is None:
        return ", ".join(gap.kind for gap in found.gaps)
    texts = []
    for step in found.value.steps:
        mg, days = step.dose.mg, step.dose.days_a_week
        text = plain(mg.high) if mg.low == mg.high else f"{plain(mg.low)}-{plain(mg.high)}"
        text += f" on {plain(days)} days" if days != 7 else ""
        texts.append(text + (f" x{step.days}d" if step.days else ""))
    return ", ".join(texts)


def each(timing: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**ONE, "timing": {"repeat": timing}, **more}


REPEATS = [
    ({"frequency": 3, "period": 1, "periodUnit": "d"}, "3"),
    ({"frequency": 1, "period": 8, "periodUnit": "h"}, "3"),
    ({"frequency": 1, "period": 720, "periodUnit": "min"}, "2"),
    ({"frequency": 1, "frequencyMax": 3, "period": 1, "periodUnit": "d"}, "1-3"),
    ({"frequency": 1, "period": 4, "periodMax": 6, "periodUnit": "h"}, "4-6"),
    ({"frequency": 1, "period": 2, "periodUnit": "d"}, "1 on 3.5 days"),
    ({"frequency": 1, "period": 48, "periodUnit": "h"}, "1 on 3.5 days"),
    ({"frequency": 3, "period": 1, "periodUnit": "wk"}, "1 on 3 days"),
    ({"frequency": 14, "period": 1, "periodUnit": "wk"}, "2"),
    ({"frequency": 1, "period": 1, "periodUnit": "wk"}, "1 on 1 days"),
    ({"period": 1, "periodUnit": "d"}, "1"),
    ({"when": ["HS"]}, "1"),
    ({"when": ["MORN", "NOON", "HS"]}, "3"),
    ({"when": "HS"}, "1"),
    ({"when": ["C"]}, "3"),
    ({"when": ["AC"], "frequency": 2, "period": 1, "periodUnit": "d"}, "2"),
    ({"when": ["PCM", "PCV"]}, "2"),
    ({"when": ["WAKE", "PHS"]}, "2"),
    ({"when": ["MORN", "HS"], "frequency": 2, "period": 1, "periodUnit": "d"}, "2"),
    ({"when": ["HS"], **DAILY}, "1"),
    ({"timeOfDay": ["08:00:00", "20:00:00"]}, "2"),
    ({"timeOfDay": ["08:00:00"], **DAILY}, "1"),
    ({"dayOfWeek": ["mon", "wed", "fri"], **DAILY}, "1 on 3 days"),
    ({"dayOfWeek": ["mon", "wed", "fri"], "frequency": 3, "period": 1, "periodUnit": "wk"}, "1 on 3 days"),
    ({"dayOfWeek": ["mon"], "frequency": 1, "period": 1, "periodUnit": "wk"}, "1 on 1 days"),
    ({"dayOfWeek": ["sat", "sun"]}, "1 on 2 days"),
    ({"dayOfWeek": ["mon", "fri"], "when": ["MORN", "HS"]}, "2 on 2 days"),
    ({**DAILY, "boundsDuration": {"value": 2, "code": "wk"}}, "1 x14d"),
    ({**DAILY, "boundsDuration": {"value": 10, "unit": "days", "code": "d"}}, "1 x10d"),
    ({**DAILY, "boundsRange": {"low": {"value": 7, "code": "d"}, "high": {"value": 10, "code": "d"}}}, "1 x7d"),
    ({**DAILY, "boundsPeriod": {"start": "2026-01-01", "end": "2026-01-14"}}, "1 x14d"),
    ({**DAILY, "boundsPeriod": {"start": "2026-01-01"}}, "1"),
    ({"frequency": 2, "period": 1, "periodUnit": "d", "count": 14}, "2 x7d"),
    ({"count": 1}, "1 x1d"),
    ({**DAILY, "duration": 10, "durationUnit": "d"}, "1"),
    # Refused
    ({**DAILY, "duration": 30, "durationUnit": "min"}, "dose"),
    ({"frequency": 1, "period": 15, "periodUnit": "min"}, "dose"),
    ({"frequency": 8, "period": 3, "periodUnit": "h"}, "dose"),
    ({"frequency": 1, "period": 12, "periodUnit": "d"}, "dose"),
    ({"frequency": 1, "period": 1, "periodUnit": "mo"}, "dose"),
    ({"frequency": 0, "period": 1, "periodUnit": "d"}, "dose"),
    ({"frequency": 1, "period": 0, "periodUnit": "d"}, "dose"),
    ({"frequency": 1, "period": -1, "periodUnit": "d"}, "dose"),
    ({"frequency": 3}, "dose"),
    ({"frequency": 1, "period": 1}, "dose"),
    ({"frequency": 1, "period": 1, "periodUnit": "fortnight"}, "dose"),
    ({"when": ["SOON"]}, "dose"),
    ({"timeOfDay": ["25:00:00"]}, "dose"),
    ({"dayOfWeek": ["someday"]}, "dose"),
    ({"frequency": None, "period": 1, "periodUnit": "d"}, "dose"),
    ({"frequency": [1], "period": 1, "periodUnit": "d"}, "dose"),
    ({"boundsPeriod": {"start": "2026-01-01"}}, "dose"),
    ({"when": ["MORN", "HS"], **DAILY}, "contradiction"),
    ({"when": ["HS"], "frequency": 3, "period": 1, "periodUnit": "d"}, "contradiction"),
    ({"timeOfDay": ["08:00:00", "20:00:00"], **DAILY}, "contradiction"),
    ({"dayOfWeek": ["mon", "wed"], "frequency": 3, "period": 1, "periodUnit": "wk"}, "contradiction"),
]


@pytest.mark.parametrize(("repeat", "expected"), REPEATS, ids=str)
def test_a_coded_timing_gives_its_daily_dose(repeat: dict[str, Any], expected: str) -> None:
    assert mg_a_day(read(each(repeat))) == expected


GTS = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        *(
            ({"coding": [{"system": GTS, "code": code}]}, mg)
            for code, mg in {"QD": "1", "BID": "2", "TID": "3", "QID": "4"}.items()
        ),
        *(
            ({"coding": [{"system": GTS, "code": code}]}, mg)
            for code, mg in {"Q4H": "6", "Q6H": "4", "Q8H": "3", "Q12H": "2"}.items()
        ),
        *(({"coding": [{"system": GTS, "code": code}]}, "1") for code in ("AM", "PM", "BED")),
        ({"coding": [{"system": GTS, "code": "QOD"}]}, "1 on 3.5 days"),
        ({"coding": [{"system": GTS, "code": "WK"}]}, "1 on 1 days"),
        ({"coding": [{"system": GTS, "code": "MO"}]}, "dose"),
        ({"coding": [{"system": GTS, "code": "Q1H"}]}, "dose"),
        ({"text": "Q4H PRN"}, "0-6"),
        ({"text": "2x Daily"}, "2"),
        ({"text": "every 72 hours"}, "1 on 2.333 days"),
        ({"coding": [{"code": "Q6H:PRN"}]}, "0-4"),
        ({"coding": [{"code": "BID"}], "text": "BID"}, "2"),
        ({"coding": [{"code": "51", "display": "2 times daily"}], "text": "2 times daily"}, "2"),
        ({"coding": [{"code": "BID"}], "text": "three times a day"}, "contradiction"),
        ({"text": "once"}, "1 x1d"),
        ({"text": "as the moon rises"}, "dose"),
        ("BID", "2"),
    ],
    ids=str,
)
def test_a_timing_code_or_its_text_gives_its_daily_dose(code: Any, expected: str) -> None:
    assert mg_a_day(read({**ONE, "timing": {"code": code}})) == expected


def test_a_timing_code_that_differs_from_its_structure_is_a_contradiction() -> None:
    assert mg_a_day(
        read({**ONE, "timing": {"code": {"text": "BID"}, "repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}}})
    ) == ("contradiction")


TAB = {"value": 1, "unit": "tablet"}
MG3 = {"numerator": {"value": 3, "unit": "mg"}, "denominator": {"value": 1, "code": "d"}}
DOSES = [
    ({"doseAndRate": [{"doseRange": {"low": {"value": 1, "unit": "mg"}, "high": {"value": 2, "unit": "mg"}}}]}, "1-2"),
    ({"doseQuantity": TAB}, "1"),
    ({"doseRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "tablet"}}}, "1-2"),
    ({"doseRange": {"high": {"value": 2, "unit": "tablet"}}}, "0-2"),
    ({"doseRange": {"low": {"value": 2, "unit": "tablet"}}}, "dose"),
    ({"doseRange": {"low": {"value": 2, "unit": "mg"}, "high": {"value": 1, "unit": "mg"}}}, "contradiction"),
    ({"doseAndRate": [{"rateQuantity": {"value": 1, "unit": "mg/h"}}]}, "dose"),
    ({"doseAndRate": [{"doseQuantity": TAB, "rateRatio": {}}]}, "dose"),
    ({"doseAndRate": []}, "dose"),
    (
        {
            "doseAndRate": [
                {"type": {"coding": [{"code": "calculated"}]}, "doseQuantity": {"value": 1, "unit": "mg"}},
                {"type": {"coding": [{"code": "admin-amount"}]}, "doseQuantity": {"value": 4, "unit": "tablet"}},
                {"type": {"coding": [{"code": "ordered"}]}, "doseQuantity": {"value": 2, "unit": "mg"}},
            ]
        },
        "2",
    ),
    ({"doseAndRate": [{"doseQuantity": TAB}, {"doseQuantity": {"value": 1, "unit": "mg"}}]}, "1"),
    ({"doseAndRate": [{"doseQuantity": TAB}, {"doseQuantity": {"value": 2, "unit": "mg"}}]}, "contradiction"),
    ({**ONE, "asNeededBoolean": True}, "0-1"),
    ({**ONE, "asNeededBoolean": False}, "1"),
    ({**ONE, "asNeededCodeableConcept": {"text": "anxiety"}}, "0-1"),
    ({**ONE, "asNeededFor": [{"text": "anxiety"}]}, "0-1"),
    ({**ONE, "maxDosePerAdministration": {"value": 4, "unit": "mg"}}, "1"),
    ({"doseQuantity": {"value": 5, "unit": "mg"}, "maxDosePerAdministration": {"value": 4, "unit": "mg"}}, "contradiction"),
    ({"doseQuantity": {"value": 5, "unit": "mg"}, "asNeededBoolean": True, "maxDosePerPeriod": MG3}, "0-3"),
    ({"doseQuantity": {"value": 5, "unit": "mg"}, "asNeededBoolean": True, "maxDosePerPeriod": [MG3]}, "0-3"),
    ({"doseQuantity": {"value": 5, "unit": "mg"}, "maxDosePerPeriod": MG3}, "contradiction"),
    ({**ONE, "maxDosePerPeriod": MG3}, "1"),
    ({"doseQuantity": {"value": 0, "unit": "mg"}}, "0"),
]


@pytest.mark.parametrize(("dosage", "expected"), DOSES, ids=str)
def test_a_coded_dose_once_a_day(dosage: dict[str, Any], expected: str) -> None:
    assert mg_a_day(read({**dosage, "timing": {"repeat": DAILY}})) == expected


def test_as_needed_is_marked_and_counts_at_its_maximum() -> None:
    found = read(each({"frequency": 3, "period": 1, "periodUnit": "d"}, asNeededBoolean=True)).value
    assert found is not None and found.first.as_needed and found.first.mg.high == 3 and found.first.mg.low == 0
    assert found.first.days_a_week == 7


def test_parts_of_the_day_are_kept() -> None:
    found = read(each({"when": ["HS", "MORN"]})).value
    assert found is not None and found.first.times == ((DayTime.MORNING, Decimal(1)), (DayTime.NIGHT, Decimal(1)))


# Structure and text -------------------------------------------------------------------------------------------------------

TID = {"frequency": 3, "period": 1, "periodUnit": "d"}
BESIDE_TEXT = [
    (each(TID), "1 tid prn", "0-3"),
    (each(TID), "1 tab three times daily", "3"),
    (each(TID), "Take as directed", "3"),
    (each(TID), "Tomar una tableta", "3"),
    (each(TID), "1 mg three times a day", "3"),
    (each(TID), "1 tab am, noon and night", "3"),
    (ONE, "twice daily", "2"),
    (ONE, "1 tab at bedtime", "1"),
    ({"timing": {"repeat": TID}}, "1 tab", "3"),
    ({"timing": {"repeat": TID}}, "Take 2 mg", "6"),
    (
        each({"frequency": 2, "period": 1, "periodUnit": "d"}),
        "1 tab bid x 2 weeks, then 1/2 tab bid x 2 weeks, then stop",
        "2 x14d, 1 x14d",
    ),
    ({"asNeededBoolean": True}, "1 tab bid", "0-2"),
    ({}, "1 tab bid", "2"),
    ({"patientInstruction": "1 tab twice a day"}, "Take as directed", "2"),
    ({"patientInstruction": "1 tab twice a day"}, "1 tab bid", "2"),
    # Contradictions
    (each({"frequency": 8, "period": 3, "periodUnit": "h"}), "Administer 1 mg every 8 hours.", "contradiction"),
    (each({"frequency": 1, "period": 12, "periodUnit": "d"}), "Take 1 tablet every 12 hours as directed.", "contradiction"),
    (each({"frequency": 4, "period": 1, "periodUnit": "d"}), "1 tablet daily for 4 days", "contradiction"),
    (each(TID), "2 tabs tid", "contradiction"),
    (each(TID), "1 tab bid", "contradiction"),
    (each(TID), "0.5 mg three times a day", "contradiction"),
    (each({"when": ["HS"]}), "1 tab every morning", "contradiction"),
    (each(TID), "one am, two hs, one noon", "contradiction"),
    ({"patientInstruction": "1 tab once a day"}, "1 tab bid", "contradiction"),
    (each(DAILY), "1 tab once", "contradiction"),
    (each({**DAILY, "boundsDuration": {"value": 5, "code": "d"}}), "1 tab daily for 10 days", "contradiction"),
    # A text that changes the dose outweighs a structure that does not
    (each(TID), "1 tab tid, decrease by half a tablet every week", "dose"),
    (each(TID), "1 tab tid except Sundays", "dose"),
    # A text that can't be read as a whole still contradicts where it names another dose
    (each(TID), "Take 1 tablet twice daily xyzzy", "contradiction"),
    (each(TID), "Xyzzy. Take 2 tablets three times a day.", "contradiction"),
    (each(TID), "xyzzy 1 tablet twice daily", "contradiction"),
    (each(TID), "xyzzy twice daily", "3"),
    (each(TID), "xyzzy three times a day", "3"),
    (each(TID), "1 tab tid xyzzy, may take an extra one", "dose"),
]


@pytest.mark.parametrize(("dosage", "text", "expected"), BESIDE_TEXT, ids=str)
def test_structure_and_text_complete_each_other_or_contradict(dosage: dict[str, Any], text: str, expected: str) -> None:
    assert mg_a_day(read({**dosage, "text": text})) == expected


NOT_UNDERSTOOD = [
    "Take 1 tablet by mouth three times a day xyzzy",
    "Take 1 tablet by mouth 3 time(s) a day, xyzzy",
    "Tomar una tableta tres veces al dia",
    "Xyzzy frobnicate.",
    "Given by xyzzy on the ward",
    "Do not take with xyzzy",
    "Patient has a xyzzy weekly",
    "1 tab or xyzzy",
    "Dispense weekly at night",
    "Take at regular intervals xyzzy. Complete the prescribed course unless otherwise directed",
]


@pytest.mark.parametrize("text", NOT_UNDERSTOOD)
def test_a_text_that_is_not_understood_leaves_a_whole_structure_standing_with_a_note(text: str) -> None:
    found = read({**each(TID), "text": text})
    assert mg_a_day(found) == "3" and [gap.kind for gap in found.gaps] == [GapKind.TEXT]
    assert found.value is not None and found.value.first.basis is Basis.STRUCTURE


@pytest.mark.parametrize("text", NOT_UNDERSTOOD)
def test_without_a_whole_structure_it_stays_unread(text: str) -> None:
    assert read({**ONE, "text": text}).value is None


@pytest.mark.parametrize(
    "text",
    ["Take 1 tablet 3 time(s) a day", "As directed", "Warning: This medicine may make you sleepy", "Dispense weekly", ""],
)
def test_a_text_that_is_understood_and_says_nothing_else_leaves_no_note(text: str) -> None:
    found = read({**each(TID), "text": text})
    assert mg_a_day(found) == "3" and found.gaps == ()


@pytest.mark.parametrize(
    "word",
    [
        "then 2 tablets", "increase every week", "taper", "except on Sundays", "alternate with 2", "skip a dose",
        "hold if sleepy", "reduce by half", "week 1: 3 tablets", "decrease slowly", "stop in May",
        "and an extra one", "titrate up", "wean",
    ],
)  # fmt: skip
def test_a_word_that_changes_doses_outweighs_a_whole_structure(word: str) -> None:
    assert read({**each(TID), "text": f"1 tab tid xyzzy, {word}"}).value is None
    assert read({**each(TID), "patientInstruction": f"Xyzzy: {word}"}).value is None


@pytest.mark.parametrize(
    "repeat",
    [
        {"period": 1, "periodUnit": "d", "_frequency": True},
        {"frequency": 2, "periodUnit": "d", "_period": True},
        {"frequency": 2, "period": 1, "_periodUnit": True},
        {"frequency": 1, "period": 1, "periodUnit": "d", "_frequencyMax": True},
        {"frequency": 1, "period": 1, "periodUnit": "d", "_count": True},
        {"frequency": 1, "period": 1, "periodUnit": "d", "_dayOfWeek": True},
        {"when": ["HS", None], "_when": [None, True]},
        {"frequency": 1, "period": 1, "periodUnit": "d", "_timeOfDay": [True]},
    ],
    ids=str,
)
def test_a_part_of_the_timing_that_is_said_to_be_unknown_leaves_the_dose_unread(repeat: dict[str, Any]) -> None:
    why = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
    told = {
        name: [why if item is True else item for item in value] if isinstance(value, list) else why if value is True else value
        for name, value in repeat.items()
    }
    assert mg_a_day(read(each(told))) == "dose"
    assert mg_a_day(read({**each(DAILY), "_asNeededBoolean": why})) == "dose"


def test_the_basis_is_the_structure_only_where_the_structure_is_whole() -> None:
    whole, text = read({**each(TID), "text": "1 tab tid"}).value, read({**ONE, "text": "twice daily"}).value
    assert whole is not None and whole.first.basis is Basis.STRUCTURE
    assert text is not None and text.first.basis is Basis.TEXT


def test_a_dose_before_a_procedure_is_a_countable_few() -> None:
    for dosage in (
        {"text": "1 tablet 30 minutes before MRI"},
        {**each(DAILY), "text": "1 tablet before dental procedure"},
        each({"count": 1}),
    ):
        found = read(dosage).value
        assert found is not None and found.single_doses == 1 and found.ends


def test_dates_of_events_are_single_doses() -> None:
    found = read({**ONE, "timing": {"event": ["2026-01-05", "2026-01-06"]}}).value
    assert found is not None and found.single_doses == 2


# Several lines ------------------------------------------------------------------------------------------------------------


def tablets(count: float, repeat: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"doseQuantity": {"value": count, "unit": "tablet"}, "timing": {"repeat": repeat}, **more}


def weeks(number: int) -> dict[str, Any]:
    return {"boundsDuration": {"value": number, "code": "wk"}}


def period(start: str, end: str | None = None) -> dict[str, Any]:
    return {"boundsPeriod": {"start": start, **({"end": end} if end else {})}}


MORNING, NIGHT = {"when": ["MORN"]}, {"when": ["HS"]}
LINES = [
    ("no numbers: taken together", [tablets(1, MORNING), tablets(2, NIGHT)], "3"),
    ("one number: taken together", [tablets(1, TID, sequence=1), tablets(2, NIGHT, sequence=1)], "5"),
    ("numbered, each with its part of the day: together", [tablets(1, MORNING, sequence=1), tablets(2, NIGHT, sequence=2)], "3"),
    ("numbered: one after the other", [tablets(2, DAILY, sequence=1), tablets(1, DAILY, sequence=2)], "2, 1"),
    ("a taper", [tablets(2, {**DAILY, **weeks(2)}, sequence=1), tablets(1, {**DAILY, **weeks(2)}, sequence=2)], "2 x14d, 1 x14d"),
    (
        "a taper out of order",
        [tablets(1, {**DAILY, **weeks(2)}, sequence=2), tablets(2, {**DAILY, **weeks(1)}, sequence=1)],
        "2 x7d, 1 x14d",
    ),
    (
        "a taper by dates",
        [
            tablets(2, {**DAILY, **period("2026-01-01", "2026-01-14")}),
            tablets(1, {**DAILY, **period("2026-01-15", "2026-01-28")}),
        ],
        "2 x14d, 1 x14d",
    ),
    (
        "a taper whose end is the next start",
        [tablets(2, {**DAILY, **period("2026-01-01", "2026-01-15")}), tablets(1, {**DAILY, **period("2026-01-15")})],
        "2 x14d, 1",
    ),
    (
        "two lines a step",
        [
            tablets(1, {**MORNING, **weeks(2)}, sequence=1),
            tablets(2, {**NIGHT, **weeks(2)}, sequence=1),
            tablets(1, {**NIGHT, **weeks(2)}, sequence=2),
        ],
        "3 x14d, 1 x14d",
    ),
    ("a fixed and an as-needed line", [tablets(1, TID), tablets(2, NIGHT, asNeededBoolean=True)], "3-5"),
    ("different named days", [tablets(1, {"dayOfWeek": ["mon", "wed"]}), tablets(2, {"dayOfWeek": ["tue"]})], "1-2 on 3 days"),
    ("texts", [{"text": "1 tab in the morning"}, {"text": "2 tabs at bedtime"}], "3"),
    (
        "overlapping periods",
        [tablets(2, {**DAILY, **period("2026-01-01", "2026-02-01")}), tablets(1, {**DAILY, **period("2026-01-15")})],
        "dose",
    ),
    ("lengths without numbers or dates", [tablets(2, {**DAILY, **weeks(1)}), tablets(1, {**DAILY, **weeks(1)})], "dose"),
    ("some numbered", [tablets(2, DAILY, sequence=1), tablets(1, DAILY)], "dose"),
    ("daily and every other day", [tablets(2, DAILY), tablets(1, {"period": 2, "periodUnit": "d"})], "dose"),
    ("twice the same", [tablets(2, DAILY), tablets(2, DAILY)], "contradiction"),
    ("the same in text", [tablets(2, DAILY), {"text": "2 tabs daily"}], "contradiction"),
    (
        "numbers against dates",
        [tablets(2, {**DAILY, **period("2026-02-01")}, sequence=1), tablets(1, {**DAILY, **period("2026-01-01")}, sequence=2)],
        "contradiction",
    ),
    ("one line unread", [tablets(1, MORNING), {"text": "as directed"}], "dose"),
]


@pytest.mark.parametrize(("lines", "expected"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_several_lines(lines: list[dict[str, Any]], expected: str) -> None:
    assert mg_a_day(read(*lines)) == expected


def test_lines_taken_together_keep_their_parts_of_the_day() -> None:
    found = read(tablets(1, MORNING), tablets(2, NIGHT)).value
    assert found is not None and found.first.times == ((DayTime.MORNING, Decimal(1)), (DayTime.NIGHT, Decimal(2)))


def test_steps_have_their_dates() -> None:
    found = read(tablets(2, {**DAILY, **period("2026-01-01", "2026-01-14")}), tablets(1, {**DAILY, **period("2026-01-15")})).value
    assert found is not None and [step.start for step in found.steps] == [date(2026, 1, 1), date(2026, 1, 15)]


@given(
    st.permutations(
        [
            tablets(1, MORNING),
            tablets(2, {"when": ["NOON"]}),
            tablets(3, NIGHT),
            tablets(1, {"when": ["EVE"]}, asNeededBoolean=True),
        ]
    )
)
def test_the_order_of_lines_taken_together_changes_nothing(lines: list[dict[str, Any]]) -> None:
    assert read(*lines) == read(*sorted(lines, key=str))


@given(st.permutations([tablets(n, {**DAILY, **weeks(2)}, sequence=5 - n) for n in (4, 3, 2, 1)]))
def test_the_order_of_numbered_lines_changes_nothing(lines: list[dict[str, Any]]) -> None:
    assert mg_a_day(read(*lines)) == "4 x14d, 3 x14d, 2 x14d, 1 x14d"


@pytest.mark.parametrize(
    ("lines", "ends"),
    [
        ([tablets(1, DAILY)], False),
        ([tablets(1, {**DAILY, **period("2026-01-01", "2026-01-14")})], False),
        ([tablets(1, {**DAILY, **weeks(2)})], True),
        ([tablets(1, {**DAILY, "count": 14})], True),
        ([{"text": "1 tab daily for 14 days"}], True),
        ([{"text": "1 tab daily x 1 week, then 1/2 tab daily x 1 week then stop"}], True),
        ([{"text": "1 tab daily x 1 week, then 1/2 tab daily"}], False),
        ([tablets(2, {**DAILY, **weeks(2)}, sequence=1), tablets(1, {**DAILY, **weeks(2)}, sequence=2)], True),
        ([tablets(2, {**DAILY, **weeks(2)}, sequence=1), tablets(1, DAILY, sequence=2)], False),
    ],
    ids=str,
)
def test_an_order_ends_only_where_it_says_so_itself(lines: list[dict[str, Any]], ends: bool) -> None:
    found = read(*lines).value
    assert found is not None and found.ends is ends


# Supply -------------------------------------------------------------------------------------------------------------------


def supply(quantity: Any, days: Any) -> dict[str, Any]:
    return {"dispenseRequest": {"quantity": quantity, "expectedSupplyDuration": days}}


MONTH = {"value": 30, "unit": "days", "code": "d"}


@pytest.mark.parametrize(
    ("given", "dosages", "expected"),
    [
        (supply({"value": 60, "unit": "tablet"}, MONTH), [], "0.5"),
        (supply({"value": 60}, MONTH), [], "0.5"),
        (supply({"value": 60, "unit": "doses"}, MONTH), [], "0.5"),
        (supply({"value": 60, "unit": "tablet", "code": "428673006"}, MONTH), [{"text": "as directed"}], "0.5"),
        (supply({"value": 45, "unit": "mg"}, {"value": 1, "unit": "month", "code": "m"}), [], "dose"),
        (
            supply({"value": 45, "unit": "mg"}, {"value": 2, "unit": "weeks", "code": "wk"}),
            [{"text": "Take as needed."}],
            "dose",
        ),
        (supply({"value": 60}, MONTH), [{"text": "as directed", "asNeededBoolean": True}], "0-0.5"),
        (supply({"value": 60}, MONTH), [{"text": "1 tab bid"}], "0.5"),
        (supply({"value": 60}, MONTH), [{"text": "2 bid, decrease weekly"}], "dose"),
        (supply({"value": 60}, MONTH), [{"text": "1 tab tid", **each(DAILY)}], "contradiction"),
        (supply({"value": 60}, None), [], "dose"),
        (supply(None, MONTH), [], "dose"),
        (supply({"value": 60, "unit": "mL"}, MONTH), [], "dose"),
        (supply({"value": 60}, {"value": 0, "code": "d"}), [], "dose"),
        (supply({"value": -1}, MONTH), [], "dose"),
        ({"quantity": {"value": 90, "unit": "tablet"}, "daysSupply": {"value": 30}}, [], "0.75"),
    ],
    ids=str,
)
def test_quantity_over_days_supplied_is_read_only_where_nothing_else_says_a_dose(
    given: Any, dosages: list[Any], expected: str
) -> None:
    assert mg_a_day(read(*dosages, drug=QUARTER, **given)) == expected


def test_a_dose_by_supply_is_marked_as_such_and_needs_the_strength() -> None:
    found = read(**supply({"value": 60, "unit": "tablet"}, MONTH)).value
    assert found is not None and found.first.basis is Basis.SUPPLY and "quantity over days" in found.first.says
    unread = read(drug=Medication("lorazepam", "lorazepam"), **supply({"value": 60, "unit": "tablet"}, MONTH))
    assert unread.value is None and "strength" in unread.gaps[0].says


# Nothing and garbage ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "resource", [{}, {"dosageInstruction": []}, {"dosageInstruction": None}, {"dosageInstruction": [{}]}, {"dosage": []}], ids=str
)
def test_an_order_without_a_dosage_has_a_gap_that_says_so(resource: dict[str, Any]) -> None:
    found = regimen(resource, TABLET, WORDS, LIMITS, "MedicationRequest/1")
    assert found.value is None and found.gaps[0].kind is GapKind.DOSE and found.gaps[0].says == "No dosage was given."


def test_statements_and_dispenses_name_their_dosages_otherwise() -> None:
    found = regimen(
        {"resourceType": "MedicationStatement", "dosage": [{"text": "1 tab bid"}]}, TABLET, WORDS, LIMITS, "MedicationStatement/1"
    )
    assert mg_a_day(found) == "2"


def test_an_extended_release_product_is_read_the_same() -> None:
    drug = Medication("Alprazolam XR 1 MG", "alprazolam", strength=Decimal(1), form=Form.TABLET, extended_release=True)
    assert mg_a_day(read(each(DAILY), drug=drug)) == "1"


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["NaN", "1", "d", "h", "mg", "tablet", 1e300, 10**30])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "unit", "code", "low", "high", "coding", "text"]), inner)
    ),
    max_leaves=6,
)
REPEAT_KEYS = [
    "frequency",
    "frequencyMax",
    "period",
    "periodMax",
    "periodUnit",
    "when",
    "timeOfDay",
    "dayOfWeek",
    "count",
    "duration",
]
BOUNDS = ["boundsDuration", "boundsPeriod", "boundsRange"]
KEYS = [
    "text",
    "doseQuantity",
    "doseRange",
    "doseAndRate",
    "asNeededBoolean",
    "maxDosePerPeriod",
    "maxDosePerAdministration",
    "sequence",
]


@given(
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4),
    st.dictionaries(st.sampled_from(REPEAT_KEYS + BOUNDS), JSON, max_size=5) | JSON,
    st.sampled_from(["dosageInstruction", "dosage"]),
    JSON,
)
def test_garbage_never_raises_and_leaves_a_gap_or_a_value(dosage: dict[str, Any], repeat: Any, name: str, quantity: Any) -> None:
    whole = {**each(DAILY), **dosage, "timing": {"repeat": repeat, "code": quantity}}
    resource = {name: [whole], "dispenseRequest": {"quantity": quantity, "expectedSupplyDuration": repeat}}
    for given_resource in (resource, {name: quantity}, {name: [quantity, whole]}):
        found = regimen(given_resource, TABLET, WORDS, LIMITS, "MedicationRequest/1")
        assert (found.value is None) == bool(found.gaps)


def test_dates_at_the_end_of_the_calendar_do_not_raise() -> None:
    late = {**DAILY, "boundsPeriod": {"start": "9999-12-31"}, **weeks(4)}
    assert mg_a_day(read(tablets(2, late, sequence=1), tablets(1, late, sequence=2))) in {
        "2 x28d, 1 x28d",
        "dose",
        "contradiction",
    }
    assert (
        read(
            {**tablets(1, {**DAILY, "boundsPeriod": {"start": "9999-12-31"}}), "text": "1 tab daily for 9 weeks then 2 daily"}
        ).gaps
        == ()
    )
