"""What the value sets hold, and that an emptied or shrunken one stops the load."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds.knowledge.files.value_sets import ICD_10, ICD_10_CM, ValueSets, value_sets
from cds.knowledge.problems import Problems

RULES = Path(__file__).parents[2] / "rules"
FILES = {path.relative_to(RULES).as_posix(): path.read_bytes() for path in (RULES / "value-sets").iterdir() if path.is_file()}
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"


@pytest.fixture(scope="module")
def sets() -> ValueSets:
    problems = Problems()
    found = value_sets(FILES, problems)
    assert [str(problem) for problem in problems.found] == []
    return found


@pytest.mark.parametrize(
    ("system", "code", "ids"),
    [
        (ICD_10_CM, "Z51.5", {"palliative-care"}),
        (SNOMED, "385763009", {"palliative-care"}),
        (ICD_10_CM, "G40.909", {"epilepsy"}),
        (SNOMED, "91175000", {"epilepsy"}),
        (ICD_10_CM, "R56.9", {"epilepsy"}),
        (ICD_10_CM, "R56.00", set()),
        (ICD_10_CM, "F44.5", set()),
        (ICD_10_CM, "F13.230", {"withdrawal", "substance-use-disorder"}),
        (ICD_10_CM, "F13.231", {"withdrawal", "withdrawal-complicated", "substance-use-disorder"}),
        (ICD_10_CM, "F13.932", {"withdrawal", "withdrawal-complicated"}),
        (SNOMED, "724668002", {"withdrawal", "withdrawal-complicated"}),
        (SNOMED, "703849002", {"withdrawal"}),
        (SNOMED, "308742005", {"withdrawal-complicated", "inpatient-alcohol-withdrawal", "alcohol-use-disorder"}),
        (ICD_10_CM, "F10.20", {"alcohol-use-disorder"}),
        (ICD_10_CM, "F10.21", set()),
        (ICD_10_CM, "F10.230", {"alcohol-use-disorder", "inpatient-alcohol-withdrawal"}),
        (ICD_10_CM, "F11.20", {"substance-use-disorder", "opioid-use-disorder"}),
        (ICD_10_CM, "F11.21", set()),
        (SNOMED, "75544000", {"substance-use-disorder", "opioid-use-disorder"}),
        (ICD_10_CM, "G47.52", {"rem-sleep-behaviour"}),
        (SNOMED, "415238003", {"rem-sleep-behaviour"}),
        (ICD_10_CM, "G81.10", {"spasticity"}),
        (ICD_10_CM, "G24.3", {"movement-disorder"}),
        (ICD_10_CM, "F06.1", {"catatonia"}),
        (ICD_10_CM, "Z91.81", {"falls-and-frailty"}),
        (ICD_10_CM, "R54", {"falls-and-frailty"}),
        (ICD_10_CM, "W18.40XA", set()),
        (ICD_10_CM, "F03.90", {"cognitive-impairment"}),
        (ICD_10_CM, "G31.84", {"cognitive-impairment"}),
        (SNOMED, "52448006", {"cognitive-impairment"}),
        (ICD_10_CM, "K74.60", {"liver-disease"}),
        (SNOMED, "19943007", {"liver-disease"}),
        (SNOMED, "254839007", set()),
        (SNOMED, "111879004", set()),
        (ICD_10_CM, "J44.9", {"breathing-disorder"}),
        (ICD_10_CM, "G47.33", {"breathing-disorder"}),
        (ICD_10_CM, "Z99.81", {"breathing-disorder"}),
        (SNOMED, "77386006", {"pregnancy", "pregnancy-yes"}),
        (SNOMED, "34801009", set()),
        (ICD_10_CM, "Z33.1", {"pregnancy"}),
        (ICD_10_CM, "Z39.1", {"breastfeeding"}),
        (ICD_10_CM, "F41.1", {"anxiety"}),
        (ICD_10_CM, "F41.0", {"panic"}),
        (ICD_10_CM, "F01.54", {"cognitive-impairment"}),
        (ICD_10_CM, "G47.00", {"insomnia"}),
        (ICD_10_CM, "F43.12", {"post-traumatic-stress"}),
        (ICD_10_CM, "F31.9", {"bipolar-or-psychosis"}),
        (ICD_10_CM, "F20.9", {"bipolar-or-psychosis"}),
        (SNOMED, "13746004", {"bipolar-or-psychosis"}),
        (ICD_10_CM, "R45.851", {"suicidality"}),
        (SNOMED, "6471006", {"suicidality"}),
        (ICD_10_CM, "T42.4X2A", {"suicidality"}),
        (ICD_10_CM, "T42.4X1A", set()),
        (LOINC, "75626-2", {"audit-c"}),
        (LOINC, "44260-8", {"phq9-item9"}),
        (SNOMED, "718619009", {"ciwa-b"}),
        (LOINC, "1742-6", {"alt"}),
        (LOINC, "82810-3", {"pregnancy-status"}),
        (SNOMED, "10828004", {"pregnancy-yes"}),
        (ICD_10_CM, "I10", set()),
    ],
)
def test_a_code_is_in_these_sets(sets: ValueSets, system: str, code: str, ids: set[str]) -> None:
    assert sets.codes.get((system, code), frozenset()) == ids


@pytest.mark.parametrize(
    ("code", "ids"),
    [
        ("F41.1", {"anxiety"}),
        ("G40", {"epilepsy"}),
        ("G41.9", {"epilepsy"}),
        ("F13.3", {"withdrawal"}),
        ("F13.4", {"withdrawal", "withdrawal-complicated"}),
        ("F10.3", {"alcohol-use-disorder", "inpatient-alcohol-withdrawal"}),
        ("F00.1", {"cognitive-impairment"}),
        ("Z99.81", set()),
        ("G40.909", set()),
    ],
)
def test_icd_10_counts_where_it_agrees_with_icd_10_cm(sets: ValueSets, code: str, ids: set[str]) -> None:
    assert sets.codes.get((ICD_10, code), frozenset()) == ids


def test_a_system_may_be_named_by_its_oid(sets: ValueSets) -> None:
    assert sets.codes["urn:oid:2.16.840.1.113883.6.90", "F41.1"] == {"anxiety"}


def test_every_code_that_counts_has_a_display_and_a_source(sets: ValueSets) -> None:
    assert all(row.display and row.source for held in sets.value_sets.values() for row in held)


def changed(name: str, content: bytes) -> list[str]:
    problems = Problems()
    value_sets({**FILES, name: content}, problems)
    return [str(problem) for problem in problems.found]


def test_an_emptied_set_stops_the_load_and_names_the_counts() -> None:
    (found,) = changed("value-sets/panic.csv", b"system,code,display,source\n")
    assert "the value set panic has 0 codes; released: 32." in found


def test_a_set_that_lost_one_code_stops_the_load() -> None:
    lines = FILES["value-sets/insomnia.csv"].splitlines(keepends=True)
    (found,) = changed("value-sets/insomnia.csv", b"".join(lines[:-1]))
    assert "the value set insomnia has 19 codes; released: 20." in found


def test_a_set_with_as_many_but_other_codes_stops_the_load() -> None:
    (found,) = changed("value-sets/alt.csv", FILES["value-sets/alt.csv"].replace(b"1742-6", b"1920-8"))
    assert "the value set alt has 3 codes; released: 3, other ones." in found


def test_a_mended_display_needs_no_new_release() -> None:
    assert changed("value-sets/panic.csv", FILES["value-sets/panic.csv"].replace(b"Panic disorder", b"Panic disorders")) == []


def test_a_set_that_left_the_index_stops_the_load() -> None:
    index = FILES["value-sets/index.yaml"].decode()
    start, end = index.index("  panic:\n"), index.index("  insomnia:\n")
    found = changed("value-sets/index.yaml", (index[:start] + index[end:]).encode())
    assert any("the value set panic was released, and the index doesn't name it" in problem for problem in found)
    assert any("rules/value-sets/panic.csv" in problem for problem in found)


def test_a_row_without_a_source_stops_the_load() -> None:
    found = changed(
        "value-sets/ciwa-b.csv", FILES["value-sets/ciwa-b.csv"].replace(b"labs collected from public FHIR content", b"")
    )
    assert any("a cell is empty" in problem for problem in found)
