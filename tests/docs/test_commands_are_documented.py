"""Every command and each of its options stands in docs/commands.md with its default, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from cds.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs/commands.md").read_text()
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SECTIONS = {title.split()[1]: text for title, text in re.findall(r"^## (cds .+)\n((?:(?!^## ).*\n)*)", PAGE, re.MULTILINE)}


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
        if isinstance(parameter.default, str | int) and not isinstance(parameter.default, bool):
            assert listed[parameter.opts[0]] == str(parameter.default)
