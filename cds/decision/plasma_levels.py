"""Plasma levels hour by hour of what is taken now, what is ordered and what a plan advises: an illustration beside a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from cds.core import kinetics
from cds.core.kinetics import HOURS, Curve, Kinetics
from cds.core.regimen import DayTime, Dose, RegimenStep
from cds.core.taper_plan import AgentDose, Plan
from cds.decision.plans import CurrentDoses, taken
from cds.knowledge.model import Knowledge

ILLUSTRATION = "An illustration, of an adult of 70 kg; people differ several-fold. Plasma level is not withdrawal risk."
UNKNOWN = "how it is taken up and cleared is not known here"
NOT_EXACT = "what is ordered is not the same on every day"

Doses = Mapping[str, Mapping[DayTime, Decimal]]
"""mg by time of day, of each agent as the table of kinetics names it."""


class LevelsOf(StrEnum):
    """Whose levels these are."""

    NOW = "now"
    """What is taken now, going on unchanged."""
    ORDERED = "ordered"
    ADVISED = "advised"


@dataclass(frozen=True, slots=True)
class Levels:
    """The level of one substance, an agent or its active metabolite, from midnight of the first day.

    Units: `hourly` in micrograms in a litre; `swings`, one a day, in percent of that day's average from peak to trough. None
    where nothing is taken that turns into it, and on the first day of a new agent.
    """

    which: LevelsOf
    substance: str
    hourly: tuple[float, ...]
    swings: tuple[float | None, ...]

    def averages(self) -> tuple[float, ...]:
        """The average level of each day."""
        return tuple(sum(self.hourly[first : first + HOURS]) / HOURS for first in range(0, len(self.swings) * HOURS, HOURS))


@dataclass(frozen=True, slots=True)
class NotDrawn:
    """Whose levels could not be drawn, of which agent, and why."""

    which: LevelsOf
    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class Curves:
    """Every level that could be drawn over the first days. `says` goes wherever they are shown."""

    start: date
    days: int
    levels: tuple[Levels, ...]
    not_drawn: tuple[NotDrawn, ...]
    says: str = ILLUSTRATION


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The same doses from one day on, counted from 0, up to another."""

    first: int
    end: int
    doses: Doses


def curves(
    knowledge: Knowledge, day: date, takes: CurrentDoses, plan: Plan | None, ordered: Sequence[RegimenStep] = ()
) -> Curves:
    """The levels from that day on: of what is taken now, of the ordered doses of that agent where there are any, and of the plan.

    Assumes: what is taken now has been taken unchanged for long; the last ordered dose goes on.
    """
    days = int(knowledge.value("curve_days", day))
    now = {_key(takes.agent, takes.extended_release): takes.times}
    drawn: list[Levels] = []
    missing: list[NotDrawn] = []

    def draw(which: LevelsOf, stretches: Sequence[_Stretch]) -> None:
        begun = [_Stretch(0, min((one.first for one in stretches), default=days), now), *stretches]
        kept = [one for one in (_within(stretch, days) for stretch in begun) if one.first < one.end]
        drawn.extend(_levels(knowledge, day, which, now, kept, days))
        missing.extend(_missing(knowledge, which, kept))

    draw(LevelsOf.NOW, ())
    if ordered and not all(_exact(step.dose) for step in ordered):
        missing.append(NotDrawn(LevelsOf.ORDERED, takes.agent, NOT_EXACT))
    elif ordered:
        draw(LevelsOf.ORDERED, _of_order(knowledge, day, takes, ordered, days))
    if plan is not None:
        draw(LevelsOf.ADVISED, _of_plan(plan, day))
    return Curves(day, days, tuple(drawn), tuple(missing))


def curves_json(drawn: Curves) -> dict[str, Any]:
    """The curves as machines are told of them. Levels to a tenth, swings to a whole percent: an illustration is no finer."""
    return {
        "says": drawn.says,
        "starts": drawn.start.isoformat(),
        "days": drawn.days,
        "unit": "micrograms in a litre",
        "levels": [
            {
                "which": each.which.value,
                "substance": each.substance,
                "hourly": [round(level, 1) for level in each.hourly],
                "swingPercentByDay": [None if swing is None else round(swing) for swing in each.swings],
            }
            for each in drawn.levels
        ],
        "notDrawn": [{"which": each.which.value, "agent": each.agent, "reason": each.reason} for each in drawn.not_drawn],
    }


def _key(agent: str, extended_release: bool) -> str:
    return f"{agent} extended release" if extended_release else agent


def _within(stretch: _Stretch, days: int) -> _Stretch:
    return _Stretch(max(0, stretch.first), min(days, stretch.end), stretch.doses)


def _exact(dose: Dose) -> bool:
    return dose.mg.low == dose.mg.high and not dose.as_needed and not dose.intermittent


def _of_plan(plan: Plan, day: date) -> list[_Stretch]:
    begins = [(step.start - day).days for step in plan.steps]
    doses = [{_of_dose(dose): dose.times for dose in step.doses} for step in plan.steps]
    return [_Stretch(first, first + step.days, each) for first, step, each in zip(begins, plan.steps, doses, strict=True)]


def _of_dose(dose: AgentDose) -> str:
    return _key(dose.agent, any(amount.presentation.extended_release for amount in dose.amounts))


def _of_order(knowledge: Knowledge, day: date, takes: CurrentDoses, ordered: Sequence[RegimenStep], days: int) -> list[_Stretch]:
    """The ordered doses, each up to the next; one whose length is not stated is the last."""
    key = _key(takes.agent, takes.extended_release)
    begun: list[tuple[int, Doses]] = []
    first = 0
    for step in ordered:
        first = (step.start - day).days if step.start else first
        dose = step.dose
        parts = taken(knowledge, day, takes.agent, dose.mg.high, dose.times, dose.doses_a_day, takes.extended_release)
        begun.append((first, {key: parts.times}))
        if step.days is None:
            break
        first += step.days
    ends = [*(begins for begins, _ in begun[1:]), days]
    return [_Stretch(begins, end, doses) for (begins, doses), end in zip(begun, ends, strict=True)]


def _missing(knowledge: Knowledge, which: LevelsOf, stretches: Iterable[_Stretch]) -> Iterable[NotDrawn]:
    for agent in dict.fromkeys(agent for one in stretches for agent, times in one.doses.items() if times):
        found = knowledge.pharmacokinetics.get(agent)
        if not isinstance(found, Kinetics):
            yield NotDrawn(which, agent, found.reason if found else UNKNOWN)


def _levels(
    knowledge: Knowledge, day: date, which: LevelsOf, now: Doses, stretches: Sequence[_Stretch], days: int
) -> Iterable[Levels]:
    """A substance that two agents turn into is the sum of both."""
    hours = {time: float(knowledge.value(f"{time.value}_hour", day)) for time in DayTime}
    sums: dict[str, list[float]] = {}
    on: dict[str, set[int]] = {}
    for agent in dict.fromkeys([*now, *(agent for one in stretches for agent in one.doses)]):
        found = knowledge.pharmacokinetics.get(agent)
        if not isinstance(found, Kinetics):
            continue
        spells = [kinetics.DosesOverDays(_at(now.get(agent, {}), hours), None, 0)] + [
            kinetics.DosesOverDays(_at(one.doses.get(agent, {}), hours), one.first * HOURS, one.end - one.first)
            for one in stretches
        ]
        taken_on = {each for one in stretches if one.doses.get(agent) for each in range(one.first, one.end)}
        for curve in kinetics.curves(found, spells, days * HOURS):
            held = sums.setdefault(curve.agent, [0.0] * len(curve.levels))
            sums[curve.agent] = [one + other for one, other in zip(held, curve.levels, strict=True)]
            on.setdefault(curve.agent, set()).update(taken_on)
    for substance, levels in sums.items():
        curve = Curve(substance, tuple(levels))
        there = [each in on[substance] and curve.levels[each * HOURS] > 0 for each in range(days)]
        swings = tuple(curve.swing(each * HOURS) if there[each] else None for each in range(days))
        yield Levels(which, substance, curve.levels, swings)


def _at(times: Mapping[DayTime, Decimal], hours: Mapping[DayTime, float]) -> tuple[tuple[float, float], ...]:
    return tuple((hours[time], float(mg)) for time, mg in times.items())
