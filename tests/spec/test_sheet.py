"""The patient's sheet: every word from one file a language, plain, complete, and free of what only the makers know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cds.core.medication import Form
from cds.core.patient_sheet import SheetFor, SheetTexts, as_text, counted_amount, sheet
from cds.core.regimen import DayTime
from cds.core.tablets import Presentation
from cds.core.taper_plan import Plan
from cds.decision.plan_files import as_page
from cds.decision.plans import CurrentDoses, crossover_plan, direct_plan, immediate_release_plan
from cds.errors import BadKnowledge
from cds.knowledge.loader import files_of, from_files, knowledge

RULES = Path(__file__).parents[2] / "rules"
BOOK = knowledge(RULES)
ENGLISH = BOOK.sheets["en"]
DAY = date(2026, 11, 23)


def takes(agent: str, extended_release: bool = False, **times: str) -> CurrentDoses:
    return CurrentDoses(agent, {DayTime(time): Decimal(mg) for time, mg in times.items()}, extended_release)


THREE_TIMES = {"morning": "1", "midday": "1", "night": "1"}
LIQUIDS = replace(BOOK, presentations={"alprazolam": tuple(one for one in BOOK.presentations["alprazolam"] if one.liquid)})
"""The rule book where no tablet is to be had."""
PLANS = {
    "direct": direct_plan(BOOK, DAY, takes("diazepam", morning="5", night="10"), "standard"),
    "four times a day": direct_plan(BOOK, DAY, takes("alprazolam", evening="1", **THREE_TIMES), "standard"),
    "direct with a liquid": direct_plan(LIQUIDS, DAY, takes("alprazolam", **THREE_TIMES), "slower"),
    "crossover": crossover_plan(BOOK, DAY, takes("alprazolam", **THREE_TIMES), "standard"),
    "crossover from capsules": crossover_plan(BOOK, DAY, takes("temazepam", night="30"), "slower"),
    "release": immediate_release_plan(BOOK, DAY, takes("alprazolam", True, night="3"), "slower"),
    "melting": direct_plan(BOOK, DAY, takes("clonazepam", morning="1", night="1"), "short"),
}


def with_first_step_of(days: int, plan: Plan) -> Plan:
    return replace(plan, steps=(replace(plan.steps[0], days=days), *plan.steps[1:]))


PLANS["odd days"] = with_first_step_of(10, PLANS["direct"])


def plan(name: str) -> Plan:
    found = PLANS[name]
    assert isinstance(found, Plan), name
    return found


REACH = 91
EVER = 10_000
"""A reach that shows every step."""


def told(name: str, words: SheetTexts = ENGLISH, reach: int = EVER):
    found = plan(name)
    agent = BOOK.agents[found.target]
    return sheet(found, words, SheetFor(sum((d.daily for d in found.steps[0].doses), Decimal(0)), agent.short_acting, reach))


each_plan = pytest.mark.parametrize("name", PLANS)


class Recording(dict):
    """A mapping that knows which of its keys were asked for."""

    def __init__(self, *given):
        super().__init__(*given)
        self.asked = set()

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)


FORMS = [
    ("1", Form.TABLET, "1 tablet of 0.5 mg"),
    ("2", Form.TABLET, "2 tablets of 0.5 mg"),
    ("0.5", Form.TABLET, "half a tablet of 0.5 mg"),
    ("0.25", Form.TABLET, "a quarter of a tablet of 0.5 mg"),
    ("0.75", Form.TABLET, "three quarters of a tablet of 0.5 mg"),
    ("3.5", Form.TABLET, "3 and a half tablets of 0.5 mg"),
    ("1.25", Form.TABLET, "1 and a quarter tablets of 0.5 mg"),
    ("2.75", Form.TABLET, "2 and three quarter tablets of 0.5 mg"),
    ("1", Form.CAPSULE, "1 capsule of 0.5 mg"),
    ("10", Form.CAPSULE, "10 capsules of 0.5 mg"),
    ("1", Form.ODT, "1 melting tablet of 0.5 mg"),
    ("2", Form.ODT, "2 melting tablets of 0.5 mg"),
    ("1", Form.FILM, "1 film of 0.5 mg"),
    ("3", Form.FILM, "3 films of 0.5 mg"),
    ("2.25", Form.LIQUID, "2.25 mL of the liquid (0.5 mg in each mL)"),
]


def presentation(form: Form) -> Presentation:
    return Presentation("a", form, Decimal("0.5"), "a 0.5 mg", halves=True, quarters=True, smallest_volume=Decimal("0.05"))


@pytest.mark.parametrize(("count", "form", "says"), FORMS)
def test_an_amount_is_in_words_that_a_patient_can_follow(count, form, says):
    assert counted_amount(Decimal(count), presentation(form), ENGLISH) == says


def test_every_text_is_used_and_every_text_that_is_used_exists():
    words = replace(ENGLISH, texts=Recording(ENGLISH.texts), lists=Recording(ENGLISH.lists))
    for name in PLANS:
        told(name, words)
        told(name, words, REACH)
    for count, form, _ in FORMS:
        counted_amount(Decimal(count), presentation(form), words)
    assert sorted(set(words.texts) - words.texts.asked) == []
    assert sorted(set(words.lists) - words.lists.asked) == []


@each_plan
def test_the_sheet_holds_each_step_with_its_tablets(name):
    found, page = plan(name), told(name)
    assert len(page.rows) == len(found.steps)
    for step, row in zip(found.steps[:-1], page.rows, strict=False):
        assert row.when.startswith(ENGLISH.day(step.start))
        said = " ".join(text for one in row.takes for text in one)
        amounts = [counted_amount(amount.count, amount.presentation, ENGLISH) for dose in step.doses for amount in dose.amounts]
        assert [amount for amount in amounts if amount not in said] == []
        assert [
            ENGLISH.number(dose.daily) for dose in step.doses if f"{ENGLISH.number(dose.daily)} mg" not in str(row.total)
        ] == []
    assert page.rows[-1].total == (f"You take no more {found.target} from this day on.",)


def test_a_change_of_medicine_names_both_each_time_and_its_check_ups():
    first = told("crossover").rows[0]
    assert first.takes == (("alprazolam: 1 tablet of 1 mg",), ("alprazolam: 1 tablet of 1 mg",), ("diazepam: 1 tablet of 10 mg",))
    assert first.remark == "Check-up: Friday 27 November 2026"


@each_plan
def test_a_sheet_is_for_the_next_quarter_and_says_when_the_next_one_is_due(name):
    found, page = plan(name), told(name, reach=REACH)
    shown = [step for step in found.steps if (step.start - found.start).days < REACH]
    assert len(page.rows) == min(len(shown) + 1, len(found.steps))
    if len(shown) < len(found.steps):
        assert page.rows[-1].when == f"From {ENGLISH.day(found.steps[len(shown)].start)}"
        assert "keep taking the last dose above" in page.rows[-1].total[0] and page.after == ""


@each_plan
def test_each_step_has_a_check_up_on_a_working_day_and_room_to_write_until_when_to_stay(name):
    for row in told(name).rows[:-1]:
        assert re.fullmatch(r"Check-up: (Mon|Tues|Wednes|Thurs|Fri)day \d+ \w+ \d{4}", row.remark)
        assert row.stay and f"{row.stay}: ____" in as_text(told(name))


@each_plan
def test_what_stands_beside_the_steps_fits_on_the_page_with_them(name):
    page = told(name, reach=REACH)
    beside = [*page.first, *page.sections]
    words = " ".join(
        [page.checked, page.before, page.after, page.foot, *(t for s in beside for t in (s.title, s.lead, *s.items))]
    )
    assert len(words.split()) <= 600
    assert len(page.rows) <= 14


def test_a_liquid_is_shaken_measured_with_a_syringe_and_checked():
    beside = " ".join(item for section in told("direct with a liquid").sections for item in section.items)
    assert "Shake the bottle" in beside and "syringe" in beside and "same strength" in beside


def every_text(name: str) -> Iterator[str]:
    yield as_text(told(name))
    yield re.sub(r"<style>.*?</style>", " ", as_page(told(name)), flags=re.DOTALL)


@each_plan
@pytest.mark.parametrize(
    "needed",
    [
        "Do not stop",
        "all at once",
        "Talk to your prescriber before you change anything",
        "Call your prescriber",
        "Get help at once",
        "seizure",
        "What can help",
        "What you may notice",
        "You and your prescriber decide how fast you go",
        "Use it only after your",
    ],
)
def test_every_sheet_says_what_keeps_a_patient_safe(name, needed):
    for text in every_text(name):
        assert needed in " ".join(text.split())


INTERNAL = re.compile(
    r"\{\{|\}\}|_[a-z]|rxnorm|RULE\d|\d{5,}|https?:|equivalent|pace\b|basis|crossover|interval|taper\b|percent|%|(?-i:None)|Decimal|"
    r"low end|half-life|withdrawal|benzodiazepine|titrat|compounded|NoPlan|guarantee|we promise|cure",
    re.IGNORECASE,
)


@each_plan
def test_no_code_no_internal_word_and_no_promise_stands_on_the_sheet(name):
    for text in every_text(name):
        bare = text.replace("____________________", "")
        assert [found[0] for found in INTERNAL.finditer(re.sub(r"<[^>]+>", " ", bare))] == []


def test_the_words_can_be_read_by_a_child_of_twelve():
    texts = [text for text in ENGLISH.texts.values() if text.strip().endswith((".", ":"))]
    whole = re.sub(r"\{\{ \w+ \}\}", "pill", " ".join([*texts, *(item for items in ENGLISH.lists.values() for item in items)]))
    sentences = [one.split() for one in re.split(r"(?<=[.:])\s+", whole) if one]
    words = [word for sentence in sentences for word in sentence]
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", word.lower().removesuffix("e")))) for word in words)
    grade = 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59  # Flesch and Kincaid
    assert grade < 6
    assert max(len(sentence) for sentence in sentences) <= 25


class Page(HTMLParser):
    """What a page holds: its tags, whether they close, and the cells of each row."""

    VOID = {"meta", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.attributes, self.rows = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag == "tr":
            self.rows.append(0)
        if tag in {"td", "th"}:
            self.rows[-1] += int(dict(attrs).get("colspan", 1))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@each_plan
def test_the_page_is_whole_needs_nothing_else_and_can_be_read_by_a_screen_reader(name):
    page = Page()
    page.feed(as_page(told(name)))
    assert page.open == []
    assert ("html", "lang", "en") in page.attributes
    assert page.seen.count("h1") == 1 and "main" in page.seen
    assert not {"script", "link", "img", "iframe", "object"} & set(page.seen)
    assert not [one for one in page.attributes if one[1] in {"src", "href", "style"} or one[1].startswith("on")]
    assert {value for tag, attribute, value in page.attributes if tag == "th" and attribute == "scope"} == {"col", "row"}
    assert set(page.rows) == {len(told(name).columns)}


def test_what_a_text_holds_is_escaped_on_the_page():
    words = replace(ENGLISH, texts={**ENGLISH.texts, "foot": "<script>alert(1)</script> & more"})
    page = as_page(told("direct", words))
    assert "<script>" not in page and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page


def test_a_dose_is_never_rounded():
    assert ENGLISH.number(Decimal("0.0625")) == "0.0625"
    assert ENGLISH.number(Decimal("1E+2")) == "100"


def with_sheet(name: str, text: str) -> dict[str, bytes]:
    return files_of(RULES) | {f"sheet/{name}.yaml": text.encode()}


def another_language(text: str | None = None) -> str:
    """The English file as if it were another language's: every sentence marked, every key and value kept."""
    english = (RULES / "sheet/en.yaml").read_text() if text is None else text
    marked = english.replace("language: en\n", "language: qaa\n").replace('decimal_mark: "."', 'decimal_mark: ","')
    return marked.replace("November", "Elfter").replace("What can help", "Qqq")


def test_another_language_is_one_more_file():
    words = from_files(with_sheet("qaa", another_language())).sheets["qaa"]
    page = told("direct with a liquid", words)
    assert page.language == "qaa" and "Elfter 2026" in page.rows[0].when and page.sections[-1].title == "Qqq"
    assert page.rows[0].total == ("2,85 mg",)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("  helps_title: Qqq\n", "", "`texts.helps_title` is missing"),
        ("  helps_title: Qqq\n", "  helps_title: Qqq\n  helps_more: x\n", "`texts.helps_more` is no text of the sheet"),
        ("as you do now: {{ mg }} mg", "as you do now", "`texts.before` has the values day, drug"),
        ("March, ", "", "`months` has 11 names"),
        ("language: qaa", "language: de", "the language is `de` and the file is named `qaa`"),
        ("cite: [asam-patient-2025,", "cite: [nobody,", "`nobody` is no source"),
    ],
)
def test_a_language_that_lacks_a_word_or_a_value_is_refused_with_its_place(before, after, says):
    text = another_language()
    assert before in text
    with pytest.raises(BadKnowledge, match=re.escape(says)) as refused:
        from_files(with_sheet("qaa", text.replace(before, after)))
    assert "rules/sheet/qaa.yaml" in str(refused.value)


@pytest.mark.parametrize("agent", BOOK.agents)
def test_every_plan_has_a_sheet(agent):
    """Whatever the agent, its release, its pace and its forms: no amount is without words."""
    for pace in ("short", "standard", "slower"):
        for daily in ("1", "7.5", "30"):
            for draw in (direct_plan, crossover_plan):
                found = draw(BOOK, DAY, takes(agent, night=daily), pace)
                if isinstance(found, Plan):
                    page = sheet(found, ENGLISH, SheetFor(Decimal(daily), BOOK.agents[found.target].short_acting, EVER))
                    assert len(page.rows) == len(found.steps) and "{{" not in as_text(page)
