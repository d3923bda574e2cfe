"""Words follow numbers: what a parameter holds is never written out in a text that cards, paces or sheets show."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cds.core.quantity import Quantity
from cds.hooks.card_text import Wording
from cds.knowledge.checks.number_words import amounts, check_number_words
from cds.knowledge.loader import files_of, from_files
from cds.knowledge.model import Knowledge
from cds.knowledge.problems import Problems

FILES = files_of(Path(__file__).parents[2] / "rules")
BOOK = from_files(FILES)
DAY = date(2026, 11, 23)


def told(book: Knowledge) -> list[str]:
    check_number_words(book, problems := Problems())
    assert {one.code for one in problems.found} <= {"RULE125"}
    return [one.seen for one in problems.found]


def with_pace(says: str) -> Knowledge:
    return replace(BOOK, paces={**BOOK.paces, "slower": replace(BOOK.paces["slower"], says=says)})


def test_no_shipped_text_writes_out_what_a_parameter_holds() -> None:
    assert told(BOOK) == []


@pytest.mark.parametrize(
    "says",
    ["a first step of about 5 percent", "about five percent", "about 5%", "steps four weeks apart", "28 days apart",
     "two to four weeks apart"],
)  # fmt: skip
def test_a_pace_that_writes_out_its_numbers_is_told(says: str) -> None:
    assert told(with_pace(says))


@pytest.mark.parametrize(
    "says", ["about {{ parameter.slower_cut }}", "withdrawal within four weeks", "after four weeks", "3 percent"]
)
def test_what_is_inserted_what_takes_its_course_and_what_no_parameter_holds_is_not(says: str) -> None:
    assert told(with_pace(says)) == []


@pytest.mark.parametrize("part", ["summary", "detail", "in_full", "also", "if_we_cannot_tell"])
def test_each_text_of_a_card_is_looked_at(part: str) -> None:
    rules = tuple(
        replace(rule, card=replace(rule.card, **{part: "Steps of 10 percent."}))
        if rule.id == "abrupt-stop" and rule.card
        else rule
        for rule in BOOK.rules
    )
    assert told(replace(BOOK, rules=rules)) == ["abrupt-stop says `10 percent`, which standard_cut holds."]


def test_shared_texts_and_the_sheet_are_looked_at() -> None:
    assert told(replace(BOOK, texts={**BOOK.texts, "agreed": "A cut of 25 percent."}))
    sheet = BOOK.sheets["en"]
    lists = {**sheet.lists, "first": ("You take 10 percent less.",)}
    assert told(replace(BOOK, sheets={"en": replace(sheet, lists=lists)}))


def test_a_statement_of_a_source_may_say_its_number_and_one_of_ours_may_not() -> None:
    def stating(cite: str) -> Knowledge:
        because = (replace(BOOK.rule("abrupt-stop").because[0], cite=cite, says="Cuts of 10 percent."),)
        return replace(BOOK, rules=tuple(replace(one, because=because) if one.id == "abrupt-stop" else one for one in BOOK.rules))

    assert told(stating("asam-2025-r6")) == []
    assert told(stating("local-default"))


def test_amounts_are_read_in_figures_and_in_words() -> None:
    found = [
        amount for _, amount in amounts("5 to 10 percent, two weeks apart, {{ parameter.x }} in any two weeks, within a week")
    ]
    assert found == [Quantity(Decimal(5), "percent"), Quantity(Decimal(10), "percent"), Quantity(Decimal(14), "days")]


def test_another_number_of_a_pace_is_what_cards_say() -> None:
    text = FILES["parameters/taper.yaml"].decode()
    start = text.index("slower_cut:")
    at = text.index("    2026-01-01: {value: 5", start)
    edited = text[:at] + "    2026-02-01: {value: 8, cite: local-default}\n" + text[at:]
    book = from_files(FILES | {"parameters/taper.yaml": edited.encode()})
    says = book.paces["slower"].says
    assert "a first step of about 8%" in Wording({}, {}, book, DAY).detail(says).replace(" percent", "%")
    assert "a first step of about 5%" in Wording({}, {}, BOOK, DAY).detail(says).replace(" percent", "%")
