"""Every command and each of its options stands in docs/commands.md with its default, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cds.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs/commands.md").read_text()
SECTIONS = dict(re.findall(r"^## (cds(?: [a-z]+)+).*\n((?:(?!^## ).*\n)*)", PAGE, re.MULTILINE))


def each(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The commands under one, by their full names; a group that only holds commands is none itself."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, below in command.commands.items():
        yield from each(below, f"{name} {word}")


COMMANDS = dict(each(typer.main.get_command(app), "cds"))


def test_each_command_has_a_section_and_no_other() -> None:
    assert sorted(SECTIONS) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_is_listed_and_no_other(command: str) -> None:
    options = {parameter.opts[0] for parameter in COMMANDS[command].params if parameter.opts[0].startswith("--")}
    assert set(re.findall(r"^\| `(--[\w-]+)`", SECTIONS[command], re.MULTILINE)) == options - {"--help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_is_listed_with_its_default(command: str) -> None:
    listed = dict(re.findall(r"^\| `(--[\w-]+)` \| `(.+?)` \|", SECTIONS[command], re.MULTILINE))
    for parameter in COMMANDS[command].params:
        default = getattr(parameter.default, "value", parameter.default)
        if parameter.opts[0].startswith("--") and isinstance(default, str | int | Path) and not isinstance(default, bool):
            assert listed[parameter.opts[0]] == str(default)
