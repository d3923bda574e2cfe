"""docs/operations.md: what it tells an operator to look at, set and type is there, by the names that it has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from cds.cli.main import app as commands
from cds.cli.serve import LAST_CALLS
from cds.settings import NAMES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text()
COUNTERS = set(re.findall(r"^\| `(cds_\w+)`", (ROOT / "docs/routes.md").read_text().split("## Counters")[1], re.MULTILINE))
WATCHED = {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"\bcds_\w+", PAGE)}


def test_every_counter_that_is_to_be_watched_exists() -> None:
    assert WATCHED <= COUNTERS, "docs/routes.md lists them all, and is held to what is served"


def test_every_counter_is_watched_or_a_matter_of_the_rules_owners() -> None:
    assert {"cds_silent_rules_total"} == COUNTERS - WATCHED


def test_every_setting_that_is_named_exists() -> None:
    assert set(re.findall(r"CDS_[A-Z_]+", PAGE)) <= set(NAMES)


def test_every_command_that_is_named_exists() -> None:
    def names(command: object, name: str) -> set[str]:
        below = getattr(command, "commands", {})
        return {name}.union(*(names(one, f"{name} {word}") for word, one in below.items()))

    known = names(typer.main.get_command(commands), "cds")
    named = re.findall(r"`(cds(?: [a-z]+)+)", PAGE)
    assert [name for name in named if name not in known] == []


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(deploy/[\w.-]+|compose\.yaml)`", PAGE))))
def test_every_file_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).is_file()


def test_the_times_of_stopping_are_those_that_are_set() -> None:
    [grace] = set(re.findall(r"stop_grace_period: (\d+)s", (ROOT / "compose.yaml").read_text()))
    manifest = (ROOT / "deploy/kubernetes.yaml").read_text()
    [whole] = re.findall(r"terminationGracePeriodSeconds: (\d+)", manifest)
    [before] = re.findall(r"command: \[sleep, .(\d+)", manifest)
    words = " ".join(PAGE.split())
    assert f"{LAST_CALLS} seconds at most; `compose.yaml` gives it {grace}, and" in words
    assert f"`deploy/kubernetes.yaml` {whole}, of which {before} pass before" in words


def test_every_phase_of_server_timing_is_told() -> None:
    phases = set(re.findall(r'spent_on\("(\w+)"\)', (ROOT / "cds/web/app.py").read_text()))
    [told] = re.findall(r"`Server-Timing` tells what the time went on: (.+?)\.\n", PAGE, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", told)) == phases | {"total"}


def test_every_attribute_of_a_span_is_told() -> None:
    names = re.findall(r"for name in \((.+?)\)", (ROOT / "cds/web/request_tracking.py").read_text())[0]
    attributes = {f"cds.{name}" for name in re.findall(r'"(\w+)"', names)} | {"cds.request", "cds.call"}
    assert set(re.findall(r"`(cds\.\w+)`", PAGE)) == attributes
