"""Reads `rules/alert-budget.yaml`: how many cards for every 100 orders are too many, in all and by rule."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from cds.knowledge.fields import NUMBER, Fields
from cds.knowledge.files.evidence import check_cite
from cds.knowledge.model_parameters import EvidenceSource
from cds.knowledge.problems import Problems, nearest
from cds.knowledge.yaml_text import Node, Pairs

FILE = "alert-budget.yaml"
PARTS = ("cite", "says", "cards", "critical_share", "by_rule")


@dataclass(frozen=True, slots=True)
class AlertBudget:
    """The most cards for every 100 orders, in all and by advice rule; `critical_share` is the most critical ones of 100 cards."""

    cards: Decimal
    critical_share: Decimal
    by_rule: Mapping[str, Decimal]


def alert_budget(
    document: Node | None, advice: Collection[str], sources: Mapping[str, EvidenceSource], problems: Problems
) -> AlertBudget | None:
    """What the file says, None where there is none: then nothing is too much. All that is wrong is among the problems."""
    if document is None:
        return None
    whole = Fields(document, problems, ["alert_budget"])
    fields = Fields(whole.node("alert_budget"), problems, PARTS)
    fields.text("says")
    check_cite(fields.text("cite"), fields.at("cite"), sources, problems)
    node = fields.node("by_rule")
    given = Fields(node, problems, (), [key.text for key, _ in node.pairs] if isinstance(node, Pairs) else ())
    for name, position in given.keys.items():
        if name not in advice:
            problems.add("RULE027", position, f"`{name}` is no advice rule.", "", nearest(name, advice))
    return AlertBudget(
        cards=_most(fields, "cards"),
        critical_share=_most(fields, "critical_share"),
        by_rule={name: _most(given, name) for name in given.keys if name in advice},
    )


def _most(fields: Fields, key: str) -> Decimal:
    text = fields.text(key, "0")
    if NUMBER.fullmatch(text) and Decimal(text) >= 0:
        return Decimal(text)
    fields.problems.add("RULE023", fields.at(key), f"`{key}` is `{text}`.", "Expected: a number from 0, for every 100.")
    return Decimal(0)
