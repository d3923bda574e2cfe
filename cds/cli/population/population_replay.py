"""`cds population replay`: the decision function over every order of an export."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cds.cli.asked_on_a_day import as_day
from cds.cli.failing import fail
from cds.cli.population.population_report import OUT, PAGE, write_report
from cds.errors import CdsError
from cds.population.export_replay import Book, Machine, period_of
from cds.population.export_replay import replay as replay_export
from cds.population.spark_replay import Cluster, replay_on_spark
from cds.settings import settings

BEFORE = "against"
"""Within the results, those of the rules that they are set against."""
ON_THE_DAY, TODAY = "day", "today"


class ReplayEngine(StrEnum):
    """What replays an export."""

    ONE_MACHINE = "one-machine"
    SPARK = "spark"


Export = Annotated[
    str, typer.Argument(metavar="EXPORT", help="The folder of a FHIR Bulk Data export: NDJSON files, gzip or not.")
]
Rules = Annotated[
    Path | None, typer.Option("--rules", metavar="DIR", help="The folder or pack of rules; else that of the settings.")
]
Against = Annotated[
    Path | None,
    typer.Option("--against", metavar="DIR", help="Other rules, from before a change: what changes is told."),
]
Site = Annotated[str | None, typer.Option(metavar="ID", help="As this site has the rules.")]
First = Annotated[str | None, typer.Option("--from", metavar="DATE", help="The first day whose orders are replayed.")]
Last = Annotated[str | None, typer.Option("--to", metavar="DATE", help="The last one.")]
Views = Annotated[list[str] | None, typer.Option("--chart-on", metavar="DATE", help="Open every user's chart on this day too.")]
AsOf = Annotated[
    str, typer.Option(metavar="WHEN", help="Whose rules and numbers: `day`, those in force on each order's day; `today`; a date.")
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of the results.")]
Processes = Annotated[int | None, typer.Option(metavar="N", help="How many processes decide; else one a processor.")]
Kind = Annotated[ReplayEngine, typer.Option("--engine", help="What replays: `one-machine`, or `spark`, a cluster.")]
Master = Annotated[str, typer.Option(metavar="URL", help="With --engine spark: where it runs, as Spark writes it.")]
Memory = Annotated[str, typer.Option(metavar="SIZE", help="How much memory sorting may take.")]


def replay(
    export: Export,
    rules: Rules = None,
    against: Against = None,
    site: Site = None,
    first: First = None,
    last: Last = None,
    chart_on: Views = None,
    rules_as_of: AsOf = ON_THE_DAY,
    out: Out = OUT,
    processes: Processes = None,
    memory: Memory = "2GB",
    engine: Kind = ReplayEngine.ONE_MACHINE,
    master: Master = "local[*]",
) -> None:
    """Replays every benzodiazepine and Z-drug order of an export as the call that it would have been, and writes the results.

    Each call is given what was known on its day and nothing later. An interrupted replay goes on when it is started again.
    """
    configured = settings(os.environ)
    today = datetime.now(configured.time_zone).date()
    as_of = None if rules_as_of == ON_THE_DAY else today if rules_as_of == TODAY else as_day(rules_as_of, "--rules-as-of")
    begins, ends = (_day(first, "--from"), _day(last, "--to"))
    if begins and ends and begins > ends:
        fail(f"--from: seen {begins}, which is after --to {ends}; expected the earlier day first.")
    book = Book(rules or configured.rules, site or configured.site, as_of or today, as_of)
    period = period_of(begins, ends, [as_day(each, "--chart-on") for each in chart_on or ()])
    console = Console(stderr=True)
    machine = Machine(processes or os.cpu_count() or 1, memory)
    try:
        with told(console) as progress:

            def replayed(by: Book, into: Path) -> dict[str, Any]:
                if engine is ReplayEngine.SPARK:
                    return replay_on_spark(export, into, by, period, Cluster(master))
                return replay_export(Path(export), into, by, period, machine, progress)

            if against is not None:
                replayed(replace(book, rules=against), out / BEFORE)
            run = replayed(book, out)
        if against is not None:
            write_report(out, out / BEFORE, False, out / PAGE)
    except CdsError as error:
        fail(error)
    typer.echo(f"{run['calls']} calls of {run['patients']} patients replayed, {run['rows']} orders weighed: {out}")
    for reason, number in run.get("broken", {}).items():
        typer.echo(f"{number} {'line' if number == 1 else 'lines'} skipped: {reason}. Listed in {out / 'broken.parquet'}.")


def _day(text: str | None, option: str) -> date | None:
    return as_day(text, option) if text else None


@contextmanager
def told(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each thing that is done, with its rate and the time left."""
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console) as bars:

        def progress(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done, total=of)

        yield progress
