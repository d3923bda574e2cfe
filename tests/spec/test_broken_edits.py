"""An edit that breaks a rule file is refused, with the right code at the right line: mutations of the files that are shipped."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import date
from itertools import zip_longest
from pathlib import Path

import pytest

from cds.cli.rules.check import checked
from cds.core.regimen import DayTime
from cds.errors import BadKnowledge
from cds.knowledge.checks.required_names import PARAMETERS
from cds.knowledge.checks.required_names import TEXTS as TEXTS_NEEDED
from cds.knowledge.drug_tables import Tables, tables
from cds.knowledge.files.parameters import NUMBERS as OF_PACES
from cds.knowledge.loader import files_of, from_files
from cds.knowledge.problems import CODES, Problem, Problems
from cds.knowledge.site_overlay import EQUIVALENCE_NOTE

RULES = Path(__file__).parents[2] / "rules"
FILES = files_of(RULES)

RISK, ADVICE, ORDER = "risk/alcohol-use.yaml", "advice/cut-too-fast.yaml", "advice/order.yaml"
NUMBERS, WORDS, SOURCES = "parameters/taper.yaml", "vocabulary.yaml", "evidence.yaml"
PACES, TEXTS, REASONS, DECLINED = "paces.yaml", "texts.yaml", "override-reasons.yaml", "declined.yaml"
SET, INDEX, RELEASED = "value-sets/falls-and-frailty.csv", "value-sets/index.yaml", "value-sets/released.csv"
PRODUCTS, OTHERS, NAMES = "drugs/products.csv", "drugs/other-drugs.csv", "drugs/names.csv"
AGENTS, DOSING, KINETICS = "drugs/agents.yaml", "drugs/dosing.yaml", "drugs/pharmacokinetics.yaml"
ADJUNCTS = "drugs/adjuncts.yaml"
SITE = "sites/example-site.yaml"
EQUIVALENTS, INTERACTIONS = "drugs/equivalents.yaml", "drugs/interactions.yaml"

MISSPELT = [
    (RISK, ["risk", "title", "status", "version", "in_force", "about", "when", "because", "expect_false_alarms", "then"]),
    (RISK, ["examples"]),
    (RISK, ["any", "  - cite", "    says", "    strength", "  setting", "  watch", "  - name", "    given", "    expect"]),
    (ADVICE, ["advice", "hooks", "card", "  indicator", "  summary", "  detail", "  suggest", "  if we cannot tell"]),
    (ADVICE, ["  override_reasons", "  all", "  none"]),
    (NUMBERS, ["  means", "  unit", "  site_may_change", "  values"]),
    (WORDS, ["facts", "    means", "    type", "    choices", "    needs", "    if_missing", "    because", "    value_sets"]),
    (WORDS, ["    history", "    within", "    drug_groups", "    asked_by", "    unit"]),
    (SOURCES, ["sources", "    title", "    label", "    origin", "    year", "    url", "    read"]),
    (PACES, ["paces", "    says", "    plan", "    cut", "    interval", "    cite"]),
    (TEXTS, ["texts"]),
    (REASONS, ["override_reasons", "    system", "    code", "    display"]),
    (DECLINED, ["declined", "  cite", "  says", "  reasons", "  worse_when", "  must_be_known", "  not_compared"]),
    (DECLINED, ["    higher", "    lower", "    newly_yes", "    newly_no"]),
    (ORDER, ["order"]),
    (INDEX, ["value_sets", "    title", "    used_for", "    source"]),
    (SITE, ["site", "title", "status", "parameters", "equivalence_source", "rules", "sign_off"]),
    (SITE, ["    value", "    from", "    because", "    approved_by", "    review_by", "  use", "    silent"]),
    (SITE, ["    silent_until"]),
    (SITE, ["    version", "    on"]),
    (AGENTS, ["agents", "    kind", "    duration", "    high_potency", "    glucuronidated_only", "    enzymes"]),
    (AGENTS, ["    half_life", "    smallest_solid_step", "    forms", "    cite", "    verified"]),
    (EQUIVALENTS, ["default_sources", "agents", "    rows", "    not_converted"]),
    (ADJUNCTS, ["adjuncts", "    name", "    role", "    position", "    cite", "    verified", "    evidence", "    cautions"]),
    (KINETICS, ["agents", "    bioavailability", "    absorption", "    lag", "    volume", "    clearance", "    metabolite"]),
    (DOSING, ["time_units", "dose_units", "    measures", "    words", "    codes", "frequencies", "frequency_phrases", "sig"]),
    (DOSING, ["  times_a_day", "  every_days", "  as_needed", "  ignore", "parts", "  morning", "weekdays", "  mon", "meals"]),
]  # fmt: skip
"""Every key of every kind of rule file; each is written with one letter more, and is then no key that is known."""

EDITS = [
    ("a tab", RISK, "title: Alc", "title:\tAlc", "RULE003"),
    ("a tab that indents", ADVICE, "  indicator: info", "\tindicator: info", "RULE003"),
    ("a key twice", RISK, "version: 2", "version: 2\nversion: 3", "RULE002"),
    ("a fact twice in an example", RISK,
     "{sex: male, alcohol_use_disorder: yes, ", "{sex: male, alcohol_use_disorder: yes, alcohol_use_disorder: no, ",
     "RULE002"),
    ("an anchor", RISK, "title: Alc", "title: &a Alc", "RULE004"),
    ("a tag", RISK, "version: 2", "version: !!int 2", "RULE004"),
    ("a brace that is never closed", RISK, "- alcohol_use_disorder: {is: yes}", "- alcohol_use_disorder: {is: yes", "RULE001",
     "    - audit_c: {"),
    ("an adjunct that cites no source", ADJUNCTS, "cite: asam-2025-r24", "cite: asam-2025-r240", "RULE120"),
    ("a colon in a text without quotes", RISK, "says: Treat the", "says: Treat: the", "RULE001"),
    ("a number for a text", RISK, "title: Alcohol use disorder or a positive screen", "title: [Alcohol]", "RULE022"),
    ("a text for a list", ADVICE, "hooks: [order-select, order-sign]", "hooks: order-sign", "RULE022"),
    ("a list for a mapping", RISK, "in_force: {from: 2026-01-01}", "in_force: [2026-01-01]", "RULE022"),
    ("a condition that asks two things", RISK, "{is: yes}", "{is: yes, is one of: [yes]}", "RULE022"),
    ("an empty list of conditions", RISK, "when:\n", "when:\n  all: []\n", "RULE022"),
    ("an unknown status", RISK, "status: active", "status: live", "RULE023"),
    ("a version that is no number", RISK, "version: 2", "version: 1.2", "RULE023"),
    ("a version of 0", RISK, "version: 2", "version: 0", "RULE023"),
    ("a day that there is not", RISK, "from: 2026-01-01", "from: 2026-02-30", "RULE023"),
    ("a day in other words", RISK, "from: 2026-01-01", "from: 1 January 2026", "RULE023"),
    ("an end before the beginning", RISK, "{from: 2026-01-01}", "{from: 2026-01-01, to: 2025-12-31}", "RULE115"),
    ("an id that is not the file's", RISK, "risk: alcohol-use", "risk: alcohol", "RULE024"),
    ("an unknown subject", RISK, "about: patient", "about: person", "RULE023"),
    ("an unknown hook", ADVICE, "hooks: [order-select,", "hooks: [order-selected,", "RULE023"),
    ("an unknown fact", RISK, "- alcohol_use_disorder: {", "- alcohol_disorder: {", "RULE101"),
    ("an advice fact in a risk rule", RISK, "- alcohol_use_disorder: {is: yes}", "- pace: {is: slower}", "RULE104"),
    ("a text that is asked", ADVICE, "- end_of_life_care: {is: yes}", "- opioid: {is: codeine}", "RULE104"),
    ("an operator of numbers for yes or no", RISK, "- alcohol_use_disorder: {is: yes}",
     "- alcohol_use_disorder: {is at least: 1 points}", "RULE102"),
    ("a misspelt operator", ADVICE, "{is more than: ", "{is more then: ", "RULE102"),
    ("an unknown choice", "advice/abrupt-stop.yaml", "{is: stop}", "{is: stopped}", "RULE103"),
    ("maybe", RISK, "- alcohol_use_disorder: {is: yes}", "- alcohol_use_disorder: {is: maybe}", "RULE103"),
    ("a when that asks nothing", "risk/older-adult.yaml", "  all:\n    - age: {is at least: older_adult_age}", "  {}", "RULE105"),
    ("groups three deep", "risk/older-adult.yaml", "- age: {is at least: older_adult_age}",
     "- all: [{any: [{all: [{age: {is at least: older_adult_age}}]}]}]", "RULE106"),
    ("an unknown parameter", RISK, "audit_c_positive}", "audit_positive}", "RULE110"),
    ("a parameter in another unit", ADVICE, "largest_cut_in_two_weeks}", "long_use}", "RULE112"),
    ("a number in another unit", ADVICE, "largest_cut_in_two_weeks}", "25 days}", "RULE112"),
    ("a number in an unknown unit", ADVICE, "largest_cut_in_two_weeks}", "25 per cent}", "RULE114"),
    ("a number without unit", ADVICE, "largest_cut_in_two_weeks}", "25}", "RULE113"),
    ("a parameter before its first day", RISK, "from: 2026-01-01", "from: 2020-01-01", "RULE111", "audit_c_positive}"),
    ("a range from high to low", RISK, "{is at least: audit_c_positive}", "{is between: [5 points, 2 points]}", "RULE115"),
    ("an unknown source", RISK, "cite: asam-2025-r19", "cite: asam-2025-r91", "RULE120"),
    ("no source", RISK, "  - cite: asam-2025-r19\n    says: Treat", "  - says: Treat", "RULE021"),
    ("a number without source", NUMBERS, "{value: 25, cite: asam-2025-r6,", "{value: 25,", "RULE021"),
    ("a number of an unknown source", NUMBERS, "{value: 25, cite: asam-2025-r6,", "{value: 25, cite: me,", "RULE120"),
    ("a number of words", NUMBERS, "{value: 25,", "{value: twenty-five,", "RULE023"),
    ("a number with a comma", NUMBERS, "{value: 25,", '{value: "25,5",', "RULE023"),
    ("a number in another unit than its parameter", NUMBERS, "{value: 25,", "{value: 25 days,", "RULE112"),
    ("a number outside its bounds", NUMBERS, "{value: 25,", "{value: 26,", "RULE115", "largest_cut_in_two_weeks:"),
    ("a bound in another unit", NUMBERS, "{at_least: 5 percent, at_most: 25", "{at_least: 5 days, at_most: 25", "RULE112"),
    ("a parameter defined twice", "parameters/use.yaml", "long_use:", "low_dose:", "RULE025"),
    ("an unknown pace", "risk/older-adult.yaml", "pace: standard", "pace: slow", "RULE023"),
    ("an unknown crossover", "risk/older-adult.yaml", "crossover: against", "crossover: no", "RULE023"),
    ("a fact that no template knows", ADVICE, "{{ cut_in_short }} is too fast", "{{ cut_in_shortt }} is too fast", "RULE121"),
    ("a parameter that no template knows", ADVICE, "{{ parameter.largest_cut_in_two_weeks }}", "{{ parameter.largest_cut }}",
     "RULE121", "  in_full: |"),
    ("arithmetic in a template", ADVICE, "{{ cut_in_short }} is too fast", "{{ cut_in_short + 1 }} is too fast", "RULE122"),
    ("a loop in a template", ADVICE, "{{ cut_in_short }} is too fast", "{% for x in y %} is too fast", "RULE122"),
    ("a summary that is too long", ADVICE, '"[[{{ danger }}. ]]', '"' + "Which is too fast, " * 8 + "[[{{ danger }}. ]]",
     "RULE123"),
    ("an unknown indicator", ADVICE, "indicator: info", "indicator: hard-stop", "RULE023"),
    ("an unknown suggestion", ADVICE, "suggest: [continue_dose, taper_plan, crossover_plan]", "suggest: [taper]", "RULE023"),
    ("an unknown override reason", ADVICE, "[taper-already-agreed,", "[taper-agreed,", "RULE124"),
    ("no example that finds nothing", "risk/bipolar-or-psychosis.yaml", "expect: nothing", "expect: found", "RULE130", "risk: "),
    ("an example of the other kind", RISK, "expect: found", "expect: card", "RULE023"),
    ("an example in another unit", RISK, "audit_c: 4 points", "audit_c: 4 percent", "RULE112"),
    ("an example without unit", RISK, "audit_c: 4 points", "audit_c: 4", "RULE113"),
    ("an example of an unknown fact", RISK, "audit_c: 0 points}", "audit: 0 points}", "RULE101"),
    ("an example blocked by no fact", RISK, "expect: nothing", "expect: {nothing because: audit}", "RULE101"),
    ("a rule that has no place", ORDER, "  - cut-too-fast\n", "", "RULE027", "advice: cut-too-fast", ADVICE),
    ("a place that has no rule", ORDER, "  - cut-too-fast\n", "  - cut-too-fast\n  - cut-too-slow\n", "RULE027"),
    ("a released rule on a draft", "risk/end-of-life-care.yaml", "status: active", "status: draft", "RULE107",
     "- end_of_life_care: {is: yes}", ADVICE),
    ("a risk that is a fact", WORDS, "  use_length:\n", "  alcohol_use:\n", "RULE026", "risk: alcohol-use", RISK),
    ("an unknown type", WORDS, "    type: text", "    type: words", "RULE023"),
    ("a quantity without unit", WORDS, "    unit: years\n", "", "RULE021", "  age:"),
    ("an assumption without a reason", WORDS, "    because: A screen that was not done", "    because: ''\n    # A screen",
     "RULE023", None),
    ("evidence of any age", WORDS, "within: falls_window", "within: falls_windows", "RULE110", "  falls_or_frailty_on_record:"),
    ("a value set that there is not", WORDS, "value_sets: [insomnia]", "value_sets: [sleep]", "RULE140"),
    ("a group of drugs that there is not", WORDS, "drug_groups: [naloxone]", "drug_groups: [narcan]", "RULE141",
     "  naloxone_on_record:"),
    ("a pace without a cut", PACES, "    cut: short_cut\n", "", "RULE021", "  short:"),
    ("a pace of an unknown number", PACES, "cut: slower_cut", "cut: slow_cut", "RULE110"),
    ("a pace of a number in another unit", PACES, "cut: slower_cut", "cut: slower_interval", "RULE112"),
    ("a text of an unknown fact", TEXTS, "*Rebound*", "{{ rebound }}", "RULE121", None),
    ("a reason that is none", DECLINED, "    supply-elsewhere:", "    supply-somewhere:", "RULE124"),
    ("a reason for a number that there is not", DECLINED, ": declined_disagree", ": declined_disagreed", "RULE110"),
    ("a reason for a number in another unit", DECLINED, ": declined_disagree", ": low_dose", "RULE112"),
    ("a reason for a name", DECLINED, ": declined_disagree", ": declined_up_to", "RULE112"),
    ("a fact that is compared and that there is not", DECLINED, "      - takes_now\n", "      - takes_then\n", "RULE101"),
    ("a yes_no that is higher", DECLINED, "      - takes_now\n", "      - pregnant\n", "RULE101"),
    ("a number that is newly yes", DECLINED, "      - pregnant\n", "      - order_cut\n", "RULE101"),
    ("a fact that is compared in two ways", DECLINED, "      - order_taper_length",
     "      - order_cut\n      - order_taper_length", "RULE025", "      - order_cut\n      - order_taper_length"),
    ("a comparison of an unknown source", DECLINED, "cite: local-default", "cite: us", "RULE120"),
    ("a file that is empty", TEXTS, "", "", "RULE022", None),
    ("a risk that asks about itself", RISK, "- alcohol_use_disorder: {is: yes}", "- alcohol_use: {is: yes}", "RULE104"),
    ("two risks that would ask about each other", RISK, "- alcohol_use_disorder: {is: yes}", "- substance_use: {is: yes}",
     "RULE104"),
    ("a text that names itself", TEXTS, "*Sources differ", "{{ text.equivalence_note }} *Sources differ", "RULE121", None),
    ("an alias of what it stands in", RISK, "examples:\n", "examples: &all\n  - *all\n", "RULE004"),
    ("a site's value above its bounds", SITE, "value: 20 percent", "value: 26 percent", "RULE161"),
    ("a site's value below its bounds", SITE, "value: 20 percent", "value: 4 percent", "RULE161"),
    ("a site's value in another unit", SITE, "value: 20 percent", "value: 20 days", "RULE112"),
    ("a site that moves what it may not", SITE, "  crossover_target:", "  older_adult_age:", "RULE160"),
    ("a site that moves an unknown number", SITE, "  crossover_target:", "  crossover_targets:", "RULE110"),
    ("a site that silences an unknown rule", SITE, "advice/faster-is-fine:", "advice/faster-is-good:", "RULE163"),
    ("a site that reads an unknown source", SITE, "use: [ashton-2002]", "use: [ashton-2003]", "RULE120"),
    ("a site without a reason", SITE, "    because: Our patients are older than the guideline's.\n", "", "RULE021",
     "    value: 20 percent"),
    ("a site that signs off another value", SITE, "value: 5 mg diazepam", "value: 6 mg diazepam", "RULE165"),
    ("a word that says not how often", DOSING, "- {days: 7,\n", "- {\n", "RULE021"),
    ("how many mg a mcg is", DOSING, "mcg: {measures: mg, of_one: 0.001,", "mcg: {measures: mg,", "RULE021"),
    ("how many mg a mcg is, misspelt", DOSING, "mcg: {measures: mg, of_one:", "mcg: {measures: mg, ofone:", "RULE020"),
]  # fmt: skip
"""Name, file, what is replaced, by what, the code; where another line is blamed, a text on it, and its file."""

EDITS_OF_TABLES = [
    ("a value set that lost a code", SET, r"\n[^\n]+\n", "\n", "RULE140", None),
    ("a code that stands twice", SET, r"(\n[^\n]+)\n", r"\1\1\n", "RULE025", None),
    ("a row with a cell too many", SET, r"\n([^\n]+)\n", r"\n\1,more\n", "RULE011", 2),
    ("a value set that is not in the index", INDEX, r"(?s)\n  insomnia:.*?(?=\n  \S)", "", "RULE010", None),
    ("a value set that is released and gone", INDEX, r"(?s)\n  insomnia:.*?(?=\n  \S)", "", "RULE140", None),
    ("a table with other columns", PRODUCTS, "^system,code", "system,codes", "RULE011", 1),
    ("a product of an unknown agent", PRODUCTS, r"\n([^\n]*),alprazolam,", r"\n\1,alprazolan,", "RULE023", None),
    ("an interaction of an unknown kind", INTERACTIONS, "kind: inducer", "kind: induces", "RULE023", None),
    ("an interaction of an unknown source", INTERACTIONS, r"cite: [\w-]+", "cite: nobody", "RULE120", None),
]  # fmt: skip
"""Name, file, a pattern and what takes its first place, the code, and the line where it is fixed."""


@pytest.fixture(scope="module")
def shelves() -> Tables:
    return tables(FILES, Problems())


@pytest.fixture(scope="module")
def refused(shelves: Tables) -> Callable[..., list[Problem]]:
    """The problems for which an edited file is refused. The tables are read anew only where one was edited."""

    def problems(file: str, text: str) -> list[Problem]:
        edited = {**FILES, file: text.encode()}
        folder = file.split("/")[0]
        try:
            from_files(edited, tables if folder in ("drugs", "value-sets") else lambda *_: shelves)
        except BadKnowledge as refusal:
            return [problem for problem in refusal.problems if isinstance(problem, Problem)]
        return []

    return problems


def text_of(file: str) -> str:
    return FILES[file].decode()


def line_of(text: str, part: str) -> int:
    """The number of the first line that holds the part."""
    return text[: text.index(part)].count("\n") + 1


def first_changed(before: str, after: str) -> int:
    """The number of the first line that is another than before."""
    lines = zip_longest(before.splitlines(), after.splitlines())
    return next(number for number, (old, new) in enumerate(lines, start=1) if old != new)


def places(problems: list[Problem]) -> set[tuple[str, str, int]]:
    return {(problem.code, problem.position.file.removeprefix("rules/"), problem.position.line) for problem in problems}


def test_the_files_that_are_shipped_are_not_refused() -> None:
    from_files(FILES)


@pytest.mark.parametrize(
    ("file", "key"), [(file, key) for file, keys in MISSPELT for key in keys], ids=lambda value: str(value).strip(" -")
)
def test_a_misspelt_key_is_refused_where_it_stands(file: str, key: str, refused: Callable[..., list[Problem]]) -> None:
    before, text = text_of(file), text_of(file)
    found = re.search(rf"^{re.escape(key) if key.startswith(' ') else f' *{key}'}:", text, re.MULTILINE)
    assert found, f"{file} has no key {key}"
    edited = before[: found.end() - 1] + "x" + before[found.end() - 1 :]
    line = before[: found.end()].count("\n") + 1
    told = refused(file, edited)
    assert ("RULE020", file, line) in places(told), told
    [problem] = [one for one in told if (one.code, one.position.line) == ("RULE020", line)]
    assert problem.expected or problem.do


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit[0])
def test_a_broken_edit_is_refused_with_its_code_at_its_line(
    edit: tuple[str | None, ...], refused: Callable[..., list[Problem]]
) -> None:
    _, file, old, new, code, *elsewhere = edit
    text = text_of(file)
    assert old in text, f"{file} does not hold {old!r}"
    edited = text.replace(old, new, 1) if old else ""
    told = places(refused(file, edited))
    blamed = elsewhere[1] if len(elsewhere) > 1 else file
    if elsewhere and elsewhere[0] is None:
        assert (code, file) in {place[:2] for place in told}, told
        return
    where = edited if blamed == file else text_of(blamed)
    line = line_of(where, elsewhere[0]) if elsewhere else first_changed(text, edited)
    assert (code, blamed, line) in told, f"{code} at {blamed}:{line} is not in {told}"


@pytest.mark.parametrize("edit", EDITS_OF_TABLES, ids=lambda edit: edit[0])
def test_a_broken_table_is_refused_with_its_code(
    edit: tuple[str, str, str, str, str, int | None], refused: Callable[..., list[Problem]]
) -> None:
    _, file, old, new, code, line = edit
    edited, changes = re.subn(old, new, text_of(file), count=1)
    assert changes == 1, f"{file} does not hold {old!r}"
    told = places(refused(file, edited))
    assert code in {place[0] for place in told}, told
    if line is not None:
        assert (code, file, line) in told


NEEDED = [(unit, name) for unit, names in PARAMETERS.items() for name in names]


def entry_of(name: str) -> tuple[str, re.Match[str]]:
    """The file of a parameter, and its entry there."""
    entry = re.compile(rf"^{name}:\n(?:(?: .*)?\n)*", re.MULTILINE)
    found = ((file, entry.search(text_of(file))) for file in FILES if file.startswith("parameters/"))
    return next((file, match) for file, match in found if match)


@pytest.mark.parametrize("name", [name for _, name in NEEDED])
def test_a_number_that_the_program_counts_on_is_missed(name: str, refused: Callable[..., list[Problem]]) -> None:
    file, entry = entry_of(name)
    gone = refused(file, text_of(file).replace(entry[0], ""))
    assert f"the parameter {name} is not there" in " ".join(problem.seen for problem in gone if problem.code == "RULE116")
    renamed = refused(file, text_of(file).replace(f"\n{name}:", f"\n{name}x:"))
    assert f"Was it renamed to {name}x?" in " ".join(problem.do for problem in renamed if problem.code == "RULE116")


@pytest.mark.parametrize(("unit", "name"), NEEDED)
def test_a_number_that_the_program_counts_on_keeps_its_unit_and_is_in_force(
    unit: str, name: str, refused: Callable[..., list[Problem]]
) -> None:
    file, entry = entry_of(name)
    line = line_of(text_of(file), f"\n{name}:") + 1
    other = refused(file, text_of(file).replace(entry[0], entry[0].replace(f"unit: {unit}", "unit: other")))
    assert ("RULE112", file, line) in places(other)
    later = re.sub(r"^    \d{4}-\d\d-\d\d:", "    2099-01-01:", entry[0], flags=re.MULTILINE)
    if later.count("2099") == 1:
        assert ("RULE111", file, line) in places(refused(file, text_of(file).replace(entry[0], later)))


@pytest.mark.parametrize("name", TEXTS_NEEDED)
def test_a_text_that_the_program_counts_on_is_missed(name: str, refused: Callable[..., list[Problem]]) -> None:
    assert ("RULE116", TEXTS, 1) in places(refused(TEXTS, text_of(TEXTS).replace(f"  {name}:", f"  {name}x:")))


@pytest.mark.parametrize(("name", "value"), [("crossover_target", "diazepan"), ("taper_basis", "curent")])
def test_a_name_that_the_program_counts_on_is_one_that_there_is(
    name: str, value: str, refused: Callable[..., list[Problem]]
) -> None:
    file, entry = entry_of(name)
    edited = re.sub(r"value: \w+", f"value: {value}", entry[0])
    [problem] = [one for one in refused(file, text_of(file).replace(entry[0], edited)) if one.code == "RULE103"]
    assert problem.do in ("Did you mean diazepam?", "Did you mean current?")


def test_every_number_and_text_that_a_module_names_is_one_that_the_program_counts_on() -> None:
    book = from_files(FILES)
    named = {
        node.value
        for path in (RULES.parent / "cds").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    hours = {f"{time.value}_hour" for time in DayTime}
    assert {name for _, name in NEEDED} == (named | hours) & book.parameters.keys() - OF_PACES.keys()
    interactions = {f"{kind}_{change}" for kind in ("inhibitor", "inducer") for change in ("started", "stopped")}
    assert set(TEXTS_NEEDED) == (named | interactions) & book.texts.keys() - {EQUIVALENCE_NOTE}


def test_a_file_that_is_missing_is_refused_by_name() -> None:
    for name in (WORDS, SOURCES, PACES, ORDER):
        with pytest.raises(BadKnowledge) as refusal:
            from_files({other: content for other, content in FILES.items() if other != name})
        assert f"rules/{name}:1:1: the file is missing" in str(refusal.value)


def test_a_review_that_is_past_is_told_at_its_line() -> None:
    text = text_of(SITE).replace("status: draft", "status: active").replace("review_by: 2027-12-01", "review_by: 2026-11-22", 1)
    _, problems = checked({**FILES, SITE: text.encode()}, day=date(2026, 11, 23))
    assert places([*problems]) == {("RULE162", SITE, line_of(text, "review_by: 2026-11-22"))}


def test_every_code_of_a_refusal_is_one_that_has_a_page() -> None:
    assert {edit[4] for edit in [*EDITS, *EDITS_OF_TABLES]} <= CODES.keys()


def test_there_are_at_least_sixty_broken_edits() -> None:
    assert len(EDITS) + len(EDITS_OF_TABLES) + sum(len(keys) for _, keys in MISSPELT) >= 60
