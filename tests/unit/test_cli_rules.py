"""`cds rules`: what each command takes, prints and ends with."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cds.cli.main import app
from cds.cli.rules import test as rules_test
from cds.knowledge.problems import CODES

ROOT = Path(__file__).parents[2]
RULES = ROOT / "rules"
FAST, OLDER, NUMBERS = "advice/cut-too-fast.yaml", "risk/older-adult.yaml", "parameters/taper.yaml"
STORY = ROOT / "fhir_examples/abrupt-stop-alprazolam"
PROBLEM = {"file", "line", "column", "code", "message", "severity"}

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    return lambda *arguments: CliRunner().invoke(app, ["rules", *map(str, arguments)])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the rules that a test may edit."""
    return Path(shutil.copytree(RULES, tmp_path / "my-rules"))


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The option that has a few stories told, of an order that is stopped at once and of older adults."""
    folder = tmp_path_factory.mktemp("stories")
    older = ("crossover-advised-against-older-adult", "quiet-smallest-tablet-step", "quiet-ten-percent-after-years")
    for name in (STORY.name, *older):
        shutil.copytree(ROOT / "fhir_examples" / name, folder / name)
    return "--stories", folder


def edit(rules: Path, file: str, old: str, new: str) -> None:
    text = (rules / file).read_text()
    assert old in text, f"{file} does not hold {old!r}"
    (rules / file).write_text(text.replace(old, new, 1))


# check ----------------------------------------------------------------------------------------------------------------


def test_check_of_the_shipped_rules_ends_with_0(run: Run) -> None:
    ran = run("check", "--rules", RULES)
    assert ran.exit_code == 0, ran.output
    assert "0 errors" in ran.output or "No problem in" in ran.output


def test_check_ends_with_1_where_there_is_an_error_and_names_its_place(run: Run, rules: Path) -> None:
    edit(rules, FAST, "{is more than: largest_cut_in_two_weeks}", "{is more than: long_use}")
    ran = run("check", "--rules", rules)
    assert ran.exit_code == 1
    assert f"{rules}/{FAST}:" in ran.output
    assert "order_cut is asked to be more than `long_use`, which is in days." in ran.output
    assert "RULE112 unit-mismatch: cds rules explain RULE112" in ran.output
    assert "1 error, " in ran.output


def test_a_typo_is_told_with_the_nearest_right_name(run: Run, rules: Path) -> None:
    edit(rules, FAST, "order_cut: {is more", "order_cutt: {is more")
    assert "Did you mean order_cut?" in run("check", "--rules", rules).output


def test_check_as_json_holds_what_a_program_needs(run: Run, rules: Path) -> None:
    edit(rules, OLDER, "age: 65 years", "age: 66 years")
    ran = run("check", "--rules", rules, "--format", "json")
    problems = json.loads(ran.output)
    assert ran.exit_code == 1
    assert {frozenset(problem) for problem in problems} == {frozenset(PROBLEM)}
    assert {problem["severity"] for problem in problems} <= {"error", "warning"}
    [undecided] = [problem for problem in problems if problem["code"] == "RULE135"]
    assert undecided["file"] == f"{rules}/{OLDER}" and undecided["line"] > 1


def test_check_for_github_annotates_the_line(run: Run, rules: Path) -> None:
    edit(rules, OLDER, "status: active", "status: activ")
    lines = run("check", "--rules", rules, "--format", "github").output.splitlines()
    [line] = [line for line in lines if line.startswith("::error") and "RULE023" in line]
    assert line.startswith(f"::error file={rules}/{OLDER},line=4,col=9,title=RULE023 wrong-value::`status` is `activ`.")


@pytest.mark.parametrize("command", ["check", "test", "list", "schema"])
def test_a_folder_that_is_none_ends_with_2(command: str, run: Run, tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        ran = run(command, "--rules", folder)
        assert ran.exit_code == 2
        assert f"{folder}" in ran.output and "Traceback" not in ran.output


def test_check_since_a_folder_tells_a_version_that_was_not_raised(run: Run, rules: Path) -> None:
    edit(rules, OLDER, "pace: standard", "pace: specialist")
    ran = run("check", "--rules", rules, "--since", RULES)
    assert ran.exit_code == 1
    assert "RULE202" in ran.output and "Write `version: 3`." in ran.output


def test_a_review_that_is_due_is_told(run: Run, rules: Path) -> None:
    site = "sites/example-site.yaml"
    edit(rules, site, "status: draft", "status: active")
    edit(rules, site, "review_by: 2027-12-01", "review_by: 2025-12-01")
    ran = run("check", "--rules", rules)
    assert ran.exit_code == 1
    assert "RULE162 review-due" in ran.output


def test_errors_stand_before_warnings(run: Run, rules: Path) -> None:
    edit(rules, "advice/abrupt-stop.yaml", "status: active", "status: activ")
    (rules / "evidence.yaml").write_text((rules / "evidence.yaml").read_text() + "  x: {title: X, label: X, origin: study}\n")
    told = run("check", "--rules", rules).output
    assert told.index("`status` is `activ`") < told.index("nothing cites `x`")


# format ---------------------------------------------------------------------------------------------------------------


def test_format_leaves_a_file_that_is_laid_out(run: Run, rules: Path) -> None:
    before = (rules / FAST).read_bytes()
    ran = run("format", "--rules", rules)
    assert (ran.exit_code, (rules / FAST).read_bytes()) == (0, before)


def test_format_writes_the_file_that_is_laid_out_otherwise_and_no_other(run: Run, rules: Path) -> None:
    wanted = (rules / OLDER).read_bytes()
    edit(rules, OLDER, "given: {age: 65 years", "given: { age:   65 years")
    ran = run("format", "--rules", rules)
    assert (ran.exit_code, (rules / OLDER).read_bytes()) == (0, wanted)
    assert [line for line in ran.output.splitlines() if line.startswith("wrote")] == [f"wrote {rules / OLDER}"]


def test_format_of_a_named_file_looks_at_it_alone(run: Run, rules: Path) -> None:
    for file in (OLDER, FAST):
        edit(rules, file, "status: active", "status:  active")
    ran = run("format", rules / OLDER)
    assert ran.exit_code == 0 and "1 of 1 file changed." in ran.output
    assert "status:  active" in (rules / FAST).read_text()


def test_format_check_writes_nothing_and_names_the_first_line(run: Run, rules: Path) -> None:
    edit(rules, OLDER, "status: active", "status:  active")
    before = (rules / OLDER).read_bytes()
    ran = run("format", "--check", "--rules", rules)
    assert (ran.exit_code, (rules / OLDER).read_bytes()) == (1, before)
    assert f"{rules / OLDER}:4:1: this line" in ran.output and "RULE152 not-formatted" in ran.output
    assert "1 of " in ran.output and "would change" in ran.output


def test_format_check_for_programs_and_for_github(run: Run, rules: Path) -> None:
    edit(rules, OLDER, "status: active", "status:  active")
    [problem] = json.loads(run("format", "--check", "--rules", rules, "--format", "json").output)
    assert (frozenset(problem), problem["line"], problem["code"]) == (PROBLEM, 4, "RULE152")
    line = run("format", "--check", "--rules", rules, "--format", "github").output
    assert line.startswith(f"::error file={rules / OLDER},line=4,col=1,title=RULE152 not-formatted::")


def test_format_leaves_a_broken_file_untouched_and_says_what_is_wrong(run: Run, rules: Path) -> None:
    edit(rules, OLDER, "  all:", "  all: [")
    before = (rules / OLDER).read_bytes()
    ran = run("format", "--rules", rules)
    assert (ran.exit_code, (rules / OLDER).read_bytes()) == (1, before)
    assert f"{rules / OLDER}:" in ran.output and "RULE001 not-yaml" in ran.output and "1 file left untouched" in ran.output


def test_format_of_what_is_no_rule_file_ends_with_2(run: Run, rules: Path) -> None:
    for name in ("risk/nowhere.yaml", "drugs/names.csv"):
        ran = run("format", rules / name)
        assert ran.exit_code == 2 and "ends in .yaml" in ran.output


# a git revision -------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(rules: Path) -> Path:
    """The copy of the rules in a repository of its own, committed."""

    def git(*arguments: str) -> None:
        named = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", rules.parent, *named, *arguments], check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "as shipped")
    return rules


def test_a_git_revision_stands_for_the_rules_as_they_were(run: Run, repository: Path) -> None:
    edit(repository, OLDER, "pace: standard", "pace: specialist")
    assert "RULE202" in run("check", "--rules", repository, "--since", "HEAD").output
    ran = run("diff", "HEAD", repository, "--rules", repository, "--stories", repository)
    assert ran.exit_code == 0, ran.output
    assert "risk older-adult then, pace standard to specialist" in ran.output


def test_a_revision_that_there_is_not_ends_with_2(run: Run, repository: Path) -> None:
    for revision in ("no-such-branch", "--output=x"):
        ran = run("check", "--rules", repository, f"--since={revision}")
        assert ran.exit_code == 2
        assert "neither a folder, a pack nor a git revision" in ran.output


# test -----------------------------------------------------------------------------------------------------------------


def test_the_examples_of_the_shipped_rules_pass(run: Run) -> None:
    ran = run("test", "--rules", RULES)
    assert ran.exit_code == 0, ran.output
    assert "as expected by both evaluators and in a whole decision, and every condition is decided" in ran.output


def test_a_failing_example_ends_with_1_and_is_named(run: Run, rules: Path) -> None:
    edit(rules, NUMBERS, "{value: 25, cite: asam-2025-r6", "{value: 20, cite: asam-2025-r6")
    ran = run("test", "--rules", rules)
    assert ran.exit_code == 1
    assert "the example `Exactly the largest cut` expects nothing; the rule's answer is true." in ran.output


def test_a_file_that_can_not_be_read_fails_the_test_too(run: Run, rules: Path) -> None:
    edit(rules, OLDER, "status:", "statusx:")
    ran = run("test", "--rules", rules)
    assert ran.exit_code == 1 and "RULE020" in ran.output


def test_a_draft_is_tested_and_said_to_run_nowhere(run: Run, rules: Path) -> None:
    run("new", "risk", "post-stroke", "--rules", rules)
    ran = run("test", "--rules", rules)
    assert ran.exit_code == 0, ran.output
    assert "1 rule not released: tested alone, in no decision." in ran.output


def test_watching_tests_again_when_a_rule_file_is_saved(run: Run, rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def saves(folder: Path, raise_interrupt: bool) -> Iterator[set[tuple[int, str]]]:
        edit(rules, OLDER, "age: 65 years", "age: 66 years")
        yield {(2, str(rules / OLDER))}
        yield {(2, str(rules / "notes.txt~"))}

    monkeypatch.setattr(rules_test, "watched", saves)
    ran = run("test", "--rules", rules, "--watch")
    assert "older-adult.yaml saved." in ran.output
    assert ran.output.count("saved.") == 1
    assert "RULE135" in ran.output


# explain --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["RULE112", "rule135"])
def test_a_code_is_explained(code: str, run: Run) -> None:
    ran = run("explain", code)
    assert ran.exit_code == 0
    assert f"{code.upper()} {CODES[code.upper()]}" in ran.output
    assert "Why it matters" in ran.output and "Instead" in ran.output


def test_an_unknown_code_ends_with_2_and_the_nearest(run: Run) -> None:
    ran = run("explain", "RULE1112")
    assert ran.exit_code == 2
    assert "Did you mean RULE112?" in ran.output


def test_a_request_is_explained_rule_by_rule(run: Run) -> None:
    ran = run("explain", STORY, "--rules", RULES)
    assert ran.exit_code == 0
    assert "abrupt-stop on 2026-11-23: true" in ran.output
    assert "short of" in ran.output and "older-adult on 2026-11-23: false" in ran.output
    view = run("explain", ROOT / "fhir_examples/review-long-use-chart-opening", "--rules", RULES).output
    assert "abrupt-stop was not asked: it answers order-select, order-sign, and this call is patient-view" in view


def test_of_a_rule_that_is_false_only_what_blocks_it_is_told(run: Run) -> None:
    told = run("explain", STORY, "--rules", RULES).output
    story = told.split("specialist-first on ")[1].split("\n")[1:3]
    assert story[0].startswith("  all  [false] pace is standard; asked: is one of specialist, hold")
    assert not story[1].startswith("  all")


def test_what_is_missing_is_told_with_the_resource_that_it_would_stand_in(run: Run) -> None:
    told = run("explain", ROOT / "fhir_examples/conditions-not-sent", "--rules", RULES).output
    assert "it would stand in Condition (prefetch key conditions)" in told


def test_an_explanation_as_json_holds_every_rule_that_was_asked(run: Run) -> None:
    told: list[dict[str, Any]] = json.loads(run("explain", STORY, "--rules", RULES, "--format", "json").output)
    assert {story["answer"] for story in told} <= {"true", "false", "cannot tell"}
    assert "abrupt-stop" in {story["rule"] for story in told if story["answer"] == "true"}


def test_a_request_is_explained_with_edited_rules_though_their_examples_fail(run: Run, rules: Path) -> None:
    edit(rules, "parameters/patient.yaml", "{value: 65,", "{value: 40,")
    assert "older-adult on 2026-11-23: true" in run("explain", STORY, "--rules", rules).output


def test_a_request_that_is_none_ends_with_2(run: Run, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{")
    for request in (tmp_path, tmp_path / "other.json"):
        assert run("explain", request, "--rules", RULES).exit_code == 2


# list -----------------------------------------------------------------------------------------------------------------


def test_every_rule_is_listed_with_its_origin_and_whether_it_needs_a_sign_off(run: Run) -> None:
    listed = json.loads(run("list", "--rules", RULES, "--format", "json").output)
    by_id = {(rule["kind"], rule["id"]): rule for rule in listed}
    assert len(listed) == len([*RULES.glob("risk/*.yaml")]) + len([*RULES.glob("advice/*.yaml")]) - 1
    fast, old = by_id["advice", "cut-too-fast"], by_id["risk", "very-long-use"]
    assert (fast["status"], fast["version"], fast["origin"], fast["sign-off"]) == ("active", 2, "guideline", "needed")
    assert old["sign-off"] == "needed"


def test_the_list_is_a_table_for_people_and_for_github(run: Run) -> None:
    table, markdown = (run("list", "--rules", RULES, "--format", form).output for form in ("text", "github"))
    assert "hold a local default, which clinicians have to sign off for their site." in table
    assert markdown.splitlines()[0].startswith("| kind | id | title | status | version |")
    assert len(markdown.splitlines()) == len(json.loads(run("list", "--rules", RULES, "--format", "json").output)) + 2


# diff -----------------------------------------------------------------------------------------------------------------


def test_a_changed_threshold_is_told_in_clinical_words_with_the_cards_that_appear(run: Run, rules: Path) -> None:
    edit(rules, NUMBERS, "{value: 25, cite: asam-2025-r6", "{value: 5, cite: asam-2025-r6")
    edit(rules, NUMBERS, "{at_least: 5 percent, at_most: 25 percent}", "{at_least: 1 percent, at_most: 25 percent}")
    ran = run("diff", RULES, rules, "--stories", ROOT / "fhir_examples")
    assert ran.exit_code == 0, ran.output
    assert "largest_cut_in_two_weeks 25 to 5 percent, changed in place" in ran.output
    assert "cut-too-fast: info to warning" in ran.output and "abrupt-stop (critical) appears" in ran.output
    assert "stories change:" in ran.output


def test_a_new_edition_is_told_with_its_day_and_the_stories_can_be_told_then(
    run: Run, rules: Path, few: tuple[str, Path]
) -> None:
    edition = "    2027-01-01: {value: 80, cite: local-default}\n"
    edit(rules, "parameters/patient.yaml", "    2025-06-01: {value: 65,", f"{edition}    2025-06-01: {{value: 65,")
    ran = run("diff", RULES, rules, *few)
    assert "older_adult_age 65 to 80 years from 2027-01-01 on" in ran.output
    assert "None of" in ran.output and "add --day 2027-01-01" in ran.output
    assert "older-adult is no risk any more" in ran.output.split("add --day")[1]
    assert "older-adult is no risk any more" in run("diff", RULES, rules, *few, "--day", "2027-01-01").output
    told = json.loads(run("diff", RULES, rules, *few, "--format", "json").output)
    assert told["stories"] == [] and told["later"]["day"] == "2027-01-01" and told["later"]["stories"]


@pytest.mark.parametrize("begins", ["2026-01-01", "2036-05-01"])
def test_a_new_rule_is_seen_in_the_stories_whenever_it_begins(begins: str, run: Run, rules: Path, few: tuple[str, Path]) -> None:
    run("new", "risk", "recent", "--rules", rules, "--from", begins)
    edit(rules, "risk/recent.yaml", "status: draft", "status: active")
    edit(rules, "risk/recent.yaml", "- suicidality_on_record: {is: yes}", "- age: {is at least: older_adult_age}")
    assert "recent is a risk now" in run("diff", RULES, rules, *few).output
    told = run("explain", STORY, "--rules", rules)
    assert ("recent was not asked" in told.output) is (begins > "2026-11-23")
    assert "recent on" in run("explain", STORY, "--rules", rules, "--day", begins).output or begins < "2026-11-23"
    assert told.output.count(f"it is from {begins} on, and --day tells a story as of then") == (begins > "2026-11-23")


def test_a_rule_that_is_switched_off_is_told_with_the_cards_that_disappear(run: Run, rules: Path, few: tuple[str, Path]) -> None:
    edit(rules, "advice/abrupt-stop.yaml", "status: active", "status: silent")
    told = json.loads(run("diff", RULES, rules, *few, "--format", "json").output)
    assert [change["says"] for change in told["changes"]] == ["advice abrupt-stop goes from active to silent"]
    gone = {card for story in told["stories"] for card in story["disappear"]}
    assert "abrupt-stop (critical)" in gone


def test_changed_conditions_words_tables_and_sources_are_told(run: Run, rules: Path) -> None:
    edit(rules, OLDER, "{is at least: older_adult_age}", "{is more than: older_adult_age}")
    edit(rules, "vocabulary.yaml", "  audit_c:\n    means: The", "  audit_c:\n    means: Their")
    edit(rules, "drugs/equivalents.yaml", "{source: ashton-2002, low: 0.5,", "{source: ashton-2002, low: 0.4,")
    (rules / "evidence.yaml").write_text((rules / "evidence.yaml").read_text() + "  x: {title: X, label: X, origin: study}\n")
    told = run("diff", RULES, rules, "--stories", rules).output
    for says in (
        "risk older-adult no longer asks: all: age is at least older_adult_age",
        "risk older-adult now asks: all: age is more than older_adult_age",
        "risk older-adult means something else under the same version",
        "fact audit_c: means",
        "source x is new",
        "equivalents of alprazolam: rows, ashton-2002, low 0.5 to 0.4",
        "No stories in",
    ):
        assert says in told, told


def test_nothing_that_differs_is_said_in_two_words(run: Run) -> None:
    assert run("diff", RULES, RULES).output == "Nothing differs.\n"


def test_rules_that_can_not_be_loaded_are_compared_without_stories(run: Run, rules: Path) -> None:
    edit(rules, OLDER, "status:", "statusx:")
    ran = run("diff", RULES, rules)
    assert ran.exit_code == 1
    assert "RULE020" in ran.output and "no story can be told under them" in ran.output
    assert "risk older-adult status no longer says: active" in ran.output


def test_rules_before_that_this_program_can_not_load_are_compared_all_the_same(run: Run, rules: Path) -> None:
    edit(rules, OLDER, "status:", "statusx:")
    ran = run("diff", rules, RULES)
    assert ran.exit_code == 0 and "risk older-adult status now says: active" in ran.output


def test_packs_are_compared(run: Run, rules: Path, tmp_path: Path) -> None:
    packs = [tmp_path / name for name in ("old.pack", "new.pack")]
    assert run("pack", packs[0], "--rules", rules).exit_code == 0
    edit(rules, OLDER, "title: ", "title: Not ")
    assert run("pack", packs[1], "--rules", rules).exit_code == 0
    ran = run("diff", *packs, "--stories", rules)
    assert ran.exit_code == 0 and "risk older-adult title" in ran.output, ran.output
    packs[0].write_bytes(b"no pack")
    assert run("diff", *packs).exit_code == 2


def test_the_log_finds_the_commit_and_the_pack_of_a_hash(run: Run, repository: Path, tmp_path: Path) -> None:
    pack = tmp_path / "rules.pack"
    assert run("pack", pack, "--rules", repository).exit_code == 0
    now, packed, committed = json.loads(run("log", "--rules", repository, "--pack", pack, "--format", "json").output)
    assert now["revision"] == packed["revision"] == committed["revision"]
    (repository / "texts.yaml").write_text((repository / "texts.yaml").read_text() + "# a remark\n")
    ran = run("log", f"{committed['revision'][:20]}+example-site", "--rules", repository)
    assert ran.exit_code == 0 and committed["place"] in ran.output and "as the folder stands now" not in ran.output
    assert run("log", "0123456789", "--rules", repository).exit_code == 1
    assert run("log", "not-a-hash", "--rules", repository).exit_code == 2


# new ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["risk", "advice"])
def test_a_new_rule_is_a_draft_that_loads_clean(kind: str, run: Run, rules: Path) -> None:
    before = json.loads(run("check", "--rules", rules, "--format", "json").output)
    ran = run("new", kind, "post-stroke", "--rules", rules)
    assert ran.exit_code == 0, ran.output
    assert "status: draft" in (rules / kind / "post-stroke.yaml").read_text()
    after = json.loads(run("check", "--rules", rules, "--format", "json").output)
    assert [problem for problem in after if problem not in before] == []
    assert "post-stroke is new (draft)" in run("diff", RULES, rules, "--stories", rules).output
    assert run("test", "--rules", rules).exit_code == 0


def test_a_new_advice_rule_gets_its_place_among_the_cards(run: Run, rules: Path) -> None:
    ran = run("new", "advice", "post-stroke", "--rules", rules)
    assert (rules / "advice/order.yaml").read_text().endswith("\n  - post-stroke\n")
    assert "move it to its place among the cards" in ran.output


@pytest.mark.parametrize(
    ("kind", "id", "says"),
    [
        ("risk", "long-use", "there is a risk rule long-use already"),
        ("advice", "crossover", "there is an advice rule crossover already"),
        ("risk", "Post_Stroke", "expected small letters, digits and hyphens"),
        ("risk", "../escape", "expected small letters, digits and hyphens"),
        ("risk", "age", "is a fact already"),
    ],
)
def test_an_id_that_can_not_be_used_is_refused(kind: str, id: str, says: str, run: Run, rules: Path) -> None:
    before = sorted(rules.rglob("*"))
    ran = run("new", kind, id, "--rules", rules)
    assert ran.exit_code == 2 and says in ran.output
    assert sorted(rules.rglob("*")) == before


def test_a_new_rule_gets_its_page_and_its_line_in_the_index(run: Run, rules: Path) -> None:
    book, place = rules.parent / "docs/rule-book", rules.rename(rules.with_name("rules"))
    assert run("book", "--rules", place, "--out", book).exit_code == 0
    assert run("new", "risk", "post-stroke", "--rules", place).exit_code == 0
    assert "risk/post-stroke.md" in (book / "README.md").read_text()
    assert run("book", "--check", "--rules", place, "--out", book).exit_code == 0


def test_a_new_rule_of_a_copy_writes_no_page_into_the_book(run: Run, rules: Path) -> None:
    (rules.parent / "docs/rule-book").mkdir(parents=True)
    assert run("new", "risk", "post-stroke", "--rules", rules).exit_code == 0
    assert [*(rules.parent / "docs/rule-book").rglob("*.md")] == []


def test_the_nearest_name_is_the_one_that_shares_more_words(run: Run, rules: Path) -> None:
    edit(rules, "risk/falls-or-frailty.yaml", "falls_or_frailty_on_record: {is", "falls_on_record: {is")
    assert "Did you mean falls_or_frailty_on_record?" in run("check", "--rules", rules).output


def test_a_rule_that_doubles_another_is_told_with_the_place_of_the_other(run: Run, rules: Path) -> None:
    text = (rules / "risk/falls-or-frailty.yaml").read_text()
    (rules / "risk/falls.yaml").write_text(text.replace("risk: falls-or-frailty", "risk: falls"))
    told = run("check", "--rules", rules).output
    assert "falls-or-frailty is true exactly when falls is (risk/falls.yaml:2)." in told
