"""Checked rules as conditions for durable-rules: whole numbers only, no "not", and unknown facts left out.

Every value becomes a whole number: an amount in thousandths, a day counted, yes 1 and no 0, a choice its place in the
vocabulary. Every question becomes "lies in one of these spans", so that a negated question is the spans between. A rule
becomes alternatives, each a list of spans that must all hold; an alternative asks first whether its facts are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from cds.engine.durable import MOST_FACTS, MOST_RULES, Ruleset
from cds.engine.fact_types import Ready
from cds.engine.reference import Questions, ResolvedOperand
from cds.errors import CdsError
from cds.knowledge.model import FactDefinition, FactType, Group, Operator, Rule, RuleCondition

Span = tuple[int, int]
"""From the first whole number to the last, both included."""
FURTHEST = 10**15
"""No amount that a rule asks about is near it: larger ones count as this."""
Alternative = Mapping[str, Span]
"""A span for each fact; true when every fact is known and lies in its span."""
MOST_ALTERNATIVES = 200
"""A rule with more combinations than this is better written as a fact, computed and tested in core."""
MARK = "our_facts"
"""A field that only our facts carry; each condition begins with it, so that none meets the engine's own records."""


class TooManyAlternatives(CdsError):
    """A rule's groups combine to more alternatives than can be compiled."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """One alternative of a rule."""

    rule_id: str
    spans: Alternative

    def definition(self) -> dict[str, Any]:
        """The alternative in the rule language of durable-rules."""
        tests: list[dict[str, Any]] = [{MARK: 1}]
        for fact, (low, high) in sorted(self.spans.items()):
            tests.append({f"known_{fact}": 1})
            if low == high:
                tests.append({fact: low})
                continue
            if low > -FURTHEST:
                tests.append({"$gte": {fact: low}})
            if high < FURTHEST:
                tests.append({"$lte": {fact: high}})
        return {"all": [{"m": {"$and": tests}}]}


def compiled(rule_id: str, when: Group, vocabulary: Mapping[str, FactDefinition], questions: Questions) -> list[Compiled]:
    """The alternatives of a rule, with the values that its questions have."""
    found = _group(when, True, _Words(vocabulary, questions))
    unique = {tuple(sorted(alternative.items())): alternative for alternative in found}
    return [Compiled(rule_id, alternative) for alternative in unique.values()]


class Field(NamedTuple):
    """One fact of the flat fact that the engine is asked about: its name, `known_` and its name, the numbers of its choices."""

    name: str
    known: str
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, definition: FactDefinition) -> Field:
        return cls(definition.name, f"known_{definition.name}", {choice: at for at, choice in enumerate(definition.choices)})


def message(compared: Mapping[str, int | str], asked: Iterable[Field]) -> dict[str, int]:
    """The flat fact for the engine: each fact that is asked and known, with `known_` and its name beside it."""
    flat = {MARK: 1}
    for name, known, numbers in asked:
        value = compared.get(name)
        if value is not None:
            flat[name] = numbers[value] if isinstance(value, str) else _within(value)
            flat[known] = 1
    return flat


@dataclass(frozen=True, slots=True)
class _Words:
    vocabulary: Mapping[str, FactDefinition]
    questions: Questions


def _group(group: Group, wanted: bool, words: _Words) -> list[Alternative]:
    """The alternatives under which the group is true, or false where it is not `wanted`."""
    every = [*(_entry(entry, wanted, words) for entry in group.all), *(_entry(entry, not wanted, words) for entry in group.none)]
    some = [_entry(entry, wanted, words) for entry in group.any]
    if wanted:
        return _both([*every, _either(some)] if some else every)
    return _either([*every, _both(some)] if some else every)


def _entry(entry: RuleCondition | Group, wanted: bool, words: _Words) -> list[Alternative]:
    if isinstance(entry, Group):
        return _group(entry, wanted, words)
    definition = words.vocabulary[entry.fact]
    spans = _spans(entry.operator, words.questions.asked(entry), definition)
    if spans is None:
        return []
    return [{entry.fact: span} for span in (spans if wanted else _between(spans, definition))]


def _either(parts: Sequence[list[Alternative]]) -> list[Alternative]:
    found = [alternative for part in parts for alternative in part]
    if len(found) > MOST_ALTERNATIVES:
        raise TooManyAlternatives
    return found


def _both(parts: Sequence[list[Alternative]]) -> list[Alternative]:
    found: list[Alternative] = [{}]
    for part in parts:
        if len(found) * len(part) > MOST_ALTERNATIVES:
            raise TooManyAlternatives
        met = (_meet(one, other) for one, other in product(found, part))
        found = [alternative for alternative in met if alternative is not None]
    return found


def _meet(one: Alternative, other: Alternative) -> Alternative | None:
    """What holds where both hold; None where nothing can."""
    found = dict(one)
    for fact, (low, high) in other.items():
        at_least, at_most = found.get(fact, (low, high))
        found[fact] = (max(low, at_least), min(high, at_most))
        if found[fact][0] > found[fact][1]:
            return None
    return found


def _number(value: int | str, definition: FactDefinition) -> int:
    return definition.choices.index(value) if isinstance(value, str) else _within(value)


def _within(value: int) -> int:
    """The number, or the furthest that the engine counts to."""
    return value if -FURTHEST <= value <= FURTHEST else FURTHEST if value > 0 else -FURTHEST


def _spans(operator: Operator, asked: tuple[ResolvedOperand, ...], definition: FactDefinition) -> list[Span] | None:
    """The spans in which the answer is true; None where a parameter has no value, so that no answer can be given."""
    numbers = [_number(one.compared, definition) for one in asked if one.compared is not None]
    if len(numbers) < len(asked):
        return None
    low, high = numbers[0], numbers[-1]
    if operator is Operator.AT_LEAST:
        return [(low, FURTHEST)]
    if operator is Operator.MORE_THAN:
        return [(low + 1, FURTHEST)]
    if operator is Operator.AT_MOST:
        return [(-FURTHEST, low)]
    if operator is Operator.LESS_THAN:
        return [(-FURTHEST, low - 1)]
    if operator is Operator.BETWEEN:
        return [(low, high)] if low <= high else []
    return _joined(sorted(numbers))


def _joined(numbers: Sequence[int]) -> list[Span]:
    """Sorted whole numbers as spans, neighbours joined."""
    spans: list[Span] = []
    for number in numbers:
        if spans and number <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans


def _between(spans: Sequence[Span], definition: FactDefinition) -> list[Span]:
    """What lies outside the spans, inside what the fact can be."""
    first, last = _limits(definition)
    found: list[Span] = []
    for low, high in spans:
        if first < low:
            found.append((first, low - 1))
        first = max(first, high + 1)
    return [*found, (first, last)] if first <= last else found


def _limits(definition: FactDefinition) -> Span:
    if definition.type is FactType.YES_NO:
        return 0, 1
    if definition.type is FactType.CHOICE:
        return 0, len(definition.choices) - 1
    return -FURTHEST, FURTHEST


class Rulesets:
    """The rules as durable-rules holds them. Refuses: what can't be compiled, with EngineFailed or TooManyAlternatives."""

    def __init__(self, rules: Sequence[Rule], vocabulary: Mapping[str, FactDefinition], questions: Questions) -> None:
        self._packs: list[tuple[Ruleset, list[Field], dict[str, str]]] = []
        alternatives = [one for rule in rules for one in compiled(rule.id, rule.when, vocabulary, questions)]
        try:
            for place, pack in enumerate(packs(alternatives)):
                names = {f"r{number}": one for number, one in enumerate(pack)}
                ruleset = Ruleset(f"rules{place}", {name: one.definition() for name, one in names.items()})
                asked = [Field.of(vocabulary[fact]) for fact in sorted({fact for one in pack for fact in one.spans})]
                self._packs.append((ruleset, asked, {name: one.rule_id for name, one in names.items()}))
        except BaseException:
            self.close()
            raise

    def true(self, facts: Ready) -> frozenset[str]:
        """The ids of the rules that are true of the facts."""
        found: set[str] = set()
        for ruleset, asked, rule_ids in self._packs:
            found.update(rule_ids[name] for name in ruleset.fired(message(facts.compared, asked)))
        return frozenset(found)

    def close(self) -> None:
        for ruleset, _, _ in self._packs:
            ruleset.close()


def packs(alternatives: Sequence[Compiled]) -> Iterator[list[Compiled]]:
    """The alternatives in packs that one ruleset can hold, by the number of rules and of facts."""
    pack: list[Compiled] = []
    facts: set[str] = set()
    for one in alternatives:
        if pack and (len(pack) + 1 >= MOST_RULES or len(facts | set(one.spans)) > MOST_FACTS):
            yield pack
            pack, facts = [], set()
        pack.append(one)
        facts |= set(one.spans)
    if pack:
        yield pack
