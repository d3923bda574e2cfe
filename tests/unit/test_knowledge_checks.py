"""What is wrong in a rule file is told with its place, its code, and the nearest right word; everything at once."""

from __future__ import annotations

import pytest

from cds.knowledge.problems import CODES

RISK, ADVICE = "risk/long-use.yaml", "advice/cut-too-fast.yaml"
WORDS, NUMBERS, PACES = "vocabulary.yaml", "parameters/taper.yaml", "paces.yaml"
CUT = "order_cut: {is more than: largest_cut_in_two_weeks}"

WRONG = [
    ("a tab", RISK, "title: Taken", "title:\tTaken", "2:7 RULE003", "a tab was used"),
    ("a key twice", RISK, "version: 1", "version: 1\nversion: 2", "5:1 RULE002", "`version`"),
    ("an alias", RISK, "title: Taken for long", "title: *x", "2:8 RULE004", "alias"),
    ("broken YAML", RISK, "in_force: {", "in_force: [", "5:28 RULE001", "not YAML"),
    ("an unknown key", RISK, "title:", "titel:", "2:1 RULE020", "Did you mean title?"),
    ("a missing key", RISK, "about: use\n", "", "1:1 RULE021", "`about` is missing"),
    ("a list for a text", RISK, "Taken for long", "[a, b]", "2:8 RULE022", "Expected: a text"),
    ("an unknown status", RISK, "active", "activ", "3:9 RULE023", "Did you mean active?"),
    ("a version of words", RISK, "version: 1", "version: one", "4:10 RULE023", "whole number"),
    ("a day that is none", RISK, "2026-01-01", "2026-02-30", "5:18 RULE023", "no day"),
    ("an end before the beginning", RISK, "-01}", "-01, to: 2025-01-01}", "5:34 RULE115", "ends before"),
    ("an unknown subject", RISK, "about: use", "about: drug", "6:8 RULE023", "agent, indication"),
    ("another id than the file's", RISK, "risk: long-use", "risk: long", "1:7 RULE024", "long-use.yaml"),
    ("a risk that is a fact", WORDS, "opioid:", "long_use:", "rules/risk/long-use.yaml:1:1 RULE026", "name of a fact"),
    ("a rule without a place", "advice/order.yaml", "- cut", "# - cut",
     "rules/advice/cut-too-fast.yaml:1:1 RULE027", "order.yaml"),
    ("a place without a rule", "advice/order.yaml", "fast", "fast\n  - cut-slow", "3:5 RULE027", "no advice rule"),
    ("an unknown fact", ADVICE, "order_cut: {is more", "order_cutt: {is more", "12:7 RULE101", "order_cut?"),
    ("an operator of another type", ADVICE, "long_use: {is: yes}", "long_use: {is at least: 1 days}",
     "11:18 RULE102", "can be asked: is"),
    ("a misspelt operator", ADVICE, "is more than", "is more then", "12:19 RULE102", "is more than?"),
    ("an unknown choice", ADVICE, "[reduce, stop]}\n    - long", "[reduced]}\n    - long",
     "10:34 RULE103", "Did you mean reduce?"),
    ("neither yes nor no", ADVICE, "hospice: {is: yes}", "hospice: {is: maybe}", "14:21 RULE103", "yes or no"),
    ("a text that is asked", ADVICE, "hospice: {is: yes}", "opioid: {is: x}", "14:7 RULE104", "only shown"),
    ("a risk rule that asks for the pace", RISK, "use_length: {is at least: long_time}", "pace: {is: hold}",
     "10:7 RULE104", "only advice rules"),
    ("a rule that asks nothing", RISK, "when:\n  all:\n    - use_length: {is at least: long_time}", "when: {}",
     "8:7 RULE105", "nothing is asked"),
    ("a group in a group in a group", RISK, "- use_length: {is at least: long_time}",
     "- any: [{all: [{any: [born: {is: 2000-01-01}]}]}]",
     "10:13 RULE106", "nest one level"),
    ("an unknown group", RISK, "  all:", "  every:", "9:3 RULE020", "all, any, none"),
    ("a shown rule on a hidden risk", RISK, "status: active", "status: draft",
     "rules/advice/cut-too-fast.yaml:11:7 RULE107", "draft"),
    ("an unknown parameter", ADVICE, CUT, "order_cut: {is more than: largest_cut}",
     "12:33 RULE110", "Did you mean largest_cut_in_two_weeks?"),
    ("a parameter before its first day", RISK, "from: 2026-01-01", "from: 2020-01-01", "10:33 RULE111", "2025-06-01"),
    ("a parameter of another unit", ADVICE, CUT, "order_cut: {is more than: long_time}",
     "12:33 RULE112", "Parameters in percent: largest_cut_in_two_weeks"),
    ("a number of another unit", ADVICE, CUT, "order_cut: {is more than: 25 days}", "12:33 RULE112", "order_cut is in percent"),
    ("months for days", RISK, "long_time", "3 months", "10:33 RULE114", "use_length is in days"),
    ("a number without unit", ADVICE, CUT, "order_cut: {is more than: 25}", "12:33 RULE113", "25 percent"),
    ("a span that is empty", ADVICE, CUT, "order_cut: {is between: [25 percent, 5 percent]}", "12:31 RULE115", "Swap them"),
    ("one value for two", ADVICE, CUT, "order_cut: {is between: [25 percent]}", "12:31 RULE022", "two values"),
    ("an unknown source", ADVICE, "cite: asam", "cite: asma", "17:11 RULE120", "Did you mean asam?"),
    ("an unknown source of a number", NUMBERS, "{value: 25, cite: asam}", "{value: 25, cite: ashton}",
     "6:35 RULE120", "no source"),
    ("an unknown fact on a card", ADVICE, "cut of {{ agent }}", "cut of {{ agnet }}", "27:12 RULE121", "agent?"),
    ("an advice fact in a risk", RISK, "{{ use_length }}", "{{ pace }}", "21:9 RULE121", "pace"),
    ("arithmetic on a card", ADVICE, "{{ order_cut }}", "{{ order_cut * 2 }}", "27:12 RULE122", "braces"),
    ("a summary that is too long", ADVICE, "is faster than", "is faster " + "and faster " * 12 + "than",
     "27:12 RULE123", "At most 139 fit"),
    ("an unknown override reason", ADVICE, "[patient-choice]", "[patient-chose]", "31:22 RULE124", "patient-choice?"),
    ("an unknown pace", RISK, "pace: standard", "pace: standart", "20:9 RULE023", "Did you mean standard?"),
    ("an unknown crossover", RISK, "pace: standard", "crossover: favors", "20:14 RULE023", "favours"),
    ("an unknown indicator", ADVICE, "indicator: warning", "indicator: warn", "25:14 RULE023", "warning"),
    ("an unknown hook", ADVICE, "order-sign]", "order-signed]", "6:23 RULE023", "Did you mean order-sign?"),
    ("an unknown suggestion", ADVICE, "[taper_plan]", "[tapering]", "29:13 RULE023", "naloxone"),
    ("no positive example", RISK, "expect: found", "expect: nothing", "1:1 RULE130", "no example expects: found"),
    ("no example that can't tell", RISK, "  - {name: No history, given: {}, expect: cannot tell}\n", "",
     "1:1 RULE130", "cannot tell"),
    ("the word of the other kind of rule", RISK, "expect: found", "expect: card", "24:64 RULE023", "found, nothing"),
    ("an example in another unit", RISK, "{use_length: 90 days}", "{use_length: 90 percent}", "24:46 RULE112", "days"),
    ("an example without unit", RISK, "{use_length: 90 days}", "{use_length: 90}", "24:46 RULE113", "days"),
    ("an example of an unknown fact", RISK, "{use_length: 90 days}", "{use_lenght: 90 days}", "24:34 RULE101", "use_length?"),
    ("an example with an unknown choice", ADVICE, "{order_action: reduce, long_use: yes, order_cut: 50",
     "{order_action: reduces, long_use: yes, order_cut: 50",
     "35:27 RULE103", "reduce?"),
    ("an example that names an unknown fact", RISK, "because: use_length", "because: length", "25:80 RULE101", "length"),
    ("a value set that is not there", WORDS, "[palliative-care]", "[palliative]", "7:92 RULE140", "palliative-care"),
    ("a quantity without unit", WORDS, ", unit: percent}", "}", "4:3 RULE021", "no unit"),
    ("an assumption without a reason", WORDS, "    because: It is taken only on suspicion.\n", "",
     "12:17 RULE023", "why it may be made"),
    ("a value outside its bounds", NUMBERS, "value: 25", "value: 26", "1:1 RULE115", "5 percent to 25 percent"),
    ("a bound in another unit", NUMBERS, "at_least: 5 percent", "at_least: 5 days", "4:31 RULE112", "percent"),
    ("a number of words", NUMBERS, "value: 60", "value: sixty", "11:25 RULE023", "no number"),
    ("a parameter without values", NUMBERS, "  values:\n    2025-06-01: {value: 25, cite: asam}", "  values: []",
     "5:11 RULE022", "dated value"),
    ("a pace with an unknown parameter", PACES, "interval: long_time", "interval: longtime", "2:82 RULE110", "long_time?"),
    ("a pace whose cut is in days", PACES, "cut: largest_cut_in_two_weeks", "cut: long_time", "2:46 RULE112", "percent"),
    ("a pace without a cut", PACES, "cut: largest_cut_in_two_weeks, ", "", "2:3 RULE021", "no cut"),
    ("braces in a shared text", "texts.yaml", "Some days are", "Some {{ days }} are", "1:1 RULE121", "days"),
    ("evidence of any age", WORDS, "type: yes_no,", "type: yes_no, within: forever,", "7:3 RULE110", "long_time"),
    ("evidence as old as a number in percent", WORDS, "type: yes_no,", "type: yes_no, within: largest_cut_in_two_weeks,",
     "7:3 RULE110", "no parameter in days"),
    ("a group of drugs that is empty", WORDS, "type: text}", "type: text, drug_groups: [opioids]}", "15:3 RULE141", "opioids"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "place", "says"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_mistake_is_told(problems_of, file: str, old: str, new: str, place: str, says: str) -> None:
    place = f"rules/{file}:{place}" if place[0].isdigit() else place
    found = [(f"{problem.position} {problem.code}", str(problem)) for problem in problems_of((file, old, new))]
    assert place in [where for where, _ in found], found
    assert any(says in text for where, text in found if where == place), found


def test_the_miniature_itself_has_no_problem(problems_of) -> None:
    assert problems_of() == ()


def test_a_file_that_is_missing_is_told(problems_of) -> None:
    told = [str(problem).splitlines()[0] for problem in problems_of(**{"paces.yaml": None})]
    assert "rules/paces.yaml:1:1: the file is missing." in told


def test_a_file_that_is_empty_is_told(problems_of) -> None:
    told = [f"{problem.position} {problem.code}" for problem in problems_of(**{"paces.yaml": "# nothing"})]
    assert "rules/paces.yaml:1:1 RULE022" in told


def test_a_parameter_in_two_files_is_told(problems_of) -> None:
    again = "long_time: {means: x, unit: days, values: {2025-01-01: {value: 1, cite: asam}}}"
    told = [f"{problem.position} {problem.code}" for problem in problems_of(**{"parameters/use.yaml": again})]
    assert "rules/parameters/use.yaml:1:1 RULE025" in told


def test_a_file_that_can_not_be_read_is_not_blamed_on_the_rules_that_ask_about_it(problems_of) -> None:
    assert [problem.code for problem in problems_of((RISK, "in_force: {", "in_force: ["))] == ["RULE001"]


def test_all_problems_are_told_at_once_in_the_order_of_files_and_lines(problems_of) -> None:
    changes = [
        (ADVICE, "order_cut: {is more", "order_cutt: {is more"),
        (RISK, "active", "activ"),
        (ADVICE, "is: yes", "is: maybe"),
    ]
    found = problems_of(*changes)
    places = [f"{problem.position.file}:{problem.position.line}" for problem in found]
    assert places == sorted(places, key=lambda place: (place.split(":")[0], int(place.split(":")[1])))
    assert {problem.code for problem in found} >= {"RULE101", "RULE103", "RULE023"}


def test_a_problem_says_where_what_was_seen_what_was_expected_and_what_to_do(problems_of) -> None:
    [problem] = problems_of((ADVICE, CUT, "order_cut: {is more than: long_time}"))
    assert str(problem) == (
        "rules/advice/cut-too-fast.yaml:12:33: order_cut is asked to be more than `long_time`, which is in days.\n"
        "  order_cut is in percent. Parameters in percent: largest_cut_in_two_weeks.\n"
        "  RULE112 unit-mismatch: cds rules explain RULE112"
    )


def test_every_code_has_one_name() -> None:
    assert len(set(CODES.values())) == len(CODES)
