"""Ordinary slips in any rule file: none ends in a traceback, and the file with the slip is among the first three told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from random import Random

import pytest

from cds.cli.rules.check import checked
from cds.knowledge.drug_tables import Tables, tables
from cds.knowledge.loader import assembled, files_of
from cds.knowledge.problems import Problems, Severity

FILES = files_of(Path(__file__).parents[2] / "rules")
READ: Tables = tables(FILES, Problems())
WAYS = 16
EACH = 1
"""Slips a file gets here: by turns, so that every kind meets files of several kinds; with `WAYS` each file gets all."""


def slips(name: str) -> Iterator[tuple[str, bytes]]:
    """The file with one slip in it, for each kind of slip."""
    lines = FILES[name].decode().split("\n")
    chance = Random(name)
    written = [place for place, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    key = chance.choice([place for place in written if ":" in lines[place]] or written)
    line, head = lines[key], lines[key].split(":")[0]
    edits = {
        "no colon": [line.replace(":", "", 1)],
        "a tab": ["\t" + line],
        "a misspelt key": [line.replace(":", "x:", 1)],
        "a key twice": [line, line],
        "a space more": [" " + line],
        "no value": [head + ":"],
        "a list for a value": [head + ": [a, b]"],
        "a mapping for a value": [head + ": {a: b}"],
        "a quote more": [line + '"'],
        "an open bracket": [head + ": [a"],
        "another word": [head + ": xyz"],
        "a negative number": [head + ": -1"],
        "an alias": [head + ": *x"],
        "a control character": [line + "\x00"],
        "a list item": ["- " + line.lstrip()],
    }
    for kind, new in edits.items():
        yield kind, "\n".join([*lines[:key], *new, *lines[key + 1 :]]).encode()
    yield "an empty file", b""


NAMES = [name for name in FILES if name.endswith(".yaml")]
TURNS = cycle(range(WAYS))
CASES = [(name, next(TURNS)) for name in NAMES for _ in range(EACH)]


@pytest.mark.parametrize(("name", "which"), CASES)
def test_a_slip_is_told_where_it_is_among_the_first_three(name: str, which: int) -> None:
    kind, content = list(slips(name))[which]
    problems = Problems()
    apart = not name.startswith(("drugs/", "value-sets/"))
    assembled(FILES | {name: content}, problems, (lambda files, found: READ) if apart else tables)
    wrong = [one for one in problems.in_order() if one.severity is Severity.ERROR]
    own = kind in ("a misspelt key", "another word")  # a name that others use: they are the ones who miss it
    assert own or not wrong or f"rules/{name}" in [one.position.file for one in wrong[:3]], (
        kind,
        [str(one) for one in wrong[:3]],
    )


@pytest.mark.parametrize(
    ("name", "kept"), [("vocabulary.yaml", "vocabulary.yaml"), ("evidence.yaml", "evidence.yaml"), ("paces.yaml", "paces.yaml")]
)
def test_of_a_file_that_cannot_be_read_nobody_who_builds_on_it_complains(name: str, kept: str) -> None:
    problems = Problems()
    assembled(FILES | {name: b"\t" + FILES[name]}, problems, lambda files, found: READ)
    assert {one.position.file for one in problems.in_order() if one.severity is Severity.ERROR} == {f"rules/{kept}"}


def test_a_risk_of_another_name_than_its_file_is_told_also_where_advice_asks_about_it() -> None:
    name = "risk/long-use.yaml"
    _, problems = checked(FILES | {name: FILES[name].replace(b"risk: long-use", b"risk: logn-use", 1)})
    assert problems[0].code == "RULE024" and problems[0].position.file == f"rules/{name}"
