"""What is installed is what was written down: the version, and every package with its hash."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
SERVED = PROJECT["project"]["dependencies"] + EXTRAS["tracing"]
NEEDED = {
    "requirements-build.lock": PROJECT["build-system"]["requires"],
    "requirements.lock": SERVED,
    "requirements-test.lock": SERVED + EXTRAS["test"],
}


def pins(lock: str) -> dict[str, str]:
    """The version of each package in the lock."""
    return {
        canonicalize_name(name): version
        for name, version in re.findall(r"^([\w.\-]+)==([^\s;]+)", (ROOT / lock).read_text(), re.MULTILINE)
    }


@pytest.mark.parametrize("lock", NEEDED)
def test_a_lock_holds_every_package_that_is_asked_for(lock: str) -> None:
    held = pins(lock)
    for line in NEEDED[lock]:
        asked = Requirement(line)
        version = held.get(canonicalize_name(asked.name))
        assert version is not None and asked.specifier.contains(version), f"{lock}: {line} is asked for; run make lock"


@pytest.mark.parametrize("lock", NEEDED)
def test_a_lock_holds_a_hash_for_every_package(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    assert len(entries) == len(pins(lock))
    assert [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_service_is_tested_with_the_packages_that_it_is_served_with() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-test.lock").items()


def imported(*rooms: str) -> dict[str, set[str]]:
    """What the modules of some folders import that is neither ours nor Python's, with the packages that bring it."""
    paths = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    trees = [ast.parse(path.read_text()) for path in paths]
    names = {alias.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    tops = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"cds", *rooms, *(path.stem for path in paths)}
    installed = importlib.metadata.packages_distributions()
    return {top: {canonicalize_name(package) for package in installed.get(top, [top])} for top in tops}


def declared(*extras: str) -> set[str]:
    """The packages that pyproject.toml names."""
    project = PROJECT["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return {canonicalize_name(Requirement(line).name) for line in lines}


@pytest.mark.parametrize(
    ("rooms", "extras"), [(("cds",), ("tracing", "pdf")), (("tests", "bench", "scripts"), ("tracing", "pdf", "test"))]
)
def test_every_package_that_is_imported_is_declared(rooms: tuple[str, ...], extras: tuple[str, ...]) -> None:
    known = declared(*extras)
    assert sorted(top for top, packages in imported(*rooms).items() if not packages & known) == []


def test_the_changelog_begins_with_the_version_that_is_built() -> None:
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest and newest[1] == PROJECT["project"]["version"] == importlib.metadata.version("taper-cds")
