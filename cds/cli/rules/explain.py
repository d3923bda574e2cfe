"""`cds rules explain`: what a code means, or why each rule was true, false, or could not tell: for a request or a decision."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from cds.cli.ask import Day
from cds.cli.asked_on_a_day import as_day, moved, read, service_of
from cds.cli.failing import fail
from cds.cli.records import DEFAULT, Address, opened
from cds.cli.rules.folder import RULES, Form, Rules, engine_of, folder, loaded
from cds.cli.rules.report import Format, annotation
from cds.core.facts import Unknown
from cds.core.gap import GapKind
from cds.decision.decide import Decision, decide
from cds.decision.judge import UNCHECKED, weigh_unread
from cds.engine.engine import Engine
from cds.engine.explanation import explained
from cds.engine.reference import Answer, Finding, TraceLine
from cds.errors import CdsError
from cds.hooks.messages import hook_call
from cds.knowledge.files.vocabulary import askable, risk_fact
from cds.knowledge.loader import files_of
from cds.knowledge.model import FactDefinition, Knowledge, Rule, RuleKind, Status
from cds.knowledge.position import Position
from cds.knowledge.problems import CODES, Problem, Severity, nearest
from cds.knowledge.site_overlay import overlaid
from cds.records.decisions import DecisionRecord
from cds.records.replay import weighed
from cds.records.store_errors import OtherKnowledge
from cds.settings import settings


@dataclass(frozen=True, slots=True)
class Weighed:
    """How the rules were weighed on a day for a hook: what was judged, and the findings of the risk and of the advice rules."""

    day: date
    hook: str
    judged: tuple[tuple[str, tuple[Finding, ...]], ...]


def of_request(decision: Decision, engine: Engine) -> Weighed:
    """How the rules were weighed in a decision that was just made."""
    unread = ((gap.resource, gap.says, gap.kind) for gap in decision.unclear)
    named = ("; ".join(f"{order.request}: {order.agent}" for order in each.orders) for each in decision.judgements)
    judged = zip(_names(named), decision.findings, strict=True)
    return Weighed(decision.day, decision.hook, (*judged, *_unread(unread, decision.day, decision.hook, engine)))


def of_record(record: DecisionRecord, engine: Engine) -> Weighed:
    """How the rules were weighed in a stored decision, from the facts that were stored."""
    content = record.content()
    agents = {order["request"]: order["agent"] for order in content["orders"]}
    named = (f"{each['order']}: {agents[each['order']]}" if each["order"] in agents else "" for each in content["judgements"])
    judged = zip(_names(named), _findings(record, content, engine), strict=True)
    unread = ((gap.get("resource", ""), gap["says"], GapKind(gap["kind"])) for gap in content["unclear"])
    return Weighed(record.day, content["hook"], (*judged, *_unread(unread, record.day, content["hook"], engine)))


def _unread(
    gaps: Iterable[tuple[str, str, GapKind]], day: date, hook: str, engine: Engine
) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Orders whose drug could not be told, so that no rule could be weighed but what is said of just that."""
    for resource, says, kind in gaps:
        said = weigh_unread(engine, day, hook)[1] if kind in UNCHECKED else ()
        yield f"{resource}, not judged: {says}", tuple(finding for finding in said if finding.true)


def _findings(record: DecisionRecord, content: Mapping[str, Any], engine: Engine) -> Iterator[tuple[Finding, ...]]:
    for judgement in content["judgements"]:
        _, risks, advice = weighed(judgement, record, content["hook"], engine)
        yield (*risks, *advice)


def _names(named: Iterator[str]) -> Iterator[str]:
    yield from (name or "nothing that is shown" for name in named)


def rules_of(record: DecisionRecord, rules: Knowledge) -> Knowledge:
    """The rules as the decision was made with them, those of its site where it had one. Refuses other rules (OtherKnowledge)."""
    site = rules.sites.get(record.site or "")
    if record.revision != rules.revision or (record.site and site is None):
        raise OtherKnowledge(
            f"The decision was made with the rules {record.revision}; these are {rules.revision}. "
            f"Give the folder as it was on {record.day.isoformat()}: --rules DIR."
        )
    return overlaid(rules, site, record.day) if site else rules


PAGES = Path(__file__).resolve().parents[3] / "docs/lint"
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
DECISION = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
What = Annotated[
    str,
    typer.Argument(metavar="CODE|REQUEST.json|DECISION", help="A code such as RULE112; a hook call; or a stored decision's id."),
]


@dataclass(frozen=True, slots=True)
class Story:
    """What one rule answered about one judgement; `missing`: of each unknown fact, what is missing and where it would stand."""

    rule: Rule
    answer: str
    told: str
    missing: tuple[str, ...] = ()


def explain(what: What, rules: Rules = RULES, form: Form = Format.TEXT, day: Day = None, store: Address = DEFAULT) -> None:
    """Tells what a code means; or of a request or a stored decision, why each rule was true, false or could not tell."""
    if CODE.fullmatch(what) and not Path(what).exists():
        _code(what.upper())
        return
    files = files_of(folder(rules))
    knowledge = loaded(files, str(rules), form)
    if DECISION.fullmatch(what) and not Path(what).exists():
        found, knowledge = _stored(what, knowledge, day, store)
    else:
        found = _asked(what, knowledge, day)
    if form is Format.JSON:
        typer.echo(json.dumps(list(_as_json(found, knowledge)), indent=2, ensure_ascii=False))
    elif form is Format.GITHUB:
        for order, story in _all(found, knowledge):
            typer.echo(annotation(_notice(order, story, str(rules))))
    else:
        _shown(found, knowledge)


def _asked(what: str, knowledge: Knowledge, day: str | None) -> Weighed:
    """How the rules are weighed for a request."""
    engine = engine_of(knowledge)
    try:
        asked = read(what)
        on = as_day(day) if day else asked.day or datetime.now(settings(os.environ).time_zone).date()
        call = hook_call(service_of(asked.body), moved(asked, on))
        return of_request(decide(call, knowledge, engine, on, str(uuid4()), lambda: str(uuid4())), engine)
    except CdsError as error:
        fail(error)
    finally:
        engine.close()


def _stored(id: str, knowledge: Knowledge, day: str | None, store: str) -> tuple[Weighed, Knowledge]:
    """How the rules were weighed in a stored decision, and the rules with which it was made."""
    if day:
        fail("--day: a stored decision was made on its own day; leave --day out.")
    with opened(store) as kept:
        record = kept.decision(id.lower())
    try:
        knowledge = rules_of(record, knowledge)
        engine = engine_of(knowledge)
        try:
            return of_record(record, engine), knowledge
        finally:
            engine.close()
    except CdsError as error:
        fail(error)


def _code(code: str) -> None:
    if code not in CODES:
        fail(f"{code} is no code. {nearest(code, CODES)} The codes run from {min(CODES)} to {max(CODES)}.".replace("  ", " "))
    page = PAGES / f"{code}.md"
    if not page.is_file():
        fail(f"{code} {CODES[code]}: its page docs/lint/{code}.md is not installed here; read it in the project's checkout.")
    console = Console()
    console.print(Markdown(page.read_text()), width=min(WIDTH, console.width))


def _shown(found: Weighed, knowledge: Knowledge) -> None:
    console = Console()
    if not found.judged:
        console.print(
            f"On {found.day.isoformat()} no order of a benzodiazepine or Z-drug was there to judge, so no rule was asked."
        )
    for judgement, stories in _by_judgement(found, knowledge):
        console.rule()
        console.print(Text(judgement, style="bold"), soft_wrap=True)
        for answer in (Answer.TRUE, Answer.CANNOT_TELL, Answer.FALSE):
            for story in (one for one in stories if one.answer == answer):
                console.print(Text(story.told), soft_wrap=True)
                for line in story.missing:
                    console.print(Text(f"  missing: {line}"), soft_wrap=True)
    for rule, reason in _not_asked(found, knowledge):
        console.print(Text(f"{rule.id} was not asked: {reason}"), soft_wrap=True)


def _by_judgement(found: Weighed, knowledge: Knowledge) -> Iterator[tuple[str, list[Story]]]:
    words = askable(knowledge)
    for named, findings in found.judged:
        risks = {risk_fact(finding.rule_id): finding for finding in findings if finding.kind is RuleKind.RISK}
        yield named, [_story(finding, found.day, knowledge, words, risks) for finding in findings]


def _story(
    finding: Finding, day: date, knowledge: Knowledge, words: Mapping[str, FactDefinition], risks: Mapping[str, Finding]
) -> Story:
    """A true rule with all its conditions; of any other, only what stands against it."""
    kept = finding.trace if finding.true else tuple(_against(finding))
    told = explained(finding._replace(trace=kept), day, words)
    missing = tuple(dict.fromkeys(_missing(finding, words, risks))) if finding.answer is Answer.CANNOT_TELL else ()
    return Story(knowledge.rule(finding.rule_id, finding.kind), finding.answer.value, told, missing)


def _against(finding: Finding) -> Iterator[TraceLine]:
    """The lines for which the rule is not true: what blocks it, or what could not be told; in a group that does, each line."""
    one_holds = any(line.group == "any" and not line.depth and line.answer is Answer.TRUE for line in finding.trace)
    within = False
    for line in finding.trace:
        if not line.depth:
            within = _stands_against(line, finding.answer) and not (line.group == "any" and one_holds)
        if within:
            yield line


def _stands_against(line: TraceLine, answer: Answer) -> bool:
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


def _not_asked(found: Weighed, knowledge: Knowledge) -> Iterator[tuple[Rule, str]]:
    if not found.judged:
        return
    for rule in knowledge.rules:
        if rule.status in (Status.DRAFT, Status.RETIRED):
            yield rule, f"it is {'a draft' if rule.status is Status.DRAFT else 'retired'}"
        elif not rule.in_force(found.day):
            later = f"; it is from {rule.in_force_from.isoformat()} on, and --day tells a story as of then"
            yield rule, f"it is not in force on {found.day.isoformat()}{later if rule.in_force_from > found.day else ''}"
        elif rule.kind is RuleKind.ADVICE and found.hook not in rule.hooks:
            yield rule, f"it answers {', '.join(rule.hooks)}, and this call is {found.hook}"


def _all(found: Weighed, knowledge: Knowledge) -> Iterator[tuple[str, Story]]:
    for named, stories in _by_judgement(found, knowledge):
        for story in stories:
            yield named, story


def _as_json(found: Weighed, knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    for order, story in _all(found, knowledge):
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
