"""What a careful reader asks of the cards: is it true of this patient, in proportion, of one voice, and safe?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from cds.core.period import written
from cds.core.taper_plan import Plan
from cds.decision.plans import direct_plan, taken
from cds.hooks import cards as card_text
from tests.spec.calls import DAY, ICD, Answer, Desk, Json, condition, desk, dispense, draft, observation, order

ALP, LOR, DIA, CLO = "alprazolam 1 mg tablet", "lorazepam 1 mg tablet", "diazepam 5 mg tablet", "clonazepam 0.5 mg tablet"
TID, BID, NIGHT = "1 tablet three times daily", "1 tablet twice daily", "1 tablet at bedtime"
OXY = order("o", "oxycodone 5 mg tablet", "1 tablet every 6 hours", since=60)


@pytest.fixture(scope="module")
def asked() -> Iterator[Desk]:
    with desk() as one:
        yield one


def stop_of(asked: Desk, drug: str, sig: str, since: int, *beside: Json, **given: Any) -> Answer:
    running = order("x", drug, sig, since=since)
    return asked.ask([{**running, "status": "stopped"}], requests=[running, *beside], **given)


def cut_of(asked: Desk, drug: str, sig: str, ordered: str, into: str, since: int, **given: Any) -> Answer:
    return asked.ask([draft("n", ordered, into)], requests=[order("x", drug, sig, since=since)], **given)


def labels(answer: Answer) -> list[str]:
    return [one["label"] for card in answer.body["cards"] for one in card.get("suggestions", ())]


# In proportion -----------------------------------------------------------------------------------------------------------------


LENGTHS = [
    # stopped, after 240 days       how long most need, from the shortest to the longest interval that the patient may choose
    (ALP, TID, "Most need 11 to 17 months; a lower dose is a fair goal."),
    (DIA, BID, "Most need 4 to 9 months; a lower dose is a fair goal."),
    (DIA, NIGHT, "Most need 8 to 16 weeks; a lower dose is a fair goal."),
]


@pytest.mark.parametrize(("drug", "sig", "said"), LENGTHS)
def test_the_length_of_a_plan_is_told_as_a_range_and_without_the_day_on_which_it_ends(
    asked: Desk, drug: str, sig: str, said: str
) -> None:
    answer = stop_of(asked, drug, sig, 240)
    ends = date.fromisoformat(answer.orders[0]["plan"]["ends"])
    assert said in answer.text and written(ends) not in answer.text and str(ends.year) not in answer.text
    assert "longer than most" not in answer.text


def test_an_offer_of_orders_says_how_far_they_reach(asked: Desk) -> None:
    for drug, sig, today, first in ((ALP, TID, "3", "2.75"), (DIA, NIGHT, "5", "4")):
        agent = drug.partition(" ")[0]
        offered = labels(stop_of(asked, drug, sig, 240))
        assert offered[0] == f"Continue today's dose of {agent}, {today} mg a day, 28 days"
        assert f"Start the taper of {agent}: its first step, {first} mg a day, 28 days" in offered
        assert offered[-1] == "Add the whole schedule as a care plan; it orders nothing"
        assert all(label.endswith("28 days") for label in offered[:-1])


SHORT_USE = [
    # who                       drug, sig, taken for so many days                  pace, and what is advised
    ("an older adult", LOR, NIGHT, 14, {"birth": "1948-01-01"}, "stop", "stop, or halve the dose for one or two weeks first"),
    ("a high dose", ALP, TID, 21, {}, "short", "Agree on a taper of days to weeks"),
]


@pytest.mark.parametrize(
    ("who", "drug", "sig", "since", "given", "pace", "advised"), SHORT_USE, ids=[each[0] for each in SHORT_USE]
)
def test_after_use_of_weeks_no_taper_of_years_is_drawn_up(
    asked: Desk, who: str, drug: str, sig: str, since: int, given: dict[str, Any], pace: str, advised: str
) -> None:
    answer = stop_of(asked, drug, sig, since, **given)
    assert answer.orders[0]["pace"] == pace and "plan" not in answer.orders[0]
    assert advised in answer.text and "seizure, confusion, suicidal thoughts" in answer.text
    assert ("out of proportion to use as short as this" in answer.text) == (pace == "short")
    long = stop_of(asked, drug, sig, since, **given, at_length=True)
    assert "Most need" not in answer.text and "28 days apart" not in long.text


def test_the_short_pace_allows_what_its_plans_do(asked: Desk) -> None:
    answer = stop_of(asked, "alprazolam 0.5 mg tablet", TID, 21)
    assert answer.orders[0]["pace"] == "short"
    assert "this pace allows 25% in 14 days" in answer.text and "days to four weeks" not in answer.text


def test_no_plan_is_drawn_up_for_a_child(asked: Desk) -> None:
    answer = stop_of(asked, CLO, BID, 300, birth="2018-05-05")
    assert "abrupt-stop critical" in answer.cards and "plan" not in answer.orders[0]
    assert labels(answer) == ["Continue today's dose of clonazepam, 1 mg a day, 28 days"]
    assert "Plans are for adults; the patient is 8 years old." in answer.text


STARTS = [
    # what is taken                                         why there is no plan
    (LOR, "as directed", "how much is taken now could not be read"),
    (ALP, "1 tablet every other day", "it is not taken every day"),
]


@pytest.mark.parametrize(("drug", "sig", "why"), STARTS)
def test_where_nothing_can_be_drawn_up_the_card_says_why(asked: Desk, drug: str, sig: str, why: str) -> None:
    assert f"A plan starts from a known dose on every day; {why}" in stop_of(asked, drug, sig, 400).text


# A crossover, where it is wise -------------------------------------------------------------------------------------------------

UNWISE = [
    # who                           drug, sig                          beside, and given
    ("an opioid is taken", ALP, TID, [OXY], {}),
    ("two are taken", LOR, BID, [order("c", CLO, BID, since=400)], {}),
    ("pregnancy", ALP, TID, [], {"conditions": [condition(ICD, "Z33.1", 100)], "birth": "1995-01-01"}),
    ("suicidal ideation", ALP, TID, [], {"conditions": [condition(ICD, "R45.851", 10)]}),
    ("cirrhosis", ALP, TID, [], {"conditions": [condition(ICD, "K74.60")]}),
    ("a low dose", "lorazepam 0.5 mg tablet", NIGHT, [], {}),
    ("a dose that was not read", LOR, "as directed", [], {}),
    ("a patient of 17", ALP, TID, [], {"birth": "2009-06-01"}),
]


@pytest.mark.parametrize(("who", "drug", "sig", "beside", "given"), UNWISE, ids=[each[0] for each in UNWISE])
def test_a_crossover_is_not_offered_with(
    asked: Desk, who: str, drug: str, sig: str, beside: list[Json], given: dict[str, Any]
) -> None:
    answer = stop_of(asked, drug, sig, 400, *beside, **given)
    assert "abrupt-stop critical" in answer.cards and "crossover" not in answer.says
    assert "plan" not in answer.orders[0]["crossover"]


def test_a_crossover_is_offered_where_nothing_speaks_against_it(asked: Desk) -> None:
    assert "crossover" in stop_of(asked, ALP, TID, 400).says


def test_what_is_advised_against_is_not_named_as_a_way_out(asked: Desk) -> None:
    released = "alprazolam 3 mg extended-release tablet"
    for birth, named in (("1980-05-05", True), ("1945-01-01", False)):
        answer = stop_of(asked, released, "1 tablet every morning", 400, birth=birth, at_length=True)
        assert "abrupt-stop critical" in answer.cards and "plan" not in answer.orders[0]["crossover"]
        without_plan = answer.text.partition("**No plan:**")[2].partition("\n\n")[0]
        assert without_plan and ("A crossover" in without_plan) == named, birth


# What a risk asks for ----------------------------------------------------------------------------------------------------------

CUTS_AT_THE_SLOWER_PACE = [
    # taken, of mg                ordered                     too fast, in one who had a withdrawal delirium
    ("diazepam 10 mg tablet", "diazepam 9 mg tablet", False),  # the smallest step of tablets, and a gentle one
    ("lorazepam 1 mg tablet", "lorazepam 0.75 mg tablet", False),  # a quarter, the smallest scored half
    ("lorazepam 1 mg tablet", "lorazepam 0.5 mg tablet", True),  # half, where a quarter is sold
]


@pytest.mark.parametrize(("drug", "ordered", "fast"), CUTS_AT_THE_SLOWER_PACE)
def test_at_the_slower_pace_the_smallest_tablet_is_no_excuse_for_more_than_slow_schedules_cut(
    asked: Desk, drug: str, ordered: str, fast: bool
) -> None:
    delirium = [condition(ICD, "F13.231", 900, status="resolved")]
    answer = cut_of(asked, drug, NIGHT, ordered, NIGHT, 400, conditions=delirium)
    assert answer.orders[0]["pace"] == "slower" and bool(answer.says & {"slower-taper", "cut-too-fast"}) == fast


@pytest.mark.parametrize("birth", ["1980-05-05", "1948-01-01"])
def test_an_age_alone_never_slows_a_taper(asked: Desk, birth: str) -> None:
    assert stop_of(asked, DIA, BID, 400, birth=birth).orders[0]["pace"] == "standard"


SPECIALISTS = [
    ("F32.A", "Z33.1", "Pregnant. No cut of ", "Involve obstetrics and perinatal psychiatry"),
    ("F32.A", "G40.909", "Seizure disorder. No cut of ", "Involve neurology"),
    ("F32.A", "R45.851", "Suicide risk on record. No cut of ", "Make a safety plan first"),
]


@pytest.mark.parametrize(("other", "code", "reason", "who"), SPECIALISTS, ids=[each[1] for each in SPECIALISTS])
def test_a_card_that_holds_the_dose_says_why_and_whom_to_involve_and_nobody_else(
    asked: Desk, other: str, code: str, reason: str, who: str
) -> None:
    conditions = [condition(ICD, other), condition(ICD, code, 10)]
    answer = cut_of(asked, DIA, BID, DIA, NIGHT, 400, conditions=conditions, birth="1990-01-01")
    (card,) = answer.body["cards"]
    assert card["summary"].startswith(f"{reason}diazepam 10 mg/day yet: ") and who in card["detail"]
    assert "%" not in card["summary"] + card["detail"] and "percent" not in card["detail"]
    assert not any(each[3] in card["detail"] for each in SPECIALISTS if each[1] != code)


def test_an_antiseizure_agent_with_a_seizure_disorder_on_record_is_left_alone(asked: Desk) -> None:
    epilepsy = [condition(ICD, "G40.909")]
    renewed = {"requests": [order("x", CLO, BID, since=400)], "conditions": epilepsy}
    assert asked.ask([draft("n", CLO, BID, days=30)], **renewed).cards == []
    assert asked.ask(hook="patient-view", **renewed).cards == []
    assert asked.ask([draft("n", "clobazam 10 mg tablet", BID, days=30, refills=5)], conditions=epilepsy).cards == []


def test_another_reason_or_another_agent_is_reviewed_beside_a_seizure_disorder(asked: Desk) -> None:
    panic = {"reasonCode": [{"coding": [{"system": ICD, "code": "F41.0"}]}]}
    for running in (order("x", CLO, BID, since=400, **panic), order("x", ALP, BID, since=400)):
        answer = asked.ask(hook="patient-view", requests=[running], conditions=[condition(ICD, "G40.909")])
        assert answer.cards == ["review-long-use info"]


def test_a_short_course_in_alcohol_withdrawal_is_left_to_its_protocol(asked: Desk) -> None:
    course = "2 capsules four times daily for 2 days, then 1 capsule four times daily for 3 days, then stop"
    drafts = [draft("n", "chlordiazepoxide 25 mg capsule", course, days=5)]
    assert asked.ask(drafts, conditions=[condition(ICD, "F10.230", 1)]).cards == []
    assert asked.ask(drafts, conditions=[condition(ICD, "F10.20", 1)]).cards == ["do-not-start warning"]


def test_the_end_of_a_course_in_alcohol_withdrawal_is_not_called_too_fast(asked: Desk) -> None:
    course = ("chlordiazepoxide 25 mg capsule", "1 capsule twice daily", 9)
    assert stop_of(asked, *course, conditions=[condition(ICD, "F10.239", 9)]).cards == []
    assert stop_of(asked, *course, conditions=[condition(ICD, "F10.20", 9)]).cards == ["cut-too-fast warning"]


def test_tablets_for_several_occasions_are_no_procedure(asked: Desk) -> None:
    flight = ("alprazolam 0.25 mg tablet", "1 tablet as needed before flying")
    old = {"birth": "1950-01-01"}
    assert asked.ask([draft("n", *flight, quantity=6, refills=0)], **old).cards == ["start-with-an-exit warning"]
    assert asked.ask([draft("n", *flight, quantity=2, refills=0)], **old).cards == []


# Beside another agent of its kind ----------------------------------------------------------------------------------------------

COVERED = [
    # stopped, after 300 days            what goes on                                                        first card
    (
        "lorazepam 0.5 mg tablet",
        NIGHT,
        order("b", "clonazepam 0.25 mg tablet", BID, since=300),
        "abrupt-stop critical",
    ),  # 5 of 10
    (ALP, TID, order("b", "zolpidem 10 mg tablet", NIGHT, since=300), "abrupt-stop critical"),  # a Z-drug is no cover
    ("lorazepam 0.5 mg tablet", NIGHT, order("b", "clonazepam 2 mg tablet", "as directed", since=300), "abrupt-stop critical"),
    (
        "lorazepam 0.5 mg tablet",
        NIGHT,
        order("b", "clonazepam 2 mg tablet", f"{BID} as needed", since=300),
        "abrupt-stop critical",
    ),
]


@pytest.mark.parametrize(("drug", "sig", "beside", "card"), COVERED)
def test_a_stop_of_one_agent_is_weighed_against_all_that_is_taken_on(
    asked: Desk, drug: str, sig: str, beside: Json, card: str
) -> None:
    answer = stop_of(asked, drug, sig, 300, beside)
    assert answer.cards[0] == card and answer.orders[0]["changePercent"] == -100
    assert ("of all that is taken of its kind" in answer.text) == (card == "cut-too-fast warning")


def test_what_ran_out_long_ago_is_no_cover(asked: Desk) -> None:
    running, other = order("x", "lorazepam 0.5 mg tablet", NIGHT, since=300), order("b", "clonazepam 2 mg tablet", BID, since=300)
    own = [dispense(f"d{n}", "lorazepam 0.5 mg tablet", 300 - 30 * n, 30, NIGHT, prior="x") for n in range(10)]
    for since, cards in ((60, ["abrupt-stop critical"]), (20, [])):
        supplies = [*own, dispense("b1", "clonazepam 2 mg tablet", since, 30, BID, prior="b")]
        answer = asked.ask([{**running, "status": "stopped"}], requests=[running, other], dispenses=supplies)
        assert answer.cards[:1] == cards


# What another drug does --------------------------------------------------------------------------------------------------------

EFFECTS = [
    # drug beside, of which agent, whether it is started           what is said
    ("itraconazole 100 mg capsule", ALP, True, "Starting itraconazole raises the level of alprazolam"),
    ("itraconazole 100 mg capsule", ALP, False, "The end of itraconazole lowers the level of alprazolam"),
    ("carbamazepine 200 mg tablet", CLO, True, "Starting carbamazepine lowers the level of clonazepam"),
    ("carbamazepine 200 mg tablet", CLO, False, "The end of carbamazepine raises the level of clonazepam"),
    ("ciprofloxacin 500 mg tablet", LOR, True, "Starting ciprofloxacin can bring on seizures"),
    ("fluoxetine 20 mg capsule", ALP, True, "Starting fluoxetine raises the level of alprazolam"),
    ("divalproex sodium 500 mg tablet", LOR, True, "Starting valproate raises the level of lorazepam"),
]


@pytest.mark.parametrize(("drug", "agent", "starts", "said"), EFFECTS)
def test_a_drug_beside_is_told_of_by_what_it_does_here(asked: Desk, drug: str, agent: str, starts: bool, said: str) -> None:
    beside = order("d", drug, "1 twice daily", since=60)
    drafts = [draft("d", drug, "1 twice daily")] if starts else [{**beside, "status": "stopped"}]
    answer = asked.ask(drafts, requests=[order("x", agent, BID, since=200), *([] if starts else [beside])])
    forbidden, quinolone = starts and drug.startswith("itraconazole"), "ciprofloxacin" in drug
    told = "contraindicated-pair critical" if forbidden else f"hidden-dose-change {'info' if quinolone else 'warning'}"
    assert answer.cards == [told] and (forbidden or said in answer.text)
    if forbidden:
        return
    assert sum(text in answer.text for text in ("raises the level", "lowers the level", "can bring on seizures")) == 1


# Said so that it is true, and whole ---------------------------------------------------------------------------------------------


OF_THEIR_OWN = {"undeliverable-dose", "overnight-switch", "z-drug-step"}
"""Cards with words of their own for what comes: of products, and of a hypnotic whose end brings no more than bad nights."""


def test_every_card_that_offers_a_plan_tells_what_to_expect_when_to_pause_when_to_call_and_what_helps(asked: Desk) -> None:
    plans = {"taper_plan", "crossover_plan"}
    of_less = [rule for rule in asked.book.advice() if rule.id not in OF_THEIR_OWN]
    offering = [rule for rule in of_less if rule.card and set(rule.card.suggest) & plans]
    assert len(offering) > 5
    for rule in offering:
        assert rule.card is not None
        for needed in ("onset", "text.what_to_expect", "text.when_to_pause", "text.urgent_care", "text.what_helps"):
            assert f"{{{{ {needed} }}}}" in (rule.card.in_full or rule.card.detail), (rule.id, needed)
        assert "{{ text.urgent_short }}" in rule.card.detail, rule.id


def test_what_stands_on_record_is_told_with_its_date(asked: Desk) -> None:
    falls, cirrhosis = condition(ICD, "R29.6", 60), condition(ICD, "K74.60", 100)
    short, long = (
        stop_of(asked, ALP, TID, 400, conditions=[falls, cirrhosis], observations=[], at_length=full) for full in (False, True)
    )
    assert "Repeated falls, 24 September 2026" in short.text
    assert "Repeated falls, 24 September 2026" in long.text and "cirrhosis of liver, 15 August 2026" in long.text
    scored = observation("s", "72109-2", 30, valueQuantity={"value": 8, "unit": "{score}"})
    assert " 8, 24 October 2026" in stop_of(asked, ALP, TID, 400, observations=[scored], at_length=True).text


def test_a_part_that_was_not_sent_is_told_in_a_sentence(asked: Desk) -> None:
    text = stop_of(asked, ALP, TID, 400, without=("conditions",)).text
    assert "The conditions were not read in full (not sent)." in text


def test_a_renewal_that_could_not_be_read_is_not_called_a_stop_or_a_start(asked: Desk) -> None:
    for full in (False, True):
        text = cut_of(asked, ALP, TID, ALP, "as directed", 400, at_length=full).text
        assert not re.search(r"\bthis (stop|start) was\b", text)
        assert "The directions do not say how much is taken or how often." in text
    assert "could not be told" in text


def test_a_supply_that_ran_out_asks_what_is_taken_before_the_old_dose_is_given(asked: Desk) -> None:
    given = {"requests": [order("x", ALP, TID, since=300)], "dispenses": [dispense("d", ALP, 100, 30, TID, prior="x")]}
    answer = asked.ask([draft("n", ALP, TID)], **given)
    assert "it may have been stopped already" in answer.text and labels(answer) == []
    assert "ask what was taken before giving the old dose again" in answer.body["cards"][0]["summary"]
    assert "don't restart the old dose" in " ".join(answer.text.split())


def test_an_ordered_taper_is_called_one(asked: Desk) -> None:
    taper = "1 tablet twice daily for 1 week, then 1 tablet daily for 1 week, then stop"
    assert "Step 1 of the order goes from 3 to 2 mg a day (33%)" in cut_of(asked, LOR, TID, LOR, taper, 200).text
    assert "This taper of lorazepam (" in cut_of(asked, LOR, TID, LOR, taper, 200, at_length=True).text


def test_fewer_days_a_week_stand_in_the_table_beside_the_plan(asked: Desk) -> None:
    fewer = "1 tablet at bedtime on Monday, Wednesday and Friday"
    assert "to 1 mg on 3 days a week (57%) is too fast" in cut_of(asked, LOR, NIGHT, LOR, fewer, 240).text
    assert "|1 mg on 3 days a week|0.75 mg|" in cut_of(asked, LOR, NIGHT, LOR, fewer, 240, at_length=True).text


def test_dates_are_written_one_way_and_nothing_is_left_unfilled(asked: Desk) -> None:
    asked_of = [
        answer
        for full in (False, True)
        for answer in (
            stop_of(asked, ALP, TID, 400, at_length=full),
            cut_of(asked, LOR, TID, LOR, NIGHT, 400, at_length=full),
            stop_of(asked, CLO, BID, 400, at_length=full),
        )
    ]
    for answer in asked_of:
        for unwanted in ("2026-", "2027-", "{{", "None", "(not known)", "7 days to 14 days", "Look at the patient"):
            assert unwanted not in answer.text, unwanted


def test_a_plan_that_is_compared_with_a_sooner_one_is_not_changed_by_it(asked: Desk) -> None:
    book = asked.book
    takes = taken(book, DAY, "alprazolam", book.value("standard_cut", DAY) * 3 / 10)
    plan = direct_plan(book, DAY, takes, "slower")
    assert isinstance(plan, Plan) and isinstance(direct_plan(book, DAY, takes, "standard"), Plan)
    assert direct_plan(book, DAY, takes, "slower") == plan
    most = book.value("largest_cut_in_two_weeks", DAY)
    assert [step for step in plan.steps if step.cut > most and not step.below_small_step_limit] == []
    assert plan.pace.first_cut is not None and plan.steps[0].cut <= plan.pace.first_cut


def test_a_card_that_would_be_too_long_tells_of_its_plans_without_their_steps(
    asked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_text, "LONGEST_DETAIL", 4400)
    names = ("F41.0", "F43.10")
    conditions = [condition(ICD, code, 60) for code in names] + [condition(ICD, "F13.231", 900, status="resolved")]
    running = order("x", ALP, TID, since=400)
    answer = asked.ask([draft("n", ALP, TID, days=30)], requests=[running], conditions=conditions, at_length=True)
    (card,) = answer.body["cards"]
    assert len(card["detail"]) <= 4400 and "|From|" not in card["detail"]
    steps = len(answer.orders[0]["plan"]["steps"])
    assert f"{steps} steps, the last to 0 on " in card["detail"] and "more steps" not in card["detail"]
