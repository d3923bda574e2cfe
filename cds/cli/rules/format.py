"""`cds rules format`: rule files laid out alike, so that a change shows what changed and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer

from cds.cli.failing import fail
from cds.cli.rules.folder import RULES, Form, Rules, folder
from cds.cli.rules.report import Format, counted, errors, printed
from cds.knowledge.format.layout import formatted
from cds.knowledge.loader import files_of
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems

Files = Annotated[list[Path] | None, typer.Argument(metavar="[FILE...]", help="Rule files; else every one of the folder.")]
Check = Annotated[bool, typer.Option("--check", help="Write nothing; end with 1 where a file is laid out otherwise.")]


def format_rules(files: Files = None, rules: Rules = RULES, check: Check = False, form: Form = Format.TEXT) -> None:
    """Lays out rule files: indentation, spaces, blank lines, line breaks and the order of keys. What they say stays as it is.

    A file that can't be read is left untouched, and told. Ends with 1 then, and with --check where a file would change.
    """
    chosen = [*_named(files)] if files else [rules / name for name in files_of(folder(rules)) if name.endswith(".yaml")]
    problems = Problems()
    changed = [path for path in chosen if _laid_out(path, check, problems)]
    typer.echo(printed(problems.in_order(), form, "rules"), nl=False)
    if form is Format.TEXT:
        for path in () if check else changed:
            typer.echo(f"wrote {path}")
        typer.echo(_summary(len(chosen), changed, {Path(one.position.file) for one in problems.found}, check))
    if errors(problems.in_order()):
        raise typer.Exit(1)


def _named(files: list[Path]) -> Iterator[Path]:
    for path in files:
        if not path.is_file() or path.suffix != ".yaml":
            fail(f"FILE: {path} is no rule file; expected one that is there and ends in .yaml.")
        yield path


def _laid_out(path: Path, check: bool, problems: Problems) -> bool:
    """Whether the file is, or was, laid out otherwise. It is written unless it is only checked."""
    content = path.read_bytes()
    made = formatted(str(path), content, problems)
    if made is None or made == content:
        return False
    if check:
        seen = "this line is not as `cds rules format` writes it."
        problems.add("RULE152", Position(str(path), _first(content, made)), seen, "", "Run `cds rules format`.")
    else:
        path.write_bytes(made)
    return True


def _first(content: bytes, made: bytes) -> int:
    """The number of the first line that is laid out otherwise."""
    lines = zip_longest(content.split(b"\n"), made.split(b"\n"))
    return next(number for number, (old, new) in enumerate(lines, start=1) if old != new)


def _summary(files: int, changed: list[Path], told: set[Path], check: bool) -> str:
    would = "would change" if check else "changed"
    left = told - set(changed)
    broken = f"; {counted(len(left), 'file')} left untouched" if left else ""
    if not changed and not broken:
        return f"{counted(files, 'file')}, laid out as they should be."
    return f"{len(changed)} of {counted(files, 'file')} {would}{broken}."
