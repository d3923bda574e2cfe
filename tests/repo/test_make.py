"""make on a fresh machine: what is missing is told in one line, and every target does what the help says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split())  # type: ignore[index]


def can_build(compiler: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts/can_build.py"], env={**os.environ, "CC": compiler}, capture_output=True, text=True
    )


def printed(target: str) -> str:
    """What make would run for a target."""
    dry = ["make", "--dry-run", target, "LIBFAKETIME=/found/libfaketime.so.1"]
    return subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("compiler", "says"),
    [
        ("no-such-compiler", "No C compiler: no-such-compiler was not found"),
        ("false", "false cannot compile against python3"),
    ],
)
def test_a_machine_that_cannot_compile_gets_one_line_that_says_what_to_install(compiler: str, says: str) -> None:
    ran = can_build(compiler)
    assert ran.returncode == 1
    assert ran.stderr.startswith(says) and "apt install" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_every_target_is_in_the_help() -> None:
    helped = set(re.findall(r'@echo "make (\w+)', MAKEFILE))
    assert helped == TARGETS - {"help"}


def test_make_takes_the_pythons_that_the_project_supports() -> None:
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert supported == ">=3.11,<3.13"
    assert MAKEFILE.count("(3, 11) <= sys.version_info < (3, 13)") == 2


def test_the_ci_runs_what_a_developer_runs() -> None:
    run = ROOT / ".ci/run"
    assert os.access(run, os.X_OK)
    assert "make test" in run.read_text()


def test_the_ci_runs_the_tests_under_a_later_clock_and_says_where_it_can_not() -> None:
    run = (ROOT / ".ci/run").read_text()
    assert "make later" in run and 'echo "Not run: the tests ten years from now' in run


def test_no_test_that_meets_a_clock_is_left_out_ten_years_from_now() -> None:
    """What is left out is what is given its day: no module of it imports a shell, starts a process or reads a clock."""
    left_out = [ROOT / name for name in re.findall(r"--ignore=(\S+)", printed("later"))]
    assert left_out and {path.parent.name for path in left_out} <= {"spec", "agreement"}
    meets = re.compile(r"^(?:from|import) (?:cds\.(?:cli|web|records)|subprocess|time\b)|\.(?:now|today)\(", re.MULTILINE)
    assert [path.name for path in left_out if meets.search(path.read_text())] == []


def test_everything_that_must_hold_is_run() -> None:
    recipe = MAKEFILE.split("\ntest: ")[1].split("\nbench:")[0]
    tools = ("ruff check .", "lint-imports", "mypy", "cds rules format --check", "pytest")
    assert [tool for tool in tools if f"$(BIN)/{tool}" not in recipe] == []
