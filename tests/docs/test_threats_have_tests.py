"""Each threat of docs/security.md names tests that exist; and every key of the file of clients is told there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cds.trust.client_registry import OPTIONAL, REQUIRED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
THREATS = re.findall(r"^\| (.+?) \| .+? \| (.+) \|$", PAGE.partition("## Threats")[2], re.MULTILINE)[1:]


@pytest.mark.parametrize(("threat", "held_by"), THREATS)
def test_a_threat_names_tests_that_exist(threat: str, held_by: str) -> None:
    parts = re.findall(r"`(tests/[\w/]+\.py)`((?:(?:: |, )`test_\w+`)*)", held_by)
    assert parts, threat
    for file, named in parts:
        text = (ROOT / file).read_text()
        assert [test for test in re.findall(r"`(test_\w+)`", named) if f"def {test}(" not in text] == []


def test_there_are_threats() -> None:
    assert len(THREATS) > 15


def test_every_key_of_the_file_of_clients_is_told() -> None:
    told = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## A token")[0], re.MULTILINE)
    assert sorted(told) == sorted((*REQUIRED, *OPTIONAL))
