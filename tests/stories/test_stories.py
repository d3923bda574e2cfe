"""Every story, posted to the real application on its stated day, gets the answer that stands beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cds.knowledge.loader import knowledge
from tests.stories.book import ROOT, STORIES, Story, summary

Ask = Callable[..., dict[str, Any]]
QUIET = [story for story in STORIES if story.name.startswith("quiet-")]
TOLD = [story for story in STORIES if story not in QUIET]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_gets_its_answer(story: Story, ask: Ask) -> None:
    answer = summary(ask(story.expected["service"], story.request, story.day))
    for part in ("cards", "orders", "gaps"):
        assert answer[part] == story.expected[part]


@pytest.mark.parametrize("story", QUIET, ids=lambda story: story.name)
def test_the_quiet_baseline_expects_no_card(story: Story) -> None:
    assert story.expected["cards"] == []


def test_there_are_at_least_forty_stories_and_a_quiet_baseline_of_twenty() -> None:
    assert len(TOLD) >= 40
    assert len(QUIET) >= 20


def test_every_advice_rule_is_told_in_a_story() -> None:
    told = {rule for story in TOLD for card in story.expected["cards"] for rule in (card["rule"], *card["alsoSays"])}
    assert told == {rule.id for rule in knowledge(ROOT / "rules").advice()}


def test_every_risk_rule_is_found_in_a_story() -> None:
    found = {risk for story in STORIES for order in story.expected["orders"] for risk in order["riskFactors"]}
    assert found == {rule.id for rule in knowledge(ROOT / "rules").risks()}


@pytest.mark.parametrize("agent", ["clonazepam", "alprazolam", "lorazepam", "diazepam"])
def test_the_four_most_used_agents_have_stories(agent: str) -> None:
    assert sum(order["agent"] == agent for story in TOLD for order in story.expected["orders"]) >= 3


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_says_what_it_tells(story: Story) -> None:
    text = (ROOT / "fhir_examples" / story.name / "story.md").read_text()
    assert text.startswith("# ")
    assert f"Stated day: {story.day.isoformat()}" in text
