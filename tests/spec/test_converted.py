"""A card says by which source a dose was converted, where the sources that are read first don't list the agent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds.decision.decide import decide
from cds.decision.decided_facts import converted_by
from cds.engine.engine import Engine
from cds.hooks.messages import hook_call
from cds.knowledge.model import Knowledge
from cds.knowledge.model_sites import Approval, ChosenSources, Site
from cds.knowledge.site_overlay import overlaid

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 23)
STORY = json.loads((ROOT / "fhir_examples/abrupt-stop-alprazolam/request.json").read_text())


def reading(book: Knowledge, *sources: str) -> Knowledge:
    """The rule book at a site that reads these sources."""
    at = book.rules[0].position
    chosen = ChosenSources(sources, Approval("ours", "the committee", date(2030, 1, 1), at))
    return overlaid(book, Site("north", "North", True, at, equivalence=chosen), DAY)


def renamed(value: Any, drug: str) -> Any:
    """The request with every medication written as this drug, in words alone."""
    if isinstance(value, list):
        return [renamed(item, drug) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: {"text": f"{drug} 1 mg"} if name == "medicationCodeableConcept" else renamed(member, drug)
        for name, member in value.items()
    }


def details(rules: Knowledge, drug: str) -> Iterator[str]:
    """The details of the cards of the story at length, had it been about this drug."""
    engine = Engine(rules)
    try:
        call = hook_call("taper-order-sign", renamed(STORY, drug))
        yield from (
            card["detail"] for card in decide(call, rules, engine, DAY, "id", lambda: "uuid", at_length=True).answer["cards"]
        )
    finally:
        engine.close()


SENTENCES = [
    ("alprazolam", (), None),
    ("clotiazepam", (), "Clotiazepam is converted by Inada 2015, because VA/DoD 2021, Ashton 2002 and the other sources that are "
     "read first do not list it."),
    ("clotiazepam", ("ashton-2002",), "Clotiazepam is converted by Inada 2015, because Ashton 2002 does not list it."),
    ("alprazolam", ("ashton-2002",), None),
    ("quazepam", ("bnf", "sps"), "Quazepam is converted by VA/DoD 2021 and Ashton 2002, because BNF and NHS SPS do not list it."),
]  # fmt: skip


@pytest.mark.parametrize(("agent", "sources", "says"), SENTENCES)
def test_the_sentence_names_who_converted_it_and_who_does_not_list_it(
    agent: str, sources: tuple[str, ...], says: str | None, book: Knowledge
) -> None:
    rules = reading(book, *sources) if sources else book
    assert converted_by([rules.agents[agent]], rules) == says


def test_an_agent_that_nobody_converts_is_told_elsewhere(book: Knowledge) -> None:
    unconverted = replace(book.agents["alprazolam"], equivalents=(), other_equivalents=())
    assert converted_by([unconverted], book) is None


def test_a_card_says_it_before_the_note_on_equivalents(book: Knowledge) -> None:
    told = [detail for detail in details(book, "Etizolam") if "Sources differ on equivalents" in detail]
    assert told
    for detail in told:
        assert detail.index("Etizolam is converted by Inada 2015") < detail.index("Sources differ on equivalents")


def test_a_card_about_an_agent_of_the_usual_sources_says_nothing_of_it(book: Knowledge) -> None:
    assert not any("is converted by" in detail for detail in details(book, "Alprazolam"))


def test_a_card_at_a_site_says_what_the_sources_of_the_site_do_not_list(book: Knowledge) -> None:
    told = " ".join(details(reading(book, "bnf", "sps"), "Quazepam"))
    assert "Quazepam is converted by VA/DoD 2021 and Ashton 2002, because BNF and NHS SPS do not list it." in told
