"""`cds rules check` and `cds rules test` at each site: its numbers decide, what differs is told, and what breaks is an error."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cds.cli.main import app
from cds.cli.rules.at_sites import SiteOutcome, at_sites
from cds.knowledge.model import Knowledge

ROOT = Path(__file__).parents[2]
APPROVED = "because: ours, approved_by: the committee, review_by: 2030-01-01"
RuleBook = Callable[..., Knowledge]
RISK, ADVICE, NUMBERS = "risk/long-use.yaml", "advice/cut-too-fast.yaml", "parameters/taper.yaml"


CARDS = """
most_cards: {means: Most cards, unit: cards, values: {2025-06-01: {value: 3, cite: asam}}}
card_detail: {means: Short or full, unit: name, values: {2025-06-01: {value: short, cite: asam}}}
steps_on_a_card: {means: Most steps, unit: steps, values: {2025-06-01: {value: 3, cite: asam}}}
"""


def site(*changes: str) -> dict[str, str]:
    head = ["site: north", "title: North Hospital", "status: active"]
    return {"sites/north.yaml": "\n".join([*head, *changes]) + "\n", "parameters/cards.yaml": CARDS}


def moved(name: str, value: str, since: str = "2030-01-01") -> str:
    return f"parameters:\n  {name}: {{value: {value}, from: {since}, {APPROVED}}}"


LESS = moved("largest_cut_in_two_weeks", "10 percent")
OPEN = ("unit: days\n", "unit: days\n  site_may_change: {at_least: 1 days, at_most: 1000 days}\n")


def at_north(book: Knowledge) -> SiteOutcome:
    [north] = at_sites(book)
    return north


def told(found: SiteOutcome) -> list[str]:
    return [problem.seen for problem in found.differing]


def test_an_example_is_decided_with_the_number_of_the_site_and_told(rule_book: RuleBook) -> None:
    found = at_north(rule_book(**site(LESS)))
    assert told(found) == [
        "at north the example `Exactly the limit` of cut-too-fast answers card in place of nothing: "
        "largest_cut_in_two_weeks is 10 percent there."
    ]
    assert found.wrong == ()


def test_where_the_site_moves_nothing_that_is_asked_every_example_is_as_here(rule_book: RuleBook) -> None:
    found = at_north(rule_book(**site()))
    assert (found.differing, found.wrong) == ((), ())
    assert "  every example as here." in list(found.says(0))


def test_an_example_that_contradicts_the_numbers_of_the_site_is_listed_and_fails_nothing(rule_book: RuleBook) -> None:
    given = "given: {order_action: reduce, long_use: yes, order_cut: 50 percent, hospice: no}"
    own = given.replace("long_use: yes", "long_use: yes, use_length: 100 days")
    found = at_north(rule_book((NUMBERS, *OPEN), (ADVICE, given, own), **site(moved("long_time", "200 days"))))
    assert (
        "at north the example `Halved after long use` of cut-too-fast means nothing: "
        "it gives long_use as yes, and by its other facts it is not so there." in told(found)
    )
    assert found.wrong == ()


def test_a_rule_that_is_silent_there_has_no_card_and_that_is_no_failure(rule_book: RuleBook) -> None:
    found = at_north(rule_book(**site(f"rules:\n  advice/cut-too-fast: {{silent: yes, {APPROVED}}}")))
    assert found.wrong == ()


def test_a_rule_that_can_never_fire_with_the_numbers_of_the_site_is_an_error(rule_book: RuleBook) -> None:
    asks = (
        "- use_length: {is at least: long_time}",
        "- use_length: {is at least: long_time}\n    - use_length: {is less than: 95 days}",
    )
    found = at_north(rule_book((NUMBERS, *OPEN), (RISK, *asks), **site(moved("long_time", "200 days"))))
    assert [(one.code, one.severity.value) for one in found.wrong] == [("RULE210", "error")]
    assert found.wrong[0].seen.startswith("at north: long-use can never fire")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped rules, with the one site that moves the largest cut."""
    copy = Path(shutil.copytree(ROOT / "rules", tmp_path_factory.mktemp("at-sites") / "rules"))
    shutil.rmtree(copy / "sites")
    (copy / "sites").mkdir()
    (copy / "sites/north.yaml").write_text(site(LESS)["sites/north.yaml"])
    return copy


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three stories, one of them about a cut that the site would warn of."""
    folder = tmp_path_factory.mktemp("stories")
    for name in ("quiet-metformin-with-benzodiazepine", "hold-suicide-risk", "slower-taper-older-adult"):
        shutil.copytree(ROOT / "fhir_examples" / name, folder / name)
    return folder


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["rules", *map(str, words)])


def test_the_command_tells_examples_and_stories_and_ends_with_0(rules: Path, stories: Path) -> None:
    ran = run("test", "--rules", rules, "--stories", stories)
    assert ran.exit_code == 0, ran.output
    assert "At north, once all that it changes is in force:" in ran.output
    assert "largest_cut_in_two_weeks is 10 percent there." in ran.output
    assert "1 of 3 stories goes otherwise:" in ran.output
    assert "slower-taper-older-adult: cut-too-fast: info to warning" in ran.output


def test_a_program_is_told_by_notices(rules: Path, stories: Path) -> None:
    notices = json.loads(run("test", "--rules", rules, "--stories", stories, "--format", "json").output)
    assert {(one["code"], one["severity"]) for one in notices} == {("RULE138", "notice"), ("RULE139", "notice")}
    [line, *_] = run("test", "--rules", rules, "--stories", stories, "--format", "github").output.splitlines()
    assert line.startswith("::notice file=")


def test_check_counts_what_differs_and_ends_with_0(rules: Path) -> None:
    ran = run("check", "--rules", rules)
    assert ran.exit_code == 0, ran.output
    assert "At north " in ran.output and "`cds rules test` tells which, and why." in ran.output


def test_what_breaks_at_a_site_is_an_error_of_both_commands(rules: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(rules, tmp_path / "rules"))
    for file, old, new in (
        ("risk/older-adult.yaml", "    - age: {is at", "    - age: {is less than: 125 years}\n    - age: {is at"),
        ("risk/older-adult.yaml", "examples:\n", "examples:\n  - {name: A slip, given: {age: 125 years}, expect: nothing}\n"),
        (
            "parameters/patient.yaml",
            "unit: years\n",
            "unit: years\n  site_may_change: {at_least: 60 years, at_most: 200 years}\n",
        ),
    ):
        text = (broken / file).read_text()
        assert old in text
        (broken / file).write_text(text.replace(old, new, 1))
    (broken / "sites/north.yaml").write_text(site(moved("older_adult_age", "130 years"))["sites/north.yaml"])
    for command in ("check", "test"):
        ran = run(command, "--rules", broken)
        assert ran.exit_code == 1
        assert "at north: older-adult can never fire" in ran.output
