"""Every code of a rule problem has a page of one shape, and no page is about a code that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cds.knowledge.problems import CODES

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/lint"
SECTIONS = ["What it does", "Why it matters", "Example", "Instead", "Exceptions"]

each_code = pytest.mark.parametrize("code", CODES)


def page(code: str) -> str:
    return (PAGES / f"{code}.md").read_text()


def test_each_code_has_a_page_and_no_other() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md")) == sorted(CODES)


@each_code
def test_a_page_is_headed_by_the_code_and_its_name(code: str) -> None:
    assert page(code).splitlines()[0] == f"# {code} {CODES[code]}"


@each_code
def test_a_page_says_what_it_does_why_an_example_what_instead_and_what_is_excepted(code: str) -> None:
    parts = re.split(r"^## (.+)$", page(code), flags=re.MULTILINE)[1:]
    assert parts[::2] == SECTIONS
    assert [title for title, text in zip(parts[::2], parts[1::2], strict=True) if not text.strip()] == []


@each_code
def test_what_a_page_names_exists(code: str) -> None:
    named = re.findall(r"`(rules/[\w./-]+|docs/[\w./-]+)`", page(code))
    assert [name for name in named if not (ROOT / name).exists()] == []


@each_code
def test_the_code_is_told_somewhere(code: str) -> None:
    """No page is about what is never said."""
    modules = [path for room in ("knowledge", "engine", "decision", "cli") for path in (ROOT / "cds" / room).rglob("*.py")]
    told = [path for path in modules if path.name != "problems.py" and f'"{code}"' in path.read_text()]
    assert told
