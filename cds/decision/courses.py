"""What is ordered first: today's dose for some days, the first step of a taper, or the first days of a crossover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from cds.core.equivalence import diazepam_equivalent
from cds.core.order_action import Situation
from cds.core.period import written
from cds.core.quantity import ZERO, exactly
from cds.core.record import Order
from cds.core.tablets import Cabinet, Doses, Fit, Tier, as_doses, ticks
from cds.core.taper_plan import Plan, PlanKind, PlanStep, agent_dose
from cds.decision.plans import CurrentDoses
from cds.fhir.write.requests import Course
from cds.knowledge.model import Knowledge

TWICE = 2
"""A step is held for at most so many intervals of its pace before it is looked at again."""


def continued(takes: CurrentDoses, orders: Sequence[Order], days: int, knowledge: Knowledge, day: date) -> Course | None:
    """Today's dose for so many days, in the tablets of the `orders` where they can; None where no tablets deliver it."""
    times = {time: ticks(mg) for time, mg in takes.times.items()}
    fit = _fit(takes, orders, as_doses(times), knowledge, day)
    if fit is None:
        return None
    equivalent = diazepam_equivalent(exactly(takes.daily), knowledge.agents[takes.agent]) or ZERO
    step = PlanStep(day, days, (agent_dose(takes.agent, times, fit),), equivalent, Decimal(0), False, ())
    return Course(
        (step,), f"Today's dose of {takes.agent}, unchanged, for {days} days; no cut before a visit that agrees on one."
    )


def _fit(takes: CurrentDoses, orders: Sequence[Order], doses: Doses, knowledge: Knowledge, day: date) -> Fit | None:
    """What delivers the doses: the products that are prescribed, else those of their strengths, else any; tablets first."""
    sold = knowledge.presentations.get(takes.agent, ())
    held = [order.medication for order in orders if order.medication.agent == takes.agent]
    same = [one for one in sold if one.code is not None and one.code in {medication.code for medication in held}]
    alike = [one for one in sold if not one.liquid and one.mg in {medication.strength for medication in held}]
    saves = knowledge.value("second_strength_saves", day)
    for choice in (same, alike, sold):
        cabinet = Cabinet(choice, saves, takes.extended_release)
        for tier in Tier:
            fit = cabinet.fit(tier, doses) if cabinet.has(tier) else None
            if fit is not None and fit.counts:
                return fit
    return None


def begun(plan: Plan, days: int, day: date) -> Course | None:
    """Of a taper its first step alone, of a crossover what is taken in the first days; for so many days at the most.

    None where nothing is taken from the first day on, or that day is not `day`: the step before it still lasts.
    """
    if plan.start > day:
        return None
    steps = _first_step(plan, days) if plan.kind is PlanKind.DIRECT else _first_days(plan.steps, days)
    if not steps or not any(dose.amounts for step in steps for dose in step.doses):
        return None
    ends = written(steps[-1].start + timedelta(days=steps[-1].days - 1))
    what = f"The first step of a taper of {plan.agent}" if plan.kind is PlanKind.DIRECT else _exchange(plan)
    return Course(steps, f"{what}, to {ends}. See the patient before the next order.")


def _exchange(plan: Plan) -> str:
    return f"The first days of a crossover from {plan.agent} to {plan.target}"


def _first_step(plan: Plan, days: int) -> tuple[PlanStep, ...]:
    """The first step, held until it is looked at; where it lowers nothing yet, with what follows within the days."""
    first = plan.steps[0]
    if first.cut <= 0:
        return _first_days(plan.steps, days)
    return (replace(first, days=min(days, TWICE * first.days), supplies=()),)


def _first_days(steps: Sequence[PlanStep], days: int) -> tuple[PlanStep, ...]:
    found: list[PlanStep] = []
    left = days
    for step in steps:
        if left <= 0:
            break
        found.append(replace(step, days=min(left, step.days), supplies=()))
        left -= step.days
    while found and not any(dose.amounts for dose in found[-1].doses):
        found.pop()
    return tuple(found)


def running(situation: Situation) -> tuple[Order, ...]:
    """The orders by which what a plan starts from is taken."""
    takings = situation.switched_from or ((situation.taking,) if situation.taking else ())
    return tuple(order for taking in takings for order in taking.orders)
