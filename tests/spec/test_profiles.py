"""What each kind of client gets of an answer: the same advice, and nothing that it can't act on."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from cds.hooks.client_profiles import DRAFT_TOO, ONE_PLAN, Profile, shaped

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


def got(profile: Profile, *suggestions: dict[str, Any], behavior: str = "any") -> dict[str, Any]:
    """The card as the profile has it, once the answer itself was found unchanged and the rest of the envelope kept."""
    answer = {"cards": [card(*suggestions, behavior=behavior)], "extension": {"org.taper-cds": {"decision": "x"}}}
    before = copy.deepcopy(answer)
    told = shaped(answer, profile)
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


def test_epic_gets_one_action_a_suggestion_and_any_of_them() -> None:
    found = got(Profile.EPIC, suggestion(DELETE, create(), isRecommended=True))
    assert actions(found) == [["create"], ["delete"]]
    assert found["selectionBehavior"] == "any"
    assert found["suggestions"][0]["actions"][0]["description"] == "Order diazepam 5 mg" + DRAFT_TOO
    assert not [one for one in found["suggestions"] if "isRecommended" in one]


def test_epic_is_told_of_the_draft_only_where_there_is_one() -> None:
    [found] = got(Profile.EPIC, suggestion(create()))["suggestions"]
    assert found["actions"][0]["description"] == "Order diazepam 5 mg"


def test_epic_does_not_update_so_that_the_change_is_a_new_order_and_the_draft_taken_away() -> None:
    found = got(Profile.EPIC, suggestion(update()))
    assert actions(found) == [["create"], ["delete"]]
    assert "id" not in found["suggestions"][0]["actions"][0]["resource"]
    assert found["suggestions"][1]["actions"][0]["resourceId"] == "MedicationRequest/d1"


@pytest.mark.parametrize(
    "several", [(create(), create(order(code="1"))), (update(), create()), (DELETE, create(), create(order(code="1")))]
)
def test_epic_is_offered_no_plan_of_which_a_part_could_be_taken(several: tuple[dict[str, Any], ...]) -> None:
    found = got(Profile.EPIC, suggestion(*several))
    assert not {"suggestions", "selectionBehavior"} & found.keys()
    assert found["detail"] == "Taper it."


def test_epic_takes_orders_alone() -> None:
    assert "suggestions" not in got(Profile.EPIC, suggestion(CARE_PLAN))
    assert actions(got(Profile.EPIC, suggestion(CARE_PLAN), suggestion(create(), uuid=TWO))) == [["create"]]


def test_epic_knows_code_systems_by_their_oid() -> None:
    [found] = got(Profile.EPIC, suggestion(create()))["suggestions"]
    [coding] = found["actions"][0]["resource"]["medicationCodeableConcept"]["coding"]
    assert coding == {"system": "urn:oid:2.16.840.1.113883.6.88", "code": "197590"}


def test_epic_can_not_exclude_one_plan_by_another_so_the_words_do() -> None:
    plans = suggestion(create()), suggestion(create(order(code="1")), uuid=TWO)
    assert got(Profile.EPIC, *plans, behavior="at-most-one")["detail"] == f"{ONE_PLAN}\n\nTaper it."
    assert got(Profile.EPIC, *plans)["detail"] == "Taper it."


def test_two_plans_that_take_the_same_draft_away_offer_it_once() -> None:
    found = got(Profile.EPIC, suggestion(DELETE, create()), suggestion(DELETE, create(order(code="1")), uuid=TWO))
    assert actions(found) == [["create"], ["delete"], ["create"]]


def test_src_4_epic_keeps_acknowledgements_under_an_alphanumeric_topic() -> None:
    assert got(Profile.EPIC)["source"]["topic"]["code"] == "abruptstop"


def test_ids_of_what_was_split_are_uuids_and_always_the_same() -> None:
    ids = [[one["uuid"] for one in got(Profile.EPIC, suggestion(DELETE, create()))["suggestions"]] for _ in range(2)]
    assert ids[0] == ids[1]
    assert ids[0][0] == ONE
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", ids[0][1])
    assert len(set(ids[0])) == 2


# The sandbox ------------------------------------------------------------------------------------------------------------


def test_the_sandbox_would_stop_at_a_delete_so_it_gets_the_order_alone() -> None:
    assert actions(got(Profile.SANDBOX, suggestion(DELETE, create()))) == [["create"]]
    assert actions(got(Profile.SANDBOX, suggestion(DELETE, update("d2"), create()))) == [["update", "create"]]


def test_the_sandbox_gets_a_delete_where_nothing_else_is_done() -> None:
    assert actions(got(Profile.SANDBOX, suggestion(DELETE))) == [["delete"]]


@pytest.mark.parametrize("profile", Profile)
def test_a_card_without_suggestions_has_nothing_to_choose(profile: Profile) -> None:
    assert not {"suggestions", "selectionBehavior"} & got(profile).keys()
    assert shaped({"cards": []}, profile) == {"cards": []}
