"""The command `cds`."""

from __future__ import annotations

import typer

from cds.cli.ask import ask
from cds.cli.clients import clients
from cds.cli.page_users import pages
from cds.cli.plan import plan
from cds.cli.records import records, replay
from cds.cli.rules.commands import rules
from cds.cli.serve import serve
from cds.cli.sigs import sigs

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(serve)
app.command()(ask)
app.add_typer(rules, name="rules")
app.command()(plan)
app.command()(sigs)
app.add_typer(clients, name="clients")
app.command()(replay)
app.add_typer(records, name="records")
app.add_typer(pages, name="pages")


@app.callback()
def cds() -> None:
    """Taper CDS: advice on slower tapers and crossovers, at the moment a benzodiazepine is ordered."""
