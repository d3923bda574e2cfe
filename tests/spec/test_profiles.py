"""What each kind of client gets of an answer: the same advice, and nothing that it can't act on."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cds.hooks.client_profiles import ALL, ITEM, Abilities, Item, Profile, shaped

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ONE, TWO, THREE = (f"{n}0000000-0000-4000-8000-000000000000" for n in (1, 2, 3))
REASON = {"code": "x", "system": "urn:x", "display": "Not now"}


def order(id: str | None = None, code: str = "197590") -> dict[str, Any]:
    concept = {"coding": [{"system": RXNORM, "code": code}], "text": "diazepam 5 MG Oral Tablet"}
    return {
        "resourceType": "MedicationRequest",
        **({"id": id} if id else {}),
        "status": "draft",
        "medicationCodeableConcept": concept,
    }


def create(resource: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "create", "description": "Order diazepam 5 mg", "resource": resource or order()}


def update(id: str = "d1") -> dict[str, Any]:
    return {"type": "update", "description": "Change this order", "resource": order(id)}


DELETE = {"type": "delete", "description": "Take this draft away", "resourceId": "MedicationRequest/d1"}
CARE_PLAN = {"type": "create", "description": "Add the plan", "resource": {"resourceType": "CarePlan"}}


def suggestion(*actions: dict[str, Any], uuid: str = ONE, **more: Any) -> dict[str, Any]:
    return {"label": "Order this taper", "uuid": uuid, "actions": list(actions), **more}


def card(*suggestions: dict[str, Any], behavior: str = "any") -> dict[str, Any]:
    found = {
        "uuid": THREE,
        "summary": "Stopping at once risks seizures",
        "detail": "Taper it.",
        "indicator": "critical",
        "source": {"label": "ASAM", "topic": {"system": "urn:t", "code": "abrupt-stop", "display": "Abrupt stop"}},
        "overrideReasons": [REASON],
        "links": [{"label": "ASAM", "url": "https://doi.org/x", "type": "absolute"}],
        "extension": {"org.taper-cds": {"rule": "abrupt-stop"}},
    }
    return {**found, "suggestions": list(suggestions), "selectionBehavior": behavior} if suggestions else found


def got(profile: Profile, *suggestions: dict[str, Any], behavior: str = "any", can: Abilities = ALL) -> dict[str, Any]:
    """The card as the profile has it, once the answer itself was found unchanged and the rest of the envelope kept."""
    answer = {"cards": [card(*suggestions, behavior=behavior)], "extension": {"org.taper-cds": {"decision": "x"}}}
    before = copy.deepcopy(answer)
    told = shaped(answer, profile, can)
    assert answer == before
    assert told["extension"] == answer["extension"]
    [found] = told["cards"]
    assert (found["summary"], found["indicator"], found["extension"]) == (
        "Stopping at once risks seizures",
        "critical",
        {"org.taper-cds": {"rule": "abrupt-stop"}},
    )
    return dict(found)


def actions(found: dict[str, Any]) -> list[list[str]]:
    return [[action["type"] for action in one["actions"]] for one in found.get("suggestions", [])]


@pytest.mark.parametrize("profile", [Profile.STU2, Profile.R3])
def test_2_0_1_and_3_0_get_the_answer_as_it_is(profile: Profile) -> None:
    one = suggestion(DELETE, create(), isRecommended=True)
    assert got(profile, one) == card(one)


# 1.0 --------------------------------------------------------------------------------------------------------------------


def test_ver_6_1_0_gets_nothing_that_came_with_2_0() -> None:
    found = got(Profile.STU1, suggestion(create(), isRecommended=True))
    assert not {"uuid", "overrideReasons"} & found.keys()
    assert found["source"] == {"label": "ASAM"}
    assert "isRecommended" not in found["suggestions"][0]
    assert found["suggestions"][0]["uuid"] == ONE


def test_card_7_1_0_knows_one_way_to_choose() -> None:
    assert got(Profile.STU1, suggestion(create()), suggestion(create(), uuid=TWO))["selectionBehavior"] == "at-most-one"


def test_act_5_1_0_deletes_by_resource() -> None:
    [found] = got(Profile.STU1, suggestion(DELETE, create()))["suggestions"]
    assert found["actions"][0] == {"type": "delete", "description": "Take this draft away", "resource": "MedicationRequest/d1"}
    assert found["actions"][1] == create()


# Epic -------------------------------------------------------------------------------------------------------------------


DIRECTIONS = "Take 1 tablet (5 mg) in the morning and at night, 23 Nov 2026 to 20 Dec 2026."


def dosed(code: str = "197590", days: int = 28) -> dict[str, Any]:
    supply = {"expectedSupplyDuration": {"value": days, "unit": "days"}}
    return {**order(code=code), "dosageInstruction": [{"text": DIRECTIONS}], "dispenseRequest": supply}


ITEM_OF_IT = Item("EPIC-1", "197590", ("Take 1 tablet (5 mg) in the morning and at night.",), 28)
WITH_ITEM = Abilities(items=(ITEM_OF_IT,))


def test_epic_without_a_preference_list_gets_words_and_links_alone() -> None:
    found = got(Profile.EPIC, suggestion(create(dosed())), suggestion(DELETE, create(dosed())))
    assert not {"suggestions", "selectionBehavior"} & found.keys()
    assert found["links"] and found["detail"] == "Taper it."


def test_epic_gets_the_item_that_places_the_whole_order() -> None:
    found = got(Profile.EPIC, suggestion(create(dosed()), isRecommended=True), can=WITH_ITEM)
    [one] = found["suggestions"]
    assert found["selectionBehavior"] == "any" and "isRecommended" not in one
    [action] = one["actions"]
    assert action["resource"]["medicationCodeableConcept"]["coding"] == [{"system": ITEM, "code": "EPIC-1"}]
    assert not {"dosageInstruction", "dispenseRequest"} & action["resource"].keys()


@pytest.mark.parametrize(
    "more",
    [
        (DELETE, create(dosed())),
        (update(),),
        (create(dosed()), create(dosed())),
        (create(dosed("1")),),
        (create(dosed(days=7)),),
        (create(order()),),
        (CARE_PLAN,),
    ],
)
def test_epic_is_offered_nothing_that_its_item_does_only_in_part(more: tuple[dict[str, Any], ...]) -> None:
    assert "suggestions" not in got(Profile.EPIC, suggestion(*more), can=WITH_ITEM)


def test_src_4_epic_keeps_acknowledgements_under_an_alphanumeric_topic() -> None:
    assert got(Profile.EPIC)["source"]["topic"]["code"] == "abruptstop"


# The sandbox ------------------------------------------------------------------------------------------------------------


def test_the_sandbox_takes_no_dose_so_it_gets_words_and_links_alone() -> None:
    assert "suggestions" not in got(Profile.SANDBOX, suggestion(create(dosed())), suggestion(DELETE))


# What a client can do ---------------------------------------------------------------------------------------------------


def test_a_client_of_words_gets_no_suggestion() -> None:
    assert "suggestions" not in got(Profile.STU2, suggestion(create()), can=Abilities(suggestions=False))


def test_a_client_without_care_plans_gets_the_orders_alone() -> None:
    found = got(Profile.STU2, suggestion(create()), suggestion(CARE_PLAN, uuid=TWO), can=Abilities(care_plan=False))
    assert actions(found) == [["create"]]


def test_tables_are_plain_lines_for_a_client_without_them() -> None:
    table = {**card(), "detail": "**Taper**\n\n|From|Advised|\n|-|-|\n|1 Jan 2027|5 mg|\n\nThen 0."}
    told = shaped({"cards": [table]}, Profile.STU2, Abilities(tables=False))
    assert told["cards"][0]["detail"] == "**Taper**\n\n- From, Advised\n- 1 Jan 2027, 5 mg\n\nThen 0."


def test_the_extension_is_left_out_where_a_client_wants_none() -> None:
    answer = {"cards": [card()], "extension": {"org.taper-cds": {"decision": "x"}}}
    told = shaped(answer, Profile.STU2, Abilities(extension=False))
    assert "extension" not in told and "extension" not in told["cards"][0]


@pytest.mark.parametrize("profile", Profile)
def test_a_card_without_suggestions_has_nothing_to_choose(profile: Profile) -> None:
    assert not {"suggestions", "selectionBehavior"} & got(profile).keys()
    assert shaped({"cards": []}, profile) == {"cards": []}
