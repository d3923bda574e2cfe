"""The cards of every story as a tired clinician meets them: short, one an order, and with buttons that do what they say."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from bench.words import words
from tests.stories.book import STORIES, Story, own

Ask = Callable[..., dict[str, Any]]
NO_CUT = {"hold", "specialist"}
SHORT_SUPPLY = {"suicide-risk", "alcohol-use", "substance-use"}


@pytest.fixture(scope="module")
def answer(ask: Ask) -> Callable[[Story], dict[str, Any]]:
    @cache
    def answered(name: str) -> dict[str, Any]:
        story = next(one for one in STORIES if one.name == name)
        return ask(story.expected["service"], story.request, story.day)

    return lambda story: answered(story.name)


def orders_of(card: dict[str, Any]) -> list[dict[str, Any]]:
    """The medication orders that the suggestions of a card create or change, those that they end left out."""
    actions = (action for suggestion in card.get("suggestions", ()) for action in suggestion["actions"])
    found = [action["resource"] for action in actions if action["type"] != "delete"]
    return [one for one in found if one["resourceType"] == "MedicationRequest" and one["status"] != "stopped"]


def test_a_card_is_read_in_seconds(answer: Callable[[Story], dict[str, Any]]) -> None:
    counted = [words(card) for story in STORIES for card in answer(story)["cards"]]
    assert statistics.median(counted) <= 120
    assert max(counted) <= 180


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_detail_has_at_most_120_words_and_150_where_it_tells_of_two_drugs(
    story: Story, answer: Callable[[Story], dict[str, Any]]
) -> None:
    for card in answer(story)["cards"]:
        two = own_of(card)["rule"].startswith("crossover") or "Or cross over" in card["detail"]
        assert len(card["detail"].split()) <= (150 if two else 120), card["detail"]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_an_order_has_one_card_besides_naloxone_and_a_call_two(story: Story, answer: Callable[[Story], dict[str, Any]]) -> None:
    cards = answer(story)["cards"]
    assert len(cards) <= 2
    plans = [own_of(card)["order"] for card in cards if not offers_naloxone(card)]
    assert len(plans) == len(set(plans))


def own_of(card: dict[str, Any]) -> dict[str, Any]:
    extension: dict[str, Any] = card["extension"]["org.taper-cds"]
    return extension


def offers_naloxone(card: dict[str, Any]) -> bool:
    return any("naloxone" in suggestion["label"] for suggestion in card.get("suggestions", ()))


@pytest.mark.row("SUG-3", "SUG-4", "CARD-7")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_suggestion_acts_says_whether_it_is_recommended_and_excludes_the_others(
    story: Story, answer: Callable[[Story], dict[str, Any]]
) -> None:
    for card in answer(story)["cards"]:
        suggestions = card.get("suggestions", [])
        assert all(one["actions"] and isinstance(one["isRecommended"], bool) for one in suggestions)
        assert sum(one["isRecommended"] for one in suggestions) <= 1
        assert card.get("selectionBehavior", "at-most-one") == "at-most-one"


@pytest.mark.row("ACT-10")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_an_order_directs_supplies_and_is_valid_for_the_same_days(
    story: Story, answer: Callable[[Story], dict[str, Any]]
) -> None:
    told = answer(story)
    risks = {risk["id"] for order in own(told)["orders"] for risk in order["riskFactors"]}
    for card in told["cards"]:
        for order in orders_of(card):
            if "validityPeriod" not in order["dispenseRequest"]:
                continue
            dispense, lines = order["dispenseRequest"], order["dosageInstruction"]
            bounds = [line["timing"]["repeat"]["boundsPeriod"] for line in lines]
            valid = dispense["validityPeriod"]
            assert valid == {"start": min(one["start"] for one in bounds), "end": max(one["end"] for one in bounds)}
            days = (date.fromisoformat(valid["end"]) - date.fromisoformat(valid["start"]) + timedelta(days=1)).days
            assert dispense["expectedSupplyDuration"]["value"] == days
            assert days <= (7 if risks & SHORT_SUPPLY else 28)
            assert dispense["numberOfRepeatsAllowed"] == 0
            used = sum((used_by(line) for line in lines), Decimal(0))
            assert 0 <= Decimal(str(dispense["quantity"]["value"])) - used < 1


def used_by(line: dict[str, Any]) -> Decimal:
    repeat = line["timing"]["repeat"]
    first, last = (date.fromisoformat(repeat["boundsPeriod"][name]) for name in ("start", "end"))
    each = Decimal(str(line["doseAndRate"][0]["doseQuantity"]["value"]))
    return each * repeat["frequency"] * ((last - first).days + 1)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_what_holds_the_dose_never_speaks_of_a_percentage_nor_offers_a_cut(
    story: Story, answer: Callable[[Story], dict[str, Any]]
) -> None:
    told = answer(story)
    held = {order["request"] for order in own(told)["orders"] if order.get("pace") in NO_CUT}
    for card in told["cards"]:
        if own_of(card)["order"] in held:
            assert "%" not in card["summary"] + card["detail"] and "percent" not in card["summary"] + card["detail"]
            assert not [one for one in card.get("suggestions", ()) if one["label"].startswith("Start")]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_stop_is_met_by_todays_dose_first(story: Story, answer: Callable[[Story], dict[str, Any]]) -> None:
    for card in answer(story)["cards"]:
        suggestions = card.get("suggestions", ())
        if own_of(card)["rule"] == "abrupt-stop" and suggestions:
            assert suggestions[0]["label"].startswith("Continue today's dose") and suggestions[0]["isRecommended"]
