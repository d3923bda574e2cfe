"""`cds rules release`: takes the codes of value sets, as they stand now, for those that are meant."""

from __future__ import annotations

from typing import Annotated

import typer

from cds.cli.failing import fail
from cds.cli.rules.folder import RULES, Rules, folder
from cds.cli.rules.report import counted
from cds.knowledge.files.value_sets import FOLDER, INDEX, released_files
from cds.knowledge.loader import files_of
from cds.knowledge.problems import Problems, nearest

Names = Annotated[list[str] | None, typer.Argument(metavar="[VALUE_SET]...", help="The value sets that are meant; else all.")]


def release(names: Names = None, rules: Rules = RULES) -> None:
    """Writes down which codes value sets hold now, so that a code that is added or lost later is told by name.

    `cds rules check` tells what differs from the release before (RULE140); look at that first.
    """
    files = files_of(folder(rules))
    there = {name.removeprefix(f"{FOLDER}/").removesuffix(".csv") for name in files if name.startswith(f"{FOLDER}/")}
    for name in names or ():
        if name not in there:
            fail(f"{name}: {rules}/{FOLDER} holds no such value set. {nearest(name, there)}")
    problems = Problems()
    made = released_files(files, names or None, problems)
    if problems.found:
        fail("\n".join(map(str, problems.in_order())))
    changed = [name for name, content in made.items() if files.get(name) != content]
    for name in changed:
        (rules / name).write_bytes(made[name])
        typer.echo(f"wrote {rules / name}")
    typer.echo(
        f"{counted(len(changed), 'file')} changed. Add new value sets to {INDEX} first: what it does not name is left out."
    )
