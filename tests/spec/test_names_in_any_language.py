"""Drugs by their national, Latin and brand names; a name that no table holds, built like one of ours, is a gap with a card."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.knowledge.files.drug_names import UNLISTED, Stems, folded
from cds.knowledge.files.drugs import drugs
from cds.knowledge.problems import Problems
from tests.spec.calls import Answer, Desk, Json, desk, draft, order
from tests.spec.test_medications import FILES, TABLES, coding, read, value
from tests.spec.test_medications import order as coded_order

NATIONAL = list(csv.DictReader(FILES["drugs/national-names.csv"].decode().splitlines()))
STEMS = list(csv.DictReader(FILES["drugs/name-stems.csv"].decode().splitlines()))
OTHERS = list(csv.DictReader(FILES["drugs/other-drugs.csv"].decode().splitlines()))


@pytest.fixture(scope="module")
def asked() -> Iterator[Desk]:
    with desk() as one:
        yield one


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        ("Zopiclon-ratiopharm 7,5 mg Filmtabletten", "zopiclone"),
        ("Alprasolaam 0,5 mg tablett", "alprazolam"),
        ("Loratsepaami 1 mg tabletti", "lorazepam"),
        ("Lorazepami 1 mg tabulettae", "lorazepam"),
        ("Tab. Diazepamum 5 mg", "diazepam"),
        ("Zopiclona 7,5 mg comprimidos", "zopiclone"),
        ("Clordiazepossido 10 mg capsule", "chlordiazepoxide"),
        ("Klonazepam 0,5 mg tabletki", "clonazepam"),
        ("chloordiazepoxide 10 mg", "chlordiazepoxide"),
        ("Oksazepam 10 mg tabletter", "oxazepam"),
        ("Diazepamas 5 mg tabletės", "diazepam"),
        ("Zolpidēms 10 mg", "zolpidem"),
        ("Alprazolám 0,25 mg tabletta", "alprazolam"),
        ("Loflazépate d'éthyle 2 mg", "ethyl loflazepate"),
        ("Лоразепам 1 мг таб.", "lorazepam"),
        ("Діазепам 5 мг", "diazepam"),
        ("Αλπραζολάμη 0,5 mg", "alprazolam"),
        ("エチゾラム錠0.5mg", "etizolam"),
        ("ゾルピデム酒石酸塩錠10mg", "zolpidem"),
        ("劳拉西泮片", "lorazepam"),
        ("右佐匹克隆片", "eszopiclone"),
        ("Lorax 2 mg", "lorazepam"),
        ("Olcadil 2 mg", "cloxazolam"),
        ("Dalmadorm 30 mg", "flurazepam"),
        ("Loramet 1 mg", "lormetazepam"),
        ("Rudotel 10 mg", "medazepam"),
        ("Meilax 1mg", "ethyl loflazepate"),
        ("Dormonoct 1 mg", "loprazolam"),
        ("Реланиум 5 мг", "diazepam"),
        ("デパス錠", "etizolam"),
    ],
)
def test_a_drug_is_told_by_its_name_in_other_languages(text: str, agent: str) -> None:
    assert value(coded_order(text=text)).agent == agent


def test_every_national_name_says_what_stands_in_its_row() -> None:
    told = {row["name"]: TABLES.names[folded(row["name"])] for row in NATIONAL}
    assert [name for name, drug in told.items() if not (drug.agent or UNLISTED in drug.groups)] == []
    assert [row for row in NATIONAL if (told[row["name"]].agent or told[row["name"]].ingredients[0]) != row["means"]] == []


def test_a_row_without_language_or_kind_stops_the_load() -> None:
    content = FILES["drugs/national-names.csv"].replace(b"alprasolaam,substance,et", b"alprasolaam,substance,")
    problems = Problems()
    drugs({**FILES, "drugs/national-names.csv": content}, problems)
    assert any("in no language" in str(problem) for problem in problems.found)


# Words with a stem ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Flubrotizolam 0.5 mg",
        "Xenazepam tabs",
        "Novopiclonum 5",
        "Ксеназепам 1 мг",
        "キセナゼパム錠",
        "某某西泮片",
        "Retsepaami",
        "Xolpidem",
    ],
)
def test_a_name_with_a_stem_that_is_in_no_table_is_a_gap_with_a_card(asked: Desk, text: str) -> None:
    answer = asked.ask([draft("d", text, "one tablet at night")])
    assert answer.cards == ["could-not-check info"]
    assert any("built like a benzodiazepine's or Z-drug's" in gap for gap in answer.gaps)


def test_the_word_itself_is_not_repeated(asked: Desk) -> None:
    answer = asked.ask([draft("d", "Xenazepam 1 mg", "one at night")])
    assert "enazepam" not in answer.text and "enazepam" not in str(answer.body)


@pytest.mark.parametrize("drug", ["tetrazepam 50 mg", "Феназепам 1 мг", "Cinolazepamum 40 mg", "phenazepam", "pinazepam 5 mg"])
def test_an_unlisted_benzodiazepine_is_a_gap_with_a_card(asked: Desk, drug: str) -> None:
    answer = asked.ask([draft("d", drug, "one tablet at night")])
    assert answer.cards == ["could-not-check info"]
    assert any("agents table doesn't hold" in gap for gap in answer.gaps)


def test_an_unlisted_benzodiazepine_that_is_injected_is_out_of_scope(asked: Desk) -> None:
    assert asked.ask([draft("d", "remimazolam 20 mg injection", "as directed")]).cards == []


def test_no_name_of_another_drug_has_a_stem() -> None:
    ours = {row["ingredients"] for row in OTHERS if UNLISTED in row["groups"]}
    for row in OTHERS:
        if row["ingredients"] not in ours and UNLISTED not in row["groups"]:
            plain = folded(row["display"])
            assert not TABLES.stems.found_in(plain.split(), plain), row["display"]


@given(st.sampled_from([row["stem"] for row in STEMS if row["language"] != "zh"]), st.sampled_from(["", "um", "i", "as"]))
def test_a_stem_is_found_with_any_short_ending(stem: str, ending: str) -> None:
    word = folded(f"qa{stem}").split()[-1] + (ending if stem.isascii() else "")
    assert TABLES.stems.found_in([word], word)


@pytest.mark.parametrize(
    "word", ["epidemic", "carbamazepine", "olanzapine", "temozolomide", "clonidine", "fenoldopam", "metamizole"]
)
def test_words_that_only_look_alike_have_no_stem(word: str) -> None:
    assert not TABLES.stems.found_in([word], word)


def test_another_spelling_beside_a_code_is_the_codes_drug() -> None:
    assert value(coded_order(coding("6470", "lorazepame 1 mg"))).agent == "lorazepam"


def test_a_stem_beside_the_code_of_another_drug_is_a_gap() -> None:
    assert read(coded_order(coding("6809", "metformin"), text="Xenazepam 1 mg")).gaps


def test_words_in_a_script_without_names_are_no_other_drug() -> None:
    reading = read(coded_order(text="로라제팜정"))
    assert reading.value is None and reading.gaps


def test_without_stems_nothing_is_found() -> None:
    assert Stems().found_in(["xenazepam"], "xenazepam") == ()


# A drug that can't be told --------------------------------------------------------------------------------------------


DSTU2 = {"product": {"ingredient": [{"item": {"reference": "#s"}, "amount": {"numerator": {"value": 5, "unit": "mg"}}}]}}


@pytest.mark.parametrize(
    ("told", "substance"),
    [
        ({"text": "diazepam"}, "diazepam"),
        ({"coding": [{"system": "http://www.whocc.no/atc", "code": "N05BA01"}]}, "diazepam"),
        ({"text": "Diazepamum"}, "diazepam"),
        ({"text": "Zopiclon"}, "zopiclone"),
    ],
)
@pytest.mark.parametrize("kind", ["MedicationRequest", "MedicationOrder"])
def test_the_ingredient_of_a_dstu2_product_is_read(asked: Desk, told: Json, substance: str, kind: str) -> None:
    inside = [{"resourceType": "Medication", "id": "m", **DSTU2}, {"resourceType": "Substance", "id": "s", "code": told}]
    one = draft("d", "-", "one tablet at night")
    del one["medicationCodeableConcept"]
    one |= {"resourceType": kind, "contained": inside, "medicationReference": {"reference": "#m"}}
    if kind == "MedicationOrder":
        one |= {"patient": one.pop("subject"), "dateWritten": one.pop("authoredOn")}
        del one["intent"]
    assert [each["agent"] for each in asked.ask([one]).orders] == [substance]


def without_drug(**more: object) -> Json:
    one = draft("d", "-", None)
    del one["medicationCodeableConcept"]
    return one | more


ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
NARRATIVE = {"status": "generated", "div": "<div><b>Lorazepam</b> 1 mg</div>"}


@pytest.mark.parametrize(
    "more",
    [
        {"dosageInstruction": [{"text": "Lorazepam 1 mg at night"}]},
        {"note": [{"text": "renew the Zopiclon"}]},
        {"text": NARRATIVE},
        {"contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "alprazolam"}}]},
        {"medicationCodeableConcept": {"coding": [{"system": "urn:local", "code": "77"}]}, "text": NARRATIVE},
        {"medicationCodeableConcept": {"text": "house mixture"}, "dosageInstruction": [{"text": "Xanax 1 mg, 2 times a day"}]},
    ],
)
def test_a_draft_whose_drug_cant_be_told_has_a_card_where_its_words_name_one(asked: Desk, more: Json) -> None:
    answer = asked.ask([without_drug(**more)])
    assert answer.cards == ["could-not-check info"]


@pytest.mark.parametrize(
    "more",
    [
        {"medicationCodeableConcept": {"text": "metformin 500 mg"}, "note": [{"text": "beside lorazepam"}]},
        {"medicationCodeableConcept": {"text": "house mixture"}, "dosageInstruction": [{"text": "apply to the skin"}]},
        {"medicationCodeableConcept": {"text": "house mixture"}, "reasonCode": [{"text": "off diazepam since May"}]},
    ],
)
def test_an_order_that_is_of_another_drug_stays_quiet(asked: Desk, more: Json) -> None:
    assert asked.ask([without_drug(**more)]).cards == []


@pytest.mark.parametrize(
    "medication",
    [
        {"medicationReference": {"reference": "Medication/nowhere"}},
        {"medicationReference": {"reference": "#nowhere"}},
        {"medicationReference": {"reference": "urn:uuid:4f0e2f10-4f1b-4c4b-9f6e-1f1f1f1f1f1f"}},
        {"medication": {"reference": {"reference": "Medication/nowhere"}}},
        {},
        {"medicationCodeableConcept": {"coding": [{"system": ABSENT, "code": "unknown", "display": "Unknown"}]}},
    ],
)
def test_a_draft_whose_medication_was_not_sent_is_no_all_clear(asked: Desk, medication: Json) -> None:
    answer: Answer = asked.ask([without_drug(**medication)])
    assert answer.cards == ["could-not-check info"]
    assert any("was not checked" in gap for gap in answer.gaps)


def test_an_unlisted_benzodiazepine_of_the_history_is_a_gap(asked: Desk) -> None:
    answer = asked.ask(
        [draft("d", "lorazepam 1 mg tablet", "one at night")], requests=[order("o", "tetrazepam 50 mg", "one", 30)]
    )
    assert any("agents table doesn't hold" in gap for gap in answer.gaps)
