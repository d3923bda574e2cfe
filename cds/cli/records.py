"""`cds records` and `cds replay`: what was decided and reported, given out, deleted when old, and made again."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import orjson
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cds.cli.failing import fail
from cds.cli.show import show
from cds.engine.engine import Engine
from cds.errors import CdsError
from cds.hooks.messages import EXTENSION
from cds.knowledge.pack import chosen
from cds.knowledge.site_overlay import overlaid
from cds.records.database import spool_of
from cds.records.decisions import DecisionRecord
from cds.records.replay import differences, replayed
from cds.records.store import Store
from cds.settings import settings

WIDTH = 160
DEFAULT = "sqlite:///var/taper-cds.sqlite"
DIFFERENT = 1
"""The exit status of a replay that gives other cards."""

records = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Gives out or deletes what the service has written down. Nothing in it names a patient.",
)

Address = Annotated[str, typer.Option("--store", envvar="CDS_DATABASE_URL", help="The database; like CDS_DATABASE_URL.")]


@records.command()
def export(store: Address = DEFAULT) -> None:
    """Writes every decision and every feedback event to standard output, one JSON object a line, oldest first."""
    with opened(store, down=True) as kept:
        for line in kept.export():
            sys.stdout.write(orjson.dumps(line).decode() + "\n")


@records.command()
def report(store: Address = DEFAULT) -> None:
    """Prints of each rule how many of its cards were shown, accepted and overridden, why, and which suggestions were taken."""
    with opened(store) as kept:
        found = kept.outcomes()
    table = Table("rule", "shown", "accepted", "overridden", "reasons", "taken", box=box.SIMPLE)
    for rule, one in found.items():
        counts = (str(number) for number in (one.shown, one.accepted, one.overridden))
        table.add_row(rule, *counts, _counted(one.reasons), Text(_counted(one.taken)))
    Console(width=WIDTH).print(table)


def _counted(some: Counter[str]) -> str:
    return "\n".join(f"{what}: {number}" for what, number in some.most_common())


@records.command()
def purge(
    older_than: Annotated[int, typer.Option(metavar="DAYS", help="Delete what is older than so many days.", min=1)],
    store: Address = DEFAULT,
) -> None:
    """Deletes decisions, with their cards, and feedback that are older than some days."""
    before = datetime.now(UTC) - timedelta(days=older_than)
    with opened(store) as kept:
        gone = kept.purge(before)
    typer.echo(f"Deleted {gone.decisions} decisions and {gone.feedback} feedback events from before {before:%Y-%m-%d %H:%M} UTC.")


def replay(
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="The decision's id, as the answer and each card have it.")],
    store: Address = DEFAULT,
) -> None:
    """Makes a stored decision again from its facts, and tells whether its cards are the ones that were shown.

    The rules are those of the settings; they have to be of the decision's revision. Exit status 1: the cards differ.
    """
    with opened(store) as kept:
        record = kept.decision(decision)
    try:
        again = cards_again(record)
    except CdsError as error:
        fail(error)
    console = Console()
    own = {name: record.content()[name] for name in ("orders", "gaps")}
    show({"cards": again, "extension": {EXTENSION: own}}, console)
    told = differences(record, again)
    for line in told or ["The cards are the ones that were shown."]:
        console.print(Text(f"Not as shown: {line}" if told else line, style="bold red" if told else "bold green"))
    if told:
        raise typer.Exit(DIFFERENT)


def cards_again(record: DecisionRecord) -> list[dict[str, object]]:
    """The cards of a decision, made with the rules of the settings as its site had them on its day, reviewed or not."""
    configured = settings(os.environ)
    book = chosen(configured.rules, configured.rules_key, None, record.day)
    site = book.sites.get(record.site or "")
    knowledge = overlaid(book, site, record.day) if site else book
    engine = Engine(knowledge)
    try:
        return replayed(record, knowledge, engine)
    finally:
        engine.close()


@contextmanager
def opened(address: str, *, down: bool = False) -> Iterator[Store]:
    """The store at an address; `down`, also where its database is down. Ends the command where it can't be used."""
    try:
        store = Store(address, spool_of(address))
        if not store.start() and not down:
            fail(f"--store: the database can't be reached ({store.trouble}).")
        try:
            yield store
        finally:
            store.close()
    except (CdsError, ValueError) as error:
        fail(error)
