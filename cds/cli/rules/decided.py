"""An example of a rule in a whole decision: every other rule weighed with it, and the cards as they would be shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from uuid import uuid4

from cds.core.facts import Fact, FactValue, Known
from cds.decision.judge import indicator
from cds.engine.engine import Engine
from cds.engine.overlaps import RUNNING
from cds.engine.reference import Finding
from cds.hooks.cards import Advice, cards
from cds.hooks.messages import EXTENSION
from cds.knowledge.files.examples import POSITIVE
from cds.knowledge.model import Example, Knowledge, Rule, RuleKind, Status
from cds.knowledge.problems import Problems

ORDER = "MedicationRequest/example"
LISTS = {"risk_factors": (), "not_checked": ()}


def check_decisions(engine: Engine, problems: Problems) -> None:
    """Reports every example of the engine's rules that a whole decision answers otherwise."""
    for rule in engine.knowledge.rules:
        for example in rule.examples:
            _check(rule, example, engine, problems)


def _check(rule: Rule, example: Example, engine: Engine, problems: Problems) -> None:
    """Reports an example whose facts lead to another decision than it expects, every other rule weighed with it."""
    if rule.status not in RUNNING:
        return
    day = day_of(rule, engine.knowledge)
    facts: dict[str, Fact] = {name: Known(value) for name, value in example.given.items() if isinstance(value, FactValue)}
    risks = engine.findings(RuleKind.RISK, facts, day)
    expected = example.expect == POSITIVE[rule.kind]
    if rule.kind is RuleKind.RISK:
        found = any(finding.rule_id == rule.id and finding.true for finding in risks)
        told = "is found" if found else "is not found"
    else:
        expected = expected and rule.status is Status.ACTIVE
        facts = {**engine.risk_facts(risks), **facts}
        told_by = [hook for hook in rule.hooks if rule.id in _told(engine, facts, day, hook)]
        found = bool(told_by)
        if found and len(told_by) < len(rule.hooks):
            told = f"gets its card on {', '.join(told_by)} alone"
            found = not expected
        else:
            told = "gets its card" if found else "gets no card"
    if found != expected:
        seen = f"the example `{example.name}` expects {example.expect}; in a whole decision {rule.id} {told}."
        problems.add("RULE137", example.position, seen, "", "Look which other rule, status or limit of cards stands in its way.")


def day_of(rule: Rule, knowledge: Knowledge) -> date:
    """The first day of the rule on which every parameter has a value, so that a whole decision can be made."""
    begins = [parameter.editions[-1].since for parameter in knowledge.parameters.values() if parameter.editions]
    day = max([rule.in_force_from, *begins])
    return day if rule.in_force(day) else rule.in_force_from


def _told(engine: Engine, facts: dict[str, Fact], day: date, hook: str) -> set[str]:
    """The advice that the cards of a decision show, folded ones included."""
    findings = engine.findings(RuleKind.ADVICE, facts, day, hook)
    advice = list(_advice(findings, engine, facts, day))
    shown = cards(advice, engine.knowledge, day, "example", lambda: str(uuid4()))
    own = [card["extension"][EXTENSION] for card in shown]
    return {one for each in own for one in (each["rule"], *each.get("alsoSays", ()))}


def _advice(findings: tuple[Finding, ...], engine: Engine, facts: dict[str, Fact], day: date) -> Iterator[Advice]:
    for finding in findings:
        if finding.true:
            rule = engine.knowledge.rule(finding.rule_id, RuleKind.ADVICE)
            yield Advice(rule, ORDER, facts, LISTS, indicator(rule, facts, engine, day))
