"""`cds pages`: who may see the pages, and which plans can be opened no more."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from getpass import getpass
from typing import Annotated

import typer

from cds.cli.failing import fail
from cds.cli.records import DEFAULT, Address, opened
from cds.errors import CdsError
from cds.records.database import key_of
from cds.records.hashes import KeyedHashes, kept_in, keyed
from cds.records.stored_plans import named_by, revoke
from cds.settings import settings
from cds.trust.passwords import BadPasswords, line

pages = typer.Typer(no_args_is_help=True, help="Who may see the pages, and which plans can be opened.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name to sign in with.")]


@pages.command()
def password(name: Name) -> None:
    """Asks for a password twice, and prints the line for the file of CDS_PASSWORDS."""
    first = getpass("Password: ")
    if getpass("Again: ") != first:
        fail("password: seen two that differ; expected the same twice.")
    try:
        typer.echo(line(name, first))
    except BadPasswords as error:
        fail(error)


DECISION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Plan = Annotated[str, typer.Argument(metavar="PLAN", help="The address of a plan's page, its token, or the id of the decision.")]


@pages.command("revoke")
def revoke_plan(plan: Plan, store: Address = DEFAULT) -> None:
    """Ends what the links on a decision's cards open: its plans can't be seen any more. The decision itself stays."""
    given = plan.strip().partition("?")[0].rstrip("/").rpartition("/")[2]
    try:
        id = given.lower() if DECISION.fullmatch(given.lower()) else named_by(_key(store), given)[0]
        with opened(store) as kept:
            done = kept.write(lambda connection: revoke(connection, id, datetime.now(UTC)))
    except CdsError as error:
        fail(error)
    typer.echo("Revoked: nobody can open it any more." if done else "It was revoked before.")


def _key(store: str) -> KeyedHashes:
    key = settings(os.environ).patient_hash_key
    return keyed(key) if key else kept_in(key_of(store))
