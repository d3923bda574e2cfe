"""Orders as systems really write them: dates, statuses, selections, supplies and records that are partial, odd or impossible."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.decision.decide import decide
from cds.errors import CdsError
from cds.fhir.dates import begins, happened, latest_day
from cds.fhir.json_access import days_of, number
from cds.hooks.messages import hook_call
from tests.spec.calls import DAY, INSTANCE, Answer, Desk, Json, ago, desk, dispense, draft, order

LOR = "lorazepam 1 mg tablet"
THREE = "1 tablet three times daily"


@pytest.fixture(scope="module")
def asked() -> Iterator[Desk]:
    with desk() as one:
        yield one


def stop(asked: Desk, *requests: Json, **given: Any) -> Answer:
    """The answer where the first order, of today, is stopped."""
    return asked.ask([order("new", LOR, THREE, status="stopped", prior=requests[0]["id"])], requests=list(requests), **given)


# Partial dates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "last", "partial"),
    [
        ("2026-05", date(2026, 5, 31), True),
        ("2024-02", date(2024, 2, 29), True),
        ("2025", date(2025, 12, 31), True),
        ("2026-05-07", date(2026, 5, 7), False),
        ("2026-05-07T23:00:00-05:00", date(2026, 5, 7), False),
        ("2026-02-30", None, False),
        ("2026-13", None, False),
        ("May 2026", None, False),
        ("", None, False),
        (None, None, False),
        (202605, None, False),
    ],
)
def test_a_partial_date_is_the_last_day_that_it_may_mean(text: object, last: date | None, partial: bool) -> None:
    assert latest_day(text) == (last, partial)


@given(st.dates(date(1990, 1, 1), DAY))
def test_the_floor_of_a_partial_date_is_never_before_a_day_that_it_may_mean(day: date) -> None:
    for text in (day.isoformat(), day.isoformat()[:7], day.isoformat()[:4]):
        read = happened(text, DAY, None)
        if read.day is not None:
            assert day <= read.day <= DAY


@pytest.mark.parametrize(
    "members",
    [
        {"authoredOn": "2026-05"},
        {"authoredOn": None, "dispenseRequest": {"validityPeriod": {"start": "2026-05"}}},
        {
            "authoredOn": None,
            "dosageInstruction": [{"text": THREE, "timing": {"repeat": {"boundsPeriod": {"start": "2026-05"}}}}],
        },
        {"resourceType": "MedicationOrder", "authoredOn": None, "dateWritten": "2026-05"},
    ],
)
def test_use_since_a_month_is_at_least_since_its_last_day(asked: Desk, members: Json) -> None:
    running = {name: value for name, value in (order("old", LOR, THREE) | members).items() if value is not None}
    answer = stop(asked, running)
    assert "abrupt-stop critical" in answer.cards
    assert "for 5 months" in answer.text
    assert any("month or year only" in gap for gap in answer.gaps)


def test_a_statement_since_a_year_counts_from_its_last_day(asked: Desk) -> None:
    taken = {
        "resourceType": "MedicationStatement", "id": "s", "status": "active", "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": {"text": LOR}, "effectivePeriod": {"start": "2025"}, "dosage": [{"text": THREE}],
    }  # fmt: skip
    answer = asked.ask([order("new", LOR, THREE, status="stopped")], statements=[taken])
    assert "for 10 months" in answer.text


def test_of_this_year_alone_it_is_not_known_for_how_long(asked: Desk) -> None:
    answer = stop(asked, order("old", LOR, THREE) | {"authoredOn": "2026"})
    assert answer.cards == ["could-not-check info"]
    assert "month or year" in answer.text


# Impossible dates -----------------------------------------------------------------------------------------------------


IMPOSSIBLE = [
    "1900-01-01",
    "0001-01-01",
    "1753-01-01",
    "1899-12-30",
    "1970-01-01",
    "1962-03-04",
    "1979",
    "2031-01-01",
    "9999-12-31",
]


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_an_impossible_date_of_an_order_is_not_used_and_is_a_gap(asked: Desk, text: str) -> None:
    answer = stop(asked, order("old", LOR, THREE) | {"authoredOn": text})
    assert answer.cards == ["could-not-check info"]
    assert any("so it was not used" in gap for gap in answer.gaps)
    assert "daily for" not in answer.text


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_an_impossible_date_of_a_dispense_is_not_used_and_is_a_gap(asked: Desk, text: str) -> None:
    handed = dispense("h", LOR, 0, 30, THREE) | {"whenHandedOver": text}
    answer = asked.ask([draft("d", LOR, THREE)], dispenses=[handed])
    assert any("so it was not used" in gap for gap in answer.gaps)


@given(st.dates(), st.dates(date(1930, 1, 1), DAY))
def test_what_happened_is_never_before_birth_nor_after_today(day: date, born: date) -> None:
    read = happened(day.isoformat(), DAY, born)
    assert (read.day is None) == bool(read.fault)
    assert read.day is None or born <= read.day <= DAY


def test_what_begins_may_lie_ahead_and_tomorrow_elsewhere_is_today() -> None:
    ahead = (DAY + timedelta(days=9)).isoformat()
    assert begins(ahead, DAY, None).day == DAY + timedelta(days=9)
    assert happened((DAY + timedelta(days=1)).isoformat(), DAY, None).day == DAY


def test_an_end_before_the_start_is_not_used(asked: Desk) -> None:
    bounds = {"boundsPeriod": {"start": ago(200), "end": ago(300)}}
    running = order("old", LOR) | {"dosageInstruction": [{"text": THREE, "timing": {"repeat": bounds}}]}
    answer = stop(asked, running)
    assert any("ends before it begins" in gap for gap in answer.gaps)
    assert "for 6 months" in answer.text


# Supplies in mg -------------------------------------------------------------------------------------------------------


def in_mg(value: int, unit: str = "mg", **more: Any) -> Json:
    return {"dispenseRequest": {"quantity": {"value": value, "unit": unit, "code": unit}, **more}}


@pytest.mark.parametrize(
    ("drug", "sig", "value", "unit"),
    [
        ("alprazolam 2 mg tablet", "1 tablet twice daily", 60, "mg"),
        ("diazepam 5 mg tablet", "1 tablet three times daily", 90, "mg"),
        ("temazepam 15 mg capsule", "1 capsule at bedtime", 30, "mg"),
        ("clonazepam 2 mg tablet", "1 tablet twice daily", 60, "MG"),
        ("lorazepam 0.5 mg tablet", "2 tablets twice daily", 120, "mg"),
    ],
)
def test_a_supply_of_tablets_in_mg_counts_tablets(asked: Desk, drug: str, sig: str, value: int, unit: str) -> None:
    past = [order(f"o{n}", drug, sig, since=30 * n, status="completed") | in_mg(value, unit) for n in range(1, 7)]
    running = order("o0", drug, sig) | in_mg(value, unit)
    answer = asked.ask([order("o0", drug, sig, status="stopped")], requests=[running, *past])
    assert "abrupt-stop critical" in answer.cards
    assert any("counted in tablets or capsules" in gap for gap in answer.gaps)


def test_a_dispense_in_mg_counts_tablets_too(asked: Desk) -> None:
    given_out = [
        {
            **dispense(f"h{n}", "alprazolam 2 mg tablet", 30 * n, 0, "1 tablet twice daily"),
            "quantity": {"value": 60, "unit": "mg"},
        }
        for n in range(7)
    ]
    for each in given_out:
        del each["daysSupply"]
    stopped = order("x", "alprazolam 2 mg tablet", "1 tablet twice daily", status="stopped")
    assert "abrupt-stop critical" in asked.ask([stopped], dispenses=given_out).cards


def test_without_a_dose_two_readings_of_a_supply_in_mg_are_a_gap(asked: Desk) -> None:
    days = {"expectedSupplyDuration": {"value": 30, "unit": "days"}}
    answer = asked.ask([draft("d", "alprazolam 2 mg tablet") | in_mg(60, **days)])
    assert "dailyDoseMg" not in answer.order("d")


# Statuses -------------------------------------------------------------------------------------------------------------


STRANGE = ["unknown", "discontinued", "on_hold", "signed", "?"]


@pytest.mark.parametrize("status", STRANGE)
def test_a_draft_of_unknown_status_is_not_judged_silently(asked: Desk, status: str) -> None:
    answer = asked.ask([draft("d", LOR, THREE, status=status)])
    assert answer.cards == ["could-not-check info"]
    assert any("status is not known" in gap["says"] for gap in answer.order("d")["gaps"])


@pytest.mark.parametrize("status", STRANGE)
def test_of_an_order_on_record_of_unknown_status_it_is_not_known_whether_it_is_taken(asked: Desk, status: str) -> None:
    answer = asked.ask([draft("d", LOR, THREE)], requests=[order("o", LOR, THREE, since=20, status=status)])
    assert "takesNowMg" not in answer.order("d")
    assert answer.cards == ["could-not-check info"]


def test_a_draft_without_status_is_read_as_one_and_says_so(asked: Desk) -> None:
    one = draft("d", LOR, "1 tablet at bedtime")
    del one["status"]
    answer = asked.ask([one], requests=[order("o", LOR, THREE, since=200)])
    assert answer.order("d")["action"] == "reduce"
    assert any("has no status" in gap for gap in answer.gaps) or any(
        "has no status" in g["says"] for g in answer.order("d")["gaps"]
    )


def test_a_dispense_of_unknown_status_counts_and_says_so(asked: Desk) -> None:
    handed = {**dispense("h", LOR, 20, 30, THREE), "status": "dispensed"}
    answer = asked.ask([draft("d", LOR, THREE)], dispenses=[handed])
    assert answer.order("d")["takesNowMg"] == 3
    assert any("counted as handed over" in gap for gap in answer.gaps)


@pytest.mark.parametrize("status", ["intended", "not-taken", "entered-in-error"])
def test_what_is_intended_or_not_taken_is_not_taken(asked: Desk, status: str) -> None:
    statement = {**order("s", LOR, None, since=50, status=status), "resourceType": "MedicationStatement"}
    assert asked.ask([draft("d", LOR, THREE)], statements=[statement]).order("d")["takesNowMg"] == 0


# Selections and entries -----------------------------------------------------------------------------------------------


RUNNING = order("old", LOR, THREE, since=200)
CUT = draft("d", LOR, "1 tablet at bedtime", prior="old")


def call(drafts: object, hook: str = "order-sign", **context: Any) -> Json:
    return {
        "hook": hook,
        "hookInstance": INSTANCE,
        "context": {"userId": "Practitioner/d", "patientId": "p", "draftOrders": drafts, **context},
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": "p", "birthDate": "1980-05-05"},
            "medicationRequests": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": RUNNING}]},
        },
    }


def decided(asked: Desk, body: Json) -> Answer:
    service = f"taper-{body['hook']}"
    made = decide(hook_call(service, body), asked.book, asked.engine, DAY, "d", lambda: INSTANCE)
    return Answer(dict(made.answer))


def bundle(*entries: object) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": list(entries)}


@pytest.mark.parametrize(
    ("selections", "gap"),
    [
        (["d"], None),
        (["MedicationRequest/d"], None),
        (["https://ehr.example/fhir/MedicationRequest/d/_history/2"], None),
        ("MedicationRequest/d", None),
        (["MedicationRequest/d", "MedicationRequest/gone"], "A selection names no draft order"),
        (["MedicationRequest/gone"], "No selection names a draft order"),
        ([None, 7, {}], "No selection names a draft order"),
        ([], None),
    ],
)
def test_a_selection_that_names_no_draft_costs_no_other(asked: Desk, selections: object, gap: str | None) -> None:
    answer = decided(asked, call(bundle({"resource": CUT}), "order-select", selections=selections))
    assert answer.order("d")["action"] == "reduce"
    assert any((gap or "selection") in said for said in answer.gaps) == (gap is not None)


@pytest.mark.parametrize("broken", [None, {}, {"resource": None}, {"resource": "MedicationRequest/d"}, 7, "x", []])
def test_an_entry_that_holds_no_order_costs_no_other(asked: Desk, broken: object) -> None:
    answer = decided(asked, call(bundle(broken, {"resource": CUT})))
    assert answer.order("d")["action"] == "reduce"
    assert any("holds no order" in gap for gap in answer.gaps)


@pytest.mark.parametrize(
    "drafts", [None, {"resourceType": "Bundle"}, bundle(), bundle(None), bundle({}), bundle({"resource": None})]
)
def test_a_call_without_any_draft_is_no_all_clear(asked: Desk, drafts: object) -> None:
    answer = decided(asked, call(drafts))
    assert answer.cards == ["could-not-check info"]
    assert "The call held no draft order, so nothing was checked." in answer.gaps


def test_what_is_no_bundle_is_still_refused() -> None:
    with pytest.raises(CdsError):
        hook_call("taper-order-sign", call([CUT]))


# What is said to be absent ---------------------------------------------------------------------------------------------


ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}


def test_a_draft_whose_status_is_said_to_be_unknown_is_not_judged_silently(asked: Desk) -> None:
    one = {**draft("d", LOR, THREE), "_status": ABSENT}
    del one["status"]
    assert asked.ask([one]).cards == ["could-not-check info"]


def test_a_ban_that_is_said_to_be_unknown_is_not_judged_silently(asked: Desk) -> None:
    assert asked.ask([{**draft("d", LOR, THREE), "_doNotPerform": ABSENT}]).cards == ["could-not-check info"]


@pytest.mark.parametrize(
    ("duration", "days"),
    [
        ({"value": 3}, 3),
        ({"value": 3, "unit": "weeks"}, 21),
        ({"value": 3, "_unit": ABSENT}, None),
        ({"value": 3, "_code": ABSENT}, None),
        ({"_value": ABSENT, "unit": "days"}, None),
    ],
)
def test_a_length_of_which_a_part_is_said_to_be_unknown_is_none(duration: Json, days: int | None) -> None:
    assert days_of(duration) == days


def test_repeats_that_are_said_to_be_unknown_are_a_gap(asked: Desk) -> None:
    supply = {"_numberOfRepeatsAllowed": ABSENT}
    answer = asked.ask([{**draft("d", LOR, THREE), "dispenseRequest": supply}])
    assert any("repeated is said to be unknown" in gap["says"] for gap in answer.order("d")["gaps"])


@pytest.mark.parametrize("name", ["authoredOn", "status", "medicationCodeableConcept"])
def test_what_is_said_to_be_absent_on_record_never_passes_for_nothing(asked: Desk, name: str) -> None:
    running = {**order("o", LOR, THREE, since=200), f"_{name}": ABSENT}
    del running[name]
    answer = asked.ask([draft("d", LOR, THREE)], requests=[running])
    assert answer.gaps


# Numbers that are none --------------------------------------------------------------------------------------------------


NUMBERS = [
    "1e9999999999999999999",
    "1e999999999",
    "-1e999999999",
    "1e-999999999",
    "1" * 5000,
    "0." + "0" * 60 + "1",
    "NaN",
    "-Infinity",
]


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_that_no_amount_can_be_is_none(text: str) -> None:
    assert number(text) is None


def numbered(text: object) -> list[Json]:
    quantity = {"value": text, "unit": "mg", "code": "mg"}
    return [
        {"dosageInstruction": [{"timing": {"repeat": DAILY}, "doseAndRate": [{"doseQuantity": quantity}]}]},
        {"dosageInstruction": [{"timing": {"repeat": {**DAILY, "period": text}}, "doseAndRate": [{"doseQuantity": ONE}]}]},
        {"dosageInstruction": [{"timing": {"repeat": {**DAILY, "frequency": text}}, "doseAndRate": [{"doseQuantity": ONE}]}]},
        {"dispenseRequest": {"quantity": quantity, "expectedSupplyDuration": {"value": text, "unit": "d"}}},
        {"dispenseRequest": {"quantity": ONE, "numberOfRepeatsAllowed": text}},
    ]


DAILY, ONE = {"frequency": 1, "period": 1, "periodUnit": "d"}, {"value": 1, "unit": "tablet"}


@pytest.mark.parametrize("text", NUMBERS)
def test_no_number_of_an_order_stops_an_answer(asked: Desk, text: str) -> None:
    for members in numbered(text):
        one = {**draft("d", LOR), **members}
        assert asked.ask([one], requests=[{**order("o", LOR, since=90), **members}]).orders


# Records of use -------------------------------------------------------------------------------------------------------


def supplied_until(days_ago: int, **more: Any) -> Json:
    """An order that is still listed, whose twelve months of supply ran out so many days ago."""
    return order("old", LOR, THREE, since=360 + days_ago, days=30, refills=11, **more)


@pytest.mark.parametrize("gap", [120, 300, 585, 1500])
def test_months_without_an_order_are_asked_about_not_counted(asked: Desk, gap: int) -> None:
    answer = asked.ask([draft("d", LOR, THREE, prior="old", days=30)], requests=[supplied_until(gap)])
    assert f"{360 + gap} days" not in answer.text
    assert answer.cards == ["supply-gap warning"]
    assert f"for {gap} days" in answer.text
    assert "long-use" not in answer.risks("d")


@pytest.mark.parametrize("gap", [120, 585])
def test_a_stop_after_months_without_an_order_keeps_no_dose(asked: Desk, gap: int) -> None:
    answer = asked.ask([supplied_until(gap) | {"status": "stopped"}], requests=[supplied_until(gap)])
    assert "keep the dose" not in answer.text


@pytest.mark.parametrize("gap", [0, 10, 40])
def test_weeks_after_a_supply_an_order_that_is_listed_still_counts(asked: Desk, gap: int) -> None:
    answer = asked.ask([draft("d", LOR, THREE, prior="old", days=30)], requests=[supplied_until(gap)])
    assert "long-use" in answer.risks("d")


def test_an_order_of_long_ago_that_is_still_listed_lengthens_no_later_use(asked: Desk) -> None:
    anew = order("new", LOR, THREE, since=20, days=30)
    answer = asked.ask([draft("d", LOR, THREE, prior="new", days=30)], requests=[supplied_until(585), anew])
    assert "965 days" not in answer.text and "long-use" not in answer.risks("d")


# Further instructions and units that are said to be absent ------------------------------------------------------------------


def coded(**more: Any) -> Json:
    lines = [{"timing": {"repeat": {**DAILY, "frequency": 3}}, "doseAndRate": [{"doseQuantity": ONE}], **more}]
    return {**draft("d", LOR), "dosageInstruction": lines}


@pytest.mark.parametrize(
    "words",
    [
        "Take one extra at night",
        "Then reduce to 1 tablet daily",
        "Take 1 tablet at night",
        "Skip 1 dose",
        "Stop after one week",
        "After 10 days stop",
        "Discontinue after 5 days",
        "Halve the dose from Monday",
        "With food. Halve the dose from Monday",
        "Wean off over 2 weeks",
        "Skip the lunchtime dose",
        "Double the dose if needed",
    ],
)
def test_further_instructions_that_change_the_dose_are_not_passed_over(asked: Desk, words: str) -> None:
    assert "dailyDoseMg" not in asked.ask([coded(additionalInstruction=[{"text": words}])]).order("d")


@pytest.mark.parametrize(
    "words",
    [
        "With food",
        "Take at regular intervals. Complete the prescribed course unless otherwise directed",
        "1 tablet three times daily",
        "Warning. May cause drowsiness. If affected do not drive or operate machinery. Avoid alcoholic drink",
        "Store below 25 degrees",
        "Do not stop taking this medicine unless your doctor tells you to stop",
        "Take or use regularly. Do not stop suddenly",
        "Avoid alcohol. May increase drowsiness",
        "Do not take more than 8 in 24 hours",
        "Contact your doctor before stopping",
        "From 1 Jan 2027 the taper goes on with diazepam 2 mg tablets.",
        "On these days with diazepam 2 mg tablets: 5 mg in all.",
    ],
)
def test_other_further_instructions_leave_the_coded_dose(asked: Desk, words: str) -> None:
    assert asked.ask([coded(additionalInstruction=[{"text": words}])]).order("d")["dailyDoseMg"] == 3


@pytest.mark.parametrize(
    "more",
    [
        {"doseAndRate": [{"doseQuantity": {"value": 1, "_unit": ABSENT}}]},
        {"doseAndRate": [{"doseQuantity": {"value": 1, "_code": ABSENT}}]},
        {"asNeededCodeableConcept": ABSENT},
    ],
)
def test_a_unit_or_a_need_that_is_said_to_be_unknown_is_not_guessed(asked: Desk, more: Json) -> None:
    assert "dailyDoseMg" not in asked.ask([coded(**more)]).order("d")


# As needed, and fewer doses than days -------------------------------------------------------------------------------------

NEEDED = "1 tablet as needed for anxiety"
CODED_NEEDED = [{"asNeededBoolean": True, "doseAndRate": [{"doseQuantity": ONE}]}]


@pytest.mark.parametrize("sig", [NEEDED, None], ids=["in words", "coded"])
@pytest.mark.parametrize(("tablets", "alarm"), [(8, False), (10, False), (30, True), (45, True)])
def test_an_order_as_needed_of_fewer_doses_than_days_is_no_daily_use(
    asked: Desk, sig: str | None, tablets: int, alarm: bool
) -> None:
    more: Json = {"days": 30, "quantity": tablets, **({} if sig else {"dosageInstruction": CODED_NEEDED})}
    running = [order(f"m{n}", LOR, sig, since=30 * n + 1, **more) for n in range(8)]
    answer = asked.ask([{**running[0], "status": "stopped"}], requests=running)
    assert any(card["indicator"] == "critical" for card in answer.body["cards"]) is alarm
    assert "0.3" not in answer.text
