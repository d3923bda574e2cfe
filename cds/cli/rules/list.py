"""`cds rules list`: every rule with its status, what it stands on, and whether a clinician has to sign it off."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from cds.cli.rules.folder import RULES, Form, Rules, folder, loaded
from cds.cli.rules.report import Format, counted
from cds.knowledge.loader import files_of
from cds.knowledge.model import Knowledge, Rule
from cds.knowledge.pages.rule_page import asked_numbers
from cds.knowledge.plan_basis import local_numbers

STRENGTH = ("guideline", "label", "study", "textbook", "local default")
"""The origins of a source, the strongest first."""
LOCAL = "local default"
NEEDED = "needed"
COLUMNS = ("kind", "id", "title", "status", "version", "origin", "sign-off")
WIDE = 140
"""Columns of text where the list is not read in a terminal."""


def list_rules(rules: Rules = RULES, form: Form = Format.TEXT) -> None:
    """Lists every rule: kind, id, title, status, version, strongest origin, and whether it needs a clinician's sign-off."""
    knowledge = loaded(files_of(folder(rules)), str(rules), form)
    today = datetime.now(UTC).date()
    rows = [row(rule, knowledge, today) for rule in knowledge.rules]
    if form is Format.JSON:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif form is Format.GITHUB:
        for line in _markdown(rows):
            typer.echo(line)
    else:
        _table(rows, knowledge)


def row(rule: Rule, knowledge: Knowledge, day: date) -> dict[str, str | int]:
    """What the list shows of a rule, by column, and which of its numbers and of its plans' have to be signed off."""
    numbers = local_numbers(rule, asked_numbers(rule), knowledge, day)
    origins = {knowledge.evidence[because.cite].origin for because in rule.because if because.cite in knowledge.evidence}
    ends = f" to {rule.in_force_to.isoformat()}" if rule.in_force_to else ""
    return {
        "kind": rule.kind.value,
        "id": rule.id,
        "title": rule.title,
        "status": rule.status.value,
        "version": rule.version,
        "in force": f"from {rule.in_force_from.isoformat()}{ends}",
        "origin": next((origin for origin in STRENGTH if origin in origins), "none"),
        "sign-off": NEEDED if LOCAL in origins or numbers else "not needed",
        "numbers to sign off": ", ".join(numbers),
    }


def _table(rows: list[dict[str, str | int]], knowledge: Knowledge) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    table = Table(*COLUMNS, box=box.SIMPLE_HEAD, pad_edge=False)
    for one in rows:
        table.add_row(*(str(one[column]) for column in COLUMNS))
    console.print(table)
    numbers = sorted({name for one in rows for name in str(one["numbers to sign off"]).split(", ") if name})
    local = sum(one["sign-off"] == NEEDED for one in rows)
    console.print(
        f"{counted(len(rows), 'rule')}; {local} hold a local default, which clinicians have to sign off for their site."
    )
    if numbers:
        console.print(
            f"Numbers that they ask about, and those of their plans, to be signed off too: {', '.join(numbers)}", soft_wrap=True
        )
    console.print(f"Revision {knowledge.revision}", soft_wrap=True)


def _markdown(rows: list[dict[str, str | int]]) -> list[str]:
    """The list as a table of GitHub's Markdown, for the summary of a run."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{'|'.join('---' for _ in COLUMNS)}|"]
    return [*lines, *(f"| {' | '.join(str(one[column]).replace('|', '/') for column in COLUMNS)} |" for one in rows)]
