"""Charts as lines and marks in the units of a picture: made here, drawn as SVG by a template, styled by the stylesheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from cds.core.kinetics import HOURS
from cds.core.medication import Agent
from cds.core.quantity import plain
from cds.core.regimen import RegimenStep
from cds.core.taper_plan import NoPlan, Plan
from cds.decision.plan_choices import Drawn, latest_end
from cds.decision.plasma_levels import Curves, Levels, LevelsOf

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 14, 30
LEVELS_HEIGHT = 170
MONTHS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One line: its kind (a class of the stylesheet), what it is, and its path."""

    kind: str
    says: str
    path: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A number or a day beside an axis."""

    at: float
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with axes. `band` is a stretch of the axis of days, `marks` are days on it; `says` tells it in words."""

    title: str
    says: str
    unit: str
    height: int
    lines: tuple[ChartLine, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    band: tuple[float, float] | None = None
    swings: tuple[ChartLine, ...] = ()
    marks: tuple[Tick, ...] = ()
    width: int = WIDTH


@dataclass(frozen=True, slots=True)
class Bar:
    """What one source holds a dose equal to, in percent along a common axis."""

    source: str
    says: str
    start: float
    length: float


class _Frame:
    """Days and amounts to places in a picture."""

    def __init__(self, first: date, days: int, highest: float, height: int) -> None:
        self.first, self.days, self.highest, self.height = first, max(days, 1), highest or 1.0, height

    def x(self, days: float) -> float:
        return round(LEFT + min(max(days, 0), self.days) / self.days * (WIDTH - LEFT - RIGHT), 1)

    def on(self, day: date) -> float:
        return self.x((day - self.first).days)

    def y(self, amount: float) -> float:
        return round(self.height - BOTTOM - amount / self.highest * (self.height - TOP - BOTTOM), 1)

    def up(self) -> tuple[Tick, ...]:
        step = _nice(self.highest / 4)
        return tuple(Tick(self.y(step * n), f"{step * n:g}") for n in range(int(self.highest / step) + 1))

    def across(self) -> tuple[Tick, ...]:
        """The first of every month, or of every second or third, so that none runs into the next."""
        firsts = list(_months(self.first, self.days))
        every = max(1, -(-len(firsts) // MONTHS_SHOWN))
        return tuple(Tick(self.on(day), f"{day:%b %Y}" if day.month == 1 else f"{day:%b}") for day in firsts[::every])


def _months(first: date, days: int) -> Iterable[date]:
    last = first + timedelta(days=days)
    year, month = first.year, first.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        if date(year, month, 1) > last:
            return
        yield date(year, month, 1)


def _nice(step: float) -> float:
    """The next round number: 1, 2 or 5 and zeros."""
    size = 10.0 ** len(str(int(step))) / 10 if step >= 1 else 0.001
    while True:
        for digit in (1, 2, 5):
            if size * digit >= step:
                return size * digit
        size *= 10


def dose_chart(drawn: Drawn, ordered: Sequence[RegimenStep], day: date, reviews: Iterable[date]) -> Chart | None:
    """The dose by date: what is ordered, what is chosen, and the same in cuts of the other basis; None where there is no plan."""
    plan = drawn.plan
    if isinstance(plan, NoPlan):
        return None
    last = latest_end(plan)
    other = drawn.other_basis
    ends = [last, plan.ends, *([other.ends] if isinstance(other, Plan) else [])]
    days = max((max(ends) - day).days + 14, 28)
    agents = list(dict.fromkeys(dose.agent for step in plan.steps for dose in step.doses if dose.times))
    tallest = [drawn.takes.daily, *(dose.daily for step in plan.steps for dose in step.doses)]
    tallest += [step.dose.mg.high for step in ordered]
    frame = _Frame(day, days, float(max(tallest)) * 1.05, HEIGHT)
    lines = []
    if ordered:
        lines.append(ChartLine("ordered", "ordered", _steps(frame, _ordered(drawn.takes.daily, ordered, day), days)))
    if isinstance(other, Plan):
        points = _of_plan(other, other.agent, drawn.takes.daily, day)
        lines.append(ChartLine("other", OF_BASIS[other.pace.basis.value], _steps(frame, points, days)))
    for place, agent in enumerate(agents):
        before = drawn.takes.daily if agent == drawn.takes.agent else Decimal(0)
        says = f"advised: {agent}" if len(agents) > 1 else f"advised: {OF_BASIS[plan.pace.basis.value]}"
        path = _steps(frame, _of_plan(plan, agent, before, day), days)
        lines.append(ChartLine("second" if place else "advised", says, path))
    band = (frame.on(plan.ends), frame.on(last)) if last > plan.ends else None
    marks = tuple(Tick(frame.on(one), f"{one.day} {one:%b}") for one in reviews)
    says = f"From {plain(drawn.takes.daily)} mg a day to 0 in {len(plan.steps)} steps. The table below tells each."
    return Chart("Dose by date", says, "mg a day", HEIGHT, tuple(lines), frame.across(), frame.up(), band, marks=marks)


OF_BASIS = {"current": "percent of the dose then", "original": "the same mg each time"}
"""How the cuts of a basis are sized, in a patient's words."""
Points = list[tuple[int, float]]


def _of_plan(plan: Plan, agent: str, before: Decimal, day: date) -> Points:
    found: Points = [(0, float(before))]
    for step in plan.steps:
        mg = sum((dose.daily for dose in step.doses if dose.agent == agent), Decimal(0))
        found.append(((step.start - day).days, float(mg)))
    return found


def _ordered(before: Decimal, ordered: Sequence[RegimenStep], day: date) -> Points:
    found: Points = [(0, float(before))]
    at = 0
    for step in ordered:
        at = (step.start - day).days if step.start else at
        found.append((max(at, 0), float(step.dose.mg.high)))
        if step.days is None:
            break
        at += step.days
    return found


def _steps(frame: _Frame, points: Points, days: int) -> str:
    """A path that stays level and drops."""
    first, *rest = points
    path = [f"M{frame.x(first[0])} {frame.y(first[1])}"]
    path += [f"H{frame.x(at)}V{frame.y(mg)}" for at, mg in rest if at <= days]
    return "".join([*path, f"H{frame.x(days)}"])


def level_charts(drawn: Curves) -> list[Chart]:
    """A picture for each substance, with a line for what is taken now, what is ordered and what is advised."""
    found = []
    for substance in dict.fromkeys(each.substance for each in drawn.levels):
        own = [each for each in drawn.levels if each.substance == substance]
        highest = max(max(each.hourly) for each in own)
        if highest <= 0:
            continue
        frame = _Frame(drawn.start, drawn.days, highest * 1.05, LEVELS_HEIGHT)
        lines = tuple(ChartLine(KINDS[each.which], f"{each.which.value}, day by day", _averages(frame, each)) for each in own)
        swings = tuple(ChartLine(KINDS[each.which], f"{each.which.value}, peak to trough", _swing(frame, each)) for each in own)
        weeks = tuple(Tick(frame.x(days), f"week {days // 7}") for days in range(7, drawn.days + 1, 7))
        shown = weeks[:: max(1, len(weeks) // 6)]
        says = f"Levels of {substance} over {drawn.days} days, an illustration."
        found.append(Chart(substance, says, "µg/L", LEVELS_HEIGHT, lines, shown, frame.up(), swings=swings))
    return found


KINDS = {LevelsOf.NOW: "now", LevelsOf.ORDERED: "ordered", LevelsOf.ADVISED: "advised"}


def _averages(frame: _Frame, levels: Levels) -> str:
    return "M" + "L".join(f"{frame.x(day + 0.5)} {frame.y(level)}" for day, level in enumerate(levels.averages()))


def _swing(frame: _Frame, levels: Levels) -> str:
    """From the peaks of all days back over their troughs."""
    days = [levels.hourly[first : first + HOURS] for first in range(0, len(levels.swings) * HOURS, HOURS)]
    there = [f"{frame.x(day + 0.5)} {frame.y(max(hours))}" for day, hours in enumerate(days)]
    back = [f"{frame.x(day + 0.5)} {frame.y(min(hours))}" for day, hours in enumerate(days)]
    return "M" + "L".join([*there, *reversed(back)]) + "Z"


def equivalent_bars(agent: Agent, daily: Decimal, labels: dict[str, str]) -> list[Bar]:
    """What each source holds the dose equal to, in mg of diazepam a day."""
    ranges = [(row, daily * 10 / row.high, daily * 10 / row.low) for row in agent.equivalents]
    most = max((high for _, _, high in ranges), default=Decimal(1))
    return [
        Bar(
            labels.get(row.source, row.source),
            f"{plain(low)} to {plain(high)} mg" if low < high else f"{plain(low)} mg",
            round(float(low / most * 97), 1),
            max(3.0, round(float((high - low) / most * 97), 1)),
        )
        for row, low, high in sorted(ranges, key=lambda each: each[1])
    ]
