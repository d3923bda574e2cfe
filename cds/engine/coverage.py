"""Which conditions the examples of a rule decide, and whether a silent example is silent for the reason that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from cds.core.facts import FactValue, Known
from cds.core.quantity import THOUSANDTH, Quantity
from cds.engine.fact_types import Ready, prepared
from cds.engine.overlaps import asked_on
from cds.engine.reference import Answer, Questions, answering, weigh
from cds.knowledge.condition_text import condition_in_words, entry_in_words
from cds.knowledge.files.examples import CANNOT_TELL, NOTHING, conditions_of
from cds.knowledge.files.vocabulary import askable
from cds.knowledge.model import (
    Example,
    FactDefinition,
    FactType,
    Group,
    Knowledge,
    Operator,
    Rule,
    RuleCondition,
    RuleKind,
    Status,
)
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems

BOUNDARY = {
    Operator.AT_LEAST: Operator.MORE_THAN,
    Operator.MORE_THAN: Operator.AT_LEAST,
    Operator.AT_MOST: Operator.LESS_THAN,
    Operator.LESS_THAN: Operator.AT_MOST,
}
UNRELEASED = (Status.DRAFT, Status.RETIRED)


def check_coverage(knowledge: Knowledge, rule: Rule, problems: Problems) -> None:
    """Reports each condition, boundary and choice that no example decides: a warning while the rule is a draft."""
    words = vocabulary_of(rule, knowledge)
    tell = problems.warn if rule.status in UNRELEASED else problems.add
    for what, position in undecided(rule, words, asked_on(knowledge, rule.in_force_from)):
        tell("RULE135", position, f"no example of {rule.id} decides {what}.", "", "Add an example that differs in it alone.")


def check_reasons(knowledge: Knowledge, rule: Rule, problems: Problems) -> None:
    """Reports each example that would have its answer whatever the fact was that it names."""
    words = vocabulary_of(rule, knowledge)
    questions = asked_on(knowledge, rule.in_force_from)
    for example in rule.examples:
        if example.because is None or example.expect not in (NOTHING, CANNOT_TELL):
            continue
        facts = given(example, words)
        answer, trace = weigh(rule.when, facts, questions)
        answers = {
            weigh(rule.when, {**facts, example.because: Known(value)}, questions)[0]
            for value in _values(example.because, rule.when, words, questions)
        }
        if Answer.TRUE not in answers and answer is not Answer.TRUE:
            against = [
                condition_in_words(line.condition)
                for line in trace
                if line.condition and line.condition.fact != example.because and _against(line.group, line.answer)
            ]
            seen = f"the example `{example.name}` would be silent whatever {example.because} is."
            expected = f"Also against it: {'; '.join(against)}." if against else f"{example.because} decides nothing there."
            do = "Let everything else hold, or name the fact that blocks."
            problems.add("RULE136", example.position, seen, expected, do)


def _against(group: str, answer: Answer) -> bool:
    return answer is (Answer.TRUE if group == "none" else Answer.FALSE)


def vocabulary_of(rule: Rule, knowledge: Knowledge) -> Mapping[str, FactDefinition]:
    """The facts that the rule may ask about."""
    return askable(knowledge) if rule.kind is RuleKind.ADVICE else knowledge.vocabulary


def given(example: Example, words: Mapping[str, FactDefinition]) -> Ready:
    """The facts that an example gives, ready to be weighed."""
    facts = {name: Known(value) for name, value in example.given.items() if isinstance(value, FactValue)}
    return prepared(facts, words)


def undecided(rule: Rule, words: Mapping[str, FactDefinition], questions: Questions) -> Iterator[tuple[str, Position]]:
    """What could be otherwise without any example noticing: a condition, a boundary, a choice; each with its place."""
    asked = {condition.fact for condition in conditions_of(rule.when)}
    examples = [given(example, {name: words[name] for name in asked & words.keys()}) for example in rule.examples]
    now = _answers(rule.when, examples, questions)
    for what, position, changed in changes(rule.when):
        if _answers(changed, examples, questions) == now:
            yield what, position


def _answers(when: Group, examples: list[Ready], questions: Questions) -> list[Answer]:
    answer = answering(when, questions)
    return [answer(facts.compared) for facts in examples]


def changes(group: Group) -> Iterator[tuple[str, Position, Group]]:
    """The group with one condition left out, one boundary moved by a hair, or one choice forgotten; what changed, and where."""
    for name in ("all", "any", "none"):
        entries: tuple[RuleCondition | Group, ...] = getattr(group, name)
        for place, entry in enumerate(entries):
            before, after = entries[:place], entries[place + 1 :]
            yield f"`{entry_in_words(entry)}` under {name}", entry.position, replace(group, **{name: before + after})  # type: ignore[arg-type]
            inner = changes(entry) if isinstance(entry, Group) else _changed(entry)
            for what, position, other in inner:
                yield what, position, replace(group, **{name: (*before, other, *after)})  # type: ignore[arg-type]


def _changed(condition: RuleCondition) -> Iterator[tuple[str, Position, RuleCondition]]:
    if condition.operator in BOUNDARY:
        other = replace(condition, operator=BOUNDARY[condition.operator])
        yield f"the boundary of `{condition_in_words(condition)}`: the very limit is in no example", condition.position, other
    if condition.operator is Operator.IS_ONE_OF:
        for choice in condition.operands:
            left = tuple(other for other in condition.operands if other != choice)
            yield f"`{choice}` in `{condition_in_words(condition)}`", condition.position, replace(condition, operands=left)


def _values(fact: str, when: Group, words: Mapping[str, FactDefinition], questions: Questions) -> list[FactValue]:
    """The values of a fact that any condition of the rule can tell apart."""
    definition = words[fact]
    if definition.type is FactType.YES_NO:
        return [True, False]
    if definition.type is FactType.CHOICE:
        return [*definition.choices]
    asked = [one.value for condition in conditions_of(when) if condition.fact == fact for one in questions.asked(condition)]
    found: list[FactValue] = []
    for value in asked:
        if isinstance(value, Quantity):
            found += [value.value + step for step in (-THOUSANDTH, Decimal(0), THOUSANDTH)]
        elif isinstance(value, date):
            found += [value + timedelta(days=step) for step in (-1, 0, 1)]
    return found
