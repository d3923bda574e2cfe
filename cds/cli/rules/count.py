"""`cds rules count`: a folder of past hook calls, decided one by one: how often each rule is shown, folded, or silent."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import count as numbers
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from cds.cli.asked_on_a_day import EXPECTED, as_day
from cds.cli.failing import fail
from cds.cli.rules.folder import RULES, Form, Rules, engine_of, folder, loaded
from cds.cli.rules.report import Format, counted
from cds.decision.decide import Decision, decide
from cds.engine.engine import Engine
from cds.errors import BadKnowledge, CdsError
from cds.hooks.messages import EXTENSION, hook_call
from cds.hooks.services import HOOKS
from cds.knowledge.loader import files_of
from cds.knowledge.model import Knowledge, RuleKind, Status
from cds.knowledge.site_overlay import site as at_site

NAMED_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)")
MOST_TOLD = 10
"""Calls without an answer that are told one by one."""

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Hook calls as JSON files, in folders below it too.")]
Day = Annotated[
    str | None,
    typer.Option(metavar="YYYY-MM-DD", help="The day of each call that is of no story and has none in front of its file's name."),
]
AtSite = Annotated[str | None, typer.Option("--site", metavar="ID", help="Count as this site has the rules.")]


@dataclass
class RuleCounts:
    """What was counted, by rule; and the calls that had no answer, each with the reason."""

    calls: int = 0
    with_cards: int = 0
    cards: Counter[str] = field(default_factory=Counter)
    """By indicator."""
    shown: Counter[str] = field(default_factory=Counter)
    folded: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)
    unanswered: list[str] = field(default_factory=list)

    def add(self, decision: Decision, knowledge: Knowledge) -> None:
        self.calls += 1
        cards = decision.answer["cards"]
        self.with_cards += bool(cards)
        for card in cards:
            own = card["extension"][EXTENSION]
            self.cards[card["indicator"]] += 1
            self.shown[own["rule"]] += 1
            self.folded.update(own.get("alsoSays", ()))
        silent = {rule.id for rule in knowledge.advice() if rule.status is Status.SILENT}
        for findings in decision.findings:
            true = (one.rule_id for one in findings if one.kind is RuleKind.ADVICE and one.true)
            self.silent.update(rule for rule in true if rule in silent)

    def as_json(self) -> dict[str, object]:
        rules = {
            rule: {"shown": self.shown[rule], "folded": self.folded[rule], "silent": self.silent[rule]} for rule in self.rules()
        }
        return {
            "calls": self.calls,
            "withCards": self.with_cards,
            "cards": dict(self.cards),
            "rules": rules,
            "unanswered": self.unanswered,
        }

    def rules(self) -> list[str]:
        """The rules that were true, the one most often shown first."""
        return sorted(self.shown | self.folded | self.silent, key=lambda rule: (-self.shown[rule], -self.folded[rule], rule))

    def lines(self) -> Iterator[str]:
        yield f"{counted(self.calls, 'call')} decided, {self.with_cards} of them with a card."
        each = ", ".join(f"{number} {indicator}" for indicator, number in self.cards.most_common())
        yield f"{counted(self.cards.total(), 'card')}{f': {each}' if each else ''}."
        if found := self.rules():
            wide = max(map(len, (*found, "rule")))
            yield f"{'rule':{wide}}  shown  folded  silent"
            yield from (f"{rule:{wide}}  {self.shown[rule]:5}  {self.folded[rule]:6}  {self.silent[rule]:6}" for rule in found)
        if self.unanswered:
            yield f"{counted(len(self.unanswered), 'call')} without an answer, in no count:"
            yield from (f"  {says}" for says in self.unanswered[:MOST_TOLD])
            if len(self.unanswered) > MOST_TOLD:
                yield f"  and {len(self.unanswered) - MOST_TOLD} more."


def count(requests: Folder, rules: Rules = RULES, form: Form = Format.TEXT, day: Day = None, site: AtSite = None) -> None:
    """Decides every hook call of a folder, and counts by rule how often its card is shown, is folded, or would be but is silent.

    A call is decided on the day of its story, else on the day in front of its file's name, else on the day given.
    """
    if not requests.is_dir():
        fail(f"{requests}: there is no such folder. Give one that holds hook calls as JSON files.")
    given = as_day(day) if day else None
    book, tally = loaded(files_of(folder(rules)), str(rules), form), RuleCounts()
    calls = [path for path in sorted(requests.rglob("*.json")) if path.name != EXPECTED]
    if not calls:
        fail(f"{requests}: it holds no JSON file. Give a folder of hook calls.")
    dated = [(day_of(path, given), path) for path in calls]
    tally.unanswered += [
        f"{path}: on which day? Name the file 2026-11-23-..., or give --day." for on, path in dated if on is None
    ]
    for on in sorted({on for on, _ in dated if on is not None}):
        try:
            knowledge = at_site(book, site, on) if site else book
        except BadKnowledge as refused:
            fail(refused)
        engine = engine_of(knowledge)
        try:
            for path in (path for its, path in dated if its == on):
                _decide(path, on, engine, tally)
        finally:
            engine.close()
    if form is Format.JSON:
        typer.echo(json.dumps(tally.as_json(), indent=2, ensure_ascii=False))
        return
    for line in tally.lines():
        typer.echo(line)


def day_of(path: Path, given: date | None) -> date | None:
    """The day on which a call is decided; None where nothing tells it."""
    story = _parsed(path.with_name(EXPECTED))
    named = NAMED_DAY.match(path.name)
    told = story.get("day") if isinstance(story, dict) else None
    try:
        return date.fromisoformat(told or (named[0] if named else ""))
    except (TypeError, ValueError):
        return given


def _decide(path: Path, on: date, engine: Engine, tally: RuleCounts) -> None:
    body, ids = _parsed(path), numbers()
    hook = body.get("hook") if isinstance(body, dict) else None
    service = next((id for id, answered in HOOKS.items() if answered == hook), None)
    if service is None:
        tally.unanswered.append(f"{path}: no call of a hook that a service answers, in JSON.")
        return
    try:
        tally.add(
            decide(hook_call(service, body), engine.knowledge, engine, on, "count", lambda: str(next(ids))), engine.knowledge
        )
    except CdsError as refused:
        tally.unanswered.append(f"{path}: refused: {refused}")


def _parsed(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
