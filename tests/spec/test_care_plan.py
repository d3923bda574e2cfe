"""The whole taper as one CarePlan: valid, every step with its days and dose, and nothing of another draft's."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from fhir.resources.R4B.careplan import CarePlan

from cds.core.crossover import plan as crossover
from cds.core.taper import direct
from cds.core.taper_plan import Plan
from cds.fhir.write.care_plan import care_plan
from cds.fhir.write.requests import Visit, carried
from tests.spec.plans import AGENTS, CROSSOVER, LIMITS, SHORT, SLOWER, STANDARD, START, takes

VISIT = Visit("p", date(2026, 11, 23), "e", "Practitioner/who")


def taper(agent, pace=STANDARD, **times) -> Plan:
    held = AGENTS[agent]
    found = direct(takes(**times), agent, held.equivalent, held.presentations, pace, LIMITS, START)
    assert isinstance(found, Plan), found
    return found


def across(agent, target, **times) -> Plan:
    found = crossover(takes(**times), AGENTS[agent], AGENTS[target], STANDARD, LIMITS, CROSSOVER, START)
    assert isinstance(found, Plan), found
    return found


PLANS = {
    "diazepam twice a day": taper("diazepam", morning="10", night="10"),
    "alprazolam, slower": taper("alprazolam", SLOWER, morning="1", midday="1", night="1"),
    "lorazepam, short": taper("lorazepam", SHORT, night="2"),
    "lorazepam, two strengths or a liquid": taper("lorazepam", morning="1", midday="1", night="1"),
    "crossover to diazepam": across("alprazolam", "diazepam", morning="0.5", midday="0.5", night="0.5"),
}


def written(plan: Plan, visit: Visit = VISIT) -> dict[str, Any]:
    """The care plan where there is no draft."""
    return care_plan(plan, carried(None, visit), visit)


each_plan = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)


@each_plan
def test_it_is_a_valid_draft_of_a_plan_over_all_of_its_days(plan: Plan) -> None:
    found = written(plan)
    CarePlan.model_validate(found)
    assert (found["status"], found["intent"], found["subject"]) == ("draft", "plan", {"reference": "Patient/p"})
    assert found["period"]["start"] == plan.start.isoformat()
    assert found["period"]["end"] >= plan.ends.isoformat()
    assert "id" not in found


@each_plan
def test_each_step_has_an_activity_for_each_agent_with_its_days_and_dose(plan: Plan) -> None:
    details = [activity["detail"] for activity in written(plan)["activity"]]
    expected = [(step, dose) for step in plan.steps for dose in step.doses]
    assert len(details) == len(expected)
    for detail, (step, dose) in zip(details, expected, strict=True):
        assert detail["status"] == "not-started"
        assert detail["scheduledPeriod"]["start"] == step.start.isoformat()
        assert Decimal(str(detail["dailyAmount"]["value"])) == dose.daily
        assert detail.get("kind") == ("MedicationRequest" if dose.times else None)


@each_plan
def test_the_days_of_the_steps_follow_on_each_other(plan: Plan) -> None:
    periods = sorted({tuple(a["detail"]["scheduledPeriod"].values()) for a in written(plan)["activity"]})
    for (_, end), (start, _) in pairwise(periods):
        assert (date.fromisoformat(start) - date.fromisoformat(end)).days == 1


@each_plan
def test_it_ends_with_a_step_of_nothing_that_says_until_when_to_watch(plan: Plan) -> None:
    last = written(plan)["activity"][-1]["detail"]
    assert last["dailyAmount"]["value"] == 0
    assert f"no more {plan.target}. Watch until" in last["description"]


@each_plan
def test_what_a_prescriber_has_to_know_is_noted_and_that_it_is_no_order(plan: Plan) -> None:
    notes = [note["text"] for note in written(plan)["note"]]
    assert notes[:-1] == list(plan.notes)
    assert notes[-1].endswith("It is not an order.")


def test_a_step_of_one_product_names_it_and_one_of_several_the_agent() -> None:
    for plan in PLANS.values():
        details = [activity["detail"] for activity in written(plan)["activity"]]
        for detail, dose in zip(details, [dose for step in plan.steps for dose in step.doses], strict=True):
            names = {amount.presentation.name for amount in dose.amounts}
            if names:
                assert detail["productCodeableConcept"]["text"] == (names.pop() if len(names) == 1 else dose.agent)


def test_a_step_is_told_in_words_with_its_place_cut_and_tablets() -> None:
    first = written(taper("diazepam", night="10"))["activity"][0]["detail"]["description"]
    assert first.startswith("Step 1 of ")
    assert "9 mg of diazepam a day" in first and ", 10 percent less than before" in first and "at night" in first


def test_a_crossover_says_when_to_look_at_it_once_a_step_and_no_cut() -> None:
    details = [activity["detail"]["description"] for activity in written(PLANS["crossover to diazepam"])["activity"]]
    assert "Check for sedation and withdrawal on 28 Nov 2026." not in details[0]
    assert details[1].endswith("Check for sedation and withdrawal on 28 Nov 2026.")
    assert "percent" not in details[0]


DRAFT = {
    "resourceType": "MedicationRequest",
    "intent": "order",
    "subject": {"reference": "Patient/p"},
    "encounter": {"reference": "#inside"},
    "requester": {"reference": "PractitionerRole/r"},
    "reasonReference": [{"reference": "Condition/c"}, {"reference": "Observation/o"}, {"reference": "#why"}],
    "contained": [
        {"resourceType": "Encounter", "id": "inside", "status": "planned", "class": {"code": "AMB"}},
        {"resourceType": "Condition", "id": "why", "subject": {"reference": "Patient/p"}},
    ],
}


def test_author_and_conditions_are_the_drafts_and_what_it_contains_is_not_referred_to() -> None:
    found = care_plan(PLANS["lorazepam, short"], carried(DRAFT, VISIT), VISIT)
    CarePlan.model_validate(found)
    assert found["author"] == {"reference": "PractitionerRole/r"}
    assert found["addresses"] == [{"reference": "Condition/c"}]
    assert "encounter" not in found


def test_a_user_who_is_no_prescriber_is_not_its_author() -> None:
    assert "author" not in written(PLANS["lorazepam, short"], Visit("p", START, user="Patient/p"))
