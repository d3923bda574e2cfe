"""A direct taper: from what is taken now to 0, at a pace, in doses that existing tablets deliver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from itertools import pairwise

from cds.core.cuts import TWO_WEEKS, PercentOf
from cds.core.dose_search import DailyDose, Lowering
from cds.core.period import in_words, written
from cds.core.quantity import Range, plain
from cds.core.regimen import DayTime
from cds.core.tablets import Cabinet, Fit, Presentation, Tier, as_doses, in_mg, ticks
from cds.core.taper_plan import (
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
    long_acting: bool = False,
) -> Plan | NoPlan:
    """A taper of one agent from the first lowered dose, on `start`, to 0; or why there is none.

    Units: `takes` and `original` (the daily dose before the taper began, by default what is taken now) in mg;
    `equivalent` in mg of oral diazepam for 1 mg of the agent. Limits that are in diazepam are read at its high end.
    `long_acting`: lower doses are taken twice a day, then once at night.
    """
    now = {time: ticks(mg) for time, mg in takes.items() if mg > 0}
    if not now:
        return NoPlan("Nothing is taken, so there is nothing to taper.", ())
    daily = in_mg(sum(now.values()))
    if daily * equivalent.high > limits.no_plan_above:
        return above_highest(daily * equivalent.high, limits)
    cabinet = Cabinet(presentations, limits.second_strength_saves, extended_release, limits.most_tablets)
    first = ticks(original) if original else sum(now.values())
    taper = _Taper(agent, equivalent, cabinet, pace, limits, now, first, long_acting)
    timed = taper.simplest()
    if isinstance(timed, NoPlan):
        return _with_release(timed, extended_release and not pace.by_strengths)
    if timed[-1].day > limits.longest_plan and pace.longest_interval != 2 * pace.interval:
        return _too_long(timed[-1].day, limits)
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
    return Plan(PlanKind.DIRECT, agent, agent, pace, steps, (*taper.liquid_notes(timed, start), *taper.larger_steps(timed)))


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
        long_acting: bool,
    ) -> None:
        self.agent = agent
        self.cabinet = cabinet
        self.pace = pace
        self.limits = limits
        self.now = now
        self.original = original
        self.first = sum(now.values())
        self.limit = _in_ticks(limits.small_step_limit / equivalent.high)
        self.ends_from = _in_ticks(limits.ends_from / equivalent.high)
        self.small_step = _in_ticks(limits.small_step / equivalent.high)
        most = self.first if long_acting else max(now.values())
        self.twice = _in_ticks(limits.twice_a_day_from / equivalent.high) if long_acting else 0
        self.once = _in_ticks(limits.once_at_night_from / equivalent.high) if long_acting else 0
        self.lowering = Lowering(cabinet, most, self._times_a_day)

    def small(self, total: int) -> bool:
        """At or below the small-step limit."""
        return total <= self.limit

    def _times_a_day(self, total: int) -> int:
        return 1 if total <= self.once else 2 if total <= self.twice else len(DayTime)

    def simplest(self) -> list[_Timed] | NoPlan:
        """The taper with tablets alone, else with one liquid: never two, whose strengths could be taken for one another."""
        found = self._steps((Tier.SOLID,))
        if self.pace.finer and (isinstance(found, NoPlan) or self._large(found[0].dose.total)):
            return self._finer() or found
        for liquid in self._liquids():
            if isinstance(found, NoPlan) and self.cabinet.has(liquid):
                with_liquid = self._steps((Tier.SOLID, liquid))
                found = _further(found, with_liquid) if isinstance(with_liquid, NoPlan) else with_liquid
        return found

    def _finer(self) -> list[_Timed] | None:
        """The taper with one liquid wherever tablets would cut more than is aimed at; None where none goes down far enough."""
        for liquid in self._liquids():
            if self.cabinet.has(liquid):
                found = self._steps((Tier.SOLID, liquid))
                if not isinstance(found, NoPlan) and (len(found) < 2 or self._small_enough(found[-2].dose.total)):
                    return found
        return None

    def _liquids(self) -> tuple[Tier, ...]:
        return (Tier.LIQUID, Tier.COMPOUNDED) if self.pace.compounded else (Tier.LIQUID,)

    def _large(self, total: int) -> bool:
        """Whether a first step to this total cuts more than tablets may freely."""
        return (self.first - total) * 100 > self.limits.free_cut * self.first

    def _small_enough(self, total: int) -> bool:
        """Whether a dose is no more than the smallest piece of a tablet, so that it may be the last."""
        return total <= min((one.piece for one in self.cabinet.presentations if not one.liquid), default=total)

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
            if found is None or (not done and not found.total and self.original <= self.first):
                return self._stuck(dose, done)
            done.append(_Timed(day, found))
            tiers = tuple(tier for tier in tiers if tier >= found.tier)
            day += self._held(dose.total, found.total)
            dose = found
        return done

    def _held(self, before: int, total: int) -> int:
        """How long a step lasts: longer where it cuts much."""
        pace = self.pace
        return pace.longer_interval or pace.interval if self._much(before, total) else pace.interval

    def _much(self, before: int, total: int) -> bool:
        above = self.pace.longer_above
        return above is not None and (before - total) * 100 > above * before and before - total > self.small_step

    def _next(self, dose: DailyDose, day: int, done: Sequence[_Timed], tiers: tuple[Tier, ...]) -> DailyDose | None:
        """The next dose: near the cut that the pace aims at, with the simplest tier that makes one."""
        total, before = dose.total, self._two_weeks_ago(dose, day, done)
        ceiling = min(total, _up(before * (1 - self.limits.largest_cut_in_two_weeks / 100)))
        aim, lowest = self._aim(total, ceiling, first=not done and self.original <= self.first)
        if not self.small(total) and total - lowest < aim / 2 and day < (done[-1].day + TWO_WEEKS if done else 0):
            return None
        near = (self.lowering.nearest(dose, aim, lowest, tier) for tier in tiers)
        if self.pace.finer:
            found = next(filter(None, near), None)
            return found or next(filter(None, (self._one_smallest(dose, ceiling, tier) for tier in tiers)), None)
        for tier, nearest in zip(tiers, near, strict=True):
            found = nearest or self._one_smallest(dose, ceiling, tier)
            if found:
                return found
        return None

    def _aim(self, total: int, ceiling: int, first: bool) -> tuple[Decimal, int]:
        """The cut that the pace aims at, and the lowest total that it allows where tablets follow it."""
        pace = self.pace
        if self.small(total) and not pace.by_strengths:
            step = max(1, min(self.small_step, total))
            return Decimal(step), total - step
        basis = total if pace.basis is PercentOf.CURRENT else self.original
        aim = (pace.first_cut if first and pace.first_cut else pace.cut) / 100 * basis
        if pace.cut_of_start and not first:
            aim = max(aim, pace.cut_of_start / 100 * max(self.original, self.first))
        free = self.limits.free_cut / 100 * total
        return aim, max(ceiling, _up(total - max(aim, free)))

    def _one_smallest(self, dose: DailyDose, ceiling: int, tier: Tier) -> DailyDose | None:
        """One smallest step of tablets: under the ceiling, or at or below the small-step limit, or by strengths of a hypnotic."""
        found = self.lowering.one_smallest(dose, tier)
        if found is None or found.total >= ceiling:
            return found
        return found if self.small(dose.total) or self.pace.by_strengths else None

    def _two_weeks_ago(self, dose: DailyDose, day: int, done: Sequence[_Timed]) -> int:
        """The dose in effect two weeks before, after any cut of that day: what the two-week ceiling is taken of."""
        earlier = [one.dose.total for one in done if one.day <= day - TWO_WEEKS]
        if earlier:
            return earlier[-1]
        return self.first if done else dose.total

    def larger_steps(self, timed: Sequence[_Timed]) -> Iterable[str]:
        """That a step is a large one, since nothing smaller is sold, and how long it is held."""
        totals = [self.first, *(one.dose.total for one in timed)]
        over = self.limits.largest_cut_in_two_weeks
        much = [
            (before, after)
            for before, after in pairwise(totals)
            if after and (before - after) * 100 > over * before and self._much(before, after)
        ]
        if much and self.pace.by_strengths:
            steps = ", ".join(f"{plain(in_mg(before))} to {plain(in_mg(after))} mg" for before, after in much)
            held = in_words(self.pace.longer_interval or self.pace.interval)
            yield f"No strength between is sold: {steps}. Such a step is held for {held}."

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
            reason = f"What is sold of {self.agent} is not on our list, so no plan in its tablets can be drawn."
        elif not done:
            reason = f"No {self._forms(many=False)} of {self.agent} can make a first step at this pace from {at}."
        else:
            reason = f"{self._forms(many=True)} of {self.agent} can follow this pace down to {at}, and not below it."
        lower = None if done else self.lowering.one_smallest(dose, Tier.SOLID)
        crossover = (
            "A crossover to an agent with smaller steps, such as diazepam, unless a risk speaks against it; then its taper."
        )
        ends = dose.total <= self.ends_from
        if lower is not None and not lower.total and (ends or self.pace.by_strengths):
            other = () if ends else (Instead(InsteadKind.CROSSOVER, crossover),)
            reason = f"{at} is the smallest dose of {self.agent} that is sold: the step after it is to stop."
            says = (
                f"Stop from {at} on a day that both agreed on, once this dose has been borne for weeks, and see the patient soon "
                "after; or keep it for now."
            )
            return NoPlan(reason, (Instead(InsteadKind.BRIEF, says), *other))
        liquid = f"A liquid of {self.agent} that a pharmacy prepares, where one can be had: it can be measured in smaller steps."
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


def _up(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_CEILING))


def _too_long(days: int, limits: PlanLimits) -> NoPlan:
    """Why a plan of years is not drawn up."""
    reason = f"At this pace the taper would take {in_words(days)}; plans end within {in_words(limits.longest_plan)}."
    says = "Agree on a lower dose as a first goal, in the same steps, and review every six months; or involve a specialist."
    return NoPlan(reason, (Instead(InsteadKind.BRIEF, says),))


def _with_release(found: NoPlan, extended_release: bool) -> NoPlan:
    if not extended_release:
        return found
    says = "The same daily dose as immediate-release tablets, split over the day, held until borne well; then a taper of these."
    return NoPlan(found.reason, (Instead(InsteadKind.IMMEDIATE_RELEASE, says), *found.instead), found.follows_to)
