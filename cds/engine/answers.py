"""The reference evaluator's answers without their traces: each rule is made ready once a day, and answered in every call."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

from cds.engine.reference import Answer, Questions, opposite
from cds.knowledge.model import Condition, Group, Operator

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


def _entry(entry: Condition | Group, questions: Questions) -> Answering:
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


def _condition(condition: Condition, questions: Questions) -> Answering:
    fact = condition.fact
    wanted = [one.compared for one in questions.asked(condition) if one.compared is not None]
    if len(wanted) < len(condition.operands):
        return lambda compared: Answer.CANNOT_TELL
    holds = _holds(condition.operator, wanted)

    def answer(compared: Compared) -> Answer:
        value = compared.get(fact)
        if value is None:
            return Answer.CANNOT_TELL
        return Answer.TRUE if holds(value) else Answer.FALSE

    return answer


def _holds(asked: Operator, wanted: Sequence[int | str]) -> Callable[[int | str], bool]:
    if asked in (Operator.IS, Operator.IS_ONE_OF):
        return frozenset(wanted).__contains__
    low, high = wanted[0], wanted[-1]
    if asked is Operator.BETWEEN:
        return lambda value: low <= value <= high  # type: ignore[operator]
    compare = COMPARISONS[asked]
    return lambda value: compare(value, low)
