"""What `cds rules check` tells beyond what the loader refuses: edits of the shipped rule files, and what is said of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds.cli.rules import test as rules_test
from cds.cli.rules.check import checked
from cds.cli.rules.schema import schemas_in
from cds.knowledge.loader import assembled, files_of
from cds.knowledge.problems import CODES, Problem, Problems, Severity

RULES = Path(__file__).parents[2] / "rules"
FILES = files_of(RULES)
SHIPPED = assembled(FILES, Problems())

LONG, OLDER, FAST, ORDER = "risk/long-use.yaml", "risk/older-adult.yaml", "advice/cut-too-fast.yaml", "advice/order.yaml"
PTSD, REVIEW, FLUMAZENIL = "risk/post-traumatic-stress.yaml", "advice/review-long-use.yaml", "advice/flumazenil.yaml"
SOURCES, NUMBERS = "evidence.yaml", "parameters/patient.yaml"
AGE = "- age: {is at least: older_adult_age}"
ALLOWED = {"RULE201", "RULE212"}
"""The warnings that the shipped rule book may have: a source for what is on its way, advice that sharpens another."""

LINTS = [
    ("a source that nothing cites", SOURCES, "sources:\n", "sources:\n  x: {title: X, label: X, origin: study}\n", "RULE201",
     "  x: {title"),
    ("a source of a drug that there is not", "drugs/agents.yaml", "cite: [alprazolam-label,", "cite: [alprazolam,", "RULE120",
     "cite: [alprazolam,"),
    ("conditions that exclude each other", OLDER, AGE, f"{AGE}\n    - age: {{is less than: older_adult_age}}", "RULE210",
     "  all:"),
    ("advice that answers no hook", FAST, "hooks: [order-select, order-sign]", "hooks: []", "RULE210", "advice: "),
    ("a card with a number that is not in force yet", FLUMAZENIL, "from: 2026-01-01", "from: 2025-07-01", "RULE111", "advice: "),
    ("evidence as old as a number that is not in force yet", NUMBERS,
     "falls_window:\n  means: How old a fall may be\n  unit: days\n  values:\n    2026-01-01",
     "falls_window:\n  means: How old a fall may be\n  unit: days\n  values:\n    2099-01-01", "RULE111", None),
    ("a summary that long values fill", FAST, "[[{{ cut_in_short }} is too fast]]",
     "{{ agent }} after {{ use_length }} of use on {{ days_a_week }}, now {{ takes_now }} a day: a cut that is faster than "
     "anything that was agreed upon",
     "RULE123", "advice: "),
    ("a boundary that no example has", OLDER, "age: 65 years", "age: 66 years", "RULE135", AGE),
    ("a condition that no example decides", FAST, "short_use: no, end_of_life_care: yes}", "short_use: no, end_of_life_care: no}",
     "RULE131", None),
    ("a choice that no example has", "risk/short-acting.yaml", "agent_duration: ultra-short,", "agent_duration: short,",
     "RULE135", "- agent_duration: {is one of: [ultra-short, short]}"),
    ("an example that is silent for another reason", "advice/abrupt-stop.yaml",
     "order_action: stop,\n      order_ends_without_taper: no, order_cut: 0 percent,",
     "order_action: continue,\n      order_ends_without_taper: no, order_cut: 0 percent,", "RULE136",
     "- name: The last small step"),
    ("an example that names what does not block", "advice/abrupt-stop.yaml", "expect: {nothing because: order_cut}",
     "expect: {nothing because: end_of_life_care}", "RULE131", "- name: The last small step"),
]  # fmt: skip
"""Name, file, what is replaced, by what, the code, and a text on the blamed line (None: only the file)."""


def edited(file: str, old: str, new: str) -> dict[str, bytes]:
    text = FILES[file].decode()
    assert old in text, f"{file} does not hold {old!r}"
    return {**FILES, file: text.replace(old, new, 1).encode()}


def line_of(files: dict[str, bytes], file: str, part: str) -> int:
    text = files[file].decode()
    return text[: text.index(part)].count("\n") + 1


def of_code(problems: tuple[Problem, ...], code: str) -> list[Problem]:
    return [problem for problem in problems if problem.code == code]


@pytest.mark.parametrize("edit", LINTS, ids=lambda edit: edit[0])
def test_what_an_author_should_know_is_told_at_its_line(edit: tuple[str, str, str, str, str, str | None]) -> None:
    _, file, old, new, code, at = edit
    files = edited(file, old, new)
    _, problems = checked(files)
    found = of_code(problems, code)
    if at is None:
        assert found, problems
        return
    places = [(problem.position.file, problem.position.line) for problem in found]
    assert (f"rules/{file}", line_of(files, file, at)) in places, problems


def test_the_shipped_rule_book_has_no_error_and_only_warnings_that_are_known() -> None:
    _, problems = checked(FILES, schemas=schemas_in(RULES))
    assert [str(problem) for problem in problems if problem.severity is Severity.ERROR or problem.code not in ALLOWED] == []


def test_everything_is_told_at_once() -> None:
    """A broken rule does not hide what is wrong with another, in its conditions or in its examples."""
    files = {
        **edited(FAST, "order_cut: {is more than", "order_cutt: {is more than"),
        OLDER: FILES[OLDER].replace(b"age: 65 years", b"age: 66 years"),
        LONG: FILES[LONG].replace(b"expect: found", b"expect: nothing", 1),
    }
    _, problems = checked(files)
    assert {"RULE101", "RULE135", "RULE131"} <= {problem.code for problem in problems}


def test_a_rule_that_combines_in_too_many_ways_is_blamed_alone() -> None:
    asked = (("age", "years"), ("audit_c", "points"), ("phq9_item9", "points"))
    groups = (", ".join(f"{{{fact}: {{is: {2 * number} {unit}}}}}" for number in range(20)) for fact, unit in asked)
    files = edited(OLDER, AGE, "\n    ".join(f"- any: [{group}]" for group in groups))
    found = of_code(checked(files)[1], "RULE133")
    assert {problem.position.file for problem in found} == {f"rules/{OLDER}"}


def test_a_rule_that_asks_about_more_facts_than_the_engine_takes_is_told() -> None:
    facts = [name for name, fact in SHIPPED.vocabulary.items() if fact.type == "yes_no" and fact.asked_by == "every rule"]
    amounts = [fact for fact in SHIPPED.vocabulary.values() if fact.type == "quantity" and fact.asked_by == "every rule"]
    conditions = [*(f"- {name}: {{is: yes}}" for name in facts), *(f"- {one.name}: {{is: 1 {one.unit}}}" for one in amounts)]
    found = of_code(checked(edited(OLDER, AGE, "\n    ".join(conditions)))[1], "RULE134")
    assert [problem.position.file for problem in found] == [f"rules/{OLDER}"]


def copied(file: str, id: str, *changes: tuple[str, str]) -> dict[str, bytes]:
    """The files with a copy of a rule under another id, changed."""
    kind, name = file.removesuffix(".yaml").split("/")
    text = FILES[file].decode().replace(f"{kind}: {name}", f"{kind}: {id}")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    files = {**FILES, f"{kind}/{id}.yaml": text.encode()}
    return files if kind == "risk" else {**files, ORDER: FILES[ORDER] + f"  - {id}\n".encode()}


def test_two_rules_that_are_true_of_the_same_facts_are_told() -> None:
    [problem] = of_code(checked(copied(PTSD, "trauma"))[1], "RULE211")
    assert "trauma is true exactly when post-traumatic-stress is" in problem.seen


def test_two_rules_that_are_never_in_force_together_are_no_double() -> None:
    files = copied(PTSD, "trauma", ("{from: 2026-01-01}", "{from: 2030-01-01}"))
    files[PTSD] = files[PTSD].replace(b"{from: 2026-01-01}", b"{from: 2026-01-01, to: 2029-12-31}")
    assert of_code(checked(files)[1], "RULE211") == []


def test_a_draft_is_no_double() -> None:
    assert of_code(checked(copied(PTSD, "trauma", ("status: active", "status: draft")))[1], "RULE211") == []


def test_a_risk_that_lies_in_another_and_asks_for_nothing_of_its_own_is_told() -> None:
    narrow = ("- ptsd_on_record: {is: yes}", "- ptsd_on_record: {is: yes}\n    - age: {is at least: older_adult_age}")
    files = copied(PTSD, "trauma", narrow, ("about: patient", "about: use"))
    [problem] = [one for one in of_code(checked(files)[1], "RULE212") if "trauma" in one.seen]
    assert problem.severity is Severity.WARNING


def test_a_risk_that_lies_in_another_and_asks_for_more_is_not_told() -> None:
    narrow = ("- ptsd_on_record: {is: yes}", "- ptsd_on_record: {is: yes}\n    - age: {is at least: older_adult_age}")
    more = ("then:\n", "then:\n  pace: slower\n")
    told = of_code(checked(copied(PTSD, "trauma", narrow, more))[1], "RULE212")
    assert [one for one in told if "trauma" in one.seen] == []


def test_two_cards_about_the_same_orders_with_different_indicators_are_told() -> None:
    file = "advice/several-benzodiazepines.yaml"
    narrow = ("- several_benzodiazepines: {is: yes}", "- several_benzodiazepines: {is: yes}\n    - older_adult: {is: yes}")
    files = copied(file, "several-at-an-age", narrow, ("indicator: warning", "indicator: critical"))
    [problem] = of_code(checked(files)[1], "RULE213")
    assert problem.seen.startswith("wherever several-at-an-age is true, several-benzodiazepines is too")


VERSIONS = [
    ("a condition", OLDER, "{is at least: older_adult_age}", "{is more than: older_adult_age}", ["RULE202"]),
    ("what it asks for", OLDER, "pace: standard", "pace: specialist", ["RULE202"]),
    ("what the card says", FAST, "is too fast", "is fast", ["RULE202"]),
    ("the hooks", FAST, "[order-select, order-sign]", "[order-sign]", ["RULE202"]),
    ("a condition, the version raised", OLDER, "version: 2", "version: 3", []),
    ("a number in place", NUMBERS, "{value: 65,", "{value: 70,", ["RULE203"]),
    ("a number from a later day on", NUMBERS, "    2025-06-01: {value: 65,", "    2027-01-01: {value: 70, cite: local-default}\n"
     "    2025-06-01: {value: 65,", []),
    ("the title", OLDER, "title: ", "title: An ", []),
    ("a comment", OLDER, "when:", "# a remark\nwhen:", []),
    ("the status", OLDER, "status: active", "status: silent", []),
]  # fmt: skip


@pytest.mark.parametrize(("what", "file", "old", "new", "codes"), VERSIONS, ids=[row[0] for row in VERSIONS])
def test_a_change_of_meaning_has_to_be_marked(what: str, file: str, old: str, new: str, codes: list[str]) -> None:
    files = edited(file, old, new)
    if what.endswith("version raised"):
        files[file] = files[file].replace(b"is at least: older_adult_age", b"is more than: older_adult_age")
    _, problems = checked(files, before=SHIPPED)
    assert [problem.code for problem in problems if problem.code in ("RULE202", "RULE203")] == codes


def test_what_no_example_decides_is_an_error_once_released_and_a_warning_before() -> None:
    for status, severity in (("active", Severity.ERROR), ("silent", Severity.ERROR), ("draft", Severity.WARNING)):
        files = copied(OLDER, "elder", ("status: active", f"status: {status}"), ("age: 65 years", "age: 66 years"))
        told = [problem for problem in of_code(checked(files)[1], "RULE135") if "elder" in problem.seen]
        assert {problem.severity for problem in told} == {severity}


def test_an_example_that_other_rules_decide_differently_is_told() -> None:
    """Alone the rule can't tell; in a whole decision the risk that it asks about is weighed from the facts given."""
    given = "order_action: continue, takes_now: 10 mg,"
    files = edited(REVIEW, given, f"{given} use_length: 240 days, days_a_week: 7 days a week,")
    [problem] = rules_test.tested(files)[1]
    assert problem.code == "RULE137"
    assert "in a whole decision review-long-use gets its card" in problem.seen


def test_schemas_that_are_not_those_of_the_rules_are_told() -> None:
    held = schemas_in(RULES)
    assert held is not None
    _, problems = checked(edited("vocabulary.yaml", "  age:\n    means: Age", "  age:\n    means: The age"), schemas=held)
    assert [problem.code for problem in problems if problem.code == "RULE150"] == ["RULE150"]


def test_a_file_without_the_line_that_names_its_schema_is_told() -> None:
    files = {**FILES, OLDER: FILES[OLDER].split(b"\n", 1)[1]}
    [problem] = of_code(checked(files, schemas=schemas_in(RULES))[1], "RULE151")
    assert problem.position.file == f"rules/{OLDER}"


def test_every_code_that_is_told_has_a_name() -> None:
    assert {edit[4] for edit in LINTS} <= CODES.keys()
