"""The reference evaluator: small, slow and obvious. It answers true, false or cannot tell, with a trace that explains."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, overload

from cds.core.facts import Fact, Facts, FactValue, Unknown
from cds.core.quantity import Quantity, thousandths
from cds.knowledge.model import Group, Operand, Operator, ParameterName, Rule, RuleCondition, RuleKind
from cds.knowledge.model_parameters import ParameterEdition

Parameters = Callable[[str], ParameterEdition | None]
"""A parameter's edition in force, by its name; None where it has none."""
NOT_GIVEN = Unknown("it was not given")


class Answer(StrEnum):
    """The answer to a question, by Kleene's three-valued logic."""

    TRUE = "true"
    FALSE = "false"
    CANNOT_TELL = "cannot tell"


class ResolvedOperand(NamedTuple):
    """What a fact was compared with; `parameter` and `cite` where it is a parameter's value, `value` None where it has none.

    `compared` is the value in the form in which values are compared.
    """

    value: Quantity | bool | str | date | None
    parameter: str | None = None
    cite: str | None = None
    compared: int | str | None = None


class Questions:
    """What each condition asks, with the parameters in force on one day; worked out once for each condition."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._known: dict[int, tuple[RuleCondition, tuple[ResolvedOperand, ...]]] = {}

    def asked(self, condition: RuleCondition) -> tuple[ResolvedOperand, ...]:
        """The values of the condition's operands, in their order."""
        known = self._known.get(id(condition))
        if known is None:
            known = (condition, tuple(self._resolved(operand) for operand in condition.operands))
            self._known[id(condition)] = known
        return known[1]

    def _resolved(self, operand: Operand) -> ResolvedOperand:
        if not isinstance(operand, ParameterName):
            return ResolvedOperand(operand, compared=comparable(operand))
        edition = self._parameters(operand.name)
        return (
            ResolvedOperand(edition.value, operand.name, edition.cite, comparable(edition.value))
            if edition
            else ResolvedOperand(None, operand.name)
        )


class TraceLine(NamedTuple):
    """One line of a trace: a condition with the fact found, or (without a condition) a nested group, its lines below it.

    `group` says whether the line stands under all, any or none; `depth` is 1 in a nested group.
    """

    group: str
    answer: Answer
    depth: int = 0
    condition: RuleCondition | None = None
    found: Fact | None = None
    asked: tuple[ResolvedOperand, ...] = ()


class Trace(Sequence[TraceLine]):
    """The lines of a trace, drawn up when it is first read: most findings are never explained."""

    __slots__ = ("_asked", "_drawn")

    def __init__(self, rule: Rule, facts: Facts, questions: Questions) -> None:
        self._asked = (rule.when, facts, questions)
        self._drawn: tuple[TraceLine, ...] | None = None

    @property
    def lines(self) -> tuple[TraceLine, ...]:
        if self._drawn is None:
            self._drawn = weigh(*self._asked)[1]
        return self._drawn

    @overload
    def __getitem__(self, place: int) -> TraceLine: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[TraceLine]: ...
    def __getitem__(self, place: int | slice) -> TraceLine | Sequence[TraceLine]:
        return self.lines[place]

    def __iter__(self) -> Iterator[TraceLine]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)


class Finding(NamedTuple):
    """A rule's answer with its trace. `trouble` says what went wrong where the rule engine did not give the same answer."""

    rule_id: str
    answer: Answer
    trace: Sequence[TraceLine]
    trouble: str | None = None
    kind: RuleKind = RuleKind.RISK

    @property
    def true(self) -> bool:
        return self.answer is Answer.TRUE


def evaluate(rule: Rule, facts: Facts, questions: Questions) -> Finding:
    """The rule's answer about the facts, in the words of the rule."""
    answer, trace = weigh(rule.when, facts, questions)
    return Finding(rule.id, answer, trace, kind=rule.kind)


def weigh(group: Group, facts: Facts, questions: Questions, depth: int = 0) -> tuple[Answer, tuple[TraceLine, ...]]:
    """The group's answer, and a line for each of its conditions."""
    trace: list[TraceLine] = []
    answers: dict[str, list[Answer]] = {"all": [], "any": [], "none": []}
    for name, entries in (("all", group.all), ("any", group.any), ("none", group.none)):
        for entry in entries:
            if isinstance(entry, Group):
                answer, below = weigh(entry, facts, questions, depth + 1)
                trace += [TraceLine(name, answer, depth), *below]
            else:
                found, asked = facts.get(entry.fact, NOT_GIVEN), questions.asked(entry)
                answer = _holds(entry.operator, found, asked)
                trace.append(TraceLine(name, answer, depth, entry, found, asked))
            answers[name].append(answer)
    parts = [every(answers["all"]), opposite(some(answers["none"]))]
    if group.any:
        parts.append(some(answers["any"]))
    return every(parts), tuple(trace)


def every(answers: list[Answer]) -> Answer:
    """False if one is false, else cannot tell if one is, else true."""
    if Answer.FALSE in answers:
        return Answer.FALSE
    return Answer.CANNOT_TELL if Answer.CANNOT_TELL in answers else Answer.TRUE


def some(answers: list[Answer]) -> Answer:
    """True if one is true, else cannot tell if one is, else false."""
    if Answer.TRUE in answers:
        return Answer.TRUE
    return Answer.CANNOT_TELL if Answer.CANNOT_TELL in answers else Answer.FALSE


def opposite(answer: Answer) -> Answer:
    if answer is Answer.CANNOT_TELL:
        return answer
    return Answer.FALSE if answer is Answer.TRUE else Answer.TRUE


def _holds(operator: Operator, found: Fact, asked: tuple[ResolvedOperand, ...]) -> Answer:
    wanted = [one.compared for one in asked if one.compared is not None]
    if isinstance(found, Unknown) or len(wanted) < len(asked):
        return Answer.CANNOT_TELL
    return Answer.TRUE if _compare(operator, comparable(found.value), wanted) else Answer.FALSE


def _compare(operator: Operator, value: int | str, wanted: list[int | str]) -> bool:
    if operator in (Operator.IS, Operator.IS_ONE_OF):
        return value in wanted
    if not isinstance(value, int) or not isinstance(wanted[0], int) or not isinstance(wanted[-1], int):
        raise TypeError(f"`{operator}` compares amounts and days; the rule was not checked")
    if operator is Operator.AT_LEAST:
        return value >= wanted[0]
    if operator is Operator.MORE_THAN:
        return value > wanted[0]
    if operator is Operator.AT_MOST:
        return value <= wanted[0]
    if operator is Operator.LESS_THAN:
        return value < wanted[0]
    return wanted[0] <= value <= wanted[-1]


def comparable(value: FactValue | Quantity) -> int | str:
    """The value in the form in which values are compared: amounts in whole thousandths, days counted, yes as 1."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return thousandths(value)
    if isinstance(value, Quantity):
        return thousandths(value.value)
    return value.toordinal() if isinstance(value, date) else value


Compared = Mapping[str, int | str]
"""The facts that are known, as they are compared."""
Answering = Callable[[Compared], Answer]
COMPARISONS: Mapping[Operator, Callable[[int | str, int | str], bool]] = {
    Operator.AT_LEAST: operator.ge,
    Operator.MORE_THAN: operator.gt,
    Operator.AT_MOST: operator.le,
    Operator.LESS_THAN: operator.lt,
}


def answering(group: Group, questions: Questions) -> Answering:
    """What gives the group's answer about facts: the same as `weigh`, which explains it."""
    must = [_entry(entry, questions) for entry in group.all]
    must += [_opposite(_entry(entry, questions)) for entry in group.none]
    may = [_entry(entry, questions) for entry in group.any]
    return _every([*must, _some(may)] if may else must)


def _entry(entry: RuleCondition | Group, questions: Questions) -> Answering:
    return answering(entry, questions) if isinstance(entry, Group) else _condition(entry, questions)


def _every(parts: Sequence[Answering]) -> Answering:
    """False if one is false, else cannot tell if one is, else true."""

    def answer(compared: Compared) -> Answer:
        told = Answer.TRUE
        for part in parts:
            found = part(compared)
            if found is Answer.FALSE:
                return found
            if found is Answer.CANNOT_TELL:
                told = found
        return told

    return parts[0] if len(parts) == 1 else answer


def _some(parts: Sequence[Answering]) -> Answering:
    """True if one is true, else cannot tell if one is, else false."""

    def answer(compared: Compared) -> Answer:
        told = Answer.FALSE
        for part in parts:
            found = part(compared)
            if found is Answer.TRUE:
                return found
            if found is Answer.CANNOT_TELL:
                told = found
        return told

    return parts[0] if len(parts) == 1 else answer


def _opposite(part: Answering) -> Answering:
    return lambda compared: opposite(part(compared))


def _condition(condition: RuleCondition, questions: Questions) -> Answering:
    fact = condition.fact
    wanted = [one.compared for one in questions.asked(condition) if one.compared is not None]
    if len(wanted) < len(condition.operands):
        return lambda compared: Answer.CANNOT_TELL
    holds = _comparison(condition.operator, wanted)

    def answer(compared: Compared) -> Answer:
        value = compared.get(fact)
        if value is None:
            return Answer.CANNOT_TELL
        return Answer.TRUE if holds(value) else Answer.FALSE

    return answer


def _comparison(asked: Operator, wanted: Sequence[int | str]) -> Callable[[int | str], bool]:
    if asked in (Operator.IS, Operator.IS_ONE_OF):
        return frozenset(wanted).__contains__
    low, high = wanted[0], wanted[-1]
    if asked is Operator.BETWEEN:
        return lambda value: low <= value <= high  # type: ignore[operator]
    compare = COMPARISONS[asked]
    return lambda value: compare(value, low)
