"""`cds population sample`: cases of one rule for two readers, and what their verdicts come to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cds.cli.failing import fail
from cds.cli.population.population_report import OUT
from cds.errors import CdsError
from cds.population.results import Results
from cds.population.review_queue import Agreement, agreement, queue

Folder = Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder that `cds population replay` wrote.")]
OfRule = Annotated[str | None, typer.Option("--rule", metavar="ID", help="The advice rule whose cards are judged.")]
Cases = Annotated[int, typer.Option("--n", metavar="N", min=1, help="How many cases are drawn.")]
Seed = Annotated[int, typer.Option(metavar="S", help="The same seed draws the same cases.")]
Queue = Annotated[Path, typer.Option("--out", metavar="FILE", help="The CSV file that the readers fill in.")]
Filled = Annotated[
    Path | None, typer.Option("--verdicts", metavar="FILE", help="Draw nothing: tell what this filled file comes to.")
]


def sample(
    results: Folder = OUT,
    rule: OfRule = None,
    n: Cases = 50,
    seed: Seed = 1,
    out: Queue = Path("var/queue.csv"),
    verdicts: Filled = None,
) -> None:
    """Draws orders with a card of one rule for two readers to judge; with --verdicts tells what they said."""
    try:
        if verdicts is not None:
            _tell(agreement(_read(verdicts)))
            return
        if rule is None:
            fail("--rule: missing; expected the id of an advice rule, such as abrupt-stop.")
        if out.exists():
            fail(f"--out: {out} is there already, perhaps with verdicts in it; name another file.")
        with Results(results) as found:
            written = queue(found, rule, n, seed)
    except CdsError as error:
        fail(error)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(written)
    typer.echo(
        f"{out}: {written.count(chr(10)) - 1} cases of {rule}. Each reader writes yes or no: was the card right on this order?"
    )


def _read(path: Path) -> str:
    if not path.is_file():
        fail(f"--verdicts: there is no file {path}.")
    return path.read_text(encoding="utf-8-sig")


def _tell(found: Agreement) -> None:
    low, high = found.predictive_ends
    typer.echo(f"{found.both} cases judged by both readers, {found.unread} not yet; they differ on {found.disagree}.")
    typer.echo(
        f"Positive predictive value: {found.predictive_value:.2f} (95 percent interval {low:.2f} to {high:.2f}): "
        f"both called {found.right} of {found.both} right."
    )
    needed, (least, most) = found.number_needed_to_alert, found.needed_ends
    of = f"{needed:.1f}" if needed is not None else "none was right"
    typer.echo(f"Number needed to alert: {of} (95 percent interval {least:.1f} to {f'{most:.1f}' if most else 'no end'}).")
    if found.kappa is None or found.kappa_ends is None:
        typer.echo("Kappa: not told, since both readers said one and the same word throughout.")
    else:
        typer.echo(f"Kappa: {found.kappa:.2f} (95 percent interval {found.kappa_ends[0]:.2f} to {found.kappa_ends[1]:.2f}).")
