"""Groups of commands that are imported when they are asked for: `cds rules check` waits for no server and no database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

LAID_OUT: Mapping[str, Any] = {"add_completion": False, "pretty_exceptions_enable": False, "rich_markup_mode": None}
"""How every command and group is set up."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command or a group of them is defined, as `module:name`."""

    at: str
    short_help: str | None = None

    def command(self, name: str) -> Any:
        """The command, by that name. Imports its module."""
        module, _, defined = self.at.partition(":")
        found = getattr(import_module(module), defined)
        above = typer.Typer(**LAID_OUT)
        if isinstance(found, typer.Typer):
            above.add_typer(found, name=name)
            return get_group(above).commands[name]
        above.command(name, short_help=self.short_help)(found)
        return get_command(above)


class Commands(MutableMapping[str, Any]):
    """The commands of a group by name, in the order given; each is imported once, when it is first looked at."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = dict(places)
        self._found: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._found:
            self._found[name] = self._places[name].command(name)
        return self._found[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._places.setdefault(name, Place(""))
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self._found.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def group(places: Mapping[str, Place], help: str | None = None) -> typer.Typer:
    """A group of the commands that stand in these places."""

    class Lazy(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands = Commands(places)

    made = typer.Typer(cls=Lazy, no_args_is_help=True, help=help, **LAID_OUT)
    made.callback()(_nothing)
    return made


def _nothing() -> None:
    pass
