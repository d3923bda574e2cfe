"""A rule that vanishes is told: a file that nothing reads, one that was renamed, and one that was deleted."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePosixPath

import pytest

from cds.cli.rules.changes import changes
from cds.cli.rules.check import checked
from cds.cli.rules.schema import schemas_in
from cds.errors import BadKnowledge
from cds.knowledge.checks.unread import check_gone, is_rule_file
from cds.knowledge.loader import assembled, files_of, from_files
from cds.knowledge.problems import Problem, Problems, Severity
from cds.web.file_watch import Result
from cds.web.live_rules import LiveRules
from cds.web.revision import RulesSource

RULES = Path(__file__).parents[2] / "rules"
FILES = files_of(RULES)
SCHEMAS = schemas_in(RULES) or {}
RISK = "risk/breastfeeding.yaml"
DAY = date(2026, 11, 23)


def without(name: str, **others: bytes) -> dict[str, bytes]:
    return {key: content for key, content in FILES.items() if key != name} | others


def first(files: Mapping[str, bytes]) -> Problem:
    return next(iter(checked(files, schemas=SCHEMAS)[1]))


@pytest.mark.parametrize(
    "name",
    ["risk/x.yml", "risk/x.YAML", "risk/x.yaml.txt", "risk/x.Yml", "drugs/x.CSV", "drugs/x.csv.txt", "rsik/x.yaml", "x.yaml",
     "risk/more/x.yaml", "drugs/x.yaml", "drugs/x.csv", "x.csv", "value-sets/x.yaml", "parameters/x.csv"],
)  # fmt: skip
def test_a_file_that_nothing_reads_is_the_first_that_is_told(name: str) -> None:
    assert is_rule_file(PurePosixPath(name))
    found = first(FILES | {name: FILES[RISK]})
    assert (found.code, found.position.file) == ("RULE028", f"rules/{name}")
    with pytest.raises(BadKnowledge):
        from_files(FILES | {name: FILES[RISK]})


@pytest.mark.parametrize("name", ["risk/.x.yaml.swp", "risk/x.yaml~", ".git/x.yaml", "value-sets/NOTICE.md", "risk/x.yaml.bak"])
def test_what_an_editor_leaves_behind_and_notes_are_no_rule_files(name: str) -> None:
    assert not is_rule_file(PurePosixPath(name))


@pytest.mark.parametrize(
    "name", [name for name in FILES if name.startswith(("risk/", "advice/")) and not name.endswith("order.yaml")]
)
def test_each_rule_whose_file_is_gone_is_told_by_name(name: str) -> None:
    problems = Problems()
    check_gone([*without(name)], None, SCHEMAS, problems)
    (told,) = problems.found
    assert (told.code, told.severity, told.position.file) == ("RULE029", Severity.ERROR, f"rules/{name}")


def test_a_deleted_risk_that_nothing_asks_about_is_the_first_that_is_told() -> None:
    assert "breastfeeding" in first(without(RISK)).seen


def test_a_rule_that_an_earlier_revision_held_is_told_where_the_schemas_know_nothing_of_it() -> None:
    before = assembled(FILES, Problems())
    problems = Problems()
    check_gone([*without(RISK)], before, {}, problems)
    check_gone([*without(RISK)], replace(before, rules=()), {"site.schema.json": b"[]"}, problems)
    assert [(one.code, one.severity) for one in problems.found] == [("RULE029", Severity.WARNING)]


def test_the_diff_tells_a_rule_whose_file_is_gone_or_was_renamed() -> None:
    assert [one.says for one in changes(FILES, without(RISK))] == ["risk breastfeeding is gone"]
    told = [one.says for one in changes(FILES, without(RISK) | {"risk/breastfeeding.yml": FILES[RISK]})]
    assert told[0] == "risk breastfeeding is gone"
    assert "nothing reads it" in told[1]


def test_the_service_goes_on_with_a_renamed_rule_and_tells_of_a_deleted_one(tmp_path: Path) -> None:
    rules = shutil.copytree(RULES, tmp_path / "rules")
    source = RulesSource(rules, lambda: DAY)
    live = LiveRules(source.served(), source)
    try:
        (rules / RISK).rename(rules / "risk/breastfeeding.yml")
        assert live.reload() is Result.REFUSED
        assert "RULE028" in (live.waiting(DAY) or "")
        first = live.now.id
        (rules / "risk/breastfeeding.yml").unlink()
        assert live.reload() is Result.SERVED
        assert live.waiting(DAY) is None
        assert live.gone() == f"risk/breastfeeding is served no more; {first} was the last to hold it."
        (rules / RISK).write_bytes(FILES[RISK])
        assert live.reload() is Result.SERVED
        assert live.gone() is None
    finally:
        live.close()


def test_the_service_refuses_a_fact_that_nothing_answers(tmp_path: Path) -> None:
    rules = shutil.copytree(RULES, tmp_path / "rules")
    with (rules / "vocabulary.yaml").open("a") as held:
        held.write("  nothing_answers_this:\n    means: M\n    type: yes_no\n")
    with pytest.raises(BadKnowledge) as refused:
        RulesSource(rules, lambda: DAY).served()
    assert [one.code for one in refused.value.problems] == ["RULE142"]
