"""`cds population`: its commands."""

from __future__ import annotations

import typer

from cds.cli.population.population_replay import replay

population = typer.Typer(
    no_args_is_help=True, help="Replay the rules over an export of a whole population, and tell what they said."
)
population.command()(replay)
