"""The rule book's pages: the same text as under docs/rule-book, every link leading somewhere, and a search that finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cds.knowledge.model import Knowledge
from cds.web.pages.book_pages import as_page, found
from cds.web.pages.book_pages import book as pages_of

ROOT = Path(__file__).parents[2]


def test_the_pages_are_those_of_the_documentation(book: Knowledge) -> None:
    folder = ROOT / "docs/rule-book"
    assert set(pages_of(book)) == {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.md")}


def test_every_link_within_the_book_leads_to_a_page(book: Knowledge) -> None:
    known = {one.address for one in pages_of(book).values()}
    shown = [as_page(f"{path}.md", one.text) for path, one in pages_of(book).items()]
    linked = {link for text in shown for link in re.findall(r'href="(/[^"]*)"', text)}
    assert linked <= known and len(linked) > 20


@pytest.mark.parametrize(("query", "first"), [("long use", "/long-use"), ("abrupt stop", "/abrupt-stop"), ("ALPRAZOLAM", "/")])
def test_a_search_finds_what_holds_every_word(book: Knowledge, query: str, first: str) -> None:
    hits = found(book, query)
    assert any(hit.page.address.endswith(first) or first == "/" for hit in hits[:5])
    assert all(word in hit.page.text.casefold() for word in query.casefold().split() for hit in hits)


def test_what_no_page_holds_is_not_found(book: Knowledge) -> None:
    assert found(book, "no-such-word-anywhere") == [] == found(book, "  ")


def test_a_text_of_the_book_can_not_become_a_script() -> None:
    shown = as_page("x.md", "<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>")
    assert "<script" not in shown and "<img" not in shown and 'href="javascript' not in shown
