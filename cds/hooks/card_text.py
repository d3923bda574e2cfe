"""The texts of a card: placeholders filled with formatted facts, parameters, lists and shared paragraphs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from cds.core.facts import Facts, FactValue, Known
from cds.core.period import DAYS_A_WEEK, range_in_words
from cds.core.placeholder import PLACEHOLDER
from cds.core.quantity import Quantity, plain
from cds.hooks.markdown import cut, escaped, plain_text
from cds.knowledge.model import Knowledge

PARAGRAPHS = re.compile(r"\n[ \t]*\n")
TOKENS = re.compile(r"(\[\[|\]\]|\{\{\s*[\w.-]+\s*\}\})")
SPARE = re.compile(r"\[\[\?((?:(?!\]\]).)*)\]\]", re.DOTALL)
"""A part that is the first to be left out where a text is too long: `[[? ... ]]`."""
SENTENCE_ENDED = re.compile(r"[.!?](\*\*)? $")
SPACES = re.compile(r" {2,}")
DAYS_TO_DAYS = re.compile(r"\b(\d{1,4}) days to (\d{1,4}) days\b")
"""Two numbers of days as a span, as parameters are written."""
NOT_KNOWN = "(not known)"


@dataclass(frozen=True, slots=True)
class Inserted:
    """A place at which a value stands."""

    name: str


@dataclass(frozen=True, slots=True)
class TextPart:
    """Words, values and parts within, in turn. What stands in `[[ ]]` is left out where one of its own values is not known."""

    pieces: tuple[str | Inserted | TextPart, ...]
    optional: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Of every value in it."""
        own = {piece.name for piece in self.pieces if isinstance(piece, Inserted)}
        return frozenset(own).union(*(piece.names for piece in self.pieces if isinstance(piece, TextPart)))

    def filled(self, values: Mapping[str, str | None], before: str = "") -> str:
        """The part with a value for each name, a capital where it begins a sentence; `before` is what stands before it."""
        if self.optional and any(isinstance(piece, Inserted) and values[piece.name] is None for piece in self.pieces):
            return ""
        text = ""
        for piece in self.pieces:
            written = _written(piece, values, before + text)
            text += written[:1].upper() + written[1:] if SENTENCE_ENDED.search(before + text) else written
        return text


def _span(found: re.Match[str]) -> str:
    least, most = int(found[1]), int(found[2])
    return range_in_words(least, most) if least % DAYS_A_WEEK == most % DAYS_A_WEEK == 0 else f"{least} to {most} days"


def _written(piece: str | Inserted | TextPart, values: Mapping[str, str | None], before: str) -> str:
    if isinstance(piece, TextPart):
        return piece.filled(values, before)
    if isinstance(piece, Inserted):
        value = values[piece.name]
        return NOT_KNOWN if value is None else value
    return piece


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line, or a whole paragraph in which something may be left out. `alone` is its only name, if alone."""

    part: TextPart
    alone: str | None

    def filled(self, values: Mapping[str, str | None]) -> str:
        """The line with a value for each name; a span of days that are whole weeks is told in weeks: "2 to 4 weeks"."""
        return DAYS_TO_DAYS.sub(_span, SPACES.sub(" ", self.part.filled(values)).strip())


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
        frozenset[str]().union(*(line.part.names for line in lines)),
        frozenset[str]().union(*(line.part.names for line in lines if line.alone is None)),
    )


def _paragraph(text: str) -> Paragraph:
    lines = tuple(_line(line) for line in ([text] if "[[" in text else text.split("\n")))
    return Paragraph(lines, None if any(line.part.names for line in lines) else text)


def _line(text: str) -> TextLine:
    part = _parted(iter(TOKENS.split(text)))
    alone = next(iter(part.names)) if PLACEHOLDER.fullmatch(text.strip()) else None
    return TextLine(part, alone)


def _parted(tokens: Iterator[str], optional: bool = False) -> TextPart:
    """The part up to where its brackets close, or the text ends."""
    pieces: list[str | Inserted | TextPart] = []
    for token in tokens:
        if token == "]]":
            break
        named = PLACEHOLDER.fullmatch(token)
        pieces += [_parted(tokens, True) if token == "[[" else Inserted(named[1]) if named else token] if token else []
    return TextPart(tuple(pieces), optional)


def variants(text: str) -> Iterator[str]:
    """The text with every spare part, then without the last of them, and so on: the first that is short enough is used."""
    spare = list(SPARE.finditer(text))
    for left_out in range(len(spare) + 1):
        shorter = text
        for found in reversed(spare[len(spare) - left_out :] if left_out else []):
            shorter = shorter[: found.start()] + shorter[found.end() :]
        yield SPARE.sub(r"[[\1]]", shorter)


TENTH = Decimal("0.1")
LONGEST_SUMMARY = 139
"""CDS Hooks: a summary has fewer than 140 characters."""
Lists = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Wording:
    """What placeholders stand for in the texts of one card."""

    facts: Facts
    lists: Lists
    knowledge: Knowledge
    day: date
    blocks: Mapping[str, str] = field(default_factory=dict)
    """Markdown of our own making, for placeholders that stand alone."""
    safe: Callable[[str], str] = escaped
    """Makes a text safe to stand in markdown."""

    def summary(self, text: str) -> str:
        """The template as one plain line of fewer than 140 characters, its spare parts left out where they don't fit."""
        for one in variants(text):
            line = self.line(one)
            line = line[:1].upper() + line[1:]
            if cut(line, LONGEST_SUMMARY) == line:
                break
        return cut(line, LONGEST_SUMMARY)

    def line(self, text: str) -> str:
        """The template as one plain line of any length."""
        taken_apart = self._template(text)
        values = {name: _or_none(self.value(name), plain_text) for name in taken_apart.names}
        return plain_text("\n".join(line.filled(values) for part in taken_apart.paragraphs for line in part.lines))

    def detail(self, text: str) -> str:
        """The template as markdown. A paragraph whose list is empty, or whose lone text is not known, is left out."""
        taken_apart = self._template(text)
        safe = {name: _or_none(self.value(name), self.safe) for name in taken_apart.inline}
        paragraphs = [self._paragraph(part.lines, safe) if part.fixed is None else part.fixed for part in taken_apart.paragraphs]
        return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)

    def value(self, name: str) -> str | None:
        """What a placeholder stands for, unescaped; None where that is not known."""
        if name in self.lists:
            return "; ".join(self.lists[name]) or None
        if name.startswith("parameter."):
            edition = self.knowledge.parameters[name.removeprefix("parameter.")].on(self.day)
            return None if edition is None else _amount(edition.value)
        if name.startswith("origin."):
            edition = self.knowledge.parameters[name.removeprefix("origin.")].on(self.day)
            return None if edition is None else self.knowledge.evidence[edition.cite].label
        fact = self.facts.get(name)
        definition = self.knowledge.vocabulary.get(name)
        return formatted(fact.value, definition.unit if definition else None) if isinstance(fact, Known) else None

    def _template(self, text: str) -> Template:
        return self.knowledge.remembered.recall((template, text), lambda: template(text, self.knowledge.texts))

    def _paragraph(self, lines: Iterable[TextLine], safe: Mapping[str, str | None]) -> str:
        """The paragraph, `safe` holding the values of its inline placeholders."""
        written: list[str] = []
        for line in lines:
            if line.alone is None:
                written.append(line.filled(safe))
            elif self.blocks.get(line.alone):
                written.append(self.blocks[line.alone])
            elif self.lists.get(line.alone):
                written += [f"- {self.safe(item)}" for item in self.lists[line.alone]]
            elif value := self.value(line.alone):
                written.append(self.safe(value))
            else:
                return ""
        return "\n".join(written)


def _or_none(text: str | None, safe: Callable[[str], str]) -> str | None:
    return safe(text) if text else None


def formatted(value: FactValue, unit: str | None = None) -> str:
    """A fact's value as a clinician writes it: `3 mg`, `1 day`, `25%`, `yes`, `2026-11-23`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return _amount(Quantity(value, unit or ""))
    return value.isoformat() if isinstance(value, date) else value


def _amount(amount: Quantity | str) -> str:
    if isinstance(amount, str):
        return amount
    if amount.unit == "percent":
        return plain(amount.value.quantize(TENTH, rounding=ROUND_HALF_UP)) + "%"
    first, *rest = amount.unit.split(" ") if amount.unit else [""]
    if amount.value == 1 and first.endswith("s"):
        first = first[:-1]
    return " ".join([plain(amount.value), first, *rest]).strip()
