"""`cds rules new`: a rule file to begin with. It is a draft: it is checked, and it never runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cds.cli.asked_on_a_day import as_day
from cds.cli.failing import fail
from cds.cli.rules.folder import RULES, Rules, folder, loaded
from cds.cli.rules.schema import schemas_in, write_schemas
from cds.knowledge.files.vocabulary import ASKED_BY, risk_fact
from cds.knowledge.loader import ORDER, files_of, from_files
from cds.knowledge.model import FactDefinition, FactType, IfMissing, Knowledge
from cds.knowledge.pages.rule_book import pages
from cds.knowledge.schema.rule_schemas import header

ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LOCAL = "local-default"
QUIET_IN = "end-of-life-care"
"""The risk in which no advice is given."""
PAGES, INDEX = "docs/rule-book", "README.md"


class Kind(StrEnum):
    """What a rule is: a risk asks for something of the taper, advice makes a card."""

    RISK = "risk"
    ADVICE = "advice"


OfKind = Annotated[Kind, typer.Argument(metavar="risk|advice", help="A risk (asks for a pace) or advice (makes a card).")]
From = Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="The first day it is in force; else today.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Small letters, digits and hyphens: post-stroke.")]

BEGINNING = """\
{header}
{kind}: {id}
title: {title}
status: draft
version: 1
in_force: {{from: {day}}}
{own}

when:
  all:
    # A fact to begin with. All facts stand in vocabulary.yaml, with their meaning.
    - {fact}: {{is: yes}}
{none}
because:
  - cite: local-default
    says: What supports this rule, in one sentence; replace local-default by its source where there is one.

expect_false_alarms:
  - When this may be true though nothing is wrong.

"""
THEN = """\
then:
  says: What the card says of this risk

"""
CARD = """\
card:
  indicator: info
  summary: "{{{{ agent }}}}: say in one line what matters"
  detail: |
    **Why.** [[{{{{ why_in_short }}}}. ]]One sentence of why the order matters.

    **Today.** One or two sentences of what to do.

    {{{{ text.urgent_short }}}}
  if we cannot tell: It could not be told whether this applies.
  override_reasons: [{reason}]

"""
EXAMPLES = """\
examples:
  - name: What it is for
    given: {{{yes}}}
    expect: {positive}
  - name: Without it
    given: {{{no}}}
    expect: {{nothing because: {fact}}}
{more}  - name: It is not known
    given: {{{unknown}}}
    expect: cannot tell
"""
END_OF_LIFE = """\
  - name: Comfort care
    given: {{{yes}}}
    expect: {{nothing because: {quiet}}}
"""


def new(kind: OfKind, id: Id, rules: Rules = RULES, begins: From = None) -> None:
    """Writes a rule file to begin with: a draft with examples, which loads as it is and runs nowhere."""
    files = files_of(folder(rules))
    knowledge = loaded(files, str(rules))
    _refuse(kind, id, knowledge)
    path = f"{kind}/{id}.yaml"
    first = as_day(begins, "--from") if begins else datetime.now(UTC).date()
    written = {path: scaffold(kind, id, knowledge, first.isoformat()).encode()}
    if kind is Kind.ADVICE:
        written[ORDER] = files[ORDER].rstrip() + f"\n  - {id}\n".encode()
    then = from_files({**files, **written})
    for name, content in written.items():
        (rules / name).parent.mkdir(parents=True, exist_ok=True)
        (rules / name).write_bytes(content)
        typer.echo(f"wrote {rules / name}")
    if schemas_in(rules):
        write_schemas(rules, then)
    for page in _pages(kind, id, rules, then):
        typer.echo(f"wrote {page}")
    typer.echo("It is a draft and runs nowhere. Next: replace what it asks, its source and its examples; then")
    place = "" if rules == RULES else f" --rules {rules}"
    typer.echo(f"  cds rules test{place}\n  cds rules check{place}")
    if kind is Kind.ADVICE:
        typer.echo(f"It stands last in {rules / ORDER}: move it to its place among the cards.")


def _refuse(kind: Kind, id: str, knowledge: Knowledge) -> None:
    if not ID.fullmatch(id):
        fail(f"ID: seen {id!r}; expected small letters, digits and hyphens, such as post-stroke.")
    if any(rule.id == id and rule.kind.value == kind for rule in knowledge.rules):
        named = "an advice" if kind is Kind.ADVICE else "a risk"
        fail(f"ID: there is {named} rule {id} already. Choose another id, or edit that file.")
    if kind is Kind.RISK and risk_fact(id) in knowledge.vocabulary:
        fail(f"ID: {risk_fact(id)}, by which advice rules would ask about this risk, is a fact already. Choose another id.")


def scaffold(kind: Kind, id: str, knowledge: Knowledge, day: str) -> str:
    """The text of a rule file that asks one fact, with the examples that decide it."""
    fact = _fact(knowledge).name
    quiet = risk_fact(QUIET_IN) if kind is Kind.ADVICE and any(risk.id == QUIET_IN for risk in knowledge.risks()) else None
    begin = BEGINNING.format(
        header=header(f"{kind}/{id}.yaml"),
        kind=kind,
        id=id,
        title=id.replace("-", " ").capitalize(),
        day=day,
        own="about: patient" if kind is Kind.RISK else "hooks: [order-select, order-sign]",
        fact=fact,
        none=f"  none:\n    - {quiet}: {{is: yes}}\n" if quiet else "",
    )
    body = THEN if kind is Kind.RISK else CARD.format(reason=next(iter(knowledge.override_reasons), ""))
    beside = f", {quiet}: no" if quiet else ""
    return (
        begin
        + body
        + EXAMPLES.format(
            yes=f"{fact}: yes{beside}",
            no=f"{fact}: no{beside}",
            unknown=beside.removeprefix(", "),
            positive="found" if kind is Kind.RISK else "card",
            fact=fact,
            more=END_OF_LIFE.format(yes=f"{fact}: yes, {quiet}: yes", quiet=quiet) if quiet else "",
        )
    )


def _fact(knowledge: Knowledge) -> FactDefinition:
    """A yes_no fact to begin with: one that may be unknown and that every rule may ask about."""
    for fact in reversed(list(knowledge.vocabulary.values())):
        if fact.type is FactType.YES_NO and fact.if_missing is IfMissing.UNKNOWN and fact.asked_by == ASKED_BY[0]:
            return fact
    return fail("vocabulary.yaml holds no yes_no fact that every rule may ask about; add one first.")


def _pages(kind: Kind, id: str, rules: Path, knowledge: Knowledge) -> Iterator[Path]:
    """The page of the rule and the index, written where these are the rules that the rule book is of; a copy has no pages."""
    held = rules.resolve().parent / PAGES
    if rules.resolve().name != RULES.name or not held.is_dir():
        return
    made = pages(knowledge)
    for name in (f"{kind}/{id}.md", INDEX):
        (held / name).parent.mkdir(parents=True, exist_ok=True)
        (held / name).write_text(made[name])
        yield held / name
