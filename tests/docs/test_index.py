"""The index of the documentation leads to every page, and the glossary keeps to its order."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_every_page_is_in_the_index() -> None:
    named = set(re.findall(r"\]\(([\w./-]+\.md)\)", (DOCS / "README.md").read_text()))
    assert sorted({path.name for path in DOCS.glob("*.md")} - named - {"README.md"}) == []


def test_the_glossary_has_a_word_a_line_in_the_order_of_the_alphabet() -> None:
    words = [line.split("|")[1].strip() for line in (DOCS / "glossary.md").read_text().splitlines() if line.startswith("| ")][1:]
    assert words == sorted(words, key=str.lower)
