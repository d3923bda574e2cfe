"""A site's overlay: what it may move, choose, quieten and sign off, and what of it is refused, where and by which code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest

from cds.engine.engine import Engine
from cds.errors import BadKnowledge
from cds.hooks.card_text import Wording
from cds.knowledge.files.sites import sites
from cds.knowledge.loader import files_of, from_files
from cds.knowledge.model import Knowledge, Status
from cds.knowledge.problems import Problem, Problems, Severity
from cds.knowledge.site_overlay import not_converted_by, overlaid, site

RULES = Path(__file__).parents[2] / "rules"
FILES = files_of(RULES)
DAY = date(2026, 12, 5)
APPROVED = "because: it fits us, approved_by: the committee, review_by: 2027-12-01"
NORTH = f"""
    site: north
    title: North Hospital
    status: active
    parameters:
      largest_cut_in_two_weeks: {{value: 20 percent, from: 2026-12-01, {APPROVED}}}
      crossover_target: {{value: clonazepam, from: 2026-12-01, {APPROVED}}}
    equivalence_source: {{use: [ashton-2002], {APPROVED}}}
    rules:
      advice/faster-is-fine: {{silent: yes, {APPROVED}}}
      advice/crossover: {{silent_until: 2027-03-01, {APPROVED}}}
    sign_off:
      advice/cut-too-fast: {{version: %s, on: 2026-11-30, {APPROVED}}}
      small_step_limit: {{value: 5 mg diazepam, on: 2026-11-30, {APPROVED}}}
    override_reasons:
      supervised: {{display: It is supervised on our ward, {APPROVED}}}
      urgent-harm: {{left_out: yes, {APPROVED}}}
"""


@pytest.fixture(scope="module")
def book() -> Knowledge:
    return from_files(FILES)


@pytest.fixture(scope="module")
def whole(book: Knowledge) -> str:
    return NORTH % book.rule("cut-too-fast").version


@pytest.fixture(scope="module")
def with_site(book: Knowledge, whole: str) -> Callable[..., Knowledge]:
    """The rule book with the site `north`; each change is a text in its file and what takes its place."""

    def read(*changes: tuple[str, str]) -> Knowledge:
        text = dedent(whole).lstrip("\n")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return with_file(book, text.encode())

    return read


def with_file(book: Knowledge, content: bytes) -> Knowledge:
    """The rule book with the file of a site, as it is read with the folder."""
    problems = Problems()
    found = replace(book, sites=sites({"sites/north.yaml": content}, book, problems))
    problems.raise_any()
    return found


@pytest.fixture(scope="module")
def north(with_site: Callable[..., Knowledge]) -> Knowledge:
    return site(with_site(), "north", DAY)


def refused(read: Callable[[], object]) -> list[Problem]:
    with pytest.raises(BadKnowledge) as caught:
        read()
    return [problem for problem in caught.value.problems if isinstance(problem, Problem)]


def test_the_revision_names_the_site_and_the_rule_book_stays_as_it_was(with_site: Callable[..., Knowledge]) -> None:
    book = with_site()
    here = site(book, "north", DAY)
    assert here.revision == f"{book.revision}+north"
    assert str(book.parameters["largest_cut_in_two_weeks"].editions[0].value) == "25 percent"
    with pytest.raises(FrozenInstanceError):
        here.revision = ""  # type: ignore[misc]


@pytest.mark.parametrize(
    ("day", "value"), [("2026-11-30", "25 percent"), ("2026-12-01", "20 percent"), ("2030-01-01", "20 percent")]
)
def test_a_moved_parameter_holds_from_its_day_on(north: Knowledge, day: str, value: str) -> None:
    edition = north.parameters["largest_cut_in_two_weeks"].on(date.fromisoformat(day))
    assert edition is not None and str(edition.value) == value


def test_a_moved_parameter_says_whose_it_is(north: Knowledge) -> None:
    edition = north.parameters["largest_cut_in_two_weeks"].editions[0]
    assert edition.cite == "north/largest_cut_in_two_weeks"
    assert north.evidence[edition.cite].label == "North Hospital, approved by the committee"
    assert edition.says == "it fits us"


def test_the_crossover_target_is_the_one_chosen(north: Knowledge) -> None:
    assert north.named("crossover_target", DAY) == "clonazepam"


def test_equivalents_come_only_from_the_chosen_source(north: Knowledge, book: Knowledge) -> None:
    assert {row.source for row in north.agents["alprazolam"].equivalents} == {"ashton-2002"}
    assert len(book.agents["alprazolam"].equivalents) > 1


def test_a_source_that_the_rule_book_reads_only_as_a_last_resort_may_be_chosen(with_site: Callable[..., Knowledge]) -> None:
    here = site(with_site(("use: [ashton-2002]", "use: [inada-2015]")), "north", DAY)
    assert {row.source for row in here.agents["alprazolam"].equivalents} == {"inada-2015"}


def test_an_agent_without_a_row_keeps_the_other_sources_and_the_card_says_so(north: Knowledge, book: Knowledge) -> None:
    left = not_converted_by(book, ["ashton-2002"])
    assert "etizolam" in left
    assert all(north.agents[name].equivalents == book.agents[name].equivalents for name in left)
    assert "This site reads Ashton 2002; where it has no row, the range of the other sources." in north.texts["equivalence_note"]


@pytest.mark.parametrize(
    ("rule", "day", "status"),
    [
        ("faster-is-fine", "2026-12-05", Status.SILENT),
        ("faster-is-fine", "2030-01-01", Status.SILENT),
        ("crossover", "2027-02-28", Status.SILENT),
        ("crossover", "2027-03-01", Status.ACTIVE),
        ("cut-too-fast", "2026-12-05", Status.ACTIVE),
    ],
)
def test_a_rule_is_silent_always_or_until_a_day(with_site: Callable[..., Knowledge], rule: str, day: str, status: Status) -> None:
    book = with_site()
    assert overlaid(book, book.sites["north"], date.fromisoformat(day)).rule(rule).status is status


def test_a_draft_rule_stays_a_draft(with_site: Callable[..., Knowledge]) -> None:
    book = with_site()
    drafts = tuple(replace(rule, status=Status.DRAFT) if rule.id == "faster-is-fine" else rule for rule in book.rules)
    assert site(replace(book, rules=drafts), "north", DAY).rule("faster-is-fine").status is Status.DRAFT


def test_an_override_reason_has_the_site_s_words_and_its_own_code(north: Knowledge, book: Knowledge) -> None:
    ours, theirs = book.override_reasons["supervised"], north.override_reasons["supervised"]
    assert theirs == replace(ours, display="It is supervised on our ward")


def test_an_override_reason_that_is_left_out_is_on_no_card_and_is_understood_all_the_same(north: Knowledge) -> None:
    offered = {name for rule in north.advice() if rule.card for name in rule.card.override_reasons}
    assert "urgent-harm" not in offered and "supervised" in offered
    assert "urgent-harm" in north.override_reasons


def test_a_sign_off_takes_the_place_of_needing_one(north: Knowledge) -> None:
    labels = [north.evidence[because.cite].label for because in north.rule("cut-too-fast").because]
    assert "local default, signed off by the committee on 2026-11-30" in labels
    assert not [label for label in labels if "needs clinical sign-off" in label]
    editions = [north.evidence[edition.cite].label for edition in north.parameters["small_step_limit"].editions]
    assert editions == ["Ashton 2002", "local default, signed off by the committee on 2026-11-30"]
    others = {north.evidence[because.cite].label for rule in north.rules for because in rule.because}
    assert "local default, needs clinical sign-off" in others


def test_a_card_that_names_the_origin_of_a_number_names_who_signed_it_off(with_site: Callable[..., Knowledge]) -> None:
    signed = site(with_site(("small_step_limit: {value: 5 mg diazepam", "taper_basis: {value: current")), "north", DAY)
    note = Wording({}, {}, signed, DAY).detail("{{ text.basis_note }}")
    assert "(local default, signed off by the committee on 2026-11-30)" in note


def test_a_sign_off_of_an_older_version_no_longer_counts_and_stops_nothing(book: Knowledge, whole: str) -> None:
    raised = replace(book, rules=tuple(replace(rule, version=rule.version + 1) for rule in book.rules))
    problems = Problems()
    found = sites({"sites/north.yaml": dedent(whole).lstrip("\n").encode()}, raised, problems)
    [warning] = problems.found
    assert (warning.code, warning.severity, warning.position.line) == ("RULE165", Severity.WARNING, 12)
    here = overlaid(raised, found["north"], DAY)
    assert here.rule("cut-too-fast").because == book.rule("cut-too-fast").because


def test_the_engine_takes_the_overlay_and_weighs_with_its_numbers(north: Knowledge) -> None:
    engine = Engine(north)
    assert engine.ready()
    engine.close()


def test_an_overlay_changes_only_what_it_names(with_site: Callable[..., Knowledge], book: Knowledge) -> None:
    here = site(with_site(), "north", DAY)
    changed = {name for name, one in here.parameters.items() if one != book.parameters[name]}
    assert changed == {"largest_cut_in_two_weeks", "crossover_target", "small_step_limit"}
    silent = {rule.id for rule in here.rules if rule.status is not book.rule(rule.id, rule.kind).status}
    assert silent == {"faster-is-fine", "crossover"}


BROKEN = [
    ("a key misspelt", ("equivalence_source:", "equivalence_sources:"), "RULE020", 7),
    ("no reason", ("silent: yes, because: it fits us", "silent: yes"), "RULE021", 9),
    ("nobody approved it", ("use: [ashton-2002], because: it fits us, approved_by: the committee",
                            "use: [ashton-2002], because: x"), "RULE021", 7),
    ("no review", ("value: 20 percent, from: 2026-12-01, because: it fits us, approved_by: the committee, review_by: 2027-12-01",
                   "value: 20 percent, from: 2026-12-01, because: it fits us, approved_by: x"), "RULE021", 5),
    ("no day", ("from: 2026-12-01, because: it fits us, approved_by: the committee, review_by: 2027-12-01}\n  crossover_target",
                "from: soon, because: x, approved_by: y, review_by: 2027-12-01}\n  crossover_target"), "RULE023", 5),
    ("a parameter misspelt", ("largest_cut_in_two_weeks", "largest_cut_in_two_week"), "RULE110", 5),
    ("a parameter that is not for sites", ("largest_cut_in_two_weeks: {value: 20 percent", "older_adult_age: {value: 60 years"),
     "RULE160", 5),
    ("above the bounds", ("20 percent", "26 percent"), "RULE161", 5),
    ("below the bounds", ("20 percent", "4 percent"), "RULE161", 5),
    ("a name that is not offered", ("value: clonazepam", "value: lorazepam"), "RULE161", 6),
    ("another unit", ("20 percent", "20 days"), "RULE112", 5),
    ("no number", ("20 percent", "some"), "RULE023", 5),
    ("an unknown source", ("[ashton-2002]", "[ashton]"), "RULE120", 7),
    ("a source that converts nothing", ("[ashton-2002]", "[fda-2020]"), "RULE120", 7),
    ("no source", ("[ashton-2002]", "[]"), "RULE022", 7),
    ("an unknown rule", ("advice/faster-is-fine", "advice/faster-is-fin"), "RULE163", 9),
    ("a rule without its kind", ("advice/faster-is-fine", "faster-is-fine"), "RULE163", 9),
    ("silent and until a day", ("silent: yes", "silent: yes, silent_until: 2027-01-01"), "RULE021", 9),
    ("not silent", ("silent: yes", "silent: no"), "RULE023", 9),
    ("another version signed", ("version: ", "version: 9"), "RULE165", 12),
    ("another value signed", ("value: 5 mg diazepam", "value: 4 mg diazepam"), "RULE165", 13),
    ("a guideline's number signed", ("small_step_limit: {value: 5 mg diazepam", "high_dose: {value: 15 mg diazepam"),
     "RULE164", 13),
    ("an unknown number signed", ("small_step_limit:", "smal_step_limit:"), "RULE110", 13),
    ("an unknown override reason", ("supervised: {", "supervise: {"), "RULE124", 15),
    ("an override reason with words that is left out", ("left_out: yes", "left_out: yes, display: x"), "RULE021", 16),
    ("an override reason without a change", ("left_out: yes, ", ""), "RULE021", 16),
    ("no such status", ("status: active", "status: on"), "RULE023", 3),
    ("another name than the file's", ("site: north", "site: south"), "RULE024", 1),
    ("a list for a mapping", ("rules:\n", "rules: []\nothers:\n"), "RULE022", 8),
    ("a risk silenced under advice that asks about it", ("advice/faster-is-fine", "risk/dependence-likely"), "RULE107", 9),
    ("a tab", ("title: North", "title:\tNorth"), "RULE003", 2),
    ("a key twice", ("status: active", "status: active\nstatus: active"), "RULE002", 4),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "line"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_site_is_refused_at_its_line(
    with_site: Callable[..., Knowledge], change: tuple[str, str], code: str, line: int
) -> None:
    found = refused(lambda: with_site(change))
    assert (code, "rules/sites/north.yaml", line) in {(one.code, one.position.file, one.position.line) for one in found}


@pytest.mark.parametrize(
    ("id", "good"), [("north-2", True), ("n" * 63, True), ("n" * 64, False), ("North", False), ("a+b", False), ("-a", False)]
)
def test_the_id_of_a_site_can_stand_behind_a_revision(book: Knowledge, id: str, good: bool) -> None:
    problems = Problems()
    sites({f"sites/{id}.yaml": f"site: {id}\ntitle: North\nstatus: active\n".encode()}, book, problems)
    assert [problem.code for problem in problems.found] == ([] if good else ["RULE023"])


def test_a_broken_site_refuses_the_whole_folder(whole: str) -> None:
    broken = dedent(whole).lstrip("\n").replace("20 percent", "26 percent")
    assert {one.code for one in refused(lambda: from_files({**FILES, "sites/north.yaml": broken.encode()}))} == {"RULE161"}


def test_what_is_misspelt_is_told_with_the_nearest_name(with_site: Callable[..., Knowledge]) -> None:
    said = [str(one) for one in refused(lambda: with_site(("advice/faster-is-fine", "advice/faster-is-fin")))]
    assert any("Did you mean advice/faster-is-fine?" in one for one in said)


@pytest.mark.parametrize(("day", "code"), [("2027-12-01", None), ("2027-12-02", "RULE162")])
def test_a_change_holds_to_the_end_of_its_review_day(with_site: Callable[..., Knowledge], day: str, code: str | None) -> None:
    book = with_site()
    if code is None:
        site(book, "north", date.fromisoformat(day))
        return
    found = refused(lambda: site(book, "north", date.fromisoformat(day)))
    assert {one.code for one in found} == {code}
    assert len(found) == 9  # each change by itself


def test_a_draft_is_not_served(with_site: Callable[..., Knowledge]) -> None:
    [problem] = refused(lambda: site(with_site(("status: active", "status: draft")), "north", DAY))
    assert (problem.code, problem.position.file) == ("RULE166", "rules/sites/north.yaml")


def test_a_site_without_a_file_is_told_with_the_nearest_name(with_site: Callable[..., Knowledge]) -> None:
    [problem] = refused(lambda: site(with_site(), "nort", DAY))
    assert (problem.code, problem.do) == ("RULE166", "Did you mean north?")


def test_the_example_is_a_draft_in_which_nothing_is_wrong(book: Knowledge) -> None:
    assert not book.sites["example-site"].active
    assert len([*book.sites["example-site"].approvals()]) == 9
