"""Reads `rules/vocabulary.yaml`: the closed list of words that a rule may ask about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cds.knowledge.fields import Fields
from cds.knowledge.model import FactDefinition, FactType, IfMissing, Knowledge
from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar

ASKED_BY = ("every rule", "advice rules")
OPTIONAL = ("unit", "choices", "needs", "if_missing", "because", "value_sets", "history", "within", "drug_groups", "asked_by")


def vocabulary(
    document: Node | None, lists: Mapping[str, tuple[str, ...]], value_sets: Mapping[str, object], problems: Problems
) -> dict[str, FactDefinition]:
    """The facts by name. `lists` are the named lists of choices (agents, paces); `value_sets` those that exist."""
    facts = Fields(document, problems, ["facts"]).node("facts")
    if not isinstance(facts, Pairs):
        return {}
    return {key.text: _fact(key, node, lists, value_sets, problems) for key, node in facts.pairs}


def _fact(
    key: Scalar, node: Node, lists: Mapping[str, tuple[str, ...]], value_sets: Mapping[str, object], problems: Problems
) -> FactDefinition:
    fields = Fields(node, problems, ["means", "type"], OPTIONAL)
    type_ = FactType(fields.one_of("type", [*FactType]) or FactType.TEXT)
    needed = {FactType.QUANTITY: "unit", FactType.CHOICE: "choices"}.get(type_)
    for part in ("unit", "choices"):
        if part == needed and fields.node(part) is None:
            problems.add("RULE021", key.position, f"{key.text} is a {type_} and has no {part}.", "", f"Add `{part}:`.")
        if part != needed and fields.node(part) is not None:
            problems.add("RULE020", fields.at(part), f"{key.text} is a {type_} and has {part}.", "", f"Remove `{part}:`.")
    if_missing = IfMissing(fields.one_of("if_missing", [*IfMissing]) or IfMissing.UNKNOWN)
    if if_missing is IfMissing.ASSUME_NO and (type_ not in (FactType.YES_NO, FactType.QUANTITY) or not fields.text("because")):
        expected = "An assumption needs a yes_no or a quantity, and `because:` says why it may be made."
        problems.add("RULE023", fields.at("if_missing"), f"{key.text} assumes no.", expected)
    return FactDefinition(
        name=key.text,
        means=fields.text("means"),
        type=type_,
        unit=fields.optional_text("unit"),
        choices=_choices(fields, lists),
        needs=fields.texts("needs"),
        if_missing=if_missing,
        because=fields.optional_text("because"),
        value_sets=_value_sets(fields, value_sets),
        history=fields.yes_no("history"),
        within=fields.optional_text("within"),
        drug_groups=fields.texts("drug_groups"),
        asked_by=fields.one_of("asked_by", ASKED_BY) or ASKED_BY[0],
        position=key.position,
    )


def _choices(fields: Fields, lists: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    node = fields.node("choices")
    if isinstance(node, Items) or node is None:
        return fields.texts("choices")
    return lists.get(fields.one_of("choices", tuple(lists)) or "", ())


def _value_sets(fields: Fields, value_sets: Mapping[str, object]) -> tuple[str, ...]:
    for node in fields.scalars("value_sets"):
        if not value_sets.get(node.text):
            seen = f"The value set `{node.text}` is missing or empty."
            fields.problems.add("RULE140", node.position, seen, f"There are: {', '.join(sorted(value_sets)) or 'none'}.")
    return fields.texts("value_sets")


def risk_fact(risk: str) -> str:
    """The name of the yes_no fact by which an advice rule asks about a risk.

    >>> risk_fact("dependence-likely")
    'dependence_likely'
    """
    return risk.replace("-", "_")


def risk_definitions(risks: Iterable[tuple[str, str]]) -> dict[str, FactDefinition]:
    """A yes_no fact for each risk rule, from its id and title."""
    return {
        risk_fact(name): FactDefinition(name=risk_fact(name), means=title, type=FactType.YES_NO, asked_by="advice rules")
        for name, title in risks
    }


def askable(knowledge: Knowledge) -> dict[str, FactDefinition]:
    """Every fact that an advice rule may ask about: the vocabulary, and one for each risk rule."""
    return {**knowledge.vocabulary, **risk_definitions((rule.id, rule.title) for rule in knowledge.risks())}
