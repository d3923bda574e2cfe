"""`cds population`: its commands."""

from __future__ import annotations

import typer

from cds.cli.population.population_check import check
from cds.cli.population.population_generate import generate
from cds.cli.population.population_replay import replay
from cds.cli.population.population_report import report
from cds.cli.population.population_sample import sample

population = typer.Typer(no_args_is_help=True, help="What the rules would have said of a whole population.")
population.command()(generate)
population.command()(replay)
population.command()(report)
population.command()(check)
population.command()(sample)
