"""A plan as machines are told of it: the shape that an answer's extension and `cds plan --json` share."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from cds.core.quantity import as_json
from cds.core.regimen import DayTime
from cds.core.tablets import Presentation
from cds.core.taper_plan import AgentDose, Plan, PlanKind, PlannedSupply, PlanStep, TabletCount
from cds.json_text import WrittenObject

TENTH = Decimal("0.1")


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan: kind, basis, end and steps. In a crossover a step lists `doses`, one entry an agent. Not to be changed."""
    return plan.once(_written)


def _written(plan: Plan) -> WrittenObject:
    return WrittenObject(_plan_json(plan))


def _plan_json(plan: Plan) -> dict[str, Any]:
    return {
        "kind": plan.kind.value,
        "basis": plan.pace.basis.value,
        "ends": plan.ends.isoformat(),
        "steps": [step_json(step, plan.kind) for step in plan.steps],
    }


def step_json(step: PlanStep, kind: PlanKind) -> dict[str, Any]:
    doses = [dose_json(dose) for dose in step.doses]
    return {
        "start": step.start.isoformat(),
        "days": step.days,
        **({"doses": doses} if kind is PlanKind.CROSSOVER else doses[0]),
        "cutPercentOfPrevious": as_json(step.cut.quantize(TENTH, ROUND_HALF_UP)),
        "belowSmallStepLimit": step.below_small_step_limit,
    }


def dose_json(dose: AgentDose) -> dict[str, Any]:
    times = {time.value: as_json(dose.times.get(time, Decimal(0))) for time in DayTime}
    return {"agent": dose.agent, "dailyDoseMg": as_json(dose.daily), "times": times}


def plan_in_full(plan: Plan, review: int) -> dict[str, Any]:
    """The plan with what to dispense and to take of each step, in tablets, how long it lasts, and its notes.

    Units: `review`, how often the whole plan is looked at anew, in days.
    """
    told = _plan_json(plan)
    for step, entry in zip(plan.steps, told["steps"], strict=True):
        entry["diazepamEquivalentMg"] = {"low": as_json(step.equivalent.low), "high": as_json(step.equivalent.high)}
        entry["take"] = [_taken(amount) for dose in step.doses for amount in dose.amounts]
        entry["supplies"] = [_supply(supply) for supply in step.supplies]
        entry |= {"review": step.review.isoformat()} if step.review else {}
    least, most = plan.lengths
    told |= {"lastsDays": {"least": least, "most": most}, "reviews": [day.isoformat() for day in plan.reviews(review)]}
    return {**told, "starts": plan.start.isoformat(), "agent": plan.agent, "target": plan.target, "notes": list(plan.notes)}


def _taken(amount: TabletCount) -> dict[str, Any]:
    return {"time": amount.time.value, "count": as_json(amount.count), **_product(amount.presentation)}


def _supply(supply: PlannedSupply) -> dict[str, Any]:
    items = [{"count": as_json(count), **_product(presentation)} for presentation, count in supply.items]
    return {"start": supply.start.isoformat(), "days": supply.days, "items": items}


def _product(presentation: Presentation) -> dict[str, Any]:
    """What it is. Units: mg in one tablet, capsule or film, or in one mL; counts of a liquid are mL."""
    told = {"product": presentation.name, "form": presentation.form.value, "mg": as_json(presentation.mg)}
    return told | ({"rxnorm": presentation.code} if presentation.code else {})
