"""The templates of cards, taken apart once: what is written out, and the names whose values stand between."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

PLACEHOLDER = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
PARAGRAPHS = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line: `written` and `names` in turn, beginning and ending with what is written. `alone` is its only name, if alone."""

    written: tuple[str, ...]
    names: tuple[str, ...]
    alone: str | None

    def filled(self, values: Mapping[str, str]) -> str:
        """The line with a value for each name."""
        if not self.names:
            return self.written[0]
        between = (values[name] for name in self.names)
        return "".join(chain.from_iterable(zip(self.written, between, strict=False))) + self.written[-1]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """The lines of a paragraph; `fixed` is the whole of it where no line names anything."""

    lines: tuple[TextLine, ...]
    fixed: str | None


@dataclass(frozen=True, slots=True)
class Template:
    """The paragraphs of a text."""

    paragraphs: tuple[Paragraph, ...]
    names: frozenset[str]
    """Of every placeholder."""
    inline: frozenset[str]
    """Of those that stand beside other words."""


def template(text: str, texts: Mapping[str, str]) -> Template:
    """The text taken apart, with the shared `texts` that it names put in: `{{ text.what_helps }}`."""

    def shared(found: re.Match[str]) -> str:
        kind, _, name = found[1].partition(".")
        return texts[name].strip() if kind == "text" else found[0]

    whole = PARAGRAPHS.split(PLACEHOLDER.sub(shared, text).strip())
    paragraphs = tuple(_paragraph(paragraph) for paragraph in whole)
    lines = [line for paragraph in paragraphs for line in paragraph.lines]
    return Template(
        paragraphs,
        frozenset(name for line in lines for name in line.names),
        frozenset(name for line in lines if line.alone is None for name in line.names),
    )


def _paragraph(text: str) -> Paragraph:
    lines = tuple(_line(line) for line in text.split("\n"))
    return Paragraph(lines, None if any(line.names for line in lines) else text)


def _line(text: str) -> TextLine:
    parts = PLACEHOLDER.split(text)
    written, names = tuple(parts[::2]), tuple(parts[1::2])
    alone = names[0] if len(names) == 1 and not "".join(written).strip() else None
    return TextLine(("", "") if alone else written, names, alone)
