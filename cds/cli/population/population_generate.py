"""`cds population generate`: an invented export, and how often each rule is reached by it."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cds.cli.asked_on_a_day import as_day
from cds.cli.failing import fail
from cds.cli.population.population_replay import told
from cds.errors import CdsError
from cds.knowledge.model import Knowledge, RuleKind, Status
from cds.knowledge.pack import chosen
from cds.population.generate.distributions import Distributions
from cds.population.generate.invented_export import Span
from cds.population.generate.invented_export import generate as write_export
from cds.population.generate.yields import Yield, yields
from cds.settings import settings

YEARS = 2
MOST_PATIENTS = 10_000_000

Patients = Annotated[int, typer.Option(metavar="N", min=1, max=MOST_PATIENTS, help="How many patients.")]
Seed = Annotated[int, typer.Option(metavar="S", help="The same seed gives the same patients.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of the export, which must be new or empty.")]
First = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="The first day of any order; else two years before the last.")
]
Last = Annotated[str | None, typer.Option("--to", metavar="DATE", help="The last day; else today.")]
Measured = Annotated[
    int, typer.Option(metavar="N", min=0, help="Of how many patients, the first, the yield of each rule is measured.")
]


def generate(
    patients: Patients, out: Out, seed: Seed = 1, first: First = None, last: Last = None, measure: Measured = 200
) -> None:
    """Writes an invented export: long histories, refills, gaps, tapers, switches, directions in words, broken lines.

    Then the first patients are replayed, and the yield of each rule is printed, those that none of them reaches too.
    """
    if out.exists() and any(out.iterdir()):
        fail(f"--out: {out} holds files already; expected a new or empty folder.")
    configured = settings(os.environ)
    today = datetime.now(configured.time_zone).date()
    ends = as_day(last, "--to") if last else today
    begins = as_day(first, "--from") if first else ends - timedelta(days=365 * YEARS)
    if begins + timedelta(days=30) > ends:
        fail(f"--from: seen {begins}, with --to {ends}; expected at least 30 days between them.")
    if not configured.rules.is_dir():
        fail(f"CDS_RULES: seen {configured.rules}; expected a folder of rules, from which products and codes are drawn.")
    try:
        knowledge = chosen(configured.rules, None, None, today)
    except CdsError as error:
        fail(error)
    span, drawn = Span(begins, ends), Distributions(knowledge, configured.rules)
    with told(Console(stderr=True)) as progress:
        lines = write_export(out, patients, seed, drawn, span, lambda done: progress("writing", done, patients))
        measured = min(measure, patients)
        found = yields(knowledge, drawn, span, seed, patients, measured, lambda done: progress("measuring", done, measured))
    typer.echo(f"{out}: " + ", ".join(f"{number} {type}" for type, number in lines.items()))
    if measured:
        _print(found, knowledge, measured, patients)


def _print(found: Yield, knowledge: Knowledge, measured: int, patients: int) -> None:
    """A line for each rule, those of most orders first, and those that nothing reached by name."""
    judged = f"{found.orders} orders of the first {measured} of {patients} patients, judged by the rules in force on the last day"
    table = Table("rule", "orders", "for every 1000", title=judged)
    kinds = {RuleKind.ADVICE: knowledge.advice(), RuleKind.RISK: knowledge.risks()}
    running = [
        (kind, rule.id) for kind, rules in kinds.items() for rule in rules if rule.status in {Status.ACTIVE, Status.SILENT}
    ]
    for kind, id in sorted(running, key=lambda each: (each[0].value, -found.rules.get(each, 0), each[1])):
        number = found.rules.get((kind, id), 0)
        table.add_row(f"{kind.value}/{id}", str(number), f"{1000 * number / max(found.orders, 1):.1f}")
    Console().print(table)
    missed = [f"{kind.value}/{id}" for kind, id in running if not found.rules.get((kind, id))]
    if missed:
        names = ", ".join(missed)
        typer.echo(f"Reached by none of these {found.orders} orders: {names}. Measure more patients: --measure {measured * 10}.")
