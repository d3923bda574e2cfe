"""The whole taper as one FHIR R4 CarePlan: an activity for each step and agent, so that a chart shows where the patient is."""

from __future__ import annotations

from collections.abc import Iterator

from cds.core.quantity import as_json, exact, plain
from cds.core.regimen import DayTime
from cds.core.taper_plan import AgentDose, Plan, PlanKind, PlanStep
from cds.fhir import json_access as views
from cds.fhir.json_access import Json
from cds.fhir.write.dosages import AT, UCUM, Resource, amount_in_words, day_in_words, last_day
from cds.fhir.write.requests import PRESCRIBERS, Visit, concept
from cds.json_text import WrittenList

NOT_REVIEWED = "A proposal of Taper CDS, to be reviewed with the patient before each step. It is not an order."


def care_plan(plan: Plan, shared: Resource, visit: Visit) -> Resource:
    """The CarePlan of a plan, a draft. Patient, encounter, author and the conditions it is for are those of the draft order.

    `shared` is what it takes over from that: see `carried`.
    Its period reaches over the days of the last step, of nothing, in which the patient is watched.
    """
    author = _elsewhere(shared.get("requester"))
    conditions = [
        link
        for link in shared.get("reasonReference", ())
        if (views.text(link, "reference") or "").rpartition("/")[0].rpartition("/")[2] == "Condition"
    ]
    members = {
        "resourceType": "CarePlan",
        "status": "draft",
        "intent": "plan",
        "title": _title(plan),
        "description": _description(plan),
        "subject": _elsewhere(shared["subject"]) or {"reference": f"Patient/{visit.patient}"},
        "encounter": _elsewhere(shared.get("encounter")),
        "period": {"start": plan.start.isoformat(), "end": last_day(plan.steps[-1]).isoformat()},
        "created": visit.day.isoformat(),
        "author": author if (views.text(author, "reference") or "").startswith(PRESCRIBERS) else None,
        "addresses": conditions,
        "activity": plan.once(_activities),
        "note": [{"text": text} for text in (*plan.notes, NOT_REVIEWED)],
    }
    return {name: value for name, value in members.items() if value}


def _elsewhere(link: object) -> Json:
    """The reference where it holds outside of the draft too, else nothing."""
    return views.mapping(link) if not (views.text(link, "reference") or "#").startswith("#") else {}


def _title(plan: Plan) -> str:
    if plan.kind is PlanKind.CROSSOVER and plan.target != plan.agent:
        return f"Crossover from {plan.agent} to {plan.target}, and its taper to nothing on {day_in_words(plan.ends)}"
    return f"Taper of {plan.agent} to nothing on {day_in_words(plan.ends)}"


def _description(plan: Plan) -> str:
    pace = plan.pace
    return (
        f"{len(plan.steps)} steps from {day_in_words(plan.start)}, at the {pace.pace} pace: at most {plain(pace.cut)} percent of "
        f"the {pace.basis.value} dose every {pace.interval} days, larger steps only at the end, where they are marked."
    )


def _activities(plan: Plan) -> list[Resource]:
    return WrittenList({"detail": detail} for detail in _details(plan))


def _details(plan: Plan) -> Iterator[Resource]:
    for place, step in enumerate(plan.steps, start=1):
        for dose in step.doses:
            yield _detail(plan, step, dose, f"Step {place} of {len(plan.steps)}")


def _detail(plan: Plan, step: PlanStep, dose: AgentDose, place: str) -> Resource:
    period = {"start": step.start.isoformat(), "end": last_day(step).isoformat()}
    shared = {
        "status": "not-started",
        "scheduledPeriod": period,
        "dailyAmount": {"value": as_json(dose.daily), "unit": "mg", "system": UCUM, "code": "mg"},
        "description": f"{place}: {_in_words(step, dose)}",
    }
    if not dose.amounts:
        return shared
    product = dose.amounts[0].presentation
    alone = all(amount.presentation == product for amount in dose.amounts)
    return {
        "kind": "MedicationRequest",
        "productCodeableConcept": concept(product) if alone else {"text": dose.agent},
        **shared,
    }


def _in_words(step: PlanStep, dose: AgentDose) -> str:
    if not dose.amounts:
        return f"from {day_in_words(step.start)} no more {dose.agent}. Watch until {day_in_words(last_day(step))}."
    names = dict.fromkeys(amount.presentation.name for amount in dose.amounts)
    parts = []
    for time in DayTime:
        amounts = [amount for amount in dose.amounts if amount.time is time]
        taken = [
            amount_in_words(one.count, one.presentation) + (f" of {one.presentation.name}" if len(names) > 1 else "")
            for one in amounts
        ]
        parts += [f"{' and '.join(taken)} {AT[time]}"] if taken else []
    made_of = f" as {next(iter(names))}" if len(names) == 1 else ""
    return f"{exact(dose.daily)} mg of {dose.agent} a day{made_of}{_change(step)}: {', '.join(parts)}.{_review(step, dose)}"


def _change(step: PlanStep) -> str:
    """How large the cut is, where one agent is taken, and whether only the small-step exemption allows it."""
    if len(step.doses) > 1 or step.cut <= 0:
        return ""
    small = ", below the small-step limit" if step.below_small_step_limit else ""
    return f", {exact(round(step.cut, 1))} percent less than before{small}"


def _review(step: PlanStep, dose: AgentDose) -> str:
    """When to look at a change of agent, said once a step."""
    if step.review is None or dose is not step.doses[-1]:
        return ""
    return f" Check for sedation and withdrawal on {day_in_words(step.review)}."
