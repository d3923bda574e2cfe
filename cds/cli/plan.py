"""`cds plan`: a taper from the command line, as a table, a sheet for the patient, JSON, CSV or a calendar."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import orjson
import typer
from rich.console import Console

from cds.cli.failing import fail
from cds.cli.plan_curves import show_curves
from cds.cli.plan_show import show_no_plan, show_plan
from cds.core.cuts import PercentOf
from cds.core.medication import Form, Medication
from cds.core.patient_sheet import SheetFor, as_text, sheet
from cds.core.regimen import Dose
from cds.core.taper_plan import NoPlan, Plan
from cds.decision.plan_files import as_page, calendar, plan_told, rows
from cds.decision.plans import CurrentDoses, crossover_plan, direct_plan, immediate_release_plan, taken
from cds.decision.plasma_levels import curves, curves_json
from cds.decision.replanning import Replanned, replanned
from cds.errors import CdsError
from cds.fhir.dosage.dosage import reading_limits, regimen
from cds.knowledge.files.drug_names import folded
from cds.knowledge.model import Knowledge
from cds.knowledge.pack import chosen
from cds.knowledge.problems import nearest
from cds.settings import settings

LANGUAGE = "en"
REFERENCE = "--dose"
MOST_WEEKS = 52
"""The longest pause between two steps that is a pause, and no end of the taper."""

AgentName = Annotated[str, typer.Option("--agent", help="What is taken: an agent or a brand, such as alprazolam or Xanax XR.")]
DoseText = Annotated[str, typer.Option("--dose", help='What is taken of it now, as on a prescription: "1 mg three times daily".')]
Pace = Annotated[str, typer.Option(help="How fast, as in rules/paces.yaml: short, hypnotic, standard, slower, very-slow.")]
Basis = Annotated[
    PercentOf | None, typer.Option(help="What a cut's percentage is taken of; else as in rules/parameters/taper.yaml.")
]
Crossover = Annotated[str | None, typer.Option(metavar="AGENT", help="Exchange it for this agent first.")]
Strength = Annotated[str | None, typer.Option(metavar="MG", help="mg in one tablet, where the dose counts tablets.")]
Start = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="The day of the first step; else today.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="YYYY-MM-DD", help="Go on with a taper under way from this day, at the dose of that day."),
]
Hold = Annotated[int | None, typer.Option("--hold", metavar="WEEKS", help="With --from: stay at that dose so many weeks first.")]
NotBorne = Annotated[
    int,
    typer.Option("--not-borne", count=True, help="With --from: the last step was not borne. Given twice: two steps were not."),
]
Original = Annotated[
    str | None,
    typer.Option("--original", metavar="DOSE", help="With --from: what was taken before the taper began, as in --dose."),
]
WithCurves = Annotated[bool, typer.Option("--curves", help="Also draw plasma levels over the first weeks: an illustration.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print a row for each step and agent.")]
AsIcs = Annotated[bool, typer.Option("--ics", help="Print a calendar: a day for each step.")]
AsSheet = Annotated[bool, typer.Option("--sheet", help="Print the patient's sheet as text.")]
AsPage = Annotated[bool, typer.Option("--sheet-html", help="Print the patient's sheet as a page of its own.")]


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a plan is asked for."""

    takes: CurrentDoses
    dose: Dose
    pace: str
    basis: PercentOf | None
    crossover: str | None
    start: date
    going_on: TaperUnderWay | None = None


@dataclass(frozen=True, slots=True)
class TaperUnderWay:
    """How a taper under way goes on. Units: days."""

    hold: int
    not_borne: int


def plan(
    agent: AgentName,
    dose: DoseText,
    pace: Pace,
    basis: Basis = None,
    crossover: Crossover = None,
    strength: Strength = None,
    start: Start = None,
    since: From = None,
    hold: Hold = None,
    not_borne: NotBorne = 0,
    original: Original = None,
    with_curves: WithCurves = False,
    json: AsJson = False,
    csv: AsCsv = False,
    ics: AsIcs = False,
    sheet: AsSheet = False,
    sheet_html: AsPage = False,
) -> None:
    """Draws up a taper, or a crossover and its taper, and shows it step by step; or how one under way goes on."""
    wanted = {"--json": json, "--csv": csv, "--ics": ics, "--sheet": sheet, "--sheet-html": sheet_html}
    formats = [name for name, asked in wanted.items() if asked]
    if len(formats) > 1:
        fail(f"{', '.join(formats)}: seen together; expected one of them at a time.")
    if with_curves and formats not in ([], ["--json"]):
        fail(f"--curves: seen with {formats[0]}; expected --json with it, or no other form.")
    going_on = _going_on(since, start, hold, not_borne, original, crossover)
    try:
        configured = settings(os.environ)
        first = (
            _day(start or since or "", "--start" if start else "--from")
            if start or since
            else datetime.now(configured.time_zone).date()
        )
        rules = chosen(configured.rules, configured.rules_key, configured.site, first)
        _refuse_other_days(rules, first)
        asked = replace(_asked(rules, agent, dose, pace, basis, crossover, strength, first), going_on=going_on)
        if original is not None:
            asked = _with_original(rules, asked, agent, original, strength)
    except CdsError as error:
        fail(error)
    again = _again(rules, asked)
    found = again.plan if again else drawn_up(rules, asked)
    drawn = curves(rules, first, asked.takes, found) if with_curves and isinstance(found, Plan) else None
    if formats == ["--json"]:
        told = plan_told(found, asked.takes, asked.pace, rules, first, again) | ({"curves": curves_json(drawn)} if drawn else {})
        _write(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    elif isinstance(found, NoPlan):
        show_no_plan(found, asked.takes, Console(stderr=bool(formats)))
    elif formats:
        _write(_file(formats[0], found, asked, rules, datetime.now(configured.time_zone)))
    else:
        console = Console()
        show_plan(found, asked.takes, asked.dose, rules, console, again)
        if drawn:
            show_curves(drawn, console)


def drawn_up(rules: Knowledge, asked: PlanRequest) -> Plan | NoPlan:
    """The plan that was asked for. A crossover to the same agent is one from extended to immediate release."""
    takes, start = asked.takes, asked.start
    if asked.crossover is None:
        return direct_plan(rules, start, takes, asked.pace, asked.basis)
    if asked.crossover == takes.agent and takes.extended_release:
        return immediate_release_plan(rules, start, takes, asked.pace, asked.basis)
    return crossover_plan(rules, start, takes, asked.pace, asked.crossover, asked.basis)


def _going_on(
    since: str | None, start: str | None, hold: int | None, not_borne: int, original: str | None, crossover: str | None
) -> TaperUnderWay | None:
    """How a taper under way goes on; None where a new one is asked for."""
    alone = {"--hold": hold is not None, "--not-borne": not_borne > 0, "--original": original is not None}
    if since is None:
        for name in (name for name, seen in alone.items() if seen):
            fail(f"{name}: seen without --from; expected the day from which the taper goes on. Add --from YYYY-MM-DD.")
        return None
    for name, seen in {"--start": start, "--crossover": crossover}.items():
        if seen is not None:
            fail(f"{name}: seen with --from; expected one of them: --from goes on with the agent of --agent from that day.")
    if hold is not None and not 1 <= hold <= MOST_WEEKS:
        fail(f"--hold: seen {hold}; expected whole weeks, from 1 to {MOST_WEEKS}.")
    if not_borne > 2:
        fail(f"--not-borne: seen {not_borne} times; expected once or twice: after two steps the pace is the slowest there is.")
    return TaperUnderWay((hold or 0) * 7, not_borne)


def _again(rules: Knowledge, asked: PlanRequest) -> Replanned | None:
    on = asked.going_on
    return replanned(rules, asked.start, asked.takes, asked.pace, on.hold, on.not_borne, asked.basis) if on else None


def _with_original(rules: Knowledge, asked: PlanRequest, agent: str, text: str, strength: str | None) -> PlanRequest:
    """What was asked for, with the daily dose before the taper began."""
    medication = _medication(rules, agent, "--agent")
    if strength is not None:
        medication = replace(medication, strength=_mg(strength), form=medication.form or Form.TABLET)
    daily = _dose(rules, text, medication, asked.start, "--original").mg.high
    if daily < asked.takes.daily:
        fail(f"--original: seen {text!r}, less than --dose; expected what was taken before the taper began.")
    return replace(asked, takes=replace(asked.takes, original=daily))


def _file(name: str, found: Plan, asked: PlanRequest, rules: Knowledge, now: datetime) -> bytes:
    if name == "--csv":
        return rows(found).encode()
    if name == "--ics":
        return calendar(found, now)
    words = rules.sheets.get(LANGUAGE)
    if words is None:
        fail(f"{name}: the rule book holds no sheet/{LANGUAGE}.yaml; expected the words of the patient's sheet. Add the file.")
    reach = int(rules.value("plan_review", asked.start))
    told = sheet(found, words, SheetFor(asked.takes.daily, rules.agents[found.target].short_acting, reach))
    return (as_text(told) if name == "--sheet" else as_page(told)).encode()


def _asked(
    rules: Knowledge,
    agent: str,
    dose: str,
    pace: str,
    basis: PercentOf | None,
    crossover: str | None,
    strength: str | None,
    start: date,
) -> PlanRequest:
    medication = _medication(rules, agent, "--agent")
    if strength is not None:
        medication = replace(medication, strength=_mg(strength), form=medication.form or Form.TABLET)
    if pace not in rules.paces:
        fail(f"--pace: seen {pace!r}; expected one of {', '.join(rules.paces)}. {nearest(pace, rules.paces)}".rstrip())
    target = _medication(rules, crossover, "--crossover").agent if crossover is not None else None
    read = _dose(rules, dose, medication, start)
    takes = taken(rules, start, medication.agent or "", read.mg.high, read.times, read.doses_a_day, medication.extended_release)
    return PlanRequest(takes, read, pace, basis, target, start)


def _medication(rules: Knowledge, name: str, option: str) -> Medication:
    """The agent that a name or a brand means."""
    found = rules.names.get(folded(name))
    if found is None or found.agent not in rules.agents:
        near = nearest(folded(name), [known for known, one in rules.names.items() if one.agent])
        fail(f"{option}: seen {name!r}; expected a benzodiazepine or Z-drug of rules/drugs/agents.yaml. {near}".rstrip())
    return found


def _dose(rules: Knowledge, text: str, medication: Medication, day: date, option: str = REFERENCE) -> Dose:
    """One dose, the same every day, exactly stated: a plan starts from nothing less."""
    reading = regimen({"dosageInstruction": [{"text": text}]}, medication, rules.dosing, reading_limits(rules, day), option)
    example = 'Write what is taken on every day, such as "1 mg three times daily" or "1 mg morning, 2 mg at night".'
    if reading.value is None:
        says = " ".join(gap.says for gap in reading.gaps)
        fail(f"{option}: seen {text!r}. {says} {example} For tablets, give --strength.")
    if len(reading.value.steps) > 1 or reading.value.ends:
        fail(f"{option}: seen {text!r}, which changes or ends. {example}")
    dose = reading.value.first
    if dose.mg.low != dose.mg.high or dose.as_needed or dose.intermittent:
        fail(f"{option}: seen {text!r}, which is not the same on every day. {example}")
    if not dose.mg.high:
        fail(f"{option}: seen {text!r}, which is nothing. {example}")
    return dose


def _refuse_other_days(rules: Knowledge, day: date) -> None:
    """Ends the command where a parameter has no edition in force yet."""
    missing = [name for name, parameter in rules.parameters.items() if parameter.on(day) is None]
    if missing:
        since = max(parameter.editions[-1].since for parameter in rules.parameters.values()).isoformat()
        fail(f"--start: seen {day.isoformat()}; expected {since} or later: before, {missing[0]} has no value in the rule book.")


def _mg(text: str) -> Decimal:
    try:
        mg = Decimal(text.lower().removesuffix("mg").strip())
    except InvalidOperation:
        mg = Decimal(0)
    if not mg.is_finite() or mg <= 0:
        fail(f"--strength: seen {text!r}; expected mg in one tablet, such as 0.5.")
    return mg


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{option}: seen {text!r}; expected a day such as 2026-11-23.")


def _write(content: bytes) -> None:
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
