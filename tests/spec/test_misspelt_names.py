"""A misspelt benzodiazepine or Z-drug is asked about: never silently another medicine, never read as the drug that is near."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.fhir.drug_words import words
from cds.knowledge.files.drug_names import UNLISTED
from cds.knowledge.files.misspelt import SHORTEST_NAME, NearNames, differing_letters
from cds.knowledge.loader import knowledge
from tests.spec.calls import Desk, desk, draft, order
from tests.stories.book import ROOT

BOOK = knowledge(ROOT / "rules")
AGENTS = sorted(name for name in BOOK.agents if len(name) >= SHORTEST_NAME and name.isalpha())
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MISSPELT = """
lorazepm lorazpam lorazapam lorezepam lorazapan lorasepam larazepam diazapam diazepan diazepm dizepam diasepam
alprazolm alprazolan alprozolam alprazalom alprasolam clonazapam clonazepan clonzepam clonazpam temazapam oxazapam
nitrazapam triazalam triazolm midazalom zolpidum zolpedim zolpediem zopiclne zopicolone eszopiclne zalepon clobazm
clobasam flurazapam bromazapam xanx xanex zanax clonopin klonipin attivan ativam valum vallium restorill ambian ambein
lunestra benzos bzd
"""
OTHERS = """
lisinopril loratadine diazoxide clonidine olanzapine clozapine zolmitriptan lorcaserin aripiprazole albendazole
praziquantel carbamazepine oxcarbazepine mirtazapine quetiapine cobalamin flumazenil clopidogrel halcinonide zaditor
xalatan tablet capsule extended release sublingual disintegrating solution hydrochloride potassium ambulatory
controlled clonazidine kalium central contain ambient alprostadil lormetabolic doxazosin oxaprozin nitrofurantoin
triamterene
"""


@pytest.fixture(scope="module")
def asked() -> Iterator[Desk]:
    with desk() as one:
        yield one


def said(text: str) -> tuple[bool, bool]:
    """Whether a text says that it may be one of ours, and whether it names an agent."""
    found = words(text, BOOK.names, BOOK.stems)
    return any(UNLISTED in drug.groups for drug in found.drugs), any(drug.agent for drug in found.drugs)


@pytest.mark.parametrize("name", MISSPELT.split())
def test_a_misspelt_name_is_a_card_and_no_dose(asked: Desk, name: str) -> None:
    answer = asked.ask([draft("d", f"{name.capitalize()} 1 mg tablet", "1 tablet at bedtime")])
    assert answer.cards == ["could-not-check info"]
    assert not answer.orders or "dailyDoseMg" not in answer.orders[0]


@pytest.mark.parametrize("name", OTHERS.split())
def test_another_word_is_not(name: str) -> None:
    assert said(f"{name} 10 mg tablet") == (False, False)


def test_no_other_drug_of_the_tables_is_near() -> None:
    ours = {name for name, drug in BOOK.names.items() if drug.agent or UNLISTED in drug.groups}
    near = [name for name in BOOK.names if name not in ours and BOOK.stems.misspelt(name.split())]
    assert near == []


@given(st.sampled_from(AGENTS), st.data())
def test_one_letter_wrong_missing_added_or_exchanged_never_hides_a_name(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from(LETTERS))
    slips = [name[:at] + name[at + 1 :], name[:at] + letter + name[at + 1 :], name[:at] + letter + name[at:]]
    slips += [name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :]]
    for slip in slips:
        assert any(said(f"{slip} 1 mg tablet")), slip


@given(st.text(LETTERS, min_size=1, max_size=30), st.text(LETTERS, min_size=1, max_size=12))
def test_what_is_near_differs_by_as_many_letters_as_allowed(word: str, name: str) -> None:
    assert not NearNames.of([name]).near(word) or differing_letters(word, name) <= 2
    assert differing_letters(word, name) == differing_letters(name, word)


def test_a_misspelt_order_of_the_history_is_a_gap(asked: Desk) -> None:
    answer = asked.ask([draft("d", "lorazepam 1 mg tablet", "1 at night")], requests=[order("o", "Clonazapam 1 mg", "1 bid", 30)])
    assert any("stands in no table" in gap for gap in answer.gaps)


def test_a_code_tells_the_drug_whatever_the_words_beside_it(asked: Desk) -> None:
    coded = draft("d", "", "1 tablet at bedtime")
    coded["medicationCodeableConcept"] = {
        "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "197901"}],
        "text": "Lorazapam 1 mg tablet",
    }
    assert asked.ask([coded]).order("d")["dailyDoseMg"] == 1
