"""Plasma levels of a regimen: one compartment, first-order absorption, one active metabolite where it matters.

An illustration of ups and downs, and not a measure of the risk of withdrawal. Levels are added up dose by dose in closed
form; a dose that was taken unchanged for long stands as the sum of an endless series. Floats serve here.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

HOURS = 24
ALIKE = 1e-6
"""Two rates nearer to each other than this share are set apart by it: the closed form divides by their difference."""


@dataclass(frozen=True, slots=True)
class Metabolite:
    """An active metabolite. `mg_for_mg` is how many mg arise from 1 mg of the parent: the fraction, times the masses' ratio.

    Units: litres, litres an hour.
    """

    agent: str
    mg_for_mg: float
    volume: float
    clearance: float

    @property
    def elimination(self) -> float:
        return self.clearance / self.volume


@dataclass(frozen=True, slots=True)
class Kinetics:
    """How an agent is taken up and cleared in an adult of 70 kg.

    `bioavailability` is the fraction of a dose that arrives, in mg of the agent for 1 mg swallowed; for a prodrug that
    nothing is seen of, `agent` of the level is its metabolite. Units: an hour, hours, litres, litres an hour.
    """

    agent: str
    level_of: str
    bioavailability: float
    absorption: float
    lag: float
    volume: float
    clearance: float
    metabolite: Metabolite | None
    sources: tuple[str, ...]
    origin: str

    @property
    def elimination(self) -> float:
        return self.clearance / self.volume

    @property
    def half_life(self) -> float:
        """Hours."""
        return math.log(2) / self.elimination


@dataclass(frozen=True, slots=True)
class Refused:
    """Why no curve is drawn for an agent."""

    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class DosesOverDays:
    """Doses of one agent at hours of the day, each day from one hour on for some days. A None start: for long, up to hour 0."""

    doses: tuple[tuple[float, float], ...]
    """Hour of the day, 0 to 24, and mg."""
    start: float | None
    days: int
    """Not used with a None start."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A level at each hour from hour 0. Units: micrograms in a litre."""

    agent: str
    levels: tuple[float, ...]

    def swing(self, first: int, hours: int = HOURS) -> float:
        """From peak to trough within those hours, in percent of their average; 0 where there is no level."""
        seen = self.levels[first : first + hours]
        average = sum(seen) / len(seen)
        return 100 * (max(seen) - min(seen)) / average if average > 0 else 0.0


def curves(kinetics: Kinetics, taken: Sequence[DosesOverDays], hours: int) -> tuple[Curve, ...]:
    """Hourly levels of the agent and, where it matters, of its metabolite, from hour 0."""
    parent = [0.0] * (hours + 1)
    formed = [0.0] * (hours + 1)
    for one in taken:
        for hour, mg in one.doses:
            _add(parent, _parent_terms(kinetics, mg), hour + kinetics.lag, one)
            if kinetics.metabolite:
                _add(formed, _metabolite_terms(kinetics, kinetics.metabolite, mg), hour + kinetics.lag, one)
    found = [Curve(kinetics.level_of, tuple(parent))]
    if kinetics.metabolite:
        found.append(Curve(kinetics.metabolite.agent, tuple(formed)))
    return tuple(found)


def steady_average(kinetics: Kinetics, daily: float) -> float:
    """The average level of the agent under an unchanged daily dose. Units: mg; micrograms in a litre."""
    return 1000 * kinetics.bioavailability * daily / HOURS / kinetics.clearance


def time_to_peak(kinetics: Kinetics) -> float:
    """Hours from one dose to its highest level."""
    quick, slow = _apart(kinetics.absorption, kinetics.elimination)
    return kinetics.lag + math.log(quick / slow) / (quick - slow)


def accumulation(kinetics: Kinetics, interval: float) -> float:
    """How many times the level at steady state is that after the first dose, at the same hour after a dose, once absorbed."""
    return 1 / (1 - math.exp(-kinetics.elimination * interval))


Terms = tuple[tuple[float, float], ...]
"""(A, k) of a sum of A exp(-k t)."""


def _parent_terms(kinetics: Kinetics, mg: float) -> Terms:
    absorbed, gone = _apart(kinetics.absorption, kinetics.elimination)
    scale = 1000 * kinetics.bioavailability * mg * absorbed / (kinetics.volume * (absorbed - gone))
    return ((scale, gone), (-scale, absorbed))


def _metabolite_terms(kinetics: Kinetics, metabolite: Metabolite, mg: float) -> Terms:
    """What the parent leaves behind, of which the metabolite arises at the parent's rate and goes at its own."""
    absorbed, gone = _apart(kinetics.absorption, kinetics.elimination)
    absorbed, cleared = _apart(absorbed, metabolite.elimination)
    gone, cleared = _apart(gone, cleared)
    scale = 1000 * kinetics.bioavailability * mg * metabolite.mg_for_mg * absorbed * gone / metabolite.volume
    return (
        (scale / ((gone - absorbed) * (cleared - absorbed)), absorbed),
        (scale / ((absorbed - gone) * (cleared - gone)), gone),
        (scale / ((absorbed - cleared) * (gone - cleared)), cleared),
    )


def _apart(first: float, second: float) -> tuple[float, float]:
    if abs(first - second) < ALIKE * second:
        return second * (1 + ALIKE), second
    return first, second


def _add(levels: list[float], terms: Terms, hour: float, taken: DosesOverDays) -> None:
    """Adds a dose that is taken each day at an hour. A geometric series sums the doses up to each hour."""
    before = taken.start is None
    first = hour - HOURS if taken.start is None else taken.start + hour
    starts = [first + HOURS * number for number in range(taken.days)] if not before else [first]
    for scale, rate in terms:
        day = math.exp(-rate * HOURS)
        whole = scale / (1 - day)
        for at in range(len(levels)):
            if before:
                latest = first if at >= first else first - HOURS
                levels[at] += whole * math.exp(-rate * (at - latest))
                continue
            many = bisect_right(starts, at)
            if many:
                levels[at] += whole * (1 - day**many) * math.exp(-rate * (at - starts[many - 1]))
