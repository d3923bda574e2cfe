"""What a spreadsheet does to a table is read where it is harmless, and else refused with what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cds.cli.main import app
from cds.knowledge.checks.outliers import check_outliers
from cds.knowledge.files.code_forms import misformed
from cds.knowledge.files.drugs import drugs
from cds.knowledge.files.value_sets import RELEASED, RELEASED_CODES, value_sets
from cds.knowledge.loader import files_of
from cds.knowledge.problems import Problem, Problems, Severity

FILES = files_of(Path(__file__).parents[2] / "rules")
PRODUCTS, NAMES, FALLS = "drugs/products.csv", "drugs/names.csv", "value-sets/falls-and-frailty.csv"
ROW = b"http://www.nlm.nih.gov/research/umls/rxnorm,485440,eszopiclone 1 MG Oral Tablet,SCD,eszopiclone,,1,,tablet,,,"
RUN = CliRunner()


def told(**tables: bytes) -> list[Problem]:
    problems = Problems()
    files = FILES | {name.replace("__", "/").replace("_", "-") + ".csv": content for name, content in tables.items()}
    drugs(files, problems)
    value_sets(files, problems)
    return problems.found


def of_products(change: Callable[[bytes], bytes]) -> list[Problem]:
    return told(drugs__products=change(FILES[PRODUCTS]))


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return change


def as_text(content: bytes, encoding: str) -> bytes:
    return content.decode().encode(encoding, errors="ignore")


def test_a_byte_order_mark_is_read_over() -> None:
    assert told(drugs__products=b"\xef\xbb\xbf" + FILES[PRODUCTS], drugs__names=b"\xef\xbb\xbf" + FILES[NAMES]) == []


def test_lines_may_end_as_on_windows() -> None:
    assert of_products(lambda content: content.replace(b"\n", b"\r\n")) == []


SLIPS: dict[str, tuple[Callable[[bytes], bytes], str, str, str]] = {
    "semicolons": (lambda content: content.replace(b",", b";"), "RULE011", "semicolons", "CSV UTF-8"),
    "tabs": (lambda content: content.replace(b",", b"\t"), "RULE011", "tabs", "CSV UTF-8"),
    "UTF-16": (lambda content: as_text(content, "utf-16"), "RULE011", "UTF-16", "CSV UTF-8"),
    "UTF-16 without a mark": (lambda content: as_text(content, "utf-16-le"), "RULE011", "UTF-16", "CSV UTF-8"),
    "a blank line": (replaced(ROW, b"\n" + ROW), "RULE011", "blank", "Take it out"),
    "a line of commas": (replaced(ROW, b"," * 12 + b"\n" + ROW), "RULE011", "blank", "Take it out"),
    "a code as a float": (replaced(b"485440", b"4.85E+05"), "RULE011", "4.85E+05", "Text"),
    "a code with the letter O": (replaced(b"485440", b"48544O"), "RULE023", "48544O", "letter O"),
    "a code with a point": (replaced(b"485440", b"485440.0"), "RULE023", "485440.0", "Look it up"),
    "a space before a code": (replaced(b"485440", b" 485440"), "RULE011", "space", "Take it out"),
    "a space after a name": (replaced(b"Lunesta,BN", b"Lunesta ,BN"), "RULE011", "space", "Take it out"),
    "a decimal comma": (replaced(ROW, ROW.replace(b",1,", b',"0,5",')), "RULE023", "0,5", "comma"),
    "a decimal comma without quotes": (replaced(ROW, ROW.replace(b",1,", b",0,5,")), "RULE011", "14 cells", "decimal comma"),
    "the letter O for zero": (replaced(ROW, ROW.replace(b",1,", b",1O,")), "RULE023", "1O", "letter O"),
    "a strength that is no number": (replaced(ROW, ROW.replace(b",1,", b",NaN,")), "RULE023", "NaN", "number above 0"),
    "a strength of 0": (replaced(ROW, ROW.replace(b",1,", b",0,")), "RULE023", "`0`", "number above 0"),
    "spaces in the head": (replaced(b"system,code", b"system, code"), "RULE011", "spaces", "Take them out"),
    "a quote that is left open": (replaced(b"eszopiclone 1 MG", b'"eszopiclone 1 MG'), "RULE011", "", "written twice"),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_a_slip_is_refused_with_what_was_seen_and_what_to_do(slip: tuple[Callable[[bytes], bytes], str, str, str]) -> None:
    change, code, seen, do = slip
    first = next(one for one in of_products(change) if one.position.file.endswith(PRODUCTS))
    assert (first.code, first.severity) == (code, Severity.ERROR)
    assert seen in first.seen
    assert do in f"{first.expected} {first.do}"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp1250"])
def test_a_brand_in_another_encoding_is_refused_and_never_becomes_another_word(encoding: str) -> None:
    problems = Problems()
    table = FILES[NAMES] + "tranxén,clorazepate,tablet,,x,general knowledge\n".encode(encoding)
    found = drugs(FILES | {NAMES: table}, problems)
    (first,) = problems.found[:1]
    assert (first.code, first.position.line) == ("RULE011", table.count(b"\n"))
    assert "é" in first.seen
    assert not [name for name in found.names if name.startswith("tranx") and name not in drugs(FILES, Problems()).names]


@pytest.mark.parametrize(
    ("system", "code", "good"),
    [
        ("http://snomed.info/sct", "449868002", True),
        ("http://snomed.info/sct", "449868003", False),
        ("http://snomed.info/sct", "4.49868E+08", False),
        ("http://loinc.org", "1742-6", True),
        ("http://loinc.org", "1742-7", False),
        ("http://loinc.org", "Jun-42", False),
        ("http://loinc.org", "LA6568-5", True),
        ("http://hl7.org/fhir/sid/icd-10-cm", "F13.20", True),
        ("http://hl7.org/fhir/sid/icd-10-cm", "F1320", False),
        ("http://hl7.org/fhir/sid/icd-10-cm", "FI3.20", False),
        ("http://www.whocc.no/atc", "N05BA01", True),
        ("http://www.whocc.no/atc", "NO5BA01", False),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "596", True),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "0596", False),
        ("http://example.org/own", "anything", True),
    ],
)
def test_a_code_has_the_form_of_its_system_with_its_check_digit(system: str, code: str, good: bool) -> None:
    assert (misformed(system, code) is None) is good


def test_every_code_that_is_shipped_has_the_form_of_its_system() -> None:
    assert told() == []


def test_a_value_set_that_differs_says_which_codes_were_added_and_lost() -> None:
    changed = FILES[FALLS].replace(b"icd-10-cm,R29.6,Repeated falls", b"icd-10-cm,R26.81,Unsteadiness")
    (found,) = told(value_sets__falls_and_frailty=changed)
    assert found.code == "RULE140"
    assert "Added: R26.81 of http://hl7.org/fhir/sid/icd-10-cm. Lost: R29.6 of http://hl7.org/fhir/sid/icd-10-cm." in found.seen
    assert "cds rules release falls-and-frailty" in found.do


def test_a_mistyped_code_is_told_alone_and_not_as_another_set_too() -> None:
    changed = FILES[FALLS].replace(b"icd-10-cm,R29.6,Repeated falls", b"icd-10-cm,R296,Repeated falls")
    assert [one.code for one in told(value_sets__falls_and_frailty=changed)] == ["RULE023"]


def write(folder: Path, **tables: bytes) -> Path:
    for name, content in (FILES | tables).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_released_codes_are_written_for_the_sets_that_are_named_alone(tmp_path: Path) -> None:
    rules = write(tmp_path / "rules")
    for name in (FALLS, "value-sets/anxiety.csv"):
        lines = (rules / name).read_bytes().splitlines(keepends=True)
        (rules / name).write_bytes(b"".join(lines[:-1]))
    ran = RUN.invoke(app, ["rules", "release", "falls-and-frailty", "--rules", str(rules)])
    assert ran.exit_code == 0, ran.output
    problems = Problems()
    value_sets(files_of(rules), problems)
    assert [one.position.file for one in problems.found] == ["rules/value-sets/anxiety.csv"]
    assert RUN.invoke(app, ["rules", "release", "--rules", str(rules)]).exit_code == 0
    assert value_sets(files_of(rules), again := Problems()) and again.found == []


def test_nothing_is_released_of_a_table_that_is_wrong(tmp_path: Path) -> None:
    rules = write(tmp_path / "rules", **{FALLS: FILES[FALLS].replace(b"R29.6", b"R296", 1)})
    ran = RUN.invoke(app, ["rules", "release", "--rules", str(rules)])
    assert ran.exit_code == 2
    assert "R296" in ran.output
    assert {name: (rules / name).read_bytes() for name in (RELEASED, RELEASED_CODES)} == {
        name: FILES[name] for name in (RELEASED, RELEASED_CODES)
    }


def outliers(name: str, old: str, new: str) -> list[str]:
    problems = Problems()
    text = FILES[name].decode()
    assert old in text
    check_outliers(FILES | {name: text.replace(old, new, 1).encode()}, problems)
    assert {one.severity for one in problems.found} <= {Severity.WARNING}
    return [one.seen for one in problems.found]


def test_nothing_that_is_shipped_is_far_from_its_neighbours() -> None:
    check_outliers(FILES, problems := Problems())
    assert problems.found == []


@pytest.mark.parametrize(
    ("name", "old", "new", "seen"),
    [
        (PRODUCTS, ROW.decode(), ROW.decode().replace(",1,,tab", ",10,,tab"),
         "`eszopiclone 1 MG Oral Tablet`: strength_mg is 10 mg; its neighbours: 1 (in its name)."),
        ("drugs/agents.yaml", "[0.25, 0.5, 1, 2], scored: yes", "[0.25, 5, 1, 2], scored: yes",
         "alprazolam, tablet: strengths is 5 mg; its neighbours: 0.25, 1, 2."),
        ("drugs/agents.yaml", "[0.25, 0.5, 1, 2], scored: yes", "[0.25, 0.5, 1, 20], scored: yes",
         "alprazolam, tablet: strengths is 20 mg; its neighbours: 0.25, 0.5, 1."),
        ("drugs/equivalents.yaml", "{source: ashton-2002, low: 0.5, high: 0.5,", "{source: ashton-2002, low: 5, high: 5,",
         "alprazolam: what equals 10 mg of diazepam is 5 mg; its neighbours: 1 (vadod-2021), 0.5 (sps)"),
        ("drugs/equivalents.yaml", "{source: ashton-2002, low: 0.5, high: 0.5,", "{source: ashton-2002, low: 0.05, high: 0.5,",
         "alprazolam: what equals 10 mg of diazepam is 0.05 mg; its neighbours: 1 (vadod-2021), 0.5 (sps)"),
    ],
)  # fmt: skip
def test_a_tenfold_slip_is_a_warning_with_its_neighbours(name: str, old: str, new: str, seen: str) -> None:
    assert any(one.startswith(seen) for one in outliers(name, old, new)), outliers(name, old, new)
