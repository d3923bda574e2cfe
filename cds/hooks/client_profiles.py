"""An answer in the form that a kind of client can take: the same advice, with nothing in it that the client can't act on.

The answer itself is of CDS Hooks 2.0.1. Each profile is what has to be said or left out for the clients that differ, and where
something that could be applied is left out, the card's words still say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cds.knowledge.code_systems import NDC, OIDS, RXNORM

Json = dict[str, Any]

NAMED_BY_EPIC = {system: OIDS[system] for system in (RXNORM, NDC)}
"""The names that Epic knows these code systems by."""
SINCE_2_0 = ("uuid", "overrideReasons")
"""Members of a card that a client of 1.0 does not know."""
ITEM = "urn:com.epic.cdshooks.action.code.system.preference-list-item"
"""The name under which Epic takes the key of an item of a preference list."""
DATES = re.compile(r", \d{1,2} \w{3} \d{4} to \d{1,2} \w{3} \d{4}")
NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]+")
TABLE_RULE = re.compile(r"\|[-:| ]+\|")


class Profile(StrEnum):
    """The kinds of clients."""

    STU1 = "1.0"
    STU2 = "2.0.1"
    R3 = "3.0"
    EPIC = "epic"
    SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a client's preference list, and the order that it places: our product, with these directions and days."""

    key: str
    product: str
    """The RxNorm code of the product."""
    directions: tuple[str, ...] = ()
    """What the item says to take, each line as our orders write it without its days; none where the product says it all."""
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a client does with a card, beyond what its profile says. `items` are of its preference list."""

    suggestions: bool = True
    tables: bool = True
    care_plan: bool = True
    extension: bool = True
    items: tuple[Item, ...] = ()


ALL = Abilities()


def shaped(answer: Mapping[str, Any], profile: Profile, can: Abilities = ALL) -> Mapping[str, Any]:
    """The answer in the form of the profile, for a client that can do so much. Nothing of the answer itself is changed."""
    shape = SHAPES.get(profile)
    if shape is None and can == ALL:
        return answer
    found = {**answer, "cards": [_with(card, shape, can) for card in answer["cards"]]}
    return found if can.extension else _without_extension(found)


def _with(card: Json, shape: Callable[[Json, Abilities], Json] | None, can: Abilities) -> Json:
    """The card in a shape; where no suggestion is left, nothing says how to choose among them."""
    found = dict(card)
    if not can.suggestions:
        found.pop("suggestions", None)
    elif not can.care_plan and "suggestions" in found:
        found["suggestions"] = [one for one in found["suggestions"] if not _is_care_plan(one)]
    if shape is not None:
        found = shape(found, can)
    if not can.tables and "detail" in found:
        found["detail"] = _plain_tables(found["detail"])
    if not found.get("suggestions"):
        found.pop("suggestions", None)
        found.pop("selectionBehavior", None)
    return found


def _is_care_plan(suggestion: Json) -> bool:
    return any(action.get("resource", {}).get("resourceType") == "CarePlan" for action in suggestion["actions"])


def _plain_tables(detail: str) -> str:
    """The detail with each row of a table as a line of its own, for clients without GitHub's Markdown."""
    lines = []
    for line in detail.split("\n"):
        if TABLE_RULE.fullmatch(line):
            continue
        row = line.startswith("|") and line.endswith("|")
        lines.append("- " + ", ".join(cell.strip() for cell in line.strip("|").split("|")) if row else line)
    return "\n".join(lines)


def _without_extension(answer: Json) -> Json:
    cards = [{name: value for name, value in card.items() if name != "extension"} for card in answer["cards"]]
    return {**{name: value for name, value in answer.items() if name != "extension"}, "cards": cards}


# CDS Hooks 1.0 ----------------------------------------------------------------------------------------------------------


def _stu1(card: Json, _: Abilities) -> Json:
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


def _epic(card: Json, can: Abilities) -> Json:
    """Words and links, and of the suggestions those that an item of its preference list does whole.

    Epic ignores the details of an order that is created, and places the default dose of what it finds for the drug.
    """
    found = {**card, "source": _with_plain_topic(card["source"])}
    kept = (_by_item(suggestion, can.items) for suggestion in card.get("suggestions", ()))
    found["suggestions"] = [one for one in kept if one is not None]
    found["selectionBehavior"] = "any"
    return found


def _by_item(suggestion: Json, items: tuple[Item, ...]) -> Json | None:
    """The suggestion as the one item that places its order; None where it does more, or no item does the whole of it."""
    orders = [action for action in suggestion["actions"] if action["type"] == "create"]
    if len(orders) != 1 or len(suggestion["actions"]) != 1 or orders[0]["resource"]["resourceType"] != "MedicationRequest":
        return None
    order = orders[0]["resource"]
    item = next((one for one in items if _places(one, order)), None)
    if item is None:
        return None
    coding = [{"system": ITEM, "code": item.key}]
    resource = {
        "resourceType": "MedicationRequest",
        **{name: order[name] for name in ("intent", "subject", "encounter") if name in order},
        "status": "draft",
        "medicationCodeableConcept": {"coding": coding, "text": order["medicationCodeableConcept"].get("text", "")},
    }
    kept = {name: suggestion[name] for name in ("label", "uuid")}
    return {**kept, "actions": [{"type": "create", "description": orders[0]["description"], "resource": resource}]}


def _places(item: Item, order: Json) -> bool:
    """Whether the item is this product, with these directions for these days."""
    codes = {
        one.get("code") for one in order["medicationCodeableConcept"].get("coding", ()) if one.get("system") in NAMED_BY_EPIC
    }
    supply = order.get("dispenseRequest", {}).get("expectedSupplyDuration", {}).get("value")
    lines = tuple(DATES.sub("", line.get("text", "")) for line in order.get("dosageInstruction", ()))
    told = not item.directions or lines == item.directions
    return item.product in codes and told and (item.days is None or supply == item.days) and bool(item.directions or not supply)


def _with_plain_topic(source: Json) -> Json:
    """The source with a topic code of letters and digits alone: Epic keeps acknowledgements under it."""
    topic = source.get("topic")
    return {**source, "topic": {**topic, "code": NOT_ALPHANUMERIC.sub("", topic["code"])[:100]}} if topic else source


# The public sandbox -----------------------------------------------------------------------------------------------------


def _sandbox(card: Json, _: Abilities) -> Json:
    """Words and links alone: the sandbox takes the drug of the first action and none of its dose, and reports it as accepted."""
    return {name: value for name, value in card.items() if name != "suggestions"}


SHAPES: Mapping[Profile, Callable[[Json, Abilities], Json]] = {
    Profile.STU1: _stu1,
    Profile.EPIC: _epic,
    Profile.SANDBOX: _sandbox,
}
"""What is changed for whom. 2.0.1 is what we write, and 3.0 takes it as it is."""
