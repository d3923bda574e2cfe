"""Reads `rules/evidence.yaml`: the sources that a statement may cite."""

from __future__ import annotations

from collections.abc import Mapping

from cds.knowledge.fields import Fields
from cds.knowledge.model_parameters import EvidenceSource
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, nearest
from cds.knowledge.yaml_text import Node, Pairs

LOCAL = "local default"
ORIGINS = ("guideline", "label", "textbook", "study", LOCAL)
"""What a source is. One that is misspelt counts as a local default: clinicians have to sign it off."""


def evidence(document: Node | None, problems: Problems) -> dict[str, EvidenceSource]:
    """The sources by id."""
    sources = Fields(document, problems, ["sources"]).node("sources")
    if not isinstance(sources, Pairs):
        return {}
    return {key.text: _source(key.text, node, problems) for key, node in sources.pairs}


def _source(name: str, node: Node, problems: Problems) -> EvidenceSource:
    fields = Fields(node, problems, ["title", "label", "origin"], ["year", "url", "read"])
    return EvidenceSource(
        id=name,
        title=fields.text("title"),
        label=fields.text("label"),
        origin=fields.one_of("origin", ORIGINS) or LOCAL,
        year=fields.optional_text("year"),
        url=fields.optional_text("url"),
        read=fields.optional_text("read"),
    )


def check_cite(cite: str, position: Position, sources: Mapping[str, EvidenceSource], problems: Problems) -> None:
    """Reports a citation of a source that `evidence.yaml` does not hold."""
    if cite and cite not in sources:
        expected = "Every source stands in evidence.yaml; what no guideline supports cites local-default."
        problems.add("RULE120", position, f"`{cite}` is no source.", expected, nearest(cite, sources))
