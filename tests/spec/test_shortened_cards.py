"""Cards in one line, which were declined before: what they say, where they stand, and what is told in full all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.core.facts import Known
from cds.hooks.cards import Advice, cards, subjects
from cds.hooks.client_profiles import Profile, shaped
from cds.hooks.declined_card import Shortened, from_json
from cds.hooks.schemas import problems
from tests.spec.test_cards import DAY, KNOWLEDGE, advice, also, parameter, rules_of

ONE, TWO, THREE = (f"MedicationRequest/{number}" for number in (1, 2, 3))
TEXTS = {
    "declined_unchanged": "nothing has changed",
    "declined_no_worse": "nothing is worse",
    "declined_returns": "at once, when anything is worse.",
}
BOOK = replace(KNOWLEDGE, texts={**KNOWLEDGE.texts, **TEXTS})


def declined(rule: str = "cut-too-fast", order: str = ONE, *along: str, **more: Any) -> Shortened:
    members = {"reasons": ("disagree",), "decision": "decision-0", "unchanged": True}
    members["also"] = tuple((one, order) for one in along)
    return Shortened(rule, order, date(2026, 5, 3), date(2026, 12, 1), **{**members, **more})


def shown(told: list[Advice], *lines: Shortened, book: Any = BOOK) -> list[dict[str, Any]]:
    ids = (f"id-{number}" for number in count(1))
    return cards(told, book, DAY, "decision-1", lambda: next(ids), lines)


def short(answer: list[dict[str, Any]]) -> list[str]:
    return rules_of([card for card in answer if "shortened" in card["extension"]["org.taper-cds"]])


def test_a_whole_line() -> None:
    (card,) = shown([advice(override_reasons=("disagree",))], declined())
    own = card.pop("extension")["org.taper-cds"]
    assert card == {
        "uuid": "id-1",
        "summary": "Alprazolam, declined on 3 May 2026: disagree; nothing has changed. Title of cut-too-fast",
        "detail": (
            "**Title of cut-too-fast** (alprazolam)\n\nA 50% cut of alprazolam is fast\n\n"
            "Declined on 3 May 2026. *I disagree.* Nothing has changed since.\n\n"
            "**In full again** from 1 December 2026; at once, when anything is worse.\n\n*Not reviewed.*"
        ),
        "indicator": "info",
        "source": {
            "label": "Guide 2025",
            "url": "https://guide.test/2025",
            "topic": {"system": "urn:taper-cds:advice", "code": "cut-too-fast", "display": "Title of cut-too-fast"},
        },
        "links": [{"label": "Guide 2025", "url": "https://guide.test/2025", "type": "absolute"}],
    }
    assert own == {
        "decision": "decision-1",
        "rule": "cut-too-fast",
        "ruleVersion": 2,
        "order": ONE,
        "shortened": {
            "rule": "cut-too-fast",
            "decision": "decision-0",
            "declined": "2026-05-03",
            "until": "2026-12-01",
            "reasons": ["disagree"],
        },
    }


def test_a_line_says_where_things_are_better_than_they_were() -> None:
    (card,) = shown([advice()], declined(unchanged=False))
    assert "nothing is worse" in card["summary"] and "Nothing is worse since." in card["detail"]


@pytest.mark.row("CARD-2")
@given(title=st.text(min_size=1, max_size=300), agent=st.text(max_size=300))
def test_a_line_is_one_line_of_fewer_than_140_characters(title: str, agent: str) -> None:
    (card,) = shown([advice(title=title, facts={"agent": Known(agent)})], declined())
    assert 0 < len(card["summary"].encode("utf-16-le", "surrogatepass")) // 2 < 140
    assert not set(card["summary"]) & set("\r\n")


@pytest.mark.parametrize("hostile", ["[click](https://evil.test)", "<script>alert(1)</script>", "![x](https://evil.test/x.png)"])
def test_a_text_of_the_record_stays_text_in_a_line(hostile: str) -> None:
    (card,) = shown([advice(facts={"agent": Known(hostile)})], declined())
    assert hostile not in card["detail"]


def test_lines_stand_after_what_is_told_in_full() -> None:
    told = [advice("a", priority=0), advice("b", TWO, priority=1, indicator="info"), advice("c", THREE, priority=2)]
    answer = shown(told, declined("a"))
    assert (rules_of(answer), short(answer)) == (["c", "b", "a"], ["a"])


def test_a_line_takes_no_room_from_what_is_told_in_full() -> None:
    told = [advice(name, f"MedicationRequest/{name}", priority=place) for place, name in enumerate("abcd")]
    answer = shown(told, declined("a", "MedicationRequest/a"))
    assert (rules_of(answer), short(answer)) == (["b", "c", "d"], [])
    assert also(answer[0]) == ["a"]


def test_lines_that_find_no_room_are_told_of_by_the_first() -> None:
    told = [advice(name, f"MedicationRequest/{name}", priority=place) for place, name in enumerate("abcd")]
    answer = shown(told, *(declined(name, f"MedicationRequest/{name}") for name in "abcd"))
    assert short(answer) == ["a", "b", "c"]
    assert also(answer[0]) == ["d"] and "- Title of d" in answer[0]["detail"]


def test_what_was_folded_into_the_declined_card_goes_with_it_and_what_was_not_is_told_in_full() -> None:
    told = [advice("a", priority=0, suggest=("plan",)), advice("b", priority=1, suggest=("plan",))]
    assert [rules_of(shown(told, declined("a", ONE, "b"))), rules_of(shown(told, declined("a")))] == [["a"], ["b", "a"]]
    assert short(shown(told, declined("a"))) == ["a"]


def test_a_card_about_another_order_stays_in_full() -> None:
    answer = shown([advice("a"), advice("a", order=TWO)], declined("a", TWO))
    assert [card["extension"]["org.taper-cds"]["order"] for card in answer] == [ONE, TWO]
    assert short(answer) == ["a"]


def test_what_is_not_told_in_this_call_gets_no_line() -> None:
    assert short(shown([advice("a")], declined("b"))) == []


def test_one_place_for_a_card_is_kept_for_what_is_told_in_full() -> None:
    book = replace(BOOK, parameters={**BOOK.parameters, "most_cards": parameter("most_cards", "1", "cards")})
    answer = shown([advice("a", priority=0), advice("b", TWO, priority=1)], declined("a"), book=book)
    assert (rules_of(answer), also(answer[0])) == (["b"], ["a"])


@given(short_ones=st.sets(st.sampled_from("abcdef")))
def test_every_advice_is_told_once_whichever_are_short(short_ones: set[str]) -> None:
    told = [advice(name, priority=place, suggest=("plan",) if name in "ace" else ()) for place, name in enumerate("abcdef")]
    lines = [declined(each.advice.rule.id, ONE) for each in subjects(told) if each.advice.rule.id in short_ones]
    answer = shown(told, *lines)
    said = [rule for card in answer for rule in (card["extension"]["org.taper-cds"]["rule"], *(also(card) or []))]
    assert sorted(said) == list("abcdef") and len(answer) <= 3
    assert not set(rules_of(answer)) - set(short(answer)) & {line.rule for line in lines}


@pytest.mark.parametrize("profile", Profile)
def test_a_line_is_a_card_for_every_kind_of_client(profile: Profile) -> None:
    ids = (str(UUID(int=number)) for number in count(1))
    answer = {"cards": cards([advice()], BOOK, DAY, "decision-1", lambda: next(ids), [declined()])}
    shaped_answer = shaped(answer, profile)
    assert problems("hook-response", shaped_answer) == []
    (card,) = shaped_answer["cards"]
    assert "suggestions" not in card


def test_a_line_is_read_back_as_it_was_written() -> None:
    one = declined("a", ONE, "b", "c", unchanged=False)
    assert from_json(one.whole_json()) == one
