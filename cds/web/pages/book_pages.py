"""The rule book in a browser: the pages that `cds rules book` writes, each as a page of its own, and all of them searched."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from cds.decision.plan_totals import PAGE as TOTALS
from cds.decision.plan_totals import totals_page
from cds.knowledge.model import Knowledge
from cds.knowledge.pages.rule_book import INDEX, pages
from cds.web.pages.asking import Asked, PageContext
from cds.web.pages.rendering import as_html, page, wants_a_part

LINK = re.compile(r'<a href="([^"]+)">(.*?)</a>', re.DOTALL)
COMMENT = re.compile(r"^<!--.*?-->\s*", re.DOTALL)
ENDING = ".md"
LONGEST_QUERY, MOST_FOUND, AROUND = 200, 30, 90


@dataclass(frozen=True, slots=True)
class BookPage:
    """One page of the book: its address under /rules, its title, and its text as Markdown."""

    address: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that holds every word asked for, with the words around the first."""

    page: BookPage
    says: str


def book(knowledge: Knowledge) -> Mapping[str, BookPage]:
    """The pages by their path without its ending, made once a revision by the builder of `docs/rule-book/`."""
    return knowledge.remembered.recall("pages of the rule book", lambda: _book(knowledge))


def _book(knowledge: Knowledge) -> dict[str, BookPage]:
    made = {**pages(knowledge), TOTALS: totals_page(knowledge)}
    return {path.removesuffix(ENDING): _page(path, COMMENT.sub("", text)) for path, text in made.items() if path.endswith(ENDING)}


def _page(path: str, text: str) -> BookPage:
    title = next((line.lstrip("# ") for line in text.splitlines() if line.startswith("# ")), path)
    return BookPage(_address(path), title, text)


def _address(path: str) -> str:
    return "/rules" if path == INDEX else f"/rules/{path.removesuffix(ENDING)}"


def found(knowledge: Knowledge, query: str) -> list[Hit]:
    """The pages that hold every word, those with the words in their name first."""
    words = query.casefold().split()
    if not words:
        return []

    def named(one: BookPage) -> tuple[int, int]:
        return -sum(word in f"{one.title} {one.address}".casefold() for word in words), len(one.title)

    holding = [one for one in book(knowledge).values() if all(word in one.text.casefold() for word in words)]
    return [Hit(one, _around(one.text, words[0])) for one in sorted(holding, key=named)[:MOST_FOUND]]


def _around(text: str, word: str) -> str:
    place = max(text.casefold().find(word), 0)
    said = " ".join(re.sub(r"[|`#*]+", " ", text[max(0, place - AROUND) : place + AROUND]).split())
    return f"…{said}…"


def as_page(path: str, text: str) -> str:
    """The text as HTML; links to other pages of the book lead to them, those to files of the checkout are plain words."""

    def led(match: re.Match[str]) -> str:
        to, says = match[1], match[2]
        if to.startswith(("https://", "http://")):
            return f'<a href="{to}" rel="noreferrer">{says}</a>'
        whole = posixpath.normpath(posixpath.join(posixpath.dirname(path), to.partition("#")[0]))
        return f'<a href="{_address(whole)}">{says}</a>' if whole.endswith(ENDING) and not whole.startswith("..") else says

    body = LINK.sub(led, str(as_html(text)))
    scroll = '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table'
    return body.replace("<table", scroll).replace("</table>", "</table></div>").replace("<pre>", '<pre class="wrap">')


class RulePages:
    """The index with its search, and each page."""

    def __init__(self, desk: PageContext) -> None:
        self._desk = desk

    def index(self, asked: Asked) -> Response:
        query = asked.form.get("q", "")[:LONGEST_QUERY]
        hits = found(asked.knowledge, query)
        if wants_a_part(asked.request):
            return page("rules_found.html", query=query, hits=hits)
        return self._shown(asked, INDEX.removesuffix(ENDING), query, hits)

    def one(self, asked: Asked) -> Response:
        path = asked.request.path_params["path"]
        if path not in book(asked.knowledge):
            return self._desk.refused(asked, 404, "No such page", "The rule book has no page of that name; search it from Rules.")
        return self._shown(asked, path, "", [])

    def _shown(self, asked: Asked, path: str, query: str, hits: list[Hit]) -> Response:
        one = book(asked.knowledge)[path]
        body = asked.knowledge.remembered.recall(("a page of the rule book", path), lambda: as_page(path + ENDING, one.text))
        others = [each for name, each in book(asked.knowledge).items() if "/" not in name and each is not one]
        return page("rules.html", **self._desk.told(asked, one=one, body=body, query=query, hits=hits, others=others))
