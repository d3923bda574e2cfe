"""Reads the worked examples of a rule: facts given, and the answer expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from cds.knowledge.fields import Fields, as_amount, as_day, kind
from cds.knowledge.model import Example, FactDefinition, FactType, Group, IfMissing, RuleCondition, RuleKind
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed, nearest
from cds.knowledge.yaml_text import Node, Pairs, Scalar

POSITIVE = {RuleKind.ADVICE: "card", RuleKind.RISK: "found"}
NOTHING = "nothing"
CANNOT_TELL = "cannot tell"
BECAUSE = " because"
FACTS = "Facts stand in vocabulary.yaml."


def examples(fields: Fields, kind_: RuleKind, facts: Mapping[str, FactDefinition]) -> tuple[Example, ...]:
    """The examples of the rule whose fields these are."""
    found = []
    for node in fields.items("examples"):
        example = Fields(node, fields.problems, ["name", "given", "expect"])
        expect, because = _expect(example, kind_, facts)
        given = example.node("given")
        if given is not None and not isinstance(given, Pairs):
            fields.problems.add("RULE022", given.position, f"`given` is {kind(given)}.", "Expected: facts and their values.")
        values = dict(_given(given, facts, fields.problems)) if isinstance(given, Pairs) else {}
        found.append(Example(example.text("name"), values, expect, because, node.position))
    return tuple(found)


def _expect(fields: Fields, kind_: RuleKind, facts: Mapping[str, FactDefinition]) -> tuple[str, str | None]:
    choices = (POSITIVE[kind_], NOTHING, CANNOT_TELL)
    node = fields.node("expect")
    if isinstance(node, Pairs) and len(node.pairs) == 1:
        key, value = node.pairs[0]
        expect = key.text.removesuffix(BECAUSE)
        if key.text.endswith(BECAUSE) and expect in choices and isinstance(value, Scalar):
            if value.text not in facts:
                do = nearest(value.text, facts)
                fields.problems.add("RULE101", value.position, f"`{value.text}` is no fact.", FACTS, do)
            return expect, value.text
        allowed = listed(f"{choice}{BECAUSE}" for choice in choices[1:])
        fields.problems.add("RULE023", key.position, f"`{key.text}` is expected.", f"Expected: {allowed}, with a fact.")
        return NOTHING, None
    return fields.one_of("expect", choices) or NOTHING, None


def _given(node: Pairs, facts: Mapping[str, FactDefinition], problems: Problems) -> Iterator[tuple[str, object]]:
    for key, value in node.pairs:
        definition = facts.get(key.text)
        if definition is None:
            do = nearest(key.text, facts)
            problems.add("RULE101", key.position, f"`{key.text}` is no fact.", FACTS, do)
            continue
        given = fact_value(value, definition, problems)
        if given is not None:
            yield key.text, given


def fact_value(node: Node, definition: FactDefinition, problems: Problems) -> Decimal | bool | str | date | None:
    """The value that an example gives to a fact, in the fact's own type and unit."""
    if not isinstance(node, Scalar):
        problems.add("RULE022", node.position, f"{definition.name} is given {kind(node)}.", "Expected: one value.")
        return None
    text = node.text
    if definition.type is FactType.QUANTITY:
        amount = as_amount(text)
        if amount is not None and amount[1] == definition.unit:
            return amount[0]
        code = "RULE112" if amount and amount[1] else "RULE113"
        problems.add(code, node.position, f"{definition.name} is given `{text}`.", f"Expected: a number in {definition.unit}.")
        return None
    if definition.type is FactType.DATE:
        return as_day(text, node.position, problems)
    if definition.type is FactType.TEXT:
        return text
    choices = ("yes", "no") if definition.type is FactType.YES_NO else definition.choices
    if text in choices:
        return text == "yes" if definition.type is FactType.YES_NO else text
    seen, expected = f"{definition.name} is given `{text}`.", f"Choices: {listed(choices)}."
    problems.add("RULE103", node.position, seen, expected, nearest(text, choices))
    return None


def check_examples(
    found: Sequence[Example], kind_: RuleKind, when: Group, facts: Mapping[str, FactDefinition], at: Position, problems: Problems
) -> None:
    """Reports which kinds of example are missing: one positive, one nothing, one cannot tell where a fact can be unknown."""
    needed = [POSITIVE[kind_], NOTHING]
    if any(facts[c.fact].if_missing is IfMissing.UNKNOWN for c in conditions_of(when) if c.fact in facts):
        needed.append(CANNOT_TELL)
    missing = [expect for expect in needed if all(example.expect != expect for example in found)]
    if missing:
        seen = f"no example expects: {listed(missing)}."
        problems.add("RULE130", at, seen, f"A rule has at least one example each of: {listed(needed)}.")


def conditions_of(when: Group) -> Iterator[RuleCondition]:
    """Every condition of a group, those of nested groups included, in the order written."""
    for entry in (*when.all, *when.any, *when.none):
        if isinstance(entry, Group):
            yield from conditions_of(entry)
        else:
            yield entry
