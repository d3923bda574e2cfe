"""`cds pages`: what an operator of the pages does in a terminal."""

from __future__ import annotations

from getpass import getpass
from typing import Annotated

import typer

from cds.cli.failing import fail
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
