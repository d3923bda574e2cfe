"""The texts of a card: placeholders filled with formatted facts, parameters, lists and shared paragraphs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from cds.core.facts import Facts, FactValue, Known
from cds.core.quantity import Quantity, plain
from cds.hooks.markdown import cut, escaped, plain_text
from cds.knowledge.model import Knowledge

PLACEHOLDER = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
ALONE = re.compile(r"\s*\{\{\s*([\w.-]+)\s*\}\}\s*")
PARAGRAPHS = re.compile(r"\n[ \t]*\n")
TENTH = Decimal("0.1")
LONGEST_SUMMARY = 139
"""CDS Hooks: a summary has fewer than 140 characters."""
NOT_KNOWN = "(not known)"

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

    def summary(self, template: str) -> str:
        """The template as one plain line of fewer than 140 characters."""
        line = plain_text(self._filled(template, plain_text))
        return cut(line[:1].upper() + line[1:], LONGEST_SUMMARY)

    def line(self, template: str) -> str:
        """The template as one plain line of any length."""
        return plain_text(self._filled(template, plain_text))

    def detail(self, template: str) -> str:
        """The template as markdown. A paragraph whose list is empty, or whose lone text is not known, is left out."""
        with_texts = PLACEHOLDER.sub(self._shared_text, template)
        paragraphs = (self._paragraph(paragraph) for paragraph in PARAGRAPHS.split(with_texts.strip()))
        return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)

    def value(self, name: str) -> str | None:
        """What a placeholder stands for, unescaped; None where that is not known."""
        if name in self.lists:
            return "; ".join(self.lists[name]) or None
        if name.startswith("parameter."):
            edition = self.knowledge.parameters[name.removeprefix("parameter.")].on(self.day)
            return None if edition is None else _amount(edition.value)
        fact = self.facts.get(name)
        definition = self.knowledge.vocabulary.get(name)
        return formatted(fact.value, definition.unit if definition else None) if isinstance(fact, Known) else None

    def _shared_text(self, found: re.Match[str]) -> str:
        kind, _, name = found[1].partition(".")
        return self.knowledge.texts[name].strip() if kind == "text" else found[0]

    def _paragraph(self, paragraph: str) -> str:
        lines = []
        for line in paragraph.split("\n"):
            alone = ALONE.fullmatch(line)
            if alone is None:
                lines.append(self._filled(line, escaped))
            elif self.blocks.get(alone[1]):
                lines.append(self.blocks[alone[1]])
            elif not self.value(alone[1]):
                return ""
            elif alone[1] in self.lists:
                lines += [f"- {escaped(item)}" for item in self.lists[alone[1]]]
            else:
                lines.append(self._filled(line.strip(), escaped))
        return "\n".join(lines)

    def _filled(self, line: str, safe: Callable[[str], str]) -> str:
        return PLACEHOLDER.sub(lambda found: safe(self.value(found[1]) or NOT_KNOWN), line)


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
