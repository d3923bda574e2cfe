"""The link from a card to the page of its plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cds.decision.decide import Decision
from cds.hooks.messages import EXTENSION
from cds.records.hashes import KeyedHashes
from cds.records.stored_plans import token

PLANS = "/plans"
LABEL = "Plan, curves and patient's sheet"


def with_plan_links(decision: Decision, keyed: KeyedHashes, base: str) -> Mapping[str, Any]:
    """The answer, each card about an order that was judged with a link to its plan. What is written down holds none of them."""
    places = {judgement.case.situation.request: place for place, judgement in enumerate(decision.judgements)}
    cards = [_linked(card, places, decision.id, keyed, base) for card in decision.answer["cards"]]
    return {**decision.answer, "cards": cards}


def _linked(
    card: Mapping[str, Any], places: Mapping[str, int], decision: str, keyed: KeyedHashes, base: str
) -> Mapping[str, Any]:
    place = places.get(card["extension"][EXTENSION].get("order"))
    named = token(keyed, decision, place) if place is not None else None
    if named is None:
        return card
    link = {"label": LABEL, "url": f"{base}{PLANS}/{named}", "type": "absolute"}
    return {**card, "links": [link, *card.get("links", ())]}
