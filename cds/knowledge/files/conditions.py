"""Reads the `when` of a rule: groups of conditions, each an operator word and an operand of the fact's own type and unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from cds.core.quantity import Quantity
from cds.knowledge.fields import as_amount, as_day, as_quantity, kind
from cds.knowledge.files.parameters import NAME
from cds.knowledge.model import FactDefinition, FactType, Group, Operand, Operator, ParameterName, RuleCondition
from cds.knowledge.model_parameters import Parameter
from cds.knowledge.problems import Problems, listed, nearest
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar

GROUPS = ("all", "any", "none")
ORDERED = (Operator.IS, Operator.AT_LEAST, Operator.MORE_THAN, Operator.AT_MOST, Operator.LESS_THAN, Operator.BETWEEN)
OPERATORS: Mapping[FactType, tuple[Operator, ...]] = {
    FactType.QUANTITY: ORDERED,
    FactType.DATE: ORDERED,
    FactType.YES_NO: (Operator.IS,),
    FactType.CHOICE: (Operator.IS, Operator.IS_ONE_OF),
    FactType.TEXT: (),
}


@dataclass(frozen=True)
class ConditionTerms:
    """What a rule may use: its facts, the parameters, and from which day on the rule holds."""

    facts: Mapping[str, FactDefinition]
    """The facts that this kind of rule may ask about."""
    others: Mapping[str, FactDefinition]
    """The facts that only advice rules may ask about, where this is a risk rule."""
    parameters: Mapping[str, Parameter]
    units: frozenset[str]
    since: date | None
    problems: Problems


def group(node: Node | None, words: ConditionTerms, nested: bool = False) -> Group:
    """The group of conditions that stands at the node."""
    problems = words.problems
    if not isinstance(node, Pairs):
        if node is not None:
            problems.add("RULE022", node.position, f"{kind(node)} stands here.", "Expected: all, any or none, each with a list.")
        return Group()
    lists: dict[str, tuple[RuleCondition | Group, ...]] = {}
    for key, entries in node.pairs:
        if key.text not in GROUPS:
            known = f"Known: {listed(GROUPS)}."
            problems.add("RULE020", key.position, f"`{key.text}` is no group of conditions.", known, nearest(key.text, GROUPS))
        elif not isinstance(entries, Items) or not entries.items:
            problems.add("RULE022", entries.position, f"`{key.text}` is {kind(entries)}.", "Expected: a list of conditions.")
        else:
            found = (_entry(entry, words, nested) for entry in entries.items)
            lists[key.text] = tuple(entry for entry in found if entry is not None)
    if not node.pairs:
        problems.add("RULE105", node.position, "nothing is asked.", "A rule asks at least one thing.")
    return Group(lists.get("all", ()), lists.get("any", ()), lists.get("none", ()), node.position)


def _entry(node: Node, words: ConditionTerms, nested: bool) -> RuleCondition | Group | None:
    if isinstance(node, Pairs) and node.pairs and all(key.text in GROUPS for key, _ in node.pairs):
        if nested:
            words.problems.add(
                "RULE106", node.position, "a group stands in a group in a group.", "Groups nest one level.", "Make it a fact."
            )
            return None
        return group(node, words, nested=True)
    if not isinstance(node, Pairs) or len(node.pairs) != 1:
        expected = "Expected one fact with one question, such as `age: {is at least: older_adult_age}`."
        words.problems.add("RULE022", node.position, f"{kind(node)} stands where a condition should.", expected)
        return None
    return _condition(*node.pairs[0], words)


def _condition(fact: Scalar, question: Node, words: ConditionTerms) -> RuleCondition | None:
    definition = words.facts.get(fact.text)
    if definition is None:
        _unknown_fact(fact, words)
        return None
    if definition.type is FactType.TEXT:
        expected = "A text is only shown, in {{ }}."
        words.problems.add("RULE104", fact.position, f"{fact.text} is a text.", expected, "Ask about another fact.")
        return None
    if not isinstance(question, Pairs) or len(question.pairs) != 1:
        expected = "Expected one operator and its value, such as `{is: yes}`."
        words.problems.add("RULE022", question.position, f"{fact.text} is asked {kind(question)}.", expected)
        return None
    word, value = question.pairs[0]
    allowed = OPERATORS[definition.type]
    if word.text not in allowed:
        seen = f"{fact.text} is asked `{word.text}`."
        expected = f"{fact.text} is a {definition.type}; it can be asked: {listed(allowed)}."
        words.problems.add("RULE102", word.position, seen, expected, nearest(word.text, allowed))
        return None
    operator = Operator(word.text)
    operands = _operands(definition, operator, value, words)
    return RuleCondition(fact.text, operator, operands, fact.position) if operands else None


def _unknown_fact(fact: Scalar, words: ConditionTerms) -> None:
    if fact.text in words.others:
        expected = "It is decided after the risk rules; only advice rules may ask about it."
        words.problems.add("RULE104", fact.position, f"a risk rule asks about {fact.text}.", expected)
        return
    do = nearest(fact.text, words.facts) or "Add it to vocabulary.yaml, with code that computes it, or ask about another fact."
    words.problems.add("RULE101", fact.position, f"`{fact.text}` is no fact.", "Facts stand in vocabulary.yaml.", do)


def _operands(definition: FactDefinition, operator: Operator, node: Node, words: ConditionTerms) -> tuple[Operand, ...]:
    many = operator in (Operator.IS_ONE_OF, Operator.BETWEEN)
    if many != isinstance(node, Items) or isinstance(node, Pairs):
        expected = f"`{operator}` takes {'a list' if many else 'one value'}."
        words.problems.add("RULE022", node.position, f"{definition.name} is asked `{operator}` {kind(node)}.", expected)
        return ()
    entries = node.items if isinstance(node, Items) else (node,)
    if not entries or (operator is Operator.BETWEEN and len(entries) != 2):
        expected = f"`{operator}` takes {'two values' if operator is Operator.BETWEEN else 'at least one'}."
        words.problems.add("RULE022", node.position, f"{len(entries)} values stand here.", expected)
        return ()
    found = [_operand(definition, operator, entry, words) for entry in entries]
    operands = tuple(operand for operand in found if operand is not None)
    if len(operands) < len(found):
        return ()
    if operator is Operator.BETWEEN and _empty(*operands):
        words.problems.add("RULE115", node.position, "the first value is larger than the second.", "", "Swap them.")
    return operands


def _empty(low: Operand, high: Operand) -> bool:
    if isinstance(low, Quantity) and isinstance(high, Quantity):
        return low.value > high.value
    return isinstance(low, date) and isinstance(high, date) and low > high


def _operand(definition: FactDefinition, operator: Operator, node: Node, words: ConditionTerms) -> Operand | None:
    if not isinstance(node, Scalar):
        words.problems.add("RULE022", node.position, f"{kind(node)} stands here.", "Expected: one value.")
        return None
    if definition.type is FactType.YES_NO:
        if node.text in ("yes", "no"):
            return node.text == "yes"
        words.problems.add("RULE103", node.position, f"{definition.name} is asked `{node.text}`.", "Expected: yes or no.")
        return None
    if definition.type is FactType.DATE:
        return as_day(node.text, node.position, words.problems)
    if definition.type is FactType.CHOICE:
        return _choice(definition, node, words)
    return _amount(definition, operator, node, words)


def _choice(definition: FactDefinition, node: Scalar, words: ConditionTerms) -> Operand | None:
    if node.text in definition.choices:
        return node.text
    parameter = words.parameters.get(node.text)
    if parameter is not None and parameter.unit == NAME:
        for edition in parameter.editions:
            if edition.value not in definition.choices:
                seen = f"{parameter.name} holds `{edition.value}`, which {definition.name} can't be."
                words.problems.add("RULE103", node.position, seen, f"Choices: {listed(definition.choices)}.")
        return _parameter(parameter, node, words)
    seen, expected = f"{definition.name} is asked `{node.text}`.", f"Choices: {listed(definition.choices)}."
    words.problems.add("RULE103", node.position, seen, expected, nearest(node.text, definition.choices))
    return None


def _amount(definition: FactDefinition, operator: Operator, node: Scalar, words: ConditionTerms) -> Operand | None:
    unit, problems = definition.unit or "", words.problems
    fitting = listed(name for name, parameter in words.parameters.items() if parameter.unit == unit)
    expected = f"{definition.name} is in {unit}. Parameters in {unit}: {fitting}."
    amount = as_amount(node.text)
    if amount is not None and amount[1] is None:
        do = f"Write `{node.text} {unit}`, or a parameter's name."
        problems.add("RULE113", node.position, f"{definition.name} is asked `{node.text}`, which has no unit.", expected, do)
        return None
    quantity = as_quantity(node.text)
    if quantity is not None:
        if quantity.unit == unit:
            return quantity
        code = "RULE112" if quantity.unit in words.units else "RULE114"
        problems.add(code, node.position, f"{definition.name} {asked(operator)} `{node.text}`, in {quantity.unit}.", expected)
        return None
    parameter = words.parameters.get(node.text)
    if parameter is None:
        seen = f"`{node.text}` is neither a number with a unit nor a parameter."
        problems.add("RULE110", node.position, seen, expected, nearest(node.text, words.parameters))
        return None
    if parameter.unit != unit:
        seen = f"{definition.name} {asked(operator)} `{node.text}`, which is in {parameter.unit}."
        problems.add("RULE112", node.position, seen, expected)
        return None
    return _parameter(parameter, node, words)


def _parameter(parameter: Parameter, node: Scalar, words: ConditionTerms) -> ParameterName:
    if words.since is not None and parameter.editions and parameter.on(words.since) is None:
        first = parameter.editions[-1].since.isoformat()
        seen = f"{parameter.name} has no value on {words.since.isoformat()}, when the rule begins; its first is of {first}."
        words.problems.add("RULE111", node.position, seen, "", "Begin the rule later, or add an earlier value with its source.")
    return ParameterName(parameter.name)


def asked(operator: Operator) -> str:
    """The operator as part of a sentence.

    >>> asked(Operator.MORE_THAN)
    'is asked to be more than'
    """
    return f"is asked to be {operator.removeprefix('is ')}" if operator is not Operator.IS else "is asked to be"
