"""A switch as one course of doses: what is given up, what remains of it for a while, and what takes its place, in diazepam.

The agents that are given up count at the low end of their range, before and after, and the new one at its high end: so a switch
counts as a cut only where it is one by every source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from cds.core.cuts import Steps
from cds.core.equivalence import diazepam_equivalent
from cds.core.medication import Agent
from cds.core.order_action import Situation
from cds.core.quantity import exactly, total
from cds.core.regimen import RegimenStep

Course = Sequence[tuple[int, Decimal]]
"""From which day on, counted from today, and how many mg a day."""


def exchanged(switch: Situation, agents: Mapping[str, Agent], day: date, rounding: Decimal) -> tuple[Decimal, Steps, bool] | None:
    """What is taken before a switch, the steps after it, and whether taking ends after the last; mg of diazepam a day.

    None where a dose could not be read or converted, or where it can't be told which steps meet. `rounding`: what tablets may
    take away in the exchange, in percent; a switch that does no more is no cut, and its taper counts from the dose it comes to.
    """
    before = total(_before(switch, agents))
    if before is None or switch.steps is None:
        return None
    steps = [(step.days, _new(step.dose.mg.high, agents[switch.agent])) for step in switch.steps]
    if all(one.steps is not None and all(step.dose.mg.high == 0 for step in one.steps) for one in switch.makes_way):
        known = [(days, mg) for days, mg in steps if mg is not None]
        return (*_rounded(before, known, 0, rounding), switch.ends) if len(known) == len(steps) else None
    after = _side_by_side(switch, agents, day)
    return None if after is None else (*_rounded(before, *after, rounding), False)


def _rounded(before: Decimal, steps: list[tuple[int | None, Decimal]], at: int, rounding: Decimal) -> tuple[Decimal, Steps]:
    """The dose before and the steps, level up to the one (`at`) with which the exchange is done, where it only rounds."""
    level = steps[at][1]
    least = min(mg for _, mg in steps[: at + 1])
    if not before * (1 - rounding / 100) <= least <= level < before:
        return before, steps
    return level, [(days, level if number < at else mg) for number, (days, mg) in enumerate(steps)]


def _before(switch: Situation, agents: Mapping[str, Agent]) -> Iterable[Decimal | None]:
    for taking in switch.switched_from:
        convert = _new if taking.agent == switch.agent else _given_up
        yield None if taking.mg is None else convert(taking.mg, agents[taking.agent])


def _side_by_side(
    switch: Situation, agents: Mapping[str, Agent], day: date
) -> tuple[list[tuple[int | None, Decimal]], int] | None:
    """The new agent's steps and those of the agents that make way, added up by day; and which is the first without the old."""
    courses: list[list[tuple[int, Decimal | None]]] = []
    for one in (switch, *switch.makes_way):
        course = _course(one.steps or (), one.ends, day)
        if course is None or one.steps is None:
            return None
        convert = _new if one is switch else _given_up
        start = one.takes_now if course[0][0] > 0 else Decimal(0)
        if start is None:
            return None
        courses.append([(-1, convert(start, agents[one.agent])), *((on, convert(mg, agents[one.agent])) for on, mg in course)])
    days = sorted({max(on, 0) for course in courses for on, _ in course})
    sums = [total(_on(course, each) for course in courses) for each in days]
    known = [mg for mg in sums if mg is not None]
    if len(known) < len(sums):
        return None
    lengths = [after - before for before, after in pairwise(days)]
    alone = (at for at, each in enumerate(days) if not any(_on(course, each) for course in courses[1:]))
    return list(zip([*lengths, None], known, strict=True)), next(alone, 0)


def _course(steps: Sequence[RegimenStep], ends: bool, day: date) -> Course | None:
    """The steps by the day on which each begins. None where that can't be told."""
    found: list[tuple[int, Decimal]] = []
    begins: int | None = 0
    for step in steps:
        begins = (step.start - day).days if step.start else begins
        if begins is None:
            return None
        found.append((begins, step.dose.mg.high))
        begins = None if step.days is None else begins + step.days
    if ends and found and found[-1][1] > 0:
        return None if begins is None else [*found, (begins, Decimal(0))]
    return found or None


def _on(course: Sequence[tuple[int, Decimal | None]], day: int) -> Decimal | None:
    """What a course gives on a day: its last step that has begun."""
    return [mg for on, mg in course if on <= day][-1]


def _given_up(mg: Decimal, agent: Agent) -> Decimal | None:
    found = diazepam_equivalent(exactly(mg), agent)
    return found.low if found else None


def _new(mg: Decimal, agent: Agent) -> Decimal | None:
    found = diazepam_equivalent(exactly(mg), agent)
    return found.high if found else None
