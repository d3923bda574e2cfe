"""How a command ends when its input can't be used: a message on standard error, exit status 2."""

from __future__ import annotations

from typing import NoReturn

import typer


def fail(says: object) -> NoReturn:
    """Ends the command."""
    typer.echo(str(says), err=True)
    raise typer.Exit(2)
