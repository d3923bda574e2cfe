"""Cards over every story: what a clinician needs of them stands in their words, and the reasons to decline are coded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from starlette.testclient import TestClient

from cds.hooks.client_profiles import Profile, shaped
from cds.hooks.schemas import problems

STORIES = sorted((Path(__file__).parents[2] / "fhir_examples").glob("*/request.json"))
NON_ADHERENCE = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
OWN_REASONS = "urn:taper-cds:override-reasons"
STANDARD = {
    *("cds-not-applicable", "cds-suboptimal-context", "recipient-disagrees-evidence", "recipient-concerns-outcomes"),
    *("does-not-align-preferences", "not-convenient-feasible", "action-completed", "patient-contraindication"),
    *("patient-refuses", "too-costly-uncovered", "service-not-available", "recipient-does-not-understand"),
}
"""The codes of HL7's code system of reasons for non-adherence."""
SINCE_2_0 = {"uuid", "overrideReasons"}
each_story = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.parent.name)

Answer = Callable[[Path], dict[str, Any]]


@pytest.fixture
def answer(client: TestClient, clock: Any) -> Answer:
    def asked(story: Path) -> dict[str, Any]:
        call = json.loads(story.read_text())
        clock.day = date.fromisoformat(json.loads(story.with_name("expected.json").read_text())["day"])
        answered: dict[str, Any] = client.post(f"/cds-services/taper-{call['hook']}", json=call).json()
        return answered

    return asked


@each_story
def test_card_10_the_reasons_to_decline_are_standard_codes_where_one_fits(answer: Answer, story: Path) -> None:
    for card in answer(story)["cards"]:
        coded = {(reason["system"], reason["code"]) for reason in card.get("overrideReasons", ())}
        assert {system for system, _ in coded} <= {NON_ADHERENCE, OWN_REASONS}
        assert not {code for system, code in coded if system == OWN_REASONS} & STANDARD
        assert {code for system, code in coded if system == NON_ADHERENCE} <= STANDARD


@each_story
def test_card_14_what_a_suggestion_orders_is_told_in_the_words_of_its_card(answer: Answer, story: Path) -> None:
    for card in answer(story)["cards"]:
        tokens = [
            token for block in MarkdownIt("gfm-like", {"linkify": False}).parse(card["detail"]) for token in block.children or ()
        ]
        assert not [token for token in tokens if token.type == "link_open"], "a link of the words stands among the links too"
        for suggestion in card.get("suggestions", ()):
            for action in suggestion["actions"]:
                assert action["description"]
                ordered = action.get("resource", {}).get("medicationCodeableConcept", {}).get("text", "")
                assert re.split(r"[ /]", ordered)[0].lower() in f"{card['summary']} {card['detail']}".lower()


# Client profiles --------------------------------------------------------------------------------------------------------


@pytest.mark.row("VER-6")
@pytest.mark.parametrize("profile", Profile)
@each_story
def test_an_answer_in_any_profile_is_one_that_the_schemas_allow(answer: Answer, story: Path, profile: Profile) -> None:
    assert problems("hook-response", shaped(answer(story), profile)) == []


@pytest.mark.row("VER-6")
@pytest.mark.parametrize("profile", Profile)
@each_story
def test_the_advice_is_the_same_in_every_profile(answer: Answer, story: Path, profile: Profile) -> None:
    def advice(given: Any) -> list[tuple[str, str, str]]:
        return [(card["summary"], card["indicator"], card["source"]["label"]) for card in given["cards"]]

    plain = answer(story)
    told = shaped(plain, profile)
    assert advice(told) == advice(plain)
    assert all(card["detail"].endswith(own["detail"]) for card, own in zip(told["cards"], plain["cards"], strict=True))
    assert told["extension"] == plain["extension"]


@pytest.mark.row("VER-6", "CARD-7", "ACT-5")
@each_story
def test_a_client_of_1_0_gets_what_1_0_knows(answer: Answer, story: Path) -> None:
    for card in shaped(answer(story), Profile.STU1)["cards"]:
        assert not SINCE_2_0 & set(card)
        assert "topic" not in card["source"]
        assert card.get("selectionBehavior", "at-most-one") == "at-most-one"
        for suggestion in card.get("suggestions", ()):
            assert "isRecommended" not in suggestion
            assert not [action for action in suggestion["actions"] if "resourceId" in action]


@pytest.mark.row("VER-6", "CARD-7", "SRC-4")
@each_story
def test_epic_gets_words_and_links_until_its_preference_list_is_told(answer: Answer, story: Path) -> None:
    for card in shaped(answer(story), Profile.EPIC)["cards"]:
        assert re.fullmatch(r"[A-Za-z0-9]{1,100}", card["source"]["topic"]["code"])
        assert not {"suggestions", "selectionBehavior"} & card.keys()


@pytest.mark.row("VER-6")
@each_story
def test_the_sandbox_gets_words_and_links(answer: Answer, story: Path) -> None:
    assert not any("suggestions" in card for card in shaped(answer(story), Profile.SANDBOX)["cards"])
