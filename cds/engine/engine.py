"""The engine: durable-rules decides which rules are true; the reference evaluator explains, and stands in where they differ."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from cds.core.facts import Fact, Facts, FactValue, Known, Unknown
from cds.engine.compile import Rulesets, TooManyAlternatives
from cds.engine.durable import EngineFailed
from cds.engine.fact_types import Ready, prepared
from cds.engine.reference import Answer, Answering, Finding, Questions, Trace, TraceLine, answering, evaluate
from cds.knowledge.files.examples import CANNOT_TELL, NOTHING, conditions_of
from cds.knowledge.files.rules import ASKED_LIKE
from cds.knowledge.files.vocabulary import askable, risk_fact
from cds.knowledge.model import (
    Example,
    FactDefinition,
    Group,
    Knowledge,
    ParameterName,
    Rule,
    RuleCondition,
    RuleKind,
    Status,
)
from cds.knowledge.problems import Problems

NOT_FOUND = Known(False)
RUNNING = (Status.ACTIVE, Status.SILENT)
EXPECTED = {NOTHING: Answer.FALSE, CANNOT_TELL: Answer.CANNOT_TELL}
"""The answer that an example's word stands for; any other word is the positive one."""


class Engine:
    """Answers every rule of the knowledge. Refuses, when built: a rule whose example either evaluator answers otherwise.

    `disagreements` counts the findings, and `failures` the evaluations, in which the reference answer had to be used.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.disagreements = 0
        self.failures = 0
        self._rules = {RuleKind.RISK: knowledge.risks(), RuleKind.ADVICE: knowledge.advice()}
        self._vocabularies = {kind: _asked_by(rules, askable(knowledge)) for kind, rules in self._rules.items()}
        self._names = {kind: _parameter_names(rules) for kind, rules in self._rules.items()}
        self._questions: dict[tuple[object, ...], Questions] = {}
        self._compiled: dict[tuple[object, ...], Rulesets] = {}
        self._lock = threading.Lock()
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def findings(self, kind: RuleKind, facts: Facts, day: date, hook: str | None = None) -> tuple[Finding, ...]:
        """The answers of the rules of one kind that run on that day (active or silent, in force), in their own order.

        Advice rules ask about the risks too: see `risk_facts`. With a hook, only the advice rules of that hook are answered, and
        those of the hook that it is asked like.
        """
        ready = prepared(facts, self._vocabularies[kind])
        questions = self._asked_on(kind, day)
        answered = [
            Finding(rule.id, answer(ready.compared), Trace(rule, ready, questions), kind=kind)
            for rule, answer in self._running(kind, day, hook)
        ]
        try:
            true = self._rulesets(kind, day).true(ready)
        except (EngineFailed, TooManyAlternatives) as error:
            self.failures += 1
            return tuple(_troubled(finding, str(error)) for finding in answered)
        return tuple(one if (one.rule_id in true) is one.true else self._disputed(one) for one in answered)

    def _running(self, kind: RuleKind, day: date, hook: str | None) -> list[tuple[Rule, Answering]]:
        """The rules that run on a day and at a hook, each with what answers it."""

        def running() -> list[tuple[Rule, Answering]]:
            questions = self._asked_on(kind, day)
            ruled = [rule for rule in self._rules[kind] if rule.status in RUNNING and rule.in_force(day)]
            return [(rule, answering(rule.when, questions)) for rule in ruled if hook is None or _answers(rule, hook)]

        return self.knowledge.remembered.recall(("rules that run", kind, day, hook), running)

    def _disputed(self, finding: Finding) -> Finding:
        self.disagreements += 1
        return _troubled(finding, f"durable-rules answered {'not true' if finding.true else 'true'}")

    def risk_facts(self, findings: Iterable[Finding]) -> dict[str, Fact]:
        """The findings of the risk rules as the yes_no facts that advice rules ask about. A rule that did not run is absent."""
        return {risk_fact(finding.rule_id): _as_fact(finding) for finding in findings}

    def raised(self, rule: Rule, facts: Facts, day: date) -> bool:
        """Whether the rule's card takes the indicator of its `raise`. Not where that can't be told."""
        if rule.card is None or rule.card.raise_when is None:
            return False
        words, answer = self._raising(rule, rule.card.raise_when, day)
        return answer(prepared(facts, words).compared) is Answer.TRUE

    def _raising(self, rule: Rule, when: Group, day: date) -> tuple[Mapping[str, FactDefinition], Answering]:
        """The words that a rule's `raise` asks about on a day, and what answers it."""
        words = self._vocabularies[rule.kind]
        return self.knowledge.remembered.recall(
            ("what raises", rule.kind, rule.id, day),
            lambda: (
                {asked.fact: words[asked.fact] for asked in conditions_of(when)},
                answering(when, self._asked_on(rule.kind, day)),
            ),
        )

    def warm(self, day: date) -> None:
        """Compiles the rules for a day, so that its first call need not wait."""
        for kind in RuleKind:
            self.findings(kind, {}, day)

    def ready(self) -> bool:
        """Whether durable-rules gives the known answer to one worked example."""
        for rule in self.knowledge.rules:
            for example in rule.examples:
                if EXPECTED.get(example.expect, Answer.TRUE) is Answer.TRUE:
                    return self._answers(rule, self._given(rule, example))
        return False

    def close(self) -> None:
        """Gives back the memory of every compiled rule; later findings use the reference answers and say so."""
        with self._lock:
            for rulesets in self._compiled.values():
                rulesets.close()

    def _key(self, kind: RuleKind, day: date) -> tuple[object, ...]:
        """The editions of the parameters that the rules of a kind ask about; days with the same ones share what is compiled."""
        known, names = self.knowledge.parameters, self._names[kind]
        return self.knowledge.remembered.recall(
            ("parameters asked for", kind, day),
            lambda: (kind, *(edition.since if (edition := known[name].on(day)) else None for name in names)),
        )

    def _asked_on(self, kind: RuleKind, day: date) -> Questions:
        key = self._key(kind, day)
        known = self.knowledge.parameters
        return self._questions.setdefault(key, Questions(lambda name: known[name].on(day)))

    def _rulesets(self, kind: RuleKind, day: date) -> Rulesets:
        key = self._key(kind, day)
        with self._lock:
            if key not in self._compiled:
                self._compiled[key] = Rulesets(self._rules[kind], self._vocabularies[kind], self._asked_on(kind, day))
            return self._compiled[key]

    def _given(self, rule: Rule, example: Example) -> Ready:
        facts = {name: Known(value) for name, value in example.given.items() if isinstance(value, FactValue)}
        return prepared(facts, self._vocabularies[rule.kind])

    def _answers(self, rule: Rule, facts: Ready) -> bool:
        try:
            return self._fires(rule, facts)
        except EngineFailed:
            return False

    def _fires(self, rule: Rule, facts: Ready) -> bool:
        return rule.id in self._rulesets(rule.kind, rule.in_force_from).true(facts)

    def _check(self) -> None:
        """Runs every example of every rule in both evaluators, on the day from which the rule is in force."""
        problems = Problems()
        for rule in self.knowledge.rules:
            for example in rule.examples:
                self._check_example(rule, example, problems)
        problems.raise_any()

    def _check_example(self, rule: Rule, example: Example, problems: Problems) -> None:
        facts = self._given(rule, example)
        finding = evaluate(rule, facts, self._asked_on(rule.kind, rule.in_force_from))
        expected = EXPECTED.get(example.expect, Answer.TRUE)
        if finding.answer is not expected:
            seen = f"the example `{example.name}` expects {example.expect}; the rule's answer is {finding.answer}."
            problems.add("RULE131", example.position, seen, _deciding(finding), "Correct the example or the condition.")
        elif example.because is not None and not any(_decides(line, example.because, expected) for line in finding.trace):
            seen = f"the example `{example.name}` names {example.because}, which does not decide the answer."
            problems.add("RULE131", example.position, seen, _deciding(finding))
        try:
            fired = self._fires(rule, facts)
        except TooManyAlternatives:
            seen = f"the conditions of {rule.id} combine in too many ways."
            problems.add("RULE133", rule.position, seen, "", "Make one of its groups a fact, computed in core.")
            return
        except EngineFailed as error:
            problems.add("RULE132", rule.position, f"durable-rules can't run the rules: {error}.")
            return
        if fired != finding.true:
            seen = f"durable-rules and the reference differ on the example `{example.name}`: {finding.answer} by the reference."
            problems.add("RULE132", example.position, seen, "", "Report it: the rule can't be served.")


def _answers(rule: Rule, hook: str) -> bool:
    return hook in rule.hooks or ASKED_LIKE.get(hook) in rule.hooks


def _conditions(rules: Iterable[Rule]) -> Iterator[RuleCondition]:
    """Every condition of the rules, of what raises their cards too."""
    groups = (group for rule in rules for group in (rule.when, rule.card.raise_when if rule.card else None) if group is not None)
    return (condition for group in groups for condition in conditions_of(group))


def _asked_by(rules: Iterable[Rule], words: Mapping[str, FactDefinition]) -> dict[str, FactDefinition]:
    """The words that the rules ask about."""
    asked = {condition.fact for condition in _conditions(rules)}
    return {name: word for name, word in words.items() if name in asked}


def _parameter_names(rules: Iterable[Rule]) -> tuple[str, ...]:
    operands = (operand for condition in _conditions(rules) for operand in condition.operands)
    return tuple(sorted({operand.name for operand in operands if isinstance(operand, ParameterName)}))


def _troubled(finding: Finding, trouble: str) -> Finding:
    return finding._replace(trouble=trouble)


def _decides(line: TraceLine, fact: str, answer: Answer) -> bool:
    """Whether the line, about the fact, gives the answer (or its opposite, under none)."""
    if line.condition is None or line.condition.fact != fact:
        return False
    if answer is Answer.CANNOT_TELL or line.depth:
        return line.answer is answer or bool(line.depth)
    return line.answer is (Answer.TRUE if line.group == "none" else Answer.FALSE)


def _deciding(finding: Finding) -> str:
    """The conditions that stand against the rule, as a sentence."""
    against = []
    for line in finding.trace:
        blocking = Answer.TRUE if line.group == "none" else Answer.FALSE
        if line.condition is not None and line.answer in (blocking, Answer.CANNOT_TELL):
            against.append(f"{line.group} {line.condition.fact}: {line.answer}")
    return f"Against it: {', '.join(against)}." if against else "Every condition holds."


def _as_fact(finding: Finding) -> Fact:
    """The finding as a fact, with what it rests on; a risk that is not there rests on nothing."""
    if finding.answer is Answer.FALSE:
        return NOT_FOUND
    conditions = [line for line in finding.trace if line.condition is not None and line.found is not None]
    if finding.answer is Answer.CANNOT_TELL:
        unknown = [line.found for line in conditions if isinstance(line.found, Unknown)]
        reasons = dict.fromkeys(found.reason for found in unknown)
        resources = dict.fromkeys(resource for found in unknown for resource in found.resources)
        return Unknown("; ".join(reasons) or "a parameter has no value on that day", tuple(resources))
    holding = [line.found for line in conditions if line.answer is Answer.TRUE and line.group != "none"]
    known = [found for found in holding if isinstance(found, Known)]
    because = dict.fromkeys(found.because for found in known if found.because)
    resources = dict.fromkeys(resource for found in known for resource in found.resources)
    return Known(True, "; ".join(because), tuple(resources))
