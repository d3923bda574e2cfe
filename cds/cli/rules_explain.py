"""`cds rules explain`: what a problem's code means, or why each rule was true, false, or could not tell for one request."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from cds.cli.ask import as_day, read, service_of
from cds.cli.failing import fail
from cds.cli.rules_folder import RULES, Form, Rules, engine_of, folder, loaded
from cds.cli.rules_report import Format, annotation
from cds.core.facts import Unknown
from cds.decide import Decision, decide
from cds.engine.evaluate import Answer, Finding, Line
from cds.engine.explain import explained
from cds.errors import CdsError
from cds.hooks.messages import hook_call
from cds.knowledge.model import FactDefinition, Knowledge, Rule, RuleKind, Status
from cds.knowledge.position import Position
from cds.knowledge.problems import CODES, Problem, Severity, nearest
from cds.knowledge.reading import files_of
from cds.knowledge.vocabulary import askable, risk_fact
from cds.settings import settings

PAGES = Path(__file__).resolve().parents[2] / "docs/lint"
CODE = re.compile(r"[A-Za-z]+\d+")
RESOURCES = {
    "the order": "the draft in context.draftOrders",
    "patient": "Patient (prefetch key patient)",
    "medicationRequests": "MedicationRequest (prefetch key medicationRequests)",
    "medicationDispenses": "MedicationDispense (prefetch key medicationDispenses)",
    "medicationStatements": "MedicationStatement (prefetch key medicationStatements)",
    "conditions": "Condition (prefetch key conditions)",
    "observations": "Observation (prefetch key observations)",
    "encounter": "Encounter (prefetch key encounter)",
}
"""Where the data stands that a word of the vocabulary needs."""
WIDTH = 100

What = Annotated[
    str, typer.Argument(metavar="CODE|REQUEST.json", help="A code such as RULE112; or a hook call: a file or folder.")
]
Day = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="As if on this day; else a story's own, else today.")]


@dataclass(frozen=True, slots=True)
class Story:
    """What one rule answered about one judgement; `missing`: of each unknown fact, what is missing and where it would stand."""

    rule: Rule
    answer: str
    told: str
    missing: tuple[str, ...] = ()


def explain(what: What, rules: Rules = RULES, form: Form = Format.TEXT, day: Day = None) -> None:
    """Tells what a code means; or of a request, why each rule was true, false or could not tell."""
    if CODE.fullmatch(what) and not Path(what).exists():
        _code(what.upper())
        return
    files = files_of(folder(rules))
    knowledge = loaded(files, str(rules), form)
    try:
        asked = read(what)
        on = as_day(day) if day else asked.day or datetime.now(settings(os.environ).time_zone).date()
        decision = _decided(asked.body, knowledge, on)
    except CdsError as error:
        fail(error)
    if form is Format.JSON:
        typer.echo(json.dumps(list(_as_json(decision, knowledge)), indent=2, ensure_ascii=False))
    elif form is Format.GITHUB:
        for order, story in _all(decision, knowledge):
            typer.echo(annotation(_notice(order, story, str(rules))))
    else:
        _shown(decision, knowledge, on)


def _decided(body: object, knowledge: Knowledge, day: date) -> Decision:
    engine = engine_of(knowledge)
    try:
        return decide(hook_call(service_of(body), body), knowledge, engine, day, str(uuid4()), lambda: str(uuid4()))
    finally:
        engine.close()


def _code(code: str) -> None:
    if code not in CODES:
        fail(f"{code} is no code. {nearest(code, CODES)} The codes run from {min(CODES)} to {max(CODES)}.".replace("  ", " "))
    page = PAGES / f"{code}.md"
    if not page.is_file():
        fail(f"{code} {CODES[code]}: its page docs/lint/{code}.md is not installed here; read it in the project's checkout.")
    console = Console()
    console.print(Markdown(page.read_text()), width=min(WIDTH, console.width))


def _shown(decision: Decision, knowledge: Knowledge, day: date) -> None:
    console = Console()
    if not decision.judgements:
        console.print(f"On {day.isoformat()} no order of a benzodiazepine or Z-drug was there to judge, so no rule was asked.")
    for judgement, stories in _by_judgement(decision, knowledge):
        console.rule(Text(judgement))
        for answer in (Answer.TRUE, Answer.CANNOT_TELL, Answer.FALSE):
            for story in (one for one in stories if one.answer == answer):
                console.print(Text(story.told), soft_wrap=True)
                for line in story.missing:
                    console.print(Text(f"  missing: {line}"), soft_wrap=True)
    for rule, reason in _not_asked(decision, knowledge):
        console.print(Text(f"{rule.id} was not asked: {reason}"), soft_wrap=True)


def _by_judgement(decision: Decision, knowledge: Knowledge) -> Iterator[tuple[str, list[Story]]]:
    words = askable(knowledge)
    for judgement, findings in zip(decision.judgements, decision.findings, strict=True):
        named = "; ".join(f"{order.request}: {order.agent}" for order in judgement.orders) or "nothing that is shown"
        risks = {risk_fact(finding.rule_id): finding for finding in findings if finding.kind is RuleKind.RISK}
        yield named, [_story(finding, decision.day, knowledge, words, risks) for finding in findings]


def _story(
    finding: Finding, day: date, knowledge: Knowledge, words: Mapping[str, FactDefinition], risks: Mapping[str, Finding]
) -> Story:
    """A true rule with all its conditions; of any other, only what stands against it."""
    kept = finding.trace if finding.true else tuple(_against(finding))
    told = explained(replace(finding, trace=kept), day, words)
    missing = tuple(dict.fromkeys(_missing(finding, words, risks))) if finding.answer is Answer.CANNOT_TELL else ()
    return Story(knowledge.rule(finding.rule_id, finding.kind), finding.answer.value, told, missing)


def _against(finding: Finding) -> Iterator[Line]:
    """The lines for which the rule is not true: what blocks it, or what could not be told; in a group that does, each line."""
    one_holds = any(line.group == "any" and not line.depth and line.answer is Answer.TRUE for line in finding.trace)
    within = False
    for line in finding.trace:
        if not line.depth:
            within = _stands_against(line, finding.answer) and not (line.group == "any" and one_holds)
        if within:
            yield line


def _stands_against(line: Line, answer: Answer) -> bool:
    blocking = Answer.TRUE if line.group == "none" else Answer.FALSE
    return line.answer is (Answer.CANNOT_TELL if answer is Answer.CANNOT_TELL else blocking)


def _missing(finding: Finding, words: Mapping[str, FactDefinition], risks: Mapping[str, Finding]) -> Iterator[str]:
    """What is missing, and in which resource it would stand. A risk that could not be told is followed to its own facts."""
    for line in finding.trace:
        if line.condition is None or line.answer is not Answer.CANNOT_TELL:
            continue
        fact = line.condition.fact
        if fact in risks:
            yield from _missing(risks[fact], words, {})
        elif isinstance(line.found, Unknown):
            needs = [RESOURCES.get(need, need) for need in words[fact].needs]
            seen = f" (seen in {', '.join(line.found.resources)})" if line.found.resources else ""
            where = f"; it would stand in {' or '.join(needs)}" if needs else "; it is decided from the risks"
            yield f"{fact}: {line.found.reason}{seen}{where}"
        else:
            yield f"{fact}: what it is compared with has no value on that day"


def _not_asked(decision: Decision, knowledge: Knowledge) -> Iterator[tuple[Rule, str]]:
    if not decision.judgements:
        return
    for rule in knowledge.rules:
        if rule.status in (Status.DRAFT, Status.RETIRED):
            yield rule, f"it is {'a draft' if rule.status is Status.DRAFT else 'retired'}"
        elif not rule.in_force(decision.day):
            yield rule, f"it is not in force on {decision.day.isoformat()}"
        elif rule.kind is RuleKind.ADVICE and decision.hook not in rule.hooks:
            yield rule, f"it answers {', '.join(rule.hooks)}, and this call is {decision.hook}"


def _all(decision: Decision, knowledge: Knowledge) -> Iterator[tuple[str, Story]]:
    for named, stories in _by_judgement(decision, knowledge):
        for story in stories:
            yield named, story


def _as_json(decision: Decision, knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    for order, story in _all(decision, knowledge):
        told = [line.strip() for line in story.told.splitlines()[1:]]
        yield {
            "order": order,
            "kind": story.rule.kind.value,
            "rule": story.rule.id,
            "answer": story.answer,
            "conditions": told,
            "missing": list(story.missing),
        }


def _notice(order: str, story: Story, rules: str) -> Problem:
    at = story.rule.position
    place = Position(f"{rules.rstrip('/')}/{at.file.removeprefix('rules/')}", at.line, at.column)
    told = "\n".join([f"{order}: {story.told}", *story.missing])
    return Problem("explain", story.rule.id, place, told, severity=Severity.NOTICE)
