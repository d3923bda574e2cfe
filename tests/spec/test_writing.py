"""Plans as MedicationRequests: complete, valid, read back to the same doses and days, and put in the place of a draft."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.medicationrequest import MedicationRequest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds.core.crossover import Side
from cds.core.crossover import plan as crossover
from cds.core.cuts import PercentOf
from cds.core.medication import Form
from cds.core.quantity import Range
from cds.core.regimen import DayTime, Regimen
from cds.core.regimen_sum import together
from cds.core.tablets import Presentation
from cds.core.taper import direct
from cds.core.taper_plan import NoPlan, Plan, PlanKind
from cds.decision.courses import begun
from cds.decision.plans import crossover_limits, plan_limits, taper_pace
from cds.decision.suggestions import suggestion, without_empty
from cds.fhir.dosage.dosage import reading_limits
from cds.fhir.dosage.unreadable import ReadingLimits
from cds.fhir.orders import order_reading
from cds.fhir.reader import ReadingContext
from cds.fhir.references import Library
from cds.fhir.write.actions import replace_actions, update_action
from cds.fhir.write.dosages import WHEN, amount_in_words, products, taken
from cds.fhir.write.naloxone_order import naloxone_request
from cds.fhir.write.requests import Course, Visit, carried, concept, medication_requests
from cds.knowledge.files.naloxone import naloxone
from cds.knowledge.loader import knowledge
from cds.knowledge.model import Knowledge
from cds.knowledge.problems import Problems

DAY = date(2026, 11, 23)
VISIT = Visit("p", DAY, "e", "Practitioner/who")
RULES = Path(__file__).parents[2] / "rules"


@cache
def book() -> Knowledge:
    return knowledge(RULES)


def desk() -> ReadingContext:
    """A call of its own for each order: what one call may bring is bounded."""
    return ReadingContext(knowledge=book(), limits=of_a_dose(), library=Library(()), day=DAY)


@cache
def of_a_dose() -> ReadingLimits:
    return reading_limits(book(), DAY)


def side(agent: str, kept: tuple[Presentation, ...] | None = None) -> Side:
    """An agent by the rule book, with all that is sold of it or with some."""
    sources = book().agents[agent].equivalents
    low, high = min(each.low for each in sources), max(each.high for each in sources)
    held = tuple(one for one in book().presentations[agent] if not one.extended_release)
    return Side(agent, Range(Decimal(10) / high, Decimal(10) / low), kept or held)


def takes(**times: str) -> dict[DayTime, Decimal]:
    return {DayTime(time): Decimal(mg) for time, mg in times.items()}


def taper(agent: str, pace: str = "standard", **times: str) -> Plan:
    held = side(agent)
    numbers = taper_pace(book(), pace, DAY, PercentOf.CURRENT)
    plan = direct(takes(**times), agent, held.equivalent, held.presentations, numbers, plan_limits(book(), DAY), DAY)
    assert isinstance(plan, Plan), plan
    return plan


def across(agent: str, target: str, **times: str) -> Plan:
    pace = taper_pace(book(), "standard", DAY, PercentOf.CURRENT)
    plan = crossover(
        takes(**times), side(agent), side(target), pace, plan_limits(book(), DAY), crossover_limits(book(), DAY), DAY
    )
    assert isinstance(plan, Plan), plan
    return plan


def requests(plan: Plan, draft: dict[str, Any] | None = None) -> tuple[dict[str, Any], ...]:
    return medication_requests(Course(plan.steps, "A whole taper."), carried(draft, VISIT), VISIT)


def read_back(request: dict[str, Any]) -> Regimen:
    found = order_reading(request, desk())
    assert found.gaps == ()
    assert found.value is not None and found.value.regimen is not None
    return found.value.regimen


# Any plan --------------------------------------------------------------------------------------------------------------


@st.composite
def plans(draw):
    """A direct taper or a crossover of any agent that has tablets and equivalents, with some of what is sold of it.

    None where there is no plan, or one with more tablets or mL in a dose than the reader takes for a dose (30 by the rule book).
    """
    sold = [name for name, held in sorted(book().presentations.items()) if held and book().agents[name].equivalents]
    agent = draw(st.sampled_from(sold))
    shelf = side(agent).presentations
    some = st.lists(st.sampled_from(shelf), min_size=1, unique=True).map(tuple)
    kept = draw(st.one_of(st.just(shelf), st.just(shelf), some))
    smallest = min((one.mg for one in shelf if not one.liquid), default=Decimal(1))
    times = draw(st.lists(st.sampled_from(list(DayTime)), min_size=1, max_size=3, unique=True))
    now = {time: smallest * draw(st.integers(1, 12)) for time in times}
    basis = draw(st.sampled_from(list(PercentOf)))
    pace = taper_pace(book(), draw(st.sampled_from(["short", "standard", "slower"])), DAY, basis)
    start = DAY + timedelta(days=draw(st.integers(0, 400)))
    limits = plan_limits(book(), DAY)
    if draw(st.integers(0, 2)):
        held = side(agent, kept)
        plan = direct(now, agent, held.equivalent, held.presentations, pace, limits, start)
    else:
        target = side(draw(st.sampled_from(["diazepam", "clonazepam", "lorazepam"])))
        plan = crossover(now, side(agent), target, pace, limits, crossover_limits(book(), DAY), start)
    if isinstance(plan, NoPlan):
        return None
    counts = [amount.count for step in plan.steps for dose in step.doses for amount in dose.amounts]
    return plan if max(counts) <= of_a_dose().most_units else None


def any_plan(examples: int):
    def decorate(test):
        checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
        return settings(deadline=None, max_examples=examples, suppress_health_check=checks)(given(plans())(test))

    return decorate


def planned(plan: Plan, product: Presentation) -> list[tuple[date, int, Decimal, dict[DayTime, Decimal]]]:
    """The steps of one product from the first that uses it to the last, in mg."""
    rows = [(step, {time: n * product.mg for time, n in taken(step, product).items()}) for step in plan.steps]
    using = [at for at, (_, mg) in enumerate(rows) if mg]
    return [(step.start, step.days, sum(mg.values(), Decimal(0)), mg) for step, mg in rows[using[0] : using[-1] + 1]]


@pytest.mark.row("GEN-5", "ACT-8")
@any_plan(100)
def test_every_request_is_valid_and_reads_back_to_the_doses_dates_and_steps_of_its_product(plan):
    if plan is None:
        return
    written = requests(plan)
    assert len(written) == len(products(plan.steps))
    for product, request in zip(products(plan.steps), written, strict=True):
        MedicationRequest.model_validate(request)
        regimen = read_back(request)
        read = [(step.start, step.days, step.dose.mg.high, dict(step.dose.times)) for step in regimen.steps]
        assert read == planned(plan, product)
        assert all(step.dose.mg.low == step.dose.mg.high and not step.dose.as_needed for step in regimen.steps)
        assert regimen.stops


@any_plan(100)
def test_the_strengths_read_side_by_sideare_the_daily_dose_of_each_agent_on_each_step(plan):
    if plan is None:
        return
    by_agent: dict[str, list[Regimen]] = {}
    for product, request in zip(products(plan.steps), requests(plan), strict=True):
        by_agent.setdefault(product.agent, []).append(read_back(request))
    for agent, regimens in by_agent.items():
        whole = together(regimens)
        doses = [(step, dose) for step in plan.steps for dose in step.doses if dose.agent == agent and dose.times]
        assert whole is not None and whole.stops
        assert [(s.start, s.days, s.dose.mg.high) for s in whole.steps] == [(s.start, s.days, d.daily) for s, d in doses]
        assert [dict(s.dose.times) for s in whole.steps] == [dict(d.times) for _, d in doses]


def days_of(request: dict[str, Any]) -> tuple[date, date]:
    """The first and the last day of the directions."""
    periods = [line["timing"]["repeat"]["boundsPeriod"] for line in request["dosageInstruction"]]
    starts, ends = ([date.fromisoformat(one[name]) for one in periods] for name in ("start", "end"))
    return min(starts), max(ends)


def supplies_what_it_directs(request: dict[str, Any]) -> None:
    """Directions, quantity, repeats and validity of an order describe the same days."""
    dispense = request["dispenseRequest"]
    first, last = days_of(request)
    valid = dispense["validityPeriod"]
    assert (date.fromisoformat(valid["start"]), date.fromisoformat(valid["end"])) == (first, last)
    assert dispense["expectedSupplyDuration"]["value"] == (last - first).days + 1
    assert dispense["numberOfRepeatsAllowed"] == 0
    used = Decimal(0)
    for line in request["dosageInstruction"]:
        repeat = line["timing"]["repeat"]
        days = (date.fromisoformat(repeat["boundsPeriod"]["end"]) - date.fromisoformat(repeat["boundsPeriod"]["start"])).days + 1
        used += days * repeat["frequency"] * Decimal(str(line["doseAndRate"][0]["doseQuantity"]["value"]))
    assert 0 <= Decimal(str(dispense["quantity"]["value"])) - used < 1


@pytest.mark.row("ACT-10")
@any_plan(100)
def test_an_order_supplies_the_days_that_it_directs_and_no_others(plan):
    if plan is None:
        return
    for days in (7, 28):
        course = begun(plan, days, plan.start)
        for written in (requests(plan), medication_requests(course, carried(None, VISIT), VISIT) if course else ()):
            for request in written:
                supplies_what_it_directs(request)
        assert course is None or course.days <= days


@any_plan(50)
def test_the_first_order_of_a_taper_is_its_first_step_alone(plan):
    course = begun(plan, 28, plan.start) if plan is not None else None
    if course is None or plan.kind is not PlanKind.DIRECT or plan.steps[0].cut <= 0:
        return
    assert [step.doses for step in course.steps] == [plan.steps[0].doses]


# In words --------------------------------------------------------------------------------------------------------------

TABLET = Presentation("alprazolam", Form.TABLET, Decimal("0.5"), "alprazolam 0.5 mg oral tablet", halves=True)
CAPSULE = Presentation("oxazepam", Form.CAPSULE, Decimal(15), "oxazepam 15 mg oral capsule")
LIQUID = Presentation("diazepam", Form.LIQUID, Decimal(1), "diazepam 1 mg/mL oral solution", smallest_volume=Decimal("0.1"))
AMOUNTS = [
    ("0.5", TABLET, "half a tablet (0.25 mg)"),
    ("1", TABLET, "1 tablet (0.5 mg)"),
    ("1.5", TABLET, "1 and a half tablets (0.75 mg)"),
    ("10", TABLET, "10 tablets (5 mg)"),
    ("2", CAPSULE, "2 capsules (30 mg)"),
    ("0.35", LIQUID, "0.35 mL (0.35 mg)"),
    ("10", LIQUID, "10 mL (10 mg)"),
]


@pytest.mark.parametrize(("number", "product", "says"), AMOUNTS)
def test_an_amount_is_written_for_a_pharmacist(number: str, product: Presentation, says: str) -> None:
    assert amount_in_words(Decimal(number), product) == says


def texts(request: dict[str, Any]) -> list[str]:
    return [line["text"] for line in request["dosageInstruction"]]


def test_the_directions_say_what_to_take_when_and_on_which_days() -> None:
    (first, *_, last) = texts(requests(taper("diazepam", morning="10", night="10"))[0])
    assert re.fullmatch(r"Take .+ tablets? \(.+ mg\) (in the morning|at night).*, 23 Nov 2026 to 6 Dec 2026\.", first)
    assert last.endswith(", then stop.")


@any_plan(30)
def test_equal_amounts_stand_in_one_line_and_others_under_the_same_sequence(plan):
    if plan is None:
        return
    for product, request in zip(products(plan.steps), requests(plan), strict=True):
        lines = request["dosageInstruction"]
        for sequence, (_, _, _, times) in enumerate(planned(plan, product), start=1):
            side_by_side = [line for line in lines if line["sequence"] == sequence]
            assert len(side_by_side) == max(1, len(set(times.values())))
            whens = [when for line in side_by_side for when in line["timing"]["repeat"].get("when", ())]
            assert sorted(whens) == sorted(WHEN[time] for time in times)


def test_a_strength_that_ends_before_the_taper_says_what_the_taper_goes_on_with() -> None:
    request = requests(across("alprazolam", "diazepam", morning="1", midday="1", night="1"))[0]
    last = [line for line in request["dosageInstruction"] if "additionalInstruction" in line][-1]
    says = [each["text"] for each in last["additionalInstruction"]]
    assert says[-1].startswith("From 7 Dec 2026 the taper goes on with diazepam")


def test_a_step_without_the_product_says_so_in_words_and_structure() -> None:
    for request in requests(taper("alprazolam", "slower", morning="1", midday="1", night="1")):
        for line in request["dosageInstruction"]:
            none = line["doseAndRate"][0]["doseQuantity"]["value"] == 0
            assert line["text"].startswith("None of ") == none


# A period in words -----------------------------------------------------------------------------------------------------

PERIODS = [
    ("Take 1 tablet at night, 1 Jan 2027 to 28 Jan 2027.", "0.5"),
    ("Take 1 tablet at night, 1 January 2027 to 28 January 2027, then stop", "0.5"),
    ("Take 2 tablets in the morning 1 Jan 2027 to 14 Jan 2027, 1 tablet at night 15 Jan 2027 to 28 Jan 2027", None),
    ("Take 1 tablet at night, 1 to 28", None),
]


@pytest.mark.parametrize(("text", "mg"), PERIODS)
def test_one_period_in_words_is_no_dose_and_several_are_not_read(text: str, mg: str | None) -> None:
    product = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "308048"}]}
    given = {"resourceType": "MedicationRequest", "status": "draft", "medicationCodeableConcept": product}
    order = order_reading({**given, "dosageInstruction": [{"text": text}]}, desk()).value
    assert order is not None
    assert (order.regimen.first.mg.high if order.regimen else None) == (Decimal(mg) if mg else None)


# In the place of a draft -----------------------------------------------------------------------------------------------

DRAFT: dict[str, Any] = {
    "resourceType": "MedicationRequest",
    "id": "d",
    "meta": {"versionId": "7", "profile": ["http://example.org/profile"]},
    "extension": [{"url": "http://example.org/unknown", "valueString": "kept"}],
    "status": "draft",
    "intent": "original-order",
    "category": [{"coding": [{"code": "outpatient"}]}],
    "medicationCodeableConcept": {
        "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "308048"}],
        "text": "alprazolam 0.5 mg <b>old</b>",
    },
    "subject": {"reference": "Patient/p"},
    "encounter": {"reference": "Encounter/mine"},
    "authoredOn": "2026-11-20",
    "requester": {"reference": "PractitionerRole/r"},
    "recorder": {"reference": "Practitioner/rec"},
    "reasonCode": [{"text": "panic"}],
    "reasonReference": [{"reference": "Condition/c"}],
    "insurance": [{"reference": "Coverage/i"}],
    "dosageInstruction": [{"text": "as before"}],
    "dispenseRequest": {"numberOfRepeatsAllowed": 5, "performer": {"reference": "Organization/pharmacy"}},
    "substitution": {"allowedBoolean": False},
}
TAKEN_OVER = ("intent", "category", "subject", "encounter", "requester", "recorder", "reasonCode", "reasonReference", "insurance")
ALPRAZOLAM = {"morning": "1", "midday": "1", "night": "1"}


def of_draft(**changes: Any) -> dict[str, Any]:
    """The draft with changes; a member of None is left out."""
    return {name: value for name, value in {**DRAFT, **changes}.items() if value is not None}


@pytest.mark.row("ACT-8")
def test_a_new_order_takes_over_who_where_why_and_who_pays_and_the_pharmacy() -> None:
    for request in requests(taper("alprazolam", **ALPRAZOLAM), DRAFT):
        assert {name: request[name] for name in TAKEN_OVER} == {name: DRAFT[name] for name in TAKEN_OVER}
        assert request["status"] == "draft" and "id" not in request
        assert request["authoredOn"] == "2026-11-23"
        assert request["dispenseRequest"]["performer"] == {"reference": "Organization/pharmacy"}
        assert "extension" not in request and "substitution" not in request


def test_without_a_draft_it_is_a_proposal_for_the_patient_of_the_visit() -> None:
    request = requests(taper("alprazolam", **ALPRAZOLAM))[0]
    assert request["intent"] == "proposal"
    assert request["subject"] == {"reference": "Patient/p"}
    assert request["encounter"] == {"reference": "Encounter/e"}
    assert request["requester"] == {"reference": "Practitioner/who"}


WHO = {"reference": "Practitioner/who"}
ODD = [
    ("a category that is not in a list", {"category": {"text": "x"}}, ("category", [{"text": "x"}])),
    ("a requester as STU3 has it", {"requester": {"agent": {"reference": "Practitioner/a"}}}, ("requester", WHO)),
    ("an unknown intent", {"intent": "instruction"}, ("intent", "order")),
    ("a reason that is no concept", {"reasonCode": ["panic"]}, ("reasonCode", None)),
    ("no subject", {"subject": None}, ("subject", {"reference": "Patient/p"})),
]  # fmt: skip


@pytest.mark.parametrize(("what", "changes", "expected"), ODD, ids=[row[0] for row in ODD])
def test_what_r4_does_not_allow_is_not_taken_over(what: str, changes: dict[str, Any], expected: tuple[str, Any]) -> None:
    for request in requests(taper("alprazolam", **ALPRAZOLAM), of_draft(**changes)):
        MedicationRequest.model_validate(request)
        assert request.get(expected[0]) == expected[1]


@pytest.mark.row("ACT-4")
def test_an_update_changes_the_drug_directions_and_supply_and_nothing_else() -> None:
    update, *others = update_action(DRAFT, requests(taper("alprazolam", **ALPRAZOLAM), DRAFT))
    changed = {"medicationCodeableConcept", "dosageInstruction", "dispenseRequest"}
    assert update["type"] == "update"
    assert set(update["resource"]) == set(DRAFT)
    assert {k: v for k, v in update["resource"].items() if k not in changed} == {
        k: v for k, v in DRAFT.items() if k not in changed
    }
    assert [other["type"] for other in others] == ["create"] * len(others)
    MedicationRequest.model_validate(update["resource"])


def test_the_draft_becomes_the_order_of_its_own_product_and_further_strengths_are_created() -> None:
    plan = across("alprazolam", "diazepam", morning="0.5", night="0.5")
    actions = update_action(DRAFT, requests(plan, DRAFT))
    codes = [action["resource"]["medicationCodeableConcept"]["coding"][0]["code"] for action in actions]
    assert codes[0] == "308048" and "308048" not in codes[1:]
    assert len(actions) == len(products(plan.steps))


def test_an_update_takes_away_do_not_perform_and_the_narrative_of_the_old_dose() -> None:
    draft = of_draft(doNotPerform=True, text={"status": "generated", "div": "<div>1 mg</div>"})
    update = update_action(draft, requests(taper("alprazolam", **ALPRAZOLAM), draft))[0]["resource"]
    assert not {"doNotPerform", "text"} & set(update)


def test_an_update_drops_the_contained_medication_and_keeps_what_is_still_referred_to() -> None:
    draft = of_draft(
        medicationCodeableConcept=None,
        medicationReference={"reference": "#med"},
        reasonReference=[{"reference": "#why"}],
        contained=[
            {"resourceType": "Medication", "id": "med", "code": {"text": "alprazolam"}, "manufacturer": {"reference": "#maker"}},
            {"resourceType": "Organization", "id": "maker", "name": "x"},
            {"resourceType": "Condition", "id": "why", "subject": {"reference": "Patient/p"}},
        ],
    )
    written = requests(taper("alprazolam", **ALPRAZOLAM), draft)
    update, *others = update_action(draft, written)
    for action in (update, *others):
        assert [item["id"] for item in action["resource"]["contained"]] == ["why"]
        assert "medicationReference" not in action["resource"]
        MedicationRequest.model_validate(action["resource"])


DRAFTS = [
    ("a draft", DRAFT, ["update", "create"]),
    ("a draft without an id", of_draft(id=None), ["create", "create"]),
    ("a draft of STU3", of_draft(context={"reference": "Encounter/e"}, encounter=None), ["delete", "create", "create"]),
    ("a draft of R5", of_draft(medication={"concept": {"text": "x"}}), ["delete", "create", "create"]),
]


@pytest.mark.row("ACT-6", "ACT-7")
@pytest.mark.parametrize(("what", "draft", "types"), DRAFTS, ids=[row[0] for row in DRAFTS])
def test_an_update_is_offered_only_where_the_draft_can_be_updated(what: str, draft: dict[str, Any], types: list[str]) -> None:
    written = requests(taper("alprazolam", **ALPRAZOLAM), draft)[:2]
    assert [action["type"] for action in update_action(draft, written)] == types


@pytest.mark.row("ACT-5", "ACT-7")
def test_a_stop_is_deleted_by_its_reference_and_the_plan_created() -> None:
    draft = of_draft(doNotPerform=True)
    delete, *creates = replace_actions(draft, requests(taper("alprazolam", **ALPRAZOLAM), draft))
    assert (delete["type"], delete["resourceId"]) == ("delete", "MedicationRequest/d")
    assert "resource" not in delete
    assert {create["type"] for create in creates} == {"create"}


def test_a_prescription_on_record_is_not_deleted_but_followed() -> None:
    draft = of_draft(status="cancelled")
    actions = replace_actions(draft, requests(taper("alprazolam", **ALPRAZOLAM), draft), on_record=True)
    assert {action["type"] for action in actions} == {"create"}
    assert all(action["resource"]["priorPrescription"] == {"reference": "MedicationRequest/d"} for action in actions)


@pytest.mark.row("ACT-2")
def test_every_action_says_what_it_does_in_words_of_our_own() -> None:
    for action in (
        *update_action(DRAFT, requests(taper("alprazolam", **ALPRAZOLAM), DRAFT)),
        *replace_actions(DRAFT, requests(taper("alprazolam", **ALPRAZOLAM), DRAFT)),
    ):
        assert action["description"]
        assert "<" not in action["description"]
        if "resource" in action:
            assert action["resource"]["dosageInstruction"][0]["text"] in action["description"]


@pytest.mark.row("SUG-2", "GEN-4")
def test_a_suggestion_has_an_id_of_its_own_and_nothing_empty_in_it() -> None:
    ids = count(1)
    draft = without_empty(of_draft(note=[], priority="", extension=[{"url": "http://example.org/x", "valueString": None}]))
    actions = update_action(draft, requests(taper("alprazolam", **ALPRAZOLAM), draft))
    found = suggestion("Taper slowly", actions, lambda: f"id-{next(ids)}", recommended=True)
    assert (found["label"], found["uuid"], found["isRecommended"]) == ("Taper slowly", "id-1", True)
    assert not list(empties(found))
    assert suggestion("Taper slowly", actions, lambda: "id")["isRecommended"] is False
    with pytest.raises(ValueError, match="without actions"):
        suggestion("Taper slowly", [], lambda: "id")


def test_an_update_never_turns_an_active_order_into_a_draft() -> None:
    active = of_draft(status="active")
    update = update_action(active, requests(taper("alprazolam", **ALPRAZOLAM), active))[0]
    assert update["resource"]["status"] == "active"


def test_what_a_pharmacy_prepares_is_told_in_words_with_its_ingredient() -> None:
    for product in book().presentations["alprazolam"]:
        told = concept(product)
        assert ("coding" in told) == (product.code is not None and not product.compounded)
        assert not product.compounded or "alprazolam 0.1 mg/mL" in told["text"]


def empties(value: Any):
    if value is None or value == "" or value == [] or value == {}:
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from empties(item)


# Naloxone --------------------------------------------------------------------------------------------------------------


def test_naloxone_is_ordered_as_needed_and_read_as_naloxone() -> None:
    product = book().naloxone
    assert product is not None
    request = naloxone_request(product, VISIT, DRAFT)
    MedicationRequest.model_validate(request)
    dosage = request["dosageInstruction"][0]
    assert dosage["asNeededCodeableConcept"] == {"text": "Suspected opioid overdose"}
    assert "1 spray (4 mg" in dosage["text"] and "2 to 3 minutes" in dosage["text"]
    assert request["dispenseRequest"]["quantity"]["value"] == 2
    assert request["requester"] == DRAFT["requester"] and "reasonReference" not in request
    order = order_reading(request, desk())
    assert order.gaps == () and order.value is not None
    assert order.value.medication.agent is None and "naloxone" in order.value.medication.groups


def test_the_naloxone_offered_is_a_product_of_the_drug_tables() -> None:
    product = book().naloxone
    assert product is not None
    assert book().medications[(product.system, product.code)].name.casefold() == product.display.casefold()


def test_a_naloxone_table_with_a_wrong_unit_is_refused() -> None:
    problems = Problems()
    text = (RULES / "drugs/naloxone.yaml").read_text().replace("2 minutes", "2 hours")
    naloxone({"drugs/naloxone.yaml": text.encode()}, problems)
    assert [problem.code for problem in problems.in_order()] == ["RULE023"]
