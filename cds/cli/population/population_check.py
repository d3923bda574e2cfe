"""`cds population check`: a replay held against the alert budget."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cds.cli.failing import fail
from cds.cli.population.population_replay import Rules
from cds.cli.population.population_report import OUT
from cds.errors import CdsError
from cds.knowledge.pack import chosen
from cds.population.held_to_budget import held
from cds.population.results import Results
from cds.settings import settings

Folder = Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder that `cds population replay` wrote.")]


def check(results: Folder = OUT, rules: Rules = None) -> None:
    """Holds a replay against `rules/alert-budget.yaml`, and ends with 1 where it is exceeded."""
    configured = settings(os.environ)
    place = rules or configured.rules
    try:
        budget = chosen(place, None, None, datetime.now(configured.time_zone).date()).alert_budget
        if budget is None:
            fail(f"{place}: there is no alert-budget.yaml, so nothing is too much. Write one to hold a replay against.")
        with Results(results) as found:
            lines = list(held(found, budget))
    except CdsError as error:
        fail(error)
    for line in lines:
        verdict = "within" if not line.exceeded else "ABOVE, beyond chance" if line.surely else "ABOVE, perhaps by chance"
        typer.echo(
            f"{line.what}: {line.count} of {line.of}, {line.for_each_100:.1f} for every 100; at most {line.most:g}: {verdict}"
        )
    if any(line.exceeded for line in lines):
        raise typer.Exit(1)
