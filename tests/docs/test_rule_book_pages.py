"""docs/rule-book/ is what the rule files say now, in the words of the explanations, and names all that no guideline supports."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cds.cli.main import app
from cds.decision.plan_totals import PAGE, totals_page
from cds.engine.explanation import explained
from cds.engine.fact_types import prepared
from cds.engine.reference import Questions, evaluate
from cds.knowledge.files.vocabulary import askable
from cds.knowledge.loader import knowledge
from cds.knowledge.model import Knowledge, Rule
from cds.knowledge.pages.rule_book import MADE, pages
from cds.knowledge.site_overlay import local_statements, named

ROOT = Path(__file__).parents[2]
BOOK = knowledge(ROOT / "rules")
PAGES = pages(BOOK) | {PAGE: f"{MADE}\n\n{totals_page(BOOK)}"}
HELD = {
    path.relative_to(ROOT / "docs/rule-book").as_posix(): path.read_text() for path in (ROOT / "docs/rule-book").rglob("*.md")
}
ASKED = re.compile(r"asked: (.+?)(?:;|$)", re.MULTILINE)

each_rule = pytest.mark.parametrize("rule", BOOK.rules, ids=named)


def test_the_pages_are_current() -> None:
    stale = sorted(name for name in PAGES.keys() | HELD.keys() if PAGES.get(name) != HELD.get(name))
    assert stale == [], "run: cds rules book"


@each_rule
def test_a_page_asks_in_the_words_of_the_explanation(rule: Rule) -> None:
    questions = Questions(lambda name: BOOK.parameters[name].editions[0])
    story = explained(evaluate(rule, prepared({}, askable(BOOK)), questions), rule.in_force_from, askable(BOOK))
    page = PAGES[f"{named(rule)}.md"]
    single = {name for name, one in BOOK.parameters.items() if len(one.editions) == 1}
    asked = [question for question in ASKED.findall(story) if "(" not in question or single & set(re.findall(r"\w+", question))]
    assert asked
    assert [question for question in asked if question not in page] == []


@each_rule
def test_a_page_names_each_source_each_example_and_each_false_alarm(rule: Rule) -> None:
    page = PAGES[f"{named(rule)}.md"]
    told = [because.says.replace("|", "/") for because in rule.because] + [BOOK.evidence[one.cite].label for one in rule.because]
    told += [example.name for example in rule.examples] + list(rule.expect_false_alarms)
    assert [text for text in told if text not in page] == []


@each_rule
def test_what_no_guideline_supports_stands_under_its_own_heading(rule: Rule) -> None:
    part = PAGES[f"{named(rule)}.md"].split("## What no guideline supports")[1].split("\n## ")[0]
    assert [because.says for because in local_statements(rule, BOOK) if because.says not in part] == []
    assert ("needs clinical sign-off" in part or "need clinical sign-off" in part) or not local_statements(rule, BOOK)


def test_every_edition_of_every_number_is_listed() -> None:
    page = PAGES["numbers.md"]
    for parameter in BOOK.parameters.values():
        part = page.split(f"**`{parameter.name}`**")[1].split("\n**`")[0]
        assert [one for one in parameter.editions if f"| {one.since.isoformat()} | {one.value} |" not in part] == []


def test_all_that_may_help_alongside_is_listed_with_its_cautions_and_source() -> None:
    page = PAGES["alongside.md"]
    for one in BOOK.adjuncts:
        line = next(line for line in page.splitlines() if line.startswith(f"| {one.name} |"))
        assert [told for told in (*one.cautions, one.evidence, BOOK.evidence[one.cite].label) if told not in line] == []
    assert len([line for line in page.splitlines() if line.startswith("| ")]) == len(BOOK.adjuncts) + 2 * page.count("\n## ")


def test_the_index_leads_to_every_rule() -> None:
    assert [named(rule) for rule in BOOK.rules if f"]({named(rule)}.md)" not in PAGES["README.md"]] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / "docs/rule-book" / name
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[name]) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_pages_follow_the_rules(rule_book: Callable[..., Knowledge]) -> None:
    before, after = (
        pages(rule_book(*change)) for change in ([], [("risk/long-use.yaml", "title: Taken for long", "title: Long")])
    )
    assert sorted(name for name in before if before[name] != after[name]) == [
        "README.md",
        "advice/cut-too-fast.md",
        "risk/long-use.md",
    ]


def test_the_command_writes_checks_and_removes_pages(tmp_path: Path) -> None:
    out = tmp_path / "book"
    command = ["rules", "book", "--rules", str(ROOT / "rules"), "--out", str(out)]
    assert CliRunner().invoke(app, [*command, "--check"]).exit_code == 1
    assert not out.exists()
    assert CliRunner().invoke(app, command).exit_code == 0
    (out / "risk/gone.md").write_text("")
    (out / "README.md").write_text("")
    checked = CliRunner().invoke(app, [*command, "--check"])
    assert (checked.exit_code, "gone.md" in checked.output, "README.md" in checked.output) == (1, True, True)
    assert CliRunner().invoke(app, command).exit_code == 0
    assert not (out / "risk/gone.md").exists()
    assert CliRunner().invoke(app, [*command, "--check"]).exit_code == 0
