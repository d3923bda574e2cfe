"""A direct taper: from what is taken now to 0, at a pace, in doses that existing tablets deliver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from cds.core.cuts import TWO_WEEKS, PercentOf
from cds.core.dose_search import DailyDose, Lowering
from cds.core.period import in_words, written
from cds.core.plan import (
    Instead,
    InsteadKind,
    NoPlan,
    Plan,
    PlanKind,
    PlanLimits,
    TaperPace,
    above_highest,
    agent_dose,
    plan_step,
)
from cds.core.quantity import Range, plain
from cds.core.regimen import DayTime
from cds.core.tablets import Cabinet, Fit, Presentation, Tier, as_doses, in_mg, ticks

TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class _Timed:
    day: int
    dose: DailyDose


def direct(
    takes: Mapping[DayTime, Decimal],
    agent: str,
    equivalent: Range,
    presentations: Iterable[Presentation],
    pace: TaperPace,
    limits: PlanLimits,
    start: date,
    original: Decimal | None = None,
    extended_release: bool = False,
) -> Plan | NoPlan:
    """A taper of one agent from the first lowered dose, on `start`, to 0; or why there is none.

    Units: `takes` and `original` (the daily dose before the taper began, by default what is taken now) in mg;
    `equivalent` in mg of oral diazepam for 1 mg of the agent. Limits that are in diazepam are read at its high end.
    """
    now = {time: ticks(mg) for time, mg in takes.items() if mg > 0}
    if not now:
        return NoPlan("Nothing is taken, so there is nothing to taper.", ())
    daily = in_mg(sum(now.values()))
    if daily * equivalent.high > limits.no_plan_above:
        return above_highest(daily * equivalent.high, limits)
    cabinet = Cabinet(presentations, limits.second_strength_saves, extended_release)
    first = ticks(original) if original else sum(now.values())

    def at(pace: TaperPace) -> _Taper:
        return _Taper(agent, equivalent, cabinet, pace, limits, now, first)

    taper = at(pace)
    timed = taper.simplest()
    if isinstance(timed, NoPlan):
        return _with_release(timed, extended_release)
    steps = tuple(
        plan_step(
            start + timedelta(days=one.day),
            days,
            (agent_dose(agent, one.dose.times, one.dose.fit),),
            equivalent.times(in_mg(one.dose.total)),
            Decimal(before - one.dose.total) * 100 / before,
            taper.small(one.dose.total),
            limits.dispensing_interval,
        )
        for one, before, days in _with_lengths(timed, sum(now.values()), pace.interval)
    )
    long = timed[-1].day > limits.longest_plan
    notes = _of_a_long_plan(timed[-1].day, at(pace.sooner) if pace.sooner else None) if long else ()
    return Plan(PlanKind.DIRECT, agent, agent, pace, steps, (*taper.liquid_notes(timed, start), *notes))


def spread(total: int, times: Sequence[DayTime], cabinet: Cabinet) -> tuple[dict[DayTime, int], Fit] | None:
    """A daily dose, in ticks, over times of day as evenly as tablets can, the largest part last; None where they can't."""
    reach = cabinet.reach(Tier.SOLID, total)
    parts: dict[DayTime, int] = {}
    rest = total
    for left, time in zip(range(len(times), 1, -1), times, strict=False):
        parts[time] = max(part for part in reach if part * left <= rest)
        rest -= parts[time]
    parts[times[-1]] = rest
    fit = cabinet.fit(Tier.SOLID, as_doses(parts))
    return (parts, fit) if fit else None


class _Taper:
    """One taper while it is worked out, in ticks."""

    def __init__(
        self,
        agent: str,
        equivalent: Range,
        cabinet: Cabinet,
        pace: TaperPace,
        limits: PlanLimits,
        now: dict[DayTime, int],
        original: int,
    ) -> None:
        self.agent = agent
        self.cabinet = cabinet
        self.pace = pace
        self.limits = limits
        self.now = now
        self.original = original
        self.first = sum(now.values())
        self.limit = _in_ticks(limits.small_step_limit / equivalent.high)
        self.small_step = _in_ticks(limits.small_step / equivalent.high)
        self.largest_small_step = _in_ticks(limits.largest_small_step / equivalent.high)
        self.lowering = Lowering(cabinet, max(now.values()), self.small_step, limits.close_share_of_cut)
        self.has_liquid = cabinet.has(Tier.LIQUID) or cabinet.has(Tier.COMPOUNDED)

    def small(self, total: int) -> bool:
        """At or below the small-step limit."""
        return total <= self.limit

    def simplest(self) -> list[_Timed] | NoPlan:
        """The taper with tablets alone, else with one liquid: never two, whose strengths could be taken for one another."""
        found = self._steps((Tier.SOLID,))
        for liquid in (Tier.LIQUID, Tier.COMPOUNDED):
            if isinstance(found, NoPlan) and self.cabinet.has(liquid):
                with_liquid = self._steps((Tier.SOLID, liquid))
                found = _further(found, with_liquid) if isinstance(with_liquid, NoPlan) else with_liquid
        return found

    def _steps(self, tiers: tuple[Tier, ...]) -> list[_Timed] | NoPlan:
        """Every lowered dose with its day, counted from 0, the last of 0; or why tablets can't follow.

        Once a liquid is taken it stays: nobody should have to change to and fro.
        """
        done: list[_Timed] = []
        dose, day = DailyDose(self.now, None), 0
        while dose.total:
            found = self._next(dose, day, done, tiers)
            if found is None and done and day < done[-1].day + TWO_WEEKS:
                day = done[-1].day + TWO_WEEKS
                found = self._next(dose, day, done, tiers)
            if found is None or (not done and not found.total):
                return self._stuck(dose, done)
            done.append(_Timed(day, found))
            tiers = tuple(tier for tier in tiers if tier >= found.tier)
            dose, day = found, day + self.pace.interval
        return done

    def _next(self, dose: DailyDose, day: int, done: Sequence[_Timed], tiers: tuple[Tier, ...]) -> DailyDose | None:
        lowest = self._lowest(dose.total, self._two_weeks_ago(dose, day, done))
        if self.small(dose.total):
            return self._small_step(dose, lowest, tiers)
        if dose.total - lowest < self._allowed(dose.total) / 2 and day < (done[-1].day + TWO_WEEKS if done else 0):
            return None
        return self._followed(dose, lowest, tiers)

    def _two_weeks_ago(self, dose: DailyDose, day: int, done: Sequence[_Timed]) -> int:
        """The dose in effect two weeks before, after any cut of that day: what the two-week ceiling is taken of."""
        earlier = [one.dose.total for one in done if one.day <= day - TWO_WEEKS]
        if earlier:
            return earlier[-1]
        return self.first if done else dose.total

    def _allowed(self, total: int) -> Decimal:
        basis = total if self.pace.basis is PercentOf.CURRENT else self.original
        return self.pace.cut / 100 * basis

    def _lowest(self, total: int, before: int) -> int:
        """The lowest total that the pace, its bounds and the two-week ceiling allow."""
        floors = [total - self._allowed(total), before * (1 - self.limits.largest_cut_in_two_weeks / 100)]
        if self.pace.slow:
            floors += [total * (1 - self.pace.slow.of_current / 100), total - self._of_start()]
        return min(total, int(max(floors).to_integral_value(ROUND_CEILING)))

    def _of_start(self) -> Decimal:
        return self.pace.slow.of_start / 100 * self.first if self.pace.slow else Decimal(self.first)

    def _followed(self, dose: DailyDose, lowest: int, tiers: Iterable[Tier]) -> DailyDose | None:
        """The dose that the simplest tier reaches well enough, else the one that reaches furthest."""
        furthest: DailyDose | None = None
        enough = dose.total - (dose.total - lowest) * self.limits.fewest_share_of_cut / 100
        for tier in tiers:
            found = self.lowering.best(dose, lowest, tier)
            if found and found.total <= enough:
                return found
            if found and (furthest is None or found.total < furthest.total):
                furthest = found
        return furthest

    def _small_step(self, dose: DailyDose, lowest: int, tiers: tuple[Tier, ...]) -> DailyDose | None:
        """Below the limit: what the pace allows or a small step of published schedules, else one smallest step of tablets.

        A small step lands on a whole number of small steps, so that it is up to half of one larger or smaller.
        """
        bound = int((dose.total - self._of_start()).to_integral_value(ROUND_CEILING))
        small = max(0, (2 * dose.total + self.small_step) // (2 * self.small_step) - 1) * self.small_step
        if self.pace.interval >= TWO_WEEKS:
            followed = self._followed(dose, max(bound, min(lowest, small)), tiers)
            if followed:
                return followed
        solid = self.lowering.one_smallest(dose, Tier.SOLID)
        floor = bound if self.pace.slow else min(lowest, dose.total - self.largest_small_step)
        if solid and solid.total >= floor:
            return solid
        liquids = tuple(tier for tier in tiers if tier is not Tier.SOLID)
        if liquids:
            return self._followed(dose, max(0, floor), liquids) or self._followed(dose, small, liquids)
        return None if self.has_liquid else solid

    def liquid_notes(self, timed: Sequence[_Timed], start: date) -> Iterable[str]:
        """From when on a liquid stands in for tablets, what tablets would do instead, and which liquid it is."""
        before = [DailyDose(self.now, None), *(one.dose for one in timed)]
        for last, one in zip(before, timed, strict=False):
            if one.dose.tier is Tier.SOLID or not one.dose.fit:
                continue
            says = "The liquid can" if one.dose.tier is Tier.LIQUID else "A liquid can, where a pharmacy prepares it; ask first"
            (name,) = {each.name for each, _, _ in one.dose.fit.counts if each.liquid}
            when = f"From {written(start + timedelta(days=one.day))} on" if one is not timed[0] else "From the first step on"
            yield f"{when} no tablet can follow this pace{self._would_cut(last)}. {says}: {name}."
            return

    def _would_cut(self, dose: DailyDose) -> str:
        solid = self.lowering.one_smallest(dose, Tier.SOLID)
        if solid is None:
            return ""
        percent = Decimal(dose.total - solid.total) * 100 / dose.total
        return f": one smallest step would cut {plain(percent.quantize(TENTH, ROUND_HALF_UP))}%"

    def _forms(self, many: bool) -> str:
        """`tablet or capsule`, or of many `Tablets or capsules`."""
        release = {True: "extended-release ", False: ""}
        plural = "s" if many else ""
        names = [*dict.fromkeys(f"{release[one.extended_release]}{one.form.value}{plural}" for one in self.cabinet.presentations)]
        said = " or ".join(names) if len(names) < 3 else ", ".join(names[:-1]) + f" or {names[-1]}"
        return said[0].upper() + said[1:] if many else said

    def _stuck(self, dose: DailyDose, done: Sequence[_Timed]) -> NoPlan:
        """Why no tablet can follow, from which dose on, and what can."""
        at = f"{plain(in_mg(dose.total))} mg a day"
        if not self.cabinet.presentations:
            reason = f"No form of {self.agent} that can be taken by mouth is known."
        elif not done:
            reason = f"No {self._forms(many=False)} of {self.agent} can make a first step at this pace from {at}."
        else:
            reason = f"{self._forms(many=True)} of {self.agent} can follow this pace down to {at}, and not below it."
        liquid = f"A liquid of {self.agent} that a pharmacy prepares, where one can be had: it can be measured in smaller steps."
        crossover = (
            "A crossover to an agent with smaller steps, such as diazepam, unless a risk speaks against it; then its taper."
        )
        follows = in_mg(dose.total) if done else None
        return NoPlan(reason, (Instead(InsteadKind.CROSSOVER, crossover), Instead(InsteadKind.LIQUID, liquid)), follows)


def _further(one: NoPlan, other: NoPlan) -> NoPlan:
    """Of two that got stuck, the one that got further."""
    if other.follows_to is None:
        return one
    return other if one.follows_to is None or other.follows_to < one.follows_to else one


def _in_ticks(mg: Decimal) -> int:
    """To the nearest tick: a third of a mg has none of its own."""
    return int((mg * ticks(Decimal(1))).to_integral_value(ROUND_HALF_UP))


def _with_lengths(timed: Sequence[_Timed], before: int, interval: int) -> Iterable[tuple[_Timed, int, int]]:
    """Each dose with the total before it and its days."""
    for at, one in enumerate(timed):
        days = timed[at + 1].day - one.day if at + 1 < len(timed) else interval
        yield one, before, days
        before = one.dose.total


def _of_a_long_plan(days: int, sooner: _Taper | None) -> Iterable[str]:
    """That a plan is a long one, how long, and how long it would be in the larger steps of a sooner one."""
    says = f"The taper would take {in_words(days)}, longer than most"
    timed = sooner.simplest() if sooner else None
    if sooner is None or timed is None or isinstance(timed, NoPlan) or timed[-1].day >= days:
        yield f"{says}."
        return
    steps = f"{plain(sooner.pace.cut)} percent every {in_words(sooner.pace.interval)}"
    yield f"{says}; where the first steps are borne well, {steps} takes {in_words(timed[-1].day)}."


def _with_release(found: NoPlan, extended_release: bool) -> NoPlan:
    if not extended_release:
        return found
    says = "The same daily dose as immediate-release tablets, split over the day, held until borne well; then a taper of these."
    return NoPlan(found.reason, (Instead(InsteadKind.IMMEDIATE_RELEASE, says), *found.instead), found.follows_to)
