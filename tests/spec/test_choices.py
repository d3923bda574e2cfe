"""A choice that is misspelt is refused where it stands: an origin that nobody knows would silence a sign-off that it asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds.knowledge.drug_tables import tables
from cds.knowledge.files.evidence import evidence
from cds.knowledge.loader import files_of
from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import read

RULES = Path(__file__).parents[2] / "rules"
FILES = files_of(RULES)
MISSPELT = [
    ("drugs/equivalents.yaml", "origin: read", "origin: red"),
    ("drugs/interactions.yaml", "origin: general knowledge", "origin: general knowlege"),
    ("drugs/interactions.yaml", "kind: inducer", "kind: inducr"),
    ("drugs/naloxone.yaml", " origin: ", " origin: x"),
    ("drugs/pharmacokinetics.yaml", " origin: ", " origin: x"),
    ("drugs/names.csv", ",general knowledge", ",general knowlege"),
    ("drugs/national-names.csv", ",general knowledge", ",general knowlege"),
    ("drugs/name-stems.csv", ",general knowledge", ",general knowlege"),
    ("drugs/other-drugs.csv", "/rxnorm,", "/rxnrom,"),
    ("drugs/products.csv", "/rxnorm,", "/rxnrom,"),
]


@pytest.mark.parametrize(("file", "right", "wrong"), MISSPELT, ids=[f"{row[0]} {row[1].strip()}" for row in MISSPELT])
def test_a_misspelt_choice_of_a_table_is_refused(file: str, right: str, wrong: str) -> None:
    text = FILES[file].decode()
    assert right in text
    problems = Problems()
    tables({**FILES, file: text.replace(right, wrong, 1).encode()}, problems)
    assert "RULE023" in {problem.code for problem in problems.found}


def test_a_misspelt_origin_of_a_source_is_refused() -> None:
    text = FILES["evidence.yaml"].decode().replace("origin: guideline", "origin: guidline", 1)
    problems = Problems()
    evidence(read("rules/evidence.yaml", text.encode(), problems), problems)
    assert "RULE023" in {problem.code for problem in problems.found}
