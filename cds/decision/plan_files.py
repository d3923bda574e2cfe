"""A plan as files: JSON for programs, CSV for spreadsheets, iCalendar for a phone. None holds a word about a patient."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

from icalendar import Calendar, Event
from jinja2 import Environment, PackageLoader, StrictUndefined

from cds.core.patient_sheet import Sheet
from cds.core.quantity import as_json, exact, plain
from cds.core.regimen import DayTime
from cds.core.tablets import Presentation
from cds.core.taper_plan import AgentDose, NoPlan, Plan, PlanStep, TabletCount
from cds.decision.plans import CurrentDoses
from cds.decision.replanning import Replanned
from cds.hooks.plan_json import plan_in_full
from cds.knowledge.model import Knowledge

COLUMNS = (
    "start", "days", "agent", "morning_mg", "midday_mg", "evening_mg", "night_mg", "daily_mg", "cut_percent",
    "below_small_step_limit", "diazepam_mg_low", "diazepam_mg_high", "take",
)  # fmt: skip


def plan_told(
    found: Plan | NoPlan, takes: CurrentDoses, pace: str, rules: Knowledge, day: date, again: Replanned | None = None
) -> dict[str, Any]:
    """The plan, or why there is none, with what it starts from and the rule book's revision and day."""
    times = {time.value: as_json(takes.times[time]) for time in DayTime if time in takes.times}
    told: dict[str, Any] = {
        "knowledge": rules.revision,
        "day": day.isoformat(),
        "takesNow": {
            "agent": takes.agent,
            "dailyDoseMg": as_json(takes.daily),
            "times": times,
            "timesStated": takes.stated,
            "extendedRelease": takes.extended_release,
        },
        "pace": again.pace if again else pace,
    }
    if again:
        until = {"stayUntil": again.until.isoformat()} if again.until else {}
        told["goesOn"] = {
            "from": again.since.isoformat(),
            **until,
            "paceBefore": again.pace_before,
            "changed": list(again.changed),
        }
    if isinstance(found, Plan):
        return told | {"plan": plan_in_full(found, int(rules.value("plan_review", day)))}
    instead = [{"kind": each.kind.value, "says": each.says} for each in found.instead]
    reached = {"followsToMg": as_json(found.follows_to)} if found.follows_to is not None else {}
    return told | {"noPlan": {"reason": found.reason, **reached, "instead": instead}}


def rows(plan: Plan) -> str:
    """A row for each step and agent under one row of names, as a spreadsheet reads it."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for step in plan.steps:
        for dose in step.doses:
            times = [exact(dose.times[time]) if time in dose.times else "0" for time in DayTime]
            writer.writerow(
                [
                    step.start.isoformat(),
                    step.days,
                    dose.agent,
                    *times,
                    exact(dose.daily),
                    plain(step.cut),
                    "yes" if step.below_small_step_limit else "no",
                    plain(step.equivalent.low),
                    plain(step.equivalent.high),
                    "; ".join(lines(dose)),
                ]
            )
    return text.getvalue()


def calendar(plan: Plan, now: datetime) -> bytes:
    """An all-day event on the first day of each step. An event keeps its id, so that the same plan read in again adds none."""
    found = Calendar()
    found.add("prodid", "-//Taper CDS//cds plan//EN")
    found.add("version", "2.0")
    found.add("name", f"Taper of {plan.agent}")
    stamp = hashlib.sha256(rows(plan).encode()).hexdigest()[:32]
    for at, step in enumerate(plan.steps):
        found.add_component(_event(plan, step, f"{stamp}-{at}@taper-cds", now))
    return bytes(found.to_ical())


def _event(plan: Plan, step: PlanStep, uid: str, now: datetime) -> Event:
    last = step is plan.steps[-1]
    doses = " + ".join(f"{dose.agent} {exact(dose.daily)} mg a day" for dose in step.doses)
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", now)
    event.add("dtstart", step.start)
    event.add("dtend", step.start + timedelta(days=1))
    event.add("summary", f"Last step: {plan.target} 0 mg" if last else f"New dose: {doses}")
    event.add("description", "\n".join([*_takes(step.doses), f"For {step.days} days.", "Ask the prescriber before any change."]))
    event.add("class", "PRIVATE")
    event.add("transp", "TRANSPARENT")
    return event


def _takes(doses: Iterable[AgentDose]) -> Iterable[str]:
    for dose in doses:
        yield from lines(dose, named=True)


def lines(dose: AgentDose, named: bool = False) -> list[str]:
    """What is taken when, a line for each time of day: `morning: 1 x 1 mg tablet`; `named` with the agent."""
    found = []
    for time in DayTime:
        taken = [_taken(amount) for amount in dose.amounts if amount.time is time]
        if taken:
            found.append(f"{time.value}: {dose.agent + ' ' if named else ''}{' + '.join(taken)}")
    return found


def _taken(amount: TabletCount) -> str:
    if amount.presentation.liquid:
        return f"{exact(amount.count)} mL of {exact(amount.presentation.mg)} mg/mL"
    return f"{exact(amount.count)} x {product(amount.presentation)}"


def product(one: Presentation) -> str:
    """What it is, beside its agent: `0.5 mg tablet`."""
    if one.liquid:
        return f"liquid of {exact(one.mg)} mg/mL" + (", prepared by a pharmacy" if one.compounded else "")
    return f"{exact(one.mg)} mg {'extended-release ' if one.extended_release else ''}{one.form.value}"


TEMPLATE = "sheet.html"


def as_page(sheet: Sheet) -> str:
    """The page. Every text is escaped."""
    environment = Environment(loader=PackageLoader("cds.hooks"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(TEMPLATE).render(sheet=sheet)
