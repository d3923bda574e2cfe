"""Kinds of words in directions that must never turn into a dose, or change one: each kind as a table and as a property.

The table is `sig_kinds.txt` beside this, in the format of `cds sigs`.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.cli.sigs import SigRow, read, result, rows, written
from cds.fhir.dosage.dosage import ReadingLimits
from cds.knowledge.files.dosing import dosing
from cds.knowledge.problems import Problems

TABLE = Path(__file__).with_name("sig_kinds.txt")
ROWS = list(rows(TABLE.read_text(encoding="utf-8"), TABLE.name))
RULES = Path(__file__).parents[2] / "rules/drugs/dosing.yaml"
WORDS = dosing({"rules/drugs/dosing.yaml": RULES.read_bytes()}, Problems())
LIMITS = ReadingLimits(Decimal(12), Decimal(7), Decimal(30), Decimal(1000))


def reading(sig: str) -> list[str] | None:
    """What directions say as a line of the table says it; None where they are left unread."""
    row = SigRow(sig, "1", (), (Decimal(7), Decimal(7)), frozenset())
    value = read(row, WORDS, LIMITS, ("lorazepam",)).value
    return written(value).parts if value else None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sig)
def test_directions_are_read_as_their_line_says(row: SigRow) -> None:
    assert result(row, read(row, WORDS, LIMITS, ("lorazepam",))) == "right"


# Supplies -----------------------------------------------------------------------------------------------------------------

DOSES = ["1 tab at night", "Take 1 tablet twice daily", "2 mg tid prn", "one in the morning and two at bedtime"]
INTERVALS = ["weekly", "every 7 days", "on Mondays", "on Mondays and Thursdays", "every 2 weeks", "Mon, Wed, Fri", "monthly"]
SUPPLIES = [
    "Dispense",
    "Refill",
    "Fill",
    "Collect",
    "Qty 7",
    "#14",
    "Do not fill until",
    "Disp 28",
    "Supervised",
    "Review",
    "Send",
    "Hand out",
    "Renew",
    "Deliver",
    "Call",
    "Check in",
    "Distribute",
    "To be filled",
    "Pharmacy to dispense",
    "To start",
]


@pytest.mark.parametrize(("dose", "word", "interval"), list(product(DOSES, SUPPLIES, INTERVALS)))
def test_an_interval_of_the_supply_is_never_one_of_the_dose(dose: str, word: str, interval: str) -> None:
    alone = reading(dose)
    assert alone is not None
    said = f"{word.lower()} {interval}"
    for sig in (
        f"{dose}. {word} {interval}.",
        f"{dose}, {said}",
        f"{dose} {said}",
        f"{dose} ({said})",
        f"{word} {interval}. {dose}",
    ):
        assert reading(sig) in (alone, None), sig
    for sig in (f"{dose}. {word} {interval}.", f"{word} {interval}. {dose}"):
        assert word == "To start" or reading(sig) == alone, sig


@pytest.mark.parametrize(("dose", "supply"), list(product(DOSES, ["weekly dispensing", "monthly refills", "daily supervision"])))
def test_nor_is_one_that_stands_before_its_word(dose: str, supply: str) -> None:
    for sig in (f"{dose}. {supply}", f"{dose}, {supply}", f"{dose} {supply}", f"{supply}: {dose}", f"{supply} {dose}"):
        assert reading(sig) in (reading(dose), None), sig
    assert reading(f"{dose}. {supply}.") == reading(dose)


# Weekdays -----------------------------------------------------------------------------------------------------------------

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.mark.parametrize(("first", "last"), list(permutations(WEEK, 2)))
def test_a_range_of_weekdays_is_all_of_them(first: str, last: str) -> None:
    days = (WEEK.index(last) - WEEK.index(first)) % 7 + 1
    expected = ["2"] if days == 7 else ["2", f"{days} days"]
    for sign in ("-", " - ", "–", " to ", " through ", " thru "):
        for names in WORDS.tables["weekdays"][first][:2]:
            assert reading(f"1 tab bid {names}{sign}{last}") == expected, (names, sign)
    assert reading(f"1 tab bid {first}/{last}") == reading(f"1 tab bid {first}, {last}") == ["2", "2 days"]


@given(st.sets(st.sampled_from(WEEK), min_size=3, max_size=6))
def test_more_than_two_weekdays_in_a_row_are_a_list(days: set[str]) -> None:
    named = sorted(days, key=WEEK.index)
    for sign in ("-", "/", ", ", " and "):
        assert reading("1 tab " + sign.join(named)) == ["1", f"{len(named)} days"], sign
    assert reading("1 tab " + " to ".join(named)) is None


# Full stops ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["0.5", "1.5", ".5", "2.25", "10.5"])
@pytest.mark.parametrize("dot", [" .", ". ", " . ", "..", " ..", ".. ", "...", " ,"])
def test_a_decimal_point_with_a_space_or_twice_never_moves(number: str, dot: str) -> None:
    for sig in ("Take {} mg bid", "{} mg bid", "1 tab ({} mg) bid", "tab {} mg twice daily", "Take {} tabs at bedtime"):
        spoiled, whole = reading(sig.format(number.replace(".", dot))), reading(sig.format(number))
        assert spoiled in (whole, None), (sig, number, dot)


@pytest.mark.parametrize("word", ["tab", "tablet", "mg", "po", "mouth", "day", "bedtime", "bid", "caps"])
@pytest.mark.parametrize("number", ["1", "2", "3", "5", "25"])
def test_a_number_right_after_the_full_stop_of_a_word_is_no_fraction(word: str, number: str) -> None:
    for rest in ("mg bid", "times daily", "tabs at bedtime", "x daily", "refills"):
        for sig in (f"1 {word}.{number} {rest}", f"Take 1 mg {word}.{number} {rest}", f"Take {word}.{number} {rest}"):
            assert reading(sig) is None, sig


@pytest.mark.parametrize(
    ("plain", "dotted"),
    [
        ("bid", ["b.i.d.", "b.i.d", "B.I.D", "b. i. d.", "B.D.", "b.d"]),
        ("tid", ["t.i.d.", "t.i.d", "T.I.D", "t. i. d.", "T.D.S."]),
        ("qid prn", ["q.i.d. p.r.n.", "q.i.d p.r.n", "Q.I.D. PRN.", "q. i. d. prn"]),
        ("q6h", ["q.6.h.", "q.6.h", "q.6h", "q. 6 h.", "q6.h", "Q.6.H."]),
        ("q8h", ["q.8.hrs", "q. 8 hours", "q.8.h."]),
        ("q4-6h", ["q.4-6.h.", "q.4-6h"]),
        ("q2d", ["q.2.d", "q.2.d.", "q. 2 days", "q.2.days"]),
        ("q4d", ["q.4.d", "Q.4.D.", "q. 4 d"]),
        ("qhs", ["q.h.s.", "Q.H.S", "h.s."]),
        ("qod", ["q.o.d.", "Q.O.D"]),
        ("qam", ["q.a.m.", "q.a.m"]),
        ("once daily", ["q.d.", "o.d.", "Q.D"]),
        ("po bid", ["p.o. b.i.d.", "P.O. B.I.D", "p.o.bid", "po. bid."]),
    ],
)
def test_dotted_abbreviations_say_what_they_say_without_dots(plain: str, dotted: list[str]) -> None:
    assert reading(f"1 tab {plain}") is not None
    for said in dotted:
        assert reading(f"1 tab {said}") in (reading(f"1 tab {plain}"), None), said
    assert reading(f"1 tab {dotted[0]}") == reading(f"1 tab {plain}")


# Times --------------------------------------------------------------------------------------------------------------------

LISTS = {
    2: ["morning and night", "in the morning and at bedtime", "8am and 8pm", "breakfast and bedtime"],
    3: ["morning, noon and night", "breakfast, lunch and dinner", "8am, 2pm and 8pm", "in the morning, at noon and at bedtime"],
    4: ["breakfast, lunch, dinner and bedtime", "breakfast, lunch, dinner, bedtime", "with meals and at bedtime", "ac and hs"],
}
OFTEN = {2: ["twice daily", "bid", "2 times a day"], 3: ["tid", "3x daily", "three times a day"], 4: ["qid", "four times daily"]}


@pytest.mark.parametrize(("doses", "listed"), [(doses, each) for doses, lists in LISTS.items() for each in lists])
def test_times_that_spell_out_a_frequency_are_not_added_to_it(doses: int, listed: str) -> None:
    assert reading(f"1 tab {listed}") == [str(doses)]
    for often, shape in product(OFTEN[doses], ("{} {}", "{}, {}", "{} ({})", "{}: {}", "{} - {}")):
        assert reading("1 tab " + shape.format(often, listed)) == [str(doses)], (often, shape)
    for count, spellings in OFTEN.items():
        for often in spellings if count != doses else []:
            found = reading(f"1 tab {often} ({listed})")
            assert found is None, (often, found)


# Warnings -----------------------------------------------------------------------------------------------------------------

WARNINGS = [phrase.replace("(,) ", ", ") for phrase in WORDS.tables["sig"]["warning"] if "|" not in phrase and "((" not in phrase]


@pytest.mark.parametrize("warning", WARNINGS)
def test_a_warning_changes_nothing(warning: str) -> None:
    plain = warning.replace("(", "").replace(")", "")
    for dose in ("1 tab tid", "1-2 tabs at night prn"):
        for text in (plain, plain.capitalize(), plain.upper()):
            assert reading(f"{dose}. {text}.") == reading(dose), text
            assert reading(f"{text}. {dose}.") == reading(dose), text


@pytest.mark.parametrize("condition", ["this happens", "affected", "you feel dizzy", "drowsy", "it makes you unsteady"])
def test_a_condition_of_a_warning_does_not_make_a_dose_as_needed(condition: str) -> None:
    for said in (
        f"If {condition}, do not drive.",
        f"if {condition} do not drive or operate machinery",
        f"If {condition} avoid alcohol",
    ):
        assert reading(f"1 tab tid. {said}") == ["3"], said
    assert reading("1 tab tid if needed") == reading("1 tab tid if anxious") == ["0-3", "prn"]


# Severity -----------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 3), st.integers(1, 3), st.sampled_from(["bid", "q8h", "4 times a day"]))
def test_of_amounts_by_severity_the_highest_counts(mild: int, severe: int, often: str) -> None:
    doses = {"bid": 2, "q8h": 3, "4 times a day": 4}[often]
    for sig in (
        f"{mild} tabs for moderate pain, {severe} tabs for severe pain {often} as needed",
        f"{mild} tabs {often} prn for mild anxiety or {severe} tabs {often} prn for severe anxiety",
        f"{mild} mg {often} for moderate, {severe} mg for severe anxiety",
    ):
        assert reading(sig) == [f"0-{max(mild, severe) * doses}", "prn"], sig
