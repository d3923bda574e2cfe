"""What a call does to what is taken: which order a draft means, what goes on beside it, and what a switch comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from cds.core.taper_plan import NoPlan, Plan
from cds.decision.plans import crossover_plan, direct_plan, taken
from cds.fhir.write.requests import Course, Visit, carried, medication_requests
from cds.knowledge.model import Knowledge
from tests.spec.calls import DAY, SNOMED, Json, ago, desk, dispense, draft, observation, order

ALP = "alprazolam 1 mg tablet"
HALF = "alprazolam 0.5 mg tablet"
TID = "1 tablet three times a day"
BID = "1 tablet twice a day"
NIGHT = "1 tablet at bedtime"


@pytest.fixture(scope="module")
def ask() -> Iterator[Any]:
    with desk() as one:
        yield one.ask


def running(**more: Any) -> Json:
    return order("alp", ALP, TID, since=240, **more)


BOTH = [order("day", ALP, BID, since=240), order("night", HALF, NIGHT, since=240)]

# Two running orders, 2 mg and 0.5 mg: what the drafts mean, and what they lead to
OF_SEVERAL = [
    # drafts                                                                         action      daily mg
    ([draft("n", ALP, BID)], "continue", 2.5),
    ([draft("n", HALF, NIGHT, prior="night")], "continue", 2.5),
    ([order("day", ALP, BID)], "continue", 2.5),
    ([draft("n", HALF, BID, prior="day")], "reduce", 1.5),
    ([order("day", HALF, BID, since=240)], "reduce", 1.5),
    ([draft("n", ALP, TID, prior="day")], "increase", 3.5),
    ([draft("n", ALP, BID), draft("m", HALF, NIGHT)], "continue", 2.5),
    ([order("night", HALF, NIGHT, since=240, status="stopped")], "reduce", 2),
    ([order("night", HALF, NIGHT, since=240, status="stopped"), draft("n", ALP, BID)], "reduce", 2),
    ([draft("n", HALF, TID)], "reduce", 1.5),  # like none of them, so it takes the place of both
    ([draft("n", "alprazolam 2 mg tablet", BID, prior="unknown")], "increase", 4),
    ([draft("n", ALP, status="stopped")], "stop", 0),  # names none of them
]


@pytest.mark.parametrize(("drafts", "action", "daily"), OF_SEVERAL)
def test_a_draft_means_the_order_that_it_names_or_is_like_and_the_others_go_on(
    ask: Any, drafts: list[Json], action: str, daily: float
) -> None:
    found = ask(drafts, requests=BOTH).orders[0]
    assert (found["action"], found["dailyDoseMg"], found["takesNowMg"]) == (action, daily, 2.5)


def test_ending_an_order_that_was_renewed_since_is_no_stop(ask: Any) -> None:
    answer = ask([order("old", ALP, TID, since=300, status="stopped")], requests=[order("old", ALP, TID, since=300), running()])
    assert (answer.cards, answer.orders) == ([], [])


def test_an_order_that_another_names_as_the_one_it_follows_is_not_taken_beside_it(ask: Any) -> None:
    raised = order("new", ALP, TID, since=60, prior="old")
    found = ask([draft("n", ALP, TID)], requests=[order("old", ALP, BID, since=300), raised]).orders[0]
    assert (found["action"], found["takesNowMg"]) == ("continue", 3)


@pytest.mark.parametrize("status", ["stopped", "on-hold", "cancelled", "ended"])
def test_a_stop_that_the_record_shows_already_is_judged_as_one_of_what_ran_until_now(ask: Any, status: str) -> None:
    stop = order("alp", ALP, TID, since=240, status=status)
    assert "abrupt-stop critical" in ask([stop], requests=[stop]).cards


def test_completing_an_order_whose_own_supply_is_long_used_up_only_tidies_the_list(ask: Any) -> None:
    old = order("old", ALP, TID, since=600, status="completed", days=30, refills=0)
    assert (ask([old]).orders, ask([old], requests=[old]).orders) == ([], [])


@pytest.mark.parametrize("sig", ["Discontinue", "Stop taking alprazolam.", "STOP", "Stop taking this medication", "D/C"])
def test_directions_that_only_say_to_stop_are_a_stop(ask: Any, sig: str) -> None:
    answer = ask([draft("n", ALP, sig)], requests=[running()])
    assert (answer.orders[0]["action"], answer.orders[0]["dailyDoseMg"], answer.cards[0]) == ("stop", 0, "abrupt-stop critical")


@pytest.mark.parametrize(
    "more",
    [
        {"dosageInstruction": [{"text": "Discontinue", "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]}]},
        {"dosageInstruction": [{"timing": {"code": {"text": "Discontinue"}}}]},
        {"dosageInstruction": [{"text": "Do not stop this medication"}]},
    ],
    ids=["a dose beside them", "as a timing", "not to stop"],
)
def test_a_word_for_a_stop_in_other_places_is_a_gap(ask: Any, more: Json) -> None:
    answer = ask([draft("n", ALP, **more)], requests=[running()])
    assert "action" not in answer.orders[0] and answer.orders[0]["gaps"]


def test_a_draft_that_was_sent_twice_counts_once(ask: Any) -> None:
    answer = ask([draft("n", ALP, TID), draft("n", ALP, TID)], requests=[running()])
    assert [(each["request"], each["dailyDoseMg"]) for each in answer.orders] == [("MedicationRequest/n", 3)]


def test_drafts_without_an_id_are_told_apart(ask: Any) -> None:
    answer = ask([draft(None, HALF, TID), draft(None, "zolpidem 5 mg tablet", NIGHT)], requests=[running()])
    assert [(each["request"], each["agent"]) for each in answer.orders] == [
        ("MedicationRequest", "alprazolam"),
        ("MedicationRequest#2", "zolpidem"),
    ]
    assert {card["extension"]["org.taper-cds"]["order"] for card in answer.body["cards"]} == {
        "MedicationRequest",
        "MedicationRequest#2",
    }


DAYS = [
    # taken                        ordered                         action      daily mg, change in percent, told
    ("1 tablet daily", "1 tablet three days a week", "reduce", 0.429, -57.1, True),
    ("1 tablet three days a week", "1 tablet daily", "increase", 1, 133.3, False),
    ("1 tablet three days a week", "1 tablet three days a week", "continue", 0.429, 0, False),
    ("1 tablet daily", "2 tablets every other day", "continue", 1, 0, False),
]
"""`dailyDoseMg` is the average of a dose that is taken on some days only; `daysAWeek` says on how many."""


@pytest.mark.parametrize(("taken", "ordered", "action", "daily", "change", "told"), DAYS)
def test_the_same_dose_on_fewer_days_of_the_week_is_less(
    ask: Any, taken: str, ordered: str, action: str, daily: float, change: float, told: bool
) -> None:
    lorazepam = "lorazepam 1 mg tablet"
    answer = ask([draft("n", lorazepam, ordered)], requests=[order("x", lorazepam, taken, since=240)])
    found = answer.orders[0]
    assert (found["action"], found["dailyDoseMg"], round(found["changePercent"], 1)) == (action, daily, change)
    days = {"1 tablet three days a week": 3, "2 tablets every other day": 3.5}
    assert found.get("daysAWeek") == days.get(ordered)
    assert ("cut-too-fast" in answer.says) == told


# Switches ---------------------------------------------------------------------------------------------------------------

STOP = order("alp", ALP, TID, since=240, status="stopped")
DIAZEPAM = "diazepam 5 mg tablet"


def dated(sig: str, start: int, days: int) -> Json:
    bounds = {"start": ago(-start), "end": ago(-start - days + 1)}
    return {"sequence": start + 1, "text": sig, "timing": {"repeat": {"boundsPeriod": bounds}}}


def steps(*lines: Json) -> Json:
    return {"dosageInstruction": list(lines)}


SWITCHES = [
    # what                                          drafts                                                             told
    ("all of it at once", [STOP, draft("d", DIAZEPAM, "2 tablets three times a day")], set()),
    ("to half, by every source", [STOP, draft("d", DIAZEPAM, "1 tablet three times a day")], {"cut-too-fast"}),
    ("one dose of three exchanged", [draft("a", ALP, BID), draft("d", DIAZEPAM, "2 tablets at bedtime")], set()),
    ("one dose of three lost", [draft("a", ALP, BID), draft("d", "diazepam 2 mg tablet", NIGHT)], {"cut-too-fast"}),
    (
        "stepwise, by date",
        [
            draft("a", ALP, **steps(dated(BID, 0, 7), dated("1 tablet in the morning, then stop", 7, 7))),
            draft("d", DIAZEPAM, **steps(dated("2 tablets at bedtime", 0, 7), dated("2 tablets twice a day", 7, 7),
                                         dated("2 tablets three times a day", 14, 28))),
        ],
        set(),
    ),
    (
        "stepwise, and the old one is gone before the new one has come",
        [
            draft("a", ALP, **steps(dated(BID, 0, 7), dated("1 tablet in the morning, then stop", 7, 7))),
            draft("d", DIAZEPAM, **steps(dated("2 tablets at bedtime", 0, 7), dated("2 tablets twice a day", 7, 35))),
        ],
        {"cut-too-fast"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("drafts", "told"), [row[1:] for row in SWITCHES], ids=[row[0] for row in SWITCHES])
def test_a_switch_counts_what_remains_of_the_agent_that_is_given_up(ask: Any, drafts: list[Json], told: set[str]) -> None:
    answer = ask(drafts, requests=[running()])
    assert {each["action"] for each in answer.orders} == {"switch"}
    assert answer.says & {"cut-too-fast", "abrupt-stop", "slower-taper", "could-not-check"} == told


def test_a_benzodiazepine_can_take_the_place_of_a_z_drug_with_its_history(ask: Any) -> None:
    taken = order("z", "zolpidem 10 mg tablet", NIGHT, since=240)
    answer = ask([{**taken, "status": "stopped"}, draft("t", "temazepam 15 mg capsule", NIGHT)], requests=[taken])
    assert (answer.order("t")["action"], answer.cards) == ("switch", [])
    assert "long-use" in answer.risks("t")


def test_a_z_drug_can_not_take_the_place_of_a_benzodiazepine(ask: Any) -> None:
    answer = ask([STOP, draft("z", "zolpidem 10 mg tablet", NIGHT, days=7)], requests=[running()])
    assert (answer.order("alp")["action"], answer.cards[0]) == ("stop", "abrupt-stop critical")


def test_where_only_the_stop_of_a_switch_is_selected_the_switch_is_told(ask: Any) -> None:
    drafts = [STOP, draft("d", DIAZEPAM, "1 tablet at bedtime")]
    assert "cut-too-fast" in ask(drafts, "order-select", requests=[running()], selections=["alp"]).says


# Not known is not none ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"without": ["medicationRequests"]},
        {"medicationRequests": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}},
        {"requests": [order("before", ALP, TID, since=10, status="completed")]},
    ],
    ids=["the list was not sent", "the list failed", "the last order ended and states no length"],
)
def test_what_may_be_taken_is_not_read_as_nothing(ask: Any, given: Json) -> None:
    answer = ask([draft("n", HALF, BID, days=7)], **given)
    assert not {"action", "takesNowMg", "diazepamEquivalentMg", "changePercent"} & set(answer.orders[0])
    assert answer.cards == ["could-not-check info"]


def test_a_start_without_a_readable_dose_has_no_equivalent(ask: Any) -> None:
    assert "diazepamEquivalentMg" not in ask([draft("n", ALP)]).orders[0]


def test_monthly_orders_that_state_no_length_are_no_short_use(ask: Any) -> None:
    months = [order(f"m{month}", ALP, TID, since=10 + 30 * month, status="completed") for month in range(8)]
    answer = ask([draft("s", ALP, TID, status="stopped")], requests=months)
    assert "short-use" not in answer.risks("s")
    assert answer.cards == ["could-not-check info"]


# Tapers in several orders ------------------------------------------------------------------------------------------------

WEEKS = "for 2 weeks, then 1 tablet in the morning for 2 weeks, then stop"


def test_strengths_of_one_taper_without_dates_add_up_step_by_step(ask: Any) -> None:
    drafts = [draft("one", ALP, f"1 tablet twice a day {WEEKS}"), draft("half", HALF, f"1 tablet twice a day {WEEKS}")]
    found = ask(drafts, requests=[running()])
    assert [(each["action"], each["dailyDoseMg"]) for each in found.orders] == [("continue", 3)] * 2
    assert "cut-too-fast" in found.says


def test_where_their_steps_do_not_meet_the_sum_is_a_gap_that_says_so(ask: Any) -> None:
    drafts = [
        draft("one", ALP, f"1 tablet twice a day {WEEKS}"),
        draft("half", HALF, "1 tablet daily for 3 days, then half a tablet daily for 9 days"),
    ]
    found = ask(drafts, requests=[running()])
    assert "dailyDoseMg" not in found.orders[0]
    assert "change at different times" in found.orders[0]["gaps"][0]["says"] and "change at different times" in found.text


# Other drugs beside -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("flumazenil 0.1 mg/mL injection", "flumazenil"),
        ("itraconazole 100 mg capsule", "contraindicated-pair"),
        ("oxycodone 5 mg tablet", "opioid-and-benzodiazepine"),
    ],
)
def test_another_drug_is_judged_by_the_agent_that_is_taken_also_beside_the_order_of_another_agent(
    ask: Any, other: str, told: str
) -> None:
    answer = ask([draft("z", "zolpidem 5 mg tablet", NIGHT, days=7), draft("o", other, "1 daily")], requests=[running()])
    assert answer.order("o")["agent"] == "alprazolam"
    assert told in answer.says


def test_what_is_told_of_both_agents_is_one_card(ask: Any) -> None:
    drafts = [draft("z", "zolpidem 5 mg tablet", NIGHT, days=7), draft("o", "oxycodone 5 mg tablet", "1 daily")]
    cards = ask(drafts, requests=[running()]).cards
    assert sum(card.startswith("opioid-and-benzodiazepine") for card in cards) == 1


# What is suggested, once it is signed --------------------------------------------------------------------------------------


def signed(drafts: list[Json], suggestion: Json) -> list[Json]:
    """The drafts after all actions of a suggestion; a resource of the record that one changes stands among them."""
    left = {f"{each['resourceType']}/{each['id']}": each for each in drafts}
    for place, action in enumerate(suggestion["actions"]):
        if action["type"] == "delete":
            del left[action["resourceId"]]
        else:
            resource = {"id": f"new{place}", **action["resource"]}
            left[f"{resource['resourceType']}/{resource['id']}"] = resource
    return [each for each in left.values() if each["resourceType"] == "MedicationRequest"]


def plans_offered(answer: Any) -> list[Json]:
    offered = [each for card in answer.body["cards"] for each in card.get("suggestions", ())]
    return [each for each in offered if "care plan" not in each["label"]]


ZOLPIDEM = "zolpidem 10 mg tablet"
OFFERED = [
    # what                                                      drafts                                       on record
    ("a stop", [STOP], [running()]),
    ("half of it", [draft("n", HALF, TID)], [running()]),
    ("the running order itself, halved", [order("alp", HALF, TID, since=240)], [running()]),
    ("a renewal", [draft("n", ALP, TID)], [running()]),
    ("a switch that is a cut", [STOP, draft("d", DIAZEPAM, "1 tablet three times a day")], [running()]),
    ("a dose lost in a switch", [draft("a", ALP, BID), draft("d", "diazepam 2 mg tablet", NIGHT)], [running()]),
    ("both running orders, halved", [order("day", HALF, BID), order("night", "alprazolam 0.25 mg tablet", NIGHT)], BOTH),
    (
        "zolpidem, whose last step is one tablet",
        [order("z", ZOLPIDEM, NIGHT, since=500, status="stopped")],
        [order("z", ZOLPIDEM, NIGHT, since=500)],
    ),
    (
        "nitrazepam, whose plan is one step",
        [order("n", "nitrazepam 5 mg tablet", NIGHT, since=200, status="stopped")],
        [order("n", "nitrazepam 5 mg tablet", NIGHT, since=200)],
    ),
]


@pytest.mark.parametrize(("drafts", "requests"), [row[1:] for row in OFFERED], ids=[row[0] for row in OFFERED])
def test_signing_what_is_suggested_leaves_one_plan_that_is_not_warned_of(
    ask: Any, drafts: list[Json], requests: list[Json]
) -> None:
    first = ask(drafts, requests=requests)
    offered = plans_offered(first)
    assert offered
    for each in offered:
        after = signed(drafts, each)
        answer = ask(after, requests=requests)
        warned = {"abrupt-stop", "cut-too-fast", "slower-taper", "could-not-check", "crossover-advised-against"}
        assert not answer.says & warned, (each["label"], answer.cards, answer.text[:300])
        taken = first.orders[0]["takesNowMg"]
        assert all(each["dailyDoseMg"] <= taken for each in answer.orders if each["agent"] == first.orders[0]["agent"])


@pytest.mark.parametrize(
    "drafts", [[draft("n", HALF, BID, prior="day")], [{**BOTH[1], "status": "stopped"}]], ids=["halved", "stopped"]
)
def test_no_orders_are_offered_beside_one_that_goes_on(ask: Any, drafts: list[Json]) -> None:
    answer = ask(drafts, requests=BOTH)
    assert plans_offered(answer) == [] and "cut-too-fast" in answer.says
    assert "Keep 2.5 mg a day, split as now." in answer.text, "no split over the day that nobody said"
    assert "takes the place of every running order" in ask(drafts, requests=BOTH, at_length=True).text


# A plan that was signed, as time goes on -----------------------------------------------------------------------------------


def on_record(drafts: list[Json], suggestion: Json) -> list[Json]:
    return [each if each["status"] == "stopped" else {**each, "status": "active"} for each in signed(drafts, suggestion)]


def read_as_it_stands(answer: Any, doses: Iterable[Json]) -> None:
    assert {each["agent"]: each["takesNowMg"] for each in answer.orders} == {each["agent"]: each["dailyDoseMg"] for each in doses}
    assert all("long-use" in {risk["id"] for risk in each["riskFactors"]} for each in answer.orders)


@pytest.mark.parametrize("kind", ["Start the taper", "Start the crossover"])
@pytest.mark.parametrize("days", [1, 10, 20, 27])
def test_what_was_begun_is_read_as_it_stands_and_is_not_warned_of(ask: Any, kind: str, days: int) -> None:
    offer = ask([STOP], requests=[running()])
    suggestion = next(each for each in plans_offered(offer) if kind in each["label"])
    taper = kind == "Start the taper"
    own = offer.orders[0]["plan"] if taper else offer.orders[0]["crossover"]["plan"]
    day = DAY + timedelta(days=days)
    step = own["steps"][0] if taper else [each for each in own["steps"] if each["start"] <= day.isoformat()][-1]
    answer = ask(hook="patient-view", requests=on_record([STOP], suggestion), day=day)
    read_as_it_stands(answer, step.get("doses") or [step])
    # The order of a first step says nothing of a plan, so that a review of long use may be told; never a warning.
    assert all(card.endswith(" info") for card in answer.cards) and (taper or answer.cards == [])


@pytest.mark.parametrize("draw", [direct_plan, crossover_plan])
@pytest.mark.parametrize("days", [1, 20, 60, 120, 170])
def test_a_plan_under_way_is_read_as_it_stands_and_is_not_advised_again(
    ask: Any, book: Knowledge, draw: Callable[..., Plan | NoPlan], days: int
) -> None:
    plan = draw(book, DAY, taken(book, DAY, "alprazolam", Decimal(3), doses_a_day=3), "standard")
    assert isinstance(plan, Plan)
    visit = Visit("p", DAY, None, "Practitioner/d")
    written = medication_requests(Course(plan.steps, "The whole plan."), carried(running(), visit), visit)
    follows = {"priorPrescription": {"reference": "MedicationRequest/alp"}}
    suggestion = {"actions": [{"type": "create", "resource": {**each, **follows}} for each in written]}
    day = DAY + timedelta(days=days)
    step = [each for each in plan.steps if each.start <= day][-1]
    doses = [{"agent": each.agent, "dailyDoseMg": float(each.daily)} for each in step.doses if each.daily]
    answer = ask(hook="patient-view", requests=on_record([STOP], suggestion), day=day)
    read_as_it_stands(answer, doses)
    assert answer.cards == []


def test_an_ended_order_lasted_until_the_one_that_follows_it(ask: Any) -> None:
    before = order("old", ALP, TID, since=300, status="stopped")
    answer = ask([draft("n", ALP, TID)], requests=[before, order("new", ALP, TID, since=20, prior="old")])
    assert {"long-use", "dependence-likely"} <= {risk["id"] for risk in answer.orders[0]["riskFactors"]}


# What else is taken ---------------------------------------------------------------------------------------------------------

OXY = "oxycodone 5 mg tablet"
OPIOIDS = [
    # what of an opioid is on record or among the drafts      prefetch and drafts                     taken
    ("an active request", {"requests": [order("o", OXY, "1 daily", since=40)]}, True),
    ("a request that ended", {"requests": [order("o", OXY, "1 daily", since=40, status="stopped")]}, False),
    ("a completed one whose supply lasts", {"requests": [order("o", OXY, since=5, days=7, status="completed")]}, True),
    ("a completed one whose supply is used up", {"requests": [order("o", OXY, since=9, days=7, status="completed")]}, False),
    ("a dispense alone", {"dispenses": [dispense("d", OXY, 5, 30)]}, True),
    ("a dispense alone, used up", {"dispenses": [dispense("d", OXY, 40, 30)]}, False),
    (
        "a dispense on a request that was stopped",
        {"requests": [order("o", OXY, since=9, status="stopped")], "dispenses": [dispense("d", OXY, 5, 30, prior="o")]},
        False,
    ),
    (
        "a request that a draft of another id stops",
        {"requests": [order("o", OXY, "1 daily", since=40)], "also": [draft("s", OXY, doNotPerform=True)]},
        False,
    ),
    (
        "a request, while a draft stops another one",
        {
            "requests": [order("o", OXY, "1 daily", since=40), order("m", "morphine 15 mg tablet", "1 daily", since=40)],
            "also": [order("m", "morphine 15 mg tablet", status="stopped")],
        },
        True,
    ),
]


@pytest.mark.parametrize(("given", "taken"), [row[1:] for row in OPIOIDS], ids=[row[0] for row in OPIOIDS])
def test_whether_another_drug_is_taken_now(ask: Any, given: Json, taken: bool) -> None:
    given = {**given, "requests": [running(), *given.get("requests", [])]}
    drafts = [draft("n", ALP, TID), *given.pop("also", [])]
    assert ("opioid-taken" in ask(drafts, **given).risks("n")) == taken


def test_where_only_the_other_drug_is_selected_nothing_is_said_of_the_draft_beside_it(ask: Any) -> None:
    drafts = [draft("o", OXY, "1 daily"), order("alp", ALP, TID, since=240, status="stopped")]
    answer = ask(drafts, "order-select", requests=[running()], selections=["o"])
    assert answer.cards == ["opioid-and-benzodiazepine critical"]


# The patient ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("birth", [None, "2030-01-01", "unknown"])
def test_without_a_birth_date_the_age_is_a_gap_on_the_card(ask: Any, birth: str | None) -> None:
    answer = ask([STOP], requests=[running()], birth=birth)
    assert "abrupt-stop critical" in answer.cards and "birth date" in answer.text
    assert "older-adult" not in answer.risks("alp")


def pregnancy_test(id: str, taken: int, answer: str) -> Json:
    return observation(id, "2106-3", taken, valueCodeableConcept={"coding": [{"system": SNOMED, "code": answer}]})


@pytest.mark.parametrize(("newest", "pregnant"), [("260385009", False), ("10828004", True)], ids=["negative", "positive"])
def test_of_several_answers_the_newest_counts(ask: Any, newest: str, pregnant: bool) -> None:
    other = {"260385009": "10828004", "10828004": "260385009"}[newest]
    seen = [pregnancy_test("old", 100, other), pregnancy_test("new", 5, newest)]
    assert ("pregnancy" in ask([STOP], requests=[running()], observations=seen).risks("alp")) == pregnant


def test_an_answer_that_can_not_be_read_is_said(ask: Any) -> None:
    seen = [observation("phq", "44260-8", 5, valueString="Several days")]
    assert "no value that could be read" in ask([STOP], requests=[running()], observations=seen).text
