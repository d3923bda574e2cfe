"""`cds rules count`: past calls are decided each on its day, and counted by rule; none is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cds.cli.main import app

ROOT = Path(__file__).parents[2]
ABRUPT, QUIET = "abrupt-stop-alprazolam", "quiet-metformin-with-benzodiazepine"


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A call on the day of its file's name, one without a day, a story, and a file that is no call."""
    folder = tmp_path_factory.mktemp("calls")
    stories = ROOT / "fhir_examples"
    shutil.copy(stories / ABRUPT / "request.json", folder / "2026-11-23-ward-3.json")
    shutil.copy(stories / ABRUPT / "request.json", folder / "some-day.json")
    shutil.copytree(stories / QUIET, folder / QUIET)
    (folder / "2026-11-23-notes.json").write_text("[]")
    return folder


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["rules", "count", *map(str, words)])


def told(*words: object) -> Any:
    ran = run(*words, "--rules", ROOT / "rules", "--format", "json")
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.output)


def test_each_call_is_decided_on_its_day_and_what_has_no_answer_is_told(calls: Path) -> None:
    found = told(calls)
    assert (found["calls"], found["withCards"]) == (2, 1)
    assert found["rules"]["abrupt-stop"] == {"shown": 1, "folded": 0, "silent": 0}
    assert sum(found["cards"].values()) == sum(rule["shown"] for rule in found["rules"].values())
    assert [says.rpartition("/")[2].partition(":")[0] for says in found["unanswered"]] == [
        "some-day.json",
        "2026-11-23-notes.json",
    ]


def test_a_given_day_is_that_of_calls_that_tell_none(calls: Path) -> None:
    assert told(calls, "--day", "2026-11-23")["calls"] == 3


def test_a_silent_rule_is_counted_and_not_shown(calls: Path, tmp_path: Path) -> None:
    rules = Path(shutil.copytree(ROOT / "rules", tmp_path / "rules"))
    rule = rules / "advice/abrupt-stop.yaml"
    rule.write_text(rule.read_text().replace("status: active", "status: silent", 1))
    ran = run(calls, "--rules", rules)
    assert ran.exit_code == 0, ran.output
    [line] = [line for line in ran.output.splitlines() if line.startswith("abrupt-stop ")]
    assert line.split() == ["abrupt-stop", "0", "0", "1"]


def test_what_is_no_folder_of_calls_ends_with_2(tmp_path: Path) -> None:
    assert run(tmp_path / "nowhere").exit_code == 2
    assert run(tmp_path, "--rules", ROOT / "rules").exit_code == 2
