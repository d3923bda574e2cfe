"""Text from a record, made safe to stand in a card: in its plain summary, or in its GitHub-flavoured markdown."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 400
"""Characters of one inserted value; no honest display text is longer."""

SAFE = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {mark: "\\" + mark for mark in "\\`*_[]#|~"})
LINE_START = re.compile(r"^([-+=]|\d{1,9}[.)](?=\s|$))")
AUTOLINK = re.compile(r"://(?=\S)|\bwww\.|@(?=\S)", re.IGNORECASE)
DOMAIN = re.compile(r"\.(?=[^\W\d_])")
NEEDS_CARE = re.compile(r"[&<>\\`*_\[\]#|~@]|://|[wW][wW][wW]\.|\.(?=[^\W\d_])")
"""Where anything of the above but the start of a line could find something to do."""


def plain_text(text: str) -> str:
    """The text on one line without control, format and private characters, cut where it is unreasonably long."""
    kept = text[: 4 * LONGEST]
    if not kept.isprintable():
        kept = "".join(" " if unicodedata.category(char)[0] in "ZC" else char for char in kept)
    return cut(" ".join(kept.split()), LONGEST)


def escaped(text: str) -> str:
    """The text as markdown that renders as itself: no link, image, HTML, emphasis, list or heading arises from it.

    Renderers turn a bare address into a link even where its punctuation is escaped, so a space breaks it.

    >>> escaped("[see](http://x.org) <b>")
    '\\\\[see\\\\](http: //x\\\\.org) &lt;b&gt;'
    """
    text = plain_text(text)
    if not NEEDS_CARE.search(text) and not LINE_START.match(text):
        return text
    text = AUTOLINK.sub(_broken, text).translate(SAFE)
    text = DOMAIN.sub(r"\\.", text)
    return LINE_START.sub(_escaped_start, text)


def cut(text: str, longest: int) -> str:
    """The text, ended at a word with `…` where it has more than `longest` characters, counted as UTF-16 does."""
    if 2 * len(text) <= longest or _length(text) <= longest:
        return text
    kept = text[:longest]
    while _length(kept) >= longest:
        kept = kept[:-1]
    at_word = kept.rsplit(" ", 1)[0] if text[len(kept)] != " " else kept
    return (at_word if len(at_word) * 2 > len(kept) else kept).rstrip(" ,;:.") + "…"


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _broken(found: re.Match[str]) -> str:
    return ": //" if found[0] == "://" else found[0] + " "


def _escaped_start(found: re.Match[str]) -> str:
    return found[0][:-1] + "\\" + found[0][-1]
