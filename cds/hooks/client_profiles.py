"""An answer in the form that a kind of client can take: the same advice, with nothing in it that the client can't act on.

The answer itself is of CDS Hooks 2.0.1. Each profile is what has to be said or left out for the clients that differ, and where
something that could be applied is left out, the card's words still say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

Json = dict[str, Any]

RXNORM, NDC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/ndc"
OIDS = {RXNORM: "urn:oid:2.16.840.1.113883.6.88", NDC: "urn:oid:2.16.840.1.113883.6.69"}
"""The names that Epic knows these code systems by."""
SINCE_2_0 = ("uuid", "overrideReasons")
"""Members of a card that a client of 1.0 does not know."""
ONE_PLAN = "**Choose one of the plans that are offered, not both.**"
DRAFT_TOO = " The draft stays until it is taken away: that is a choice of its own."
NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]+")


class Profile(StrEnum):
    """The kinds of clients."""

    STU1 = "1.0"
    STU2 = "2.0.1"
    R3 = "3.0"
    EPIC = "epic"
    SANDBOX = "sandbox"


def shaped(answer: Mapping[str, Any], profile: Profile) -> Mapping[str, Any]:
    """The answer in the form of the profile. Nothing of the answer itself is changed."""
    shape = SHAPES.get(profile)
    return answer if shape is None else {**answer, "cards": [_with(card, shape) for card in answer["cards"]]}


def _with(card: Mapping[str, Any], shape: Callable[[Json], Json]) -> Json:
    """The card in a shape; where no suggestion is left, nothing says how to choose among them."""
    found = shape(dict(card))
    if not found.get("suggestions"):
        found.pop("suggestions", None)
        found.pop("selectionBehavior", None)
    return found


# CDS Hooks 1.0 ----------------------------------------------------------------------------------------------------------


def _stu1(card: Json) -> Json:
    """Without what came with 2.0; one suggestion at most may be taken, which is all that 1.0 knows; deletes by `resource`."""
    found = {name: value for name, value in card.items() if name not in SINCE_2_0}
    found["source"] = {name: value for name, value in card["source"].items() if name != "topic"}
    if "suggestions" in card:
        found["selectionBehavior"] = "at-most-one"
        found["suggestions"] = [_stu1_suggestion(suggestion) for suggestion in card["suggestions"]]
    return found


def _stu1_suggestion(suggestion: Json) -> Json:
    found = {name: value for name, value in suggestion.items() if name != "isRecommended"}
    if "actions" in suggestion:
        found["actions"] = [_delete_by_resource(action) for action in suggestion["actions"]]
    return found


def _delete_by_resource(action: Json) -> Json:
    if action["type"] != "delete":
        return action
    kept = {name: value for name, value in action.items() if name != "resourceId"}
    return {**kept, "resource": action["resourceId"]}


# Epic -------------------------------------------------------------------------------------------------------------------


def _epic(card: Json) -> Json:
    """Any number of suggestions of one action each: a MedicationRequest created, or a draft deleted. None is ticked beforehand.

    A plan of several orders is left out: a part of it could be taken. Epic takes its own dose for an order, so the words give it.
    """
    found = {**card, "source": _with_plain_topic(card["source"])}
    if "suggestions" not in card:
        return found
    kept = [one for suggestion in card["suggestions"] for one in _one_action_each(suggestion)]
    found["suggestions"] = list({str(one["actions"]): one for one in kept}.values())
    found["selectionBehavior"] = "any"
    plans = sum(one["actions"][0]["type"] == "create" for one in found["suggestions"])
    if card.get("selectionBehavior") == "at-most-one" and plans > 1:
        found["detail"] = f"{ONE_PLAN}\n\n{card.get('detail', '')}".strip()
    return found


def _one_action_each(suggestion: Json) -> Iterator[Json]:
    actions = [action for action in suggestion.get("actions", []) if _is_of_an_order(action)]
    orders = [action for action in actions if action["type"] != "delete"]
    removals = [action for action in actions if action["type"] == "delete"]
    removals += [_removal(action) for action in orders if action["type"] == "update"]
    if len(orders) > 1:
        return
    for order in orders:
        description = order["description"] + (DRAFT_TOO if removals else "")
        action = {"type": "create", "description": description, "resource": _epic_order(order["resource"])}
        yield {"label": suggestion["label"], "uuid": suggestion["uuid"], "actions": [action]}
    for number, removal in enumerate(removals, 1):
        yield {"label": removal["description"], "uuid": _further_id(suggestion["uuid"], number), "actions": [removal]}


def _is_of_an_order(action: Json) -> bool:
    if action["type"] == "delete":
        return str(action.get("resourceId", "")).startswith("MedicationRequest/")
    return bool(action["resource"].get("resourceType") == "MedicationRequest")


def _removal(update: Json) -> Json:
    return {
        "type": "delete",
        "description": "Take this draft away",
        "resourceId": f"MedicationRequest/{update['resource']['id']}",
    }


def _further_id(id: str, number: int) -> str:
    """An id for what was split off a suggestion: always the same for the same one."""
    return str(uuid5(UUID(id), str(number)))


def _epic_order(order: Json) -> Json:
    """The order as a new one, its codes under the names that Epic knows."""
    found = {name: value for name, value in order.items() if name not in {"id", "meta"}} | {"status": "draft"}
    concept = order.get("medicationCodeableConcept")
    if isinstance(concept, dict) and isinstance(concept.get("coding"), list):
        coding = [{**one, "system": OIDS.get(one.get("system"), one.get("system"))} for one in concept["coding"]]
        found["medicationCodeableConcept"] = {**concept, "coding": coding}
    return found


def _with_plain_topic(source: Json) -> Json:
    """The source with a topic code of letters and digits alone: Epic keeps acknowledgements under it."""
    topic = source.get("topic")
    return {**source, "topic": {**topic, "code": NOT_ALPHANUMERIC.sub("", topic["code"])[:100]}} if topic else source


# The public sandbox -----------------------------------------------------------------------------------------------------


def _sandbox(card: Json) -> Json:
    """A delete ends the sandbox's work on a suggestion, so that it stands only where nothing is created or changed."""
    if "suggestions" in card:
        card["suggestions"] = [_orders_first(suggestion) for suggestion in card["suggestions"]]
    return card


def _orders_first(suggestion: Json) -> Json:
    orders = [action for action in suggestion.get("actions", []) if action["type"] != "delete"]
    return {**suggestion, "actions": orders} if orders else suggestion


SHAPES: Mapping[Profile, Callable[[Json], Json]] = {Profile.STU1: _stu1, Profile.EPIC: _epic, Profile.SANDBOX: _sandbox}
"""What is changed for whom. 2.0.1 is what we write, and 3.0 takes it as it is."""
