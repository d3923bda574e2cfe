"""Which medication a resource means."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.core.gap import GapKind, Reading
from cds.core.medication import Certainty, Form, Medication
from cds.fhir.drug_words import words
from cds.fhir.medications import medication
from cds.fhir.references import Library
from cds.knowledge.code_systems import ATC, RXNORM, SNOMED
from cds.knowledge.files.dosing import Dosing
from cds.knowledge.files.drug_names import UNLISTED
from cds.knowledge.files.drugs import drugs
from cds.knowledge.model import Knowledge
from cds.knowledge.problems import Problems

RULES = Path(__file__).parents[2] / "rules"
FILES = {path.relative_to(RULES).as_posix(): path.read_bytes() for path in (RULES / "drugs").iterdir() if path.is_file()}
TABLES = drugs(FILES, Problems())
KNOWLEDGE = Knowledge(
    revision="-",
    vocabulary={},
    parameters={},
    evidence={},
    paces={},
    rules=(),
    agents=TABLES.agents,
    medications=TABLES.medications,
    names=TABLES.names,
    stems=TABLES.stems,
    interactions=TABLES.interactions,
    value_sets={},
    dosing=Dosing({}),
)
NOTHING = Library()
XANAX = {"resourceType": "Medication", "id": "m", "code": {"text": "Xanax 1 mg tablet"}}
Json = dict[str, Any]


def coding(code: object, display: str | None = None, system: str = RXNORM) -> Json:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def order(*codings: Json, text: str | None = None, **members: object) -> Json:
    concept = {"coding": list(codings), **({"text": text} if text else {})}
    return {"resourceType": "MedicationRequest", "id": "1", "medicationCodeableConcept": concept, **members}


def read(resource: Json, library: Library = NOTHING) -> Reading[Medication]:
    return medication(resource, library, KNOWLEDGE)


def value(resource: Json, library: Library = NOTHING) -> Medication:
    found = read(resource, library)
    assert found.value is not None
    assert found.gaps == ()
    return found.value


# Codes ----------------------------------------------------------------------------------------------------------------


def product_rows() -> list[dict[str, str]]:
    return list(csv.DictReader(FILES["drugs/products.csv"].decode().splitlines()))


def test_every_product_row_is_identified_by_code_alone_and_with_its_display() -> None:
    wrong = []
    for row in product_rows():
        for display in (None, row["display"]):
            found = read(order(coding(row["code"], display, row["system"])))
            seen = found.value
            strength = str(seen.strength or "") if seen else None
            if found.gaps or seen is None or (seen.agent, strength) != (row["agent"], row["strength_mg"]):
                wrong.append((row["code"], display))
    assert wrong == []


def test_every_product_row_is_identified_by_its_words_alone() -> None:
    named = [row for row in product_rows() if row["tty"] in {"SCD", "SBD", "SCDC", "SBDC"}]
    wrong = []
    for row in named:
        seen = value(order(text=row["display"]))
        told = (seen.agent, str(seen.strength or ""), str(seen.concentration or ""), seen.certainty)
        same_form = not row["form"] or seen.form == row["form"]
        if not same_form or told != (row["agent"], row["strength_mg"], row["concentration_mg_ml"], Certainty.WORDS):
            wrong.append(row["display"])
    assert wrong == []


def test_every_other_drug_row_is_identified_without_a_contradiction() -> None:
    rows = csv.DictReader(FILES["drugs/other-drugs.csv"].decode().splitlines())
    readings = [(row, read(order(coding(row["code"], row["display"], row["system"])))) for row in rows if row["code"]]
    assert [row["code"] for row, found in readings if found.value is None] == []


@pytest.mark.parametrize(
    ("system", "code", "agent", "certainty"),
    [
        (RXNORM, "308047", "alprazolam", Certainty.PRODUCT),
        ("urn:oid:2.16.840.1.113883.6.88", "308047", "alprazolam", Certainty.PRODUCT),
        (RXNORM, 308047, "alprazolam", Certainty.PRODUCT),
        (RXNORM, "596", "alprazolam", Certainty.INGREDIENT),
        (RXNORM, "202363", "alprazolam", Certainty.INGREDIENT),
        (ATC, "N05BA12", "alprazolam", Certainty.INGREDIENT),
        ("urn:oid:2.16.840.1.113883.6.73", "n05ba12", "alprazolam", Certainty.INGREDIENT),
        (ATC, "N05CF02", "zolpidem", Certainty.INGREDIENT),
        (SNOMED, "387264003", "diazepam", Certainty.INGREDIENT),
        (SNOMED, "321196004", "diazepam", Certainty.PRODUCT),
    ],
)
def test_a_code_tells_the_agent(system: str, code: object, agent: str, certainty: Certainty) -> None:
    found = value(order(coding(code, system=system)))
    assert (found.agent, found.certainty) == (agent, certainty)


@pytest.mark.parametrize(
    ("code", "groups"),
    [
        ("N02AA01", {"opioid"}),
        ("N02AX02", {"opioid"}),
        ("N06AB06", {"antidepressant"}),
        ("N06AB08", {"antidepressant", "cyp3a4-moderate-inhibitor", "cyp2c19-inhibitor"}),
        ("N05AH04", {"antipsychotic"}),
        ("N05AN01", set()),
        ("N03AX09", {"antiseizure"}),
        ("N03AX16", {"gabapentinoid", "antiseizure"}),
        ("J01MA12", {"fluoroquinolone"}),
        ("V03AB25", {"flumazenil"}),
        ("A10BA02", set()),
    ],
)
def test_an_atc_code_tells_the_group_by_its_longest_known_prefix(code: str, groups: set[str]) -> None:
    found = value(order(coding(code, system=ATC)))
    assert (found.agent, found.groups) == (None, groups)


def test_a_product_code_beats_an_ingredient_code() -> None:
    found = value(order(coding("N05BA12", system=ATC), coding("596"), coding("308048")))
    assert (found.strength, found.certainty, found.code) == (Decimal("0.5"), Certainty.PRODUCT, "308048")


def test_an_ingredient_code_takes_strength_and_form_from_words() -> None:
    found = value(order(coding("596"), text="ALPRAZolam 0.5 mg tab"))
    assert (found.strength, found.form, found.certainty) == (Decimal("0.5"), Form.TABLET, Certainty.INGREDIENT)


def test_a_code_of_another_system_beside_a_known_one_changes_nothing() -> None:
    ndc = coding("00093015001", system="http://hl7.org/fhir/sid/ndc")
    assert value(order(ndc, coding("197901"))).agent == "lorazepam"


def test_a_card_gets_the_name_of_the_table_and_never_the_text_of_the_record() -> None:
    found = value(order(coding("197901", "<b>Lorazepam</b> 1 MG"), text="lorazepam 1 mg for Jane Doe"))
    assert found.name == "lorazepam 1 mg oral tablet"
    assert value(order(text="XANAX 1 mg for Jane Doe")).name == "alprazolam"


# Words ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "agent", "strength", "form"),
    [
        ("Xanax 1 mg tablet", "alprazolam", "1", Form.TABLET),
        ("LORazepam 0.5 MG Oral Tablet", "lorazepam", "0.5", Form.TABLET),
        ("clonazePAM .5mg tabs", "clonazepam", "0.5", Form.TABLET),
        ("Clonazepam Tablet 0.5mg", "clonazepam", "0.5", Form.TABLET),
        ("Alprazolam 500 microgram tablets", "alprazolam", "0.5", Form.TABLET),
        ("diazépam 2,5 mg comprimé", "diazepam", "2.5", None),
        ("diazepam 0,125 mg tablet", "diazepam", "0.125", Form.TABLET),
        ("10 mg temazepam capsule", "temazepam", "10", Form.CAPSULE),
        ("alprazolam 0.5 MG Oral Tablet [Xanax]", "alprazolam", "0.5", Form.TABLET),
        ("Librax", "chlordiazepoxide", None, Form.CAPSULE),
        ("chlordiazepoxide 5 MG / clidinium bromide 2.5 MG Oral Capsule", "chlordiazepoxide", "5", Form.CAPSULE),
        ("amitriptyline 12.5 mg/chlordiazepoxide 5 mg tablet", "chlordiazepoxide", "5", Form.TABLET),
        ("Limbitrol 10-25 mg", "chlordiazepoxide", None, Form.TABLET),
        ("Klonopin wafer 0.25 mg", "clonazepam", "0.25", Form.ODT),
        ("zolpidem film-coated tablet 10 mg", "zolpidem", "10", Form.TABLET),
        ("clonazepam 1-2 mg tablet", "clonazepam", None, Form.TABLET),
        ("lorazepam 1 mg tablet, take 2 mg", "lorazepam", None, Form.TABLET),
        ("Alprazolam 0.5 mg tab C-IV", "alprazolam", "0.5", Form.TABLET),
    ],
)
def test_words_tell_agent_strength_and_form_and_say_that_they_are_words(
    text: str, agent: str, strength: str | None, form: Form | None
) -> None:
    found = value(order(text=text))
    assert (found.agent, found.strength, found.form) == (agent, strength and Decimal(strength), form)
    assert found.certainty is Certainty.WORDS


@pytest.mark.parametrize(
    ("text", "concentration"),
    [
        ("diazepam 5 mg/5 mL oral solution", "1"),
        ("Lorazepam Intensol 2 mg/mL", "2"),
        ("diazepam 10 mg/2ml injection", "5"),
        ("clonazepam 500 micrograms/5ml oral solution", "0.1"),
    ],
)
def test_words_tell_how_many_mg_are_in_one_ml(text: str, concentration: str) -> None:
    found = value(order(text=text))
    assert (found.strength, found.concentration) == (None, Decimal(concentration))


@pytest.mark.parametrize(
    ("text", "slow"),
    [("Xanax XR 1 mg", True), ("Ambien CR 12.5 mg", True), ("alprazolam 1 mg ER tablet", True), ("Xanax 1 mg", False)],
)
def test_words_tell_extended_release(text: str, slow: bool) -> None:
    assert value(order(text=text)).extended_release is slow


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("midazolam 5 mg/mL injection", "an injection or infusion"),
        ("diazepam 10 mg rectal gel", "a rectal dose"),
        ("Diastat AcuDial 10 mg", "a rectal dose"),
        ("Valtoco 10 mg nasal spray", "a nasal dose"),
        ("midazolam 10 mg oromucosal solution", "a buccal dose"),
        ("Nayzilam", "a nasal dose"),
        ("lorazepam 1 mg tablet", None),
        ("Valium 5 mg/mL injection", "an injection or infusion"),
        ("diazepam oral solution 1 mg/mL in a syringe", None),
    ],
)
def test_a_form_out_of_scope_says_which(text: str, why: str | None) -> None:
    assert value(order(text=text)).out_of_scope == why


def test_the_name_may_stand_where_a_code_should() -> None:
    assert value(order(coding("ALPRAZolam", system="http://hospital.example/drug-name"))).agent == "alprazolam"


def test_a_drug_in_no_table_is_another_medicine_without_a_gap() -> None:
    for one in (order(text="Metformin 500 mg tablet"), order(coding("860975")), order(coding("860975", "metformin 500 MG"))):
        found = value(one)
        assert (found.name, found.agent, found.groups) == ("another medicine", None, frozenset())


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("Percocet 5-325", {"opioid"}),
        ("sertraline 50 MG Oral Tablet", {"antidepressant"}),
        ("Ciprofloxacin 500 mg tablet", {"fluoroquinolone", "cyp3a4-moderate-inhibitor"}),
        ("Ciprofloxacin 0.3 % ophthalmic solution", set()),
        ("Ketoconazole 2 % topical cream", set()),
        ("fentanyl 25 mcg/hr transdermal patch", {"opioid"}),
        (
            "buprenorphine 8 mg / naloxone 2 mg sublingual film",
            {"opioid", "opioid-use-disorder-agonist", "alcohol-or-opioid-use-disorder-medicine"},
        ),
    ],
)
def test_another_drug_brings_its_groups_unless_it_only_acts_where_it_is_put(text: str, groups: set[str]) -> None:
    found = value(order(text=text))
    assert (found.agent, found.groups) == (None, groups)


# Contradictions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "display"),
    [
        ("312938", "Alprazolam 0.5 MG Oral Tablet"),
        ("197320", "Alprazolam 0.5 mg oral tablet"),
        ("312961", "Alprazolam 0.5 MG Oral Tablet"),
        ("311700", "Lorazepam 1 mg oral tablet"),
        ("310385", "Lorazepam 1 MG Oral Tablet"),
        ("2839", "Lorazepam"),
        ("197589", "Lorazepam 0.5 MG Oral Tablet"),
        ("197591", "Trazodone 50 MG Oral Tablet"),
    ],
)
def test_a_code_whose_display_names_another_drug_is_a_gap_and_no_pick(code: str, display: str) -> None:
    found = read(order(coding(code, display)))
    assert found.value is None
    assert [(gap.kind, gap.resource) for gap in found.gaps] == [(GapKind.CONTRADICTION, "MedicationRequest/1")]


@pytest.mark.parametrize(
    ("code", "display"),
    [
        ("308047", "Alprazolam 0.5 MG Oral Tablet"),
        ("308049", "Alprazolam 0.5 MG Oral Tablet"),
        ("197901", "lorazepam 2 MG/ML Oral Solution"),
        ("1665188", "lorazepam 2 MG Oral Tablet"),
    ],
)
def test_a_code_whose_display_gives_another_strength_or_form_keeps_the_agent_alone(code: str, display: str) -> None:
    found = read(order(coding(code, display)))
    assert found.value is not None
    assert found.value.agent == TABLES.medications[RXNORM, code].agent
    assert (found.value.strength, found.value.concentration) == (None, None)
    assert [gap.kind for gap in found.gaps] == [GapKind.CONTRADICTION]


def test_the_usual_form_of_a_brand_fills_in_and_never_contradicts() -> None:
    assert value(order(coding("309845"), text="Valium")).form is Form.INJECTION
    assert value(order(coding("3322"), text="Diastat")).out_of_scope == "a rectal dose"


def test_two_codes_of_one_concept_that_name_different_drugs_are_a_gap() -> None:
    found = read(order(coding("308047"), coding("N05BA01", system=ATC)))
    assert found.value is None
    assert found.gaps[0].kind is GapKind.CONTRADICTION


def test_two_codes_of_one_concept_with_different_strengths_keep_the_agent_alone() -> None:
    found = read(order(coding("308047"), coding("308048")))
    assert found.value is not None
    assert (found.value.agent, found.value.strength) == ("alprazolam", None)
    assert found.gaps[0].kind is GapKind.CONTRADICTION


def test_display_and_text_that_name_different_agents_are_a_gap() -> None:
    local = coding("x1", "Lorazepam 1 mg", system="http://hospital.example")
    found = read(order(local, text="Alprazolam 1 mg"))
    assert found.value is None
    assert found.gaps[0].kind is GapKind.CONTRADICTION


def test_drugs_that_matter_to_no_rule_may_differ() -> None:
    assert read(order(coding("197320", "Simvastatin 20 mg"))).gaps == ()


def test_a_gap_repeats_no_text_of_the_record() -> None:
    found = read(order(coding("308047", "Lorazepam for Jane Doe")))
    assert all("Jane" not in gap.says for gap in found.gaps)


@pytest.mark.parametrize(
    "resource",
    [
        order(coding("N05BA14", system=ATC)),
        order(text="Tetrazepam 50 mg"),
        order(coding("37985", "tetrazepam")),
        order(text="benzodiazepine"),
    ],
)
def test_a_benzodiazepine_that_the_agents_table_does_not_hold_is_named_and_leaves_a_gap(resource: Json) -> None:
    found = read(resource)
    assert found.value is not None
    assert UNLISTED in found.value.groups
    assert [gap.kind for gap in found.gaps] == [GapKind.MEDICATION]


def test_a_class_code_beside_the_drug_itself_does_not_contradict() -> None:
    assert value(order(coding("N05BA", system=ATC), coding("308047"))).agent == "alprazolam"


# References and Medication resources ----------------------------------------------------------------------------------


def referring(reference: str, **members: object) -> Json:
    link = {"reference": reference}
    return {"resourceType": "MedicationRequest", "id": "1", "medicationReference": link, **members}


@pytest.mark.parametrize(
    ("resource", "library"),
    [
        (referring("#m", contained=[XANAX]), NOTHING),
        (referring("Medication/m"), Library.of(XANAX)),
        (referring("Medication/m/_history/2"), Library.of(XANAX)),
        (referring("https://ehr.example/fhir/Medication/m"), Library.of(XANAX)),
        (referring("https://ehr.example/fhir/Medication/m"), Library([("https://ehr.example/fhir/Medication/m", XANAX)])),
        (referring("Medication/m"), Library([("https://ehr.example/fhir/Medication/m", XANAX)])),
        (referring("urn:uuid:5f1c"), Library([("urn:uuid:5f1c", XANAX)])),
        (
            referring("urn:uuid:5f1c"),
            Library.of({"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:5f1c", "resource": XANAX}]}),
        ),
        ({"resourceType": "MedicationRequest", "medication": {"reference": {"reference": "Medication/m"}}}, Library.of(XANAX)),
    ],
)
def test_a_reference_is_resolved(resource: Json, library: Library) -> None:
    assert value(resource, library).agent == "alprazolam"


@pytest.mark.parametrize(
    ("reference", "library"),
    [
        ("Medication/other", Library.of(XANAX)),
        ("#m", Library.of(XANAX)),
        ("urn:uuid:other", Library([("urn:uuid:5f1c", XANAX)])),
        ("https://other.example/Medication/m", Library([("https://ehr.example/Medication/m", XANAX)])),
    ],
)
def test_a_dangling_reference_is_a_gap(reference: str, library: Library) -> None:
    found = read(referring(reference), library)
    assert found.value is None
    assert [(gap.kind, gap.resource) for gap in found.gaps] == [(GapKind.MEDICATION, "MedicationRequest/1")]


def test_a_dangling_reference_may_still_be_told_by_its_display() -> None:
    resource = {
        "resourceType": "MedicationRequest",
        "medicationReference": {"reference": "Medication/x", "display": "Ativan 1 mg"},
    }
    found = value(resource)
    assert (found.agent, found.strength, found.certainty) == ("lorazepam", Decimal(1), Certainty.WORDS)


def test_the_drafts_come_before_the_history_where_both_hold_the_name() -> None:
    other = {**XANAX, "code": {"text": "Valium 5 mg"}}
    assert value(referring("Medication/m"), Library.of(XANAX, other)).agent == "alprazolam"


def medicine(*ingredients: Json, code: Json | None = None, **members: object) -> Json:
    inner = {
        "resourceType": "Medication",
        "id": "m",
        "ingredient": list(ingredients),
        **({"code": code} if code else {}),
        **members,
    }
    return referring("#m", contained=[inner])


def ingredient(code: str, mg: object, unit: str = "mg", below: Json | None = None, member: str = "strength") -> Json:
    ratio = {"numerator": {"value": mg, "code": unit}, **({"denominator": below} if below else {})}
    return {"itemCodeableConcept": {"coding": [coding(code)]}, member: ratio}


@pytest.mark.parametrize(
    ("part", "strength", "concentration"),
    [
        (ingredient("596", 0.25, below={"value": 1, "code": "385055001"}), "0.25", None),
        (ingredient("596", 250, "ug", {"value": 1, "unit": "tablet"}), "0.25", None),
        (ingredient("596", 0.5), "0.5", None),
        (ingredient("596", 5, below={"value": 5, "code": "mL"}), None, "1"),
        (ingredient("596", 2, below={"value": 1, "code": "mL"}, member="strengthRatio"), None, "2"),
        (ingredient("596", 0.25, below={"value": 1}, member="amount"), "0.25", None),
        (ingredient("596", 0.5, below={"value": 28, "unit": "tablet"}), None, None),
        (ingredient("596", 0.5, "mmol"), None, None),
        (ingredient("596", "garbage"), None, None),
        (ingredient("596", 1, below={"value": 0, "code": "mL"}), None, None),
    ],
)
def test_an_ingredient_gives_its_strength_where_the_denominator_can_be_relied_on(
    part: Json, strength: str | None, concentration: str | None
) -> None:
    found = value(medicine(part))
    assert (found.agent, found.certainty) == ("alprazolam", Certainty.INGREDIENT)
    assert (found.strength, found.concentration) == (strength and Decimal(strength), concentration and Decimal(concentration))


def test_a_combination_by_ingredients_is_the_benzodiazepine_with_its_own_strength() -> None:
    found = value(medicine(ingredient("704", 25), ingredient("2356", 10), form={"text": "Tablet"}))
    assert (found.agent, found.strength, found.form) == ("chlordiazepoxide", Decimal(10), Form.TABLET)
    assert found.groups == {"antidepressant"}


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"coding": [{"system": SNOMED, "code": "385055001"}]}, Form.TABLET),
        ({"coding": [{"system": SNOMED, "code": "385219001", "display": "Injection solution"}]}, Form.INJECTION),
        ({"text": "oral solution"}, Form.LIQUID),
        ({"coding": [{"display": 3}]}, None),
        ("tablet", None),
    ],
)
def test_a_medication_resource_may_state_its_form_apart(form: object, told: Form | None) -> None:
    found = value(medicine(code={"coding": [coding("596")]}, form=form))
    assert (found.agent, found.form) == ("alprazolam", told)


def test_two_benzodiazepines_in_one_medication_are_a_gap() -> None:
    found = read(medicine(ingredient("596", 1), ingredient("3322", 5)))
    assert found.value is None
    assert found.gaps[0].kind is GapKind.CONTRADICTION


def test_an_ingredient_that_contradicts_the_code_is_a_gap() -> None:
    assert read(medicine(ingredient("3322", 5), code={"coding": [coding("308047")]})).value is None
    stronger = read(medicine(ingredient("596", 0.5), code={"coding": [coding("308047")]}))
    assert stronger.value is not None
    assert (stronger.value.strength, stronger.gaps[0].kind) == (None, GapKind.CONTRADICTION)


def test_an_inactive_ingredient_does_not_count() -> None:
    assert value(medicine({**ingredient("3322", 5), "isActive": False}, ingredient("596", 1))).agent == "alprazolam"


def test_an_ingredient_may_be_a_reference() -> None:
    part = {"itemReference": {"reference": "#s"}, "strength": {"numerator": {"value": 2, "code": "mg"}}}
    inner = {"resourceType": "Medication", "id": "m", "ingredient": [part]}
    substance = {"resourceType": "Substance", "id": "s", "code": {"coding": [coding("6470")]}}
    found = value(referring("#m", contained=[inner, substance]))
    assert (found.agent, found.strength) == ("lorazepam", Decimal(2))


@pytest.mark.parametrize(
    "kind", ["MedicationRequest", "MedicationDispense", "MedicationStatement", "MedicationUsage", "MedicationOrder"]
)
def test_every_kind_of_medication_resource_is_read(kind: str) -> None:
    assert value({**order(coding("308047")), "resourceType": kind}).agent == "alprazolam"


def test_r5_writes_concept_and_reference_under_medication() -> None:
    concept = {"concept": {"coding": [coding("308047")]}}
    assert value({"resourceType": "MedicationRequest", "medication": concept}).strength == Decimal("0.25")


# Garbage --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"resourceType": "MedicationRequest"},
        order(),
        order({"system": RXNORM}),
        order(coding("12345", system="http://hospital.example")),
        order(coding("00093015001", system="http://hl7.org/fhir/sid/ndc")),
        order(coding("no code at all")),
        {"medicationCodeableConcept": "Xanax"},
        {"medicationCodeableConcept": [None, 3]},
        {"medicationReference": None, "medication": []},
    ],
)
def test_what_can_be_told_neither_by_code_nor_by_words_is_a_gap(resource: Json) -> None:
    found = read(resource)
    assert found.value is None
    assert [gap.kind for gap in found.gaps] == [GapKind.MEDICATION]


KEYS = st.sampled_from(
    [
        *("resourceType", "id", "medicationCodeableConcept", "medicationReference", "medication", "coding", "code", "system"),
        *("display", "text", "reference", "concept", "contained", "ingredient", "itemCodeableConcept", "itemReference", "item"),
        *("strength", "numerator", "denominator", "value", "unit", "form", "isActive"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(
        [RXNORM, ATC, "308047", "596", "312938", "N05BA12", "#m", "Medication/m", "Xanax 1 mg", "mg", "mL", "Medication"]
    )
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@given(st.dictionaries(KEYS, JSON, max_size=6), st.lists(JSON, max_size=3))
def test_no_json_makes_it_raise_and_nothing_told_leaves_a_gap(resource: Json, others: list[Any]) -> None:
    found = medication(resource, Library.of(*others), KNOWLEDGE)
    assert found.value is not None or found.gaps


@given(st.text(max_size=80))
def test_no_text_makes_the_words_raise(text: str) -> None:
    said = words(text, TABLES.names)
    assert said.strength is None or said.strength > 0


@given(st.permutations([coding("308048"), coding("596"), coding("N05BA12", system=ATC), coding("386983007", system=SNOMED)]))
def test_the_order_of_codings_changes_nothing(codings: list[Json]) -> None:
    assert value(order(*codings)) == value(order(coding("308048")))
