"""`cds population report`: what a replay says, as a page and in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from cds.cli.failing import fail
from cds.errors import CdsError
from cds.population.report.figures import figures
from cds.population.report.pages_of_figures import as_markdown, as_page
from cds.population.report.replays_compared import compared
from cds.population.results import Results

OUT = Path("var/population")
PAGE = "report.html"

Folder = Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder that `cds population replay` wrote.")]
Against = Annotated[
    Path | None, typer.Option(metavar="RESULTS", help="Results of other rules over the same export: what changes.")
]
Publish = Annotated[bool, typer.Option("--publish", help="Hide counts under 10, and those from which they could be worked out.")]
Page = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Where the page goes; else report.html with the results.")
]


def report(results: Folder = OUT, against: Against = None, publish: Publish = False, out: Page = None) -> None:
    """Writes the report of a replay as one page that needs nothing from elsewhere, and prints it."""
    try:
        write_report(results, against, publish, out or results / PAGE)
    except CdsError as error:
        fail(error)


def write_report(results: Path, against: Path | None, publish: bool, page: Path) -> None:
    """Writes and prints the report. Refuses: folders without results, and results of another export."""
    with Results(results) as after:
        tables = list(figures(after))
        comparison = None
        if against is not None:
            with Results(against) as before:
                comparison = compared(before, after)
        if publish:
            tables = [table.masked() for table in tables]
            comparison = comparison.masked() if comparison else None
        page.write_text(as_page(after.run, tables, comparison, publish))
    console = Console()
    markdown = as_markdown(tables, comparison)
    console.print(Markdown(markdown)) if console.is_terminal else typer.echo(markdown)
    typer.echo(f"{page}")
