"""Every module is small, says what it is, and leaves the terminal to the command line."""

from __future__ import annotations

import ast
import runpy
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for room in ("cds", "bench", "scripts") for path in (ROOT / room).rglob("*.py"))
MOST_LINES = 400

each_module = pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


@each_module
def test_a_module_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text())), f"{module}: write a docstring on the first line"


@each_module
def test_a_module_can_be_read_in_one_sitting(module: Path) -> None:
    lines = len(module.read_text().splitlines())
    assert lines <= MOST_LINES, f"{module} has {lines} lines; split it by noun at {MOST_LINES}"


@pytest.mark.parametrize(
    "module",
    [path for path in MODULES if path.is_relative_to(ROOT / "cds") and not path.is_relative_to(ROOT / "cds/cli")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_only_the_command_line_prints(module: Path) -> None:
    prints = [
        node.lineno
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not prints, f"{module} prints on lines {prints}; return or log it"


def test_no_two_modules_have_one_name() -> None:
    named = Counter(path.stem for path in (ROOT / "cds").rglob("*.py") if path.stem != "__init__")
    assert not {stem: count for stem, count in named.items() if count > 1}, "name each module for what it alone holds"


def test_no_two_classes_have_one_name() -> None:
    named = Counter(
        node.name
        for path in (ROOT / "cds").rglob("*.py")
        if "migrations" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert not {name: count for name, count in named.items() if count > 1}, "name each class for what it alone is"


def test_the_rooms_of_contributing_are_those_of_the_import_contract() -> None:
    house = runpy.run_path(str(ROOT / "scripts/house.py"))
    page = (ROOT / "CONTRIBUTING.md").read_text()
    assert house["with_rooms"](page, ROOT) == page, "python scripts/house.py --rooms"


def test_no_module_imports_itself_by_way_of_others() -> None:
    house = runpy.run_path(str(ROOT / "scripts/house.py"))
    known = house["modules"](ROOT)
    assert house["circles"]({name: house["imports"](name, path, known) for name, path in known.items()}) == []
