"""Reads `rules/drugs/adjuncts.yaml`: what may help alongside a taper, and what must not be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cds.knowledge.fields import Fields
from cds.knowledge.files.agents import ORIGINS
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import Node, Pairs, read

FILE = "drugs/adjuncts.yaml"
PLACES = {
    "first": "First",
    "offer": "To offer to all whom it concerns",
    "option": "Options",
    "specialist": "For specialists",
    "avoid": "To avoid",
}
"""Where guidance puts an adjunct, as the file and as the rule book say it."""


@dataclass(frozen=True, slots=True)
class Adjunct:
    """One measure or drug beside a taper.

    `place` is where guidance puts it, a key of PLACES; `read` how far that was verified.
    """

    name: str
    role: str
    place: str
    evidence: str
    cautions: tuple[str, ...]
    cite: str
    read: str
    position: Position


def adjuncts(files: Mapping[str, bytes], problems: Problems) -> tuple[Adjunct, ...]:
    """The adjuncts, in the order of the file."""
    document = Fields(read(f"rules/{FILE}", files.get(FILE, b""), problems), problems, ["adjuncts"]).node("adjuncts")
    return tuple(_adjunct(node, problems) for _, node in document.pairs) if isinstance(document, Pairs) else ()


def _adjunct(node: Node, problems: Problems) -> Adjunct:
    fields = Fields(node, problems, ["name", "role", "position", "cite", "verified"], ["evidence", "cautions"])
    return Adjunct(
        name=fields.text("name"),
        role=fields.text("role"),
        place=fields.one_of("position", PLACES) or "",
        evidence=fields.optional_text("evidence") or "",
        cautions=fields.texts("cautions"),
        cite=fields.text("cite"),
        read=fields.one_of("verified", ORIGINS) or "",
        position=fields.at("cite"),
    )
