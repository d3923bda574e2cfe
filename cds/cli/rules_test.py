"""`cds rules test`: the examples of all rules, by both evaluators and in a whole decision, and what no example decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from watchfiles import watch as watched

from cds.cli.rules_check import checked
from cds.cli.rules_folder import RULES, Form, Rules, folder
from cds.cli.rules_report import Format, counted, errors, printed
from cds.core.facts import Fact, FactValue, Known
from cds.engine.engine import Engine
from cds.engine.evaluate import Finding
from cds.engine.lint import RUNNING
from cds.hooks.cards import Advice, cards
from cds.hooks.messages import EXTENSION
from cds.knowledge.examples import POSITIVE
from cds.knowledge.model import Example, Knowledge, Rule, RuleKind, Status
from cds.knowledge.problems import Problem, Problems, Severity
from cds.knowledge.reading import SUFFIXES, files_of

OF_EXAMPLES = {f"RULE{number}" for number in range(130, 140)}
"""The codes that are about examples; the rest is for `cds rules check`."""
ORDER = "MedicationRequest/example"
LISTS = {"risk_factors": (), "not_checked": ()}

Watch = Annotated[bool, typer.Option("--watch", help="Test again whenever a rule file is saved; Ctrl-C ends it.")]


def test(rules: Rules = RULES, form: Form = Format.TEXT, watch: Watch = False) -> None:
    """Runs every example of every rule, and names each condition that no example decides. Ends with 1 where one fails."""
    failed = _tested(folder(rules), form)
    if not watch:
        raise typer.Exit(1 if failed else 0)
    typer.echo(f"Watching {rules}; Ctrl-C ends it.", err=True)
    for changes in watched(rules, raise_interrupt=False):
        names = sorted({Path(path).name for _, path in changes if Path(path).suffix in SUFFIXES})
        if names:
            typer.echo(f"\n{', '.join(names)} saved.", err=True)
            _tested(rules, form)


def _tested(rules: Path, form: Format) -> bool:
    """Prints how the tests went, and tells whether any failed."""
    knowledge, problems = tested(files_of(rules))
    typer.echo(printed(problems, form, str(rules)), nl=False)
    if form is Format.TEXT:
        typer.echo(_summary(knowledge, problems))
    return errors(problems) > 0


def tested(files: Mapping[str, bytes]) -> tuple[Knowledge, tuple[Problem, ...]]:
    """What the files hold, and what is wrong with the examples; what keeps a file from being read is told too."""
    knowledge, found = checked(files)
    problems = Problems()
    problems.found += [one for one in found if one.code in OF_EXAMPLES or one.severity is Severity.ERROR]
    if not errors(found):
        engine = Engine(knowledge)
        try:
            for rule in knowledge.rules:
                for example in rule.examples:
                    _check_decision(rule, example, engine, problems)
        finally:
            engine.close()
    return knowledge, problems.in_order()


def _summary(knowledge: Knowledge, problems: tuple[Problem, ...]) -> str:
    counts = (
        f"{counted(sum(len(rule.examples) for rule in knowledge.rules), 'example')} of {counted(len(knowledge.rules), 'rule')}"
    )
    wrong = errors(problems)
    if wrong:
        return f"{counts}: {counted(wrong, 'error')}, {counted(len(problems) - wrong, 'warning')}."
    undecided = f"; {counted(len(problems), 'warning')}" if problems else ", and every condition is decided by one"
    drafts = sum(rule.status not in RUNNING for rule in knowledge.rules)
    not_run = f" {counted(drafts, 'rule')} not released: tested alone, in no decision." if drafts else ""
    return f"{counts}: as expected by both evaluators and in a whole decision{undecided}.{not_run}"


def _check_decision(rule: Rule, example: Example, engine: Engine, problems: Problems) -> None:
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
            card = rule.card
            raised = card.raise_indicator if card and card.raise_indicator and engine.raised(rule, facts, day) else None
            yield Advice(rule, ORDER, facts, LISTS, raised or (card.indicator if card else "info"))
