"""Supplies as the times for which a drug was in hand: each supply counted once, early refills stacked."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from math import ceil
from operator import attrgetter

from cds.core.period import Period, shifted
from cds.core.quantity import Range
from cds.core.record import Supply

DISPENSE = "dispense"
STATEMENT = "statement"
LONGEST = Decimal(36525)
"""A hundred years, in days: a longer supply is cut to it, so that no date leaves the calendar."""


@dataclass(frozen=True, slots=True)
class SupplyLimits:
    """How supplies are laid end to end.

    `episode_gap`: the longest break, in days, that is bridged. `most_stockpile`: how many days from early refills are believed
    to be kept at most. As-needed supplies last longer than their days where at least `fewest_fills` of them each cover less than
    `sparse_cover` percent of the time to the next. `stale_supply`: an order that is still listed is not taken any more, for all
    that is known, where what it supplies ran out longer ago than so many days.
    """

    episode_gap: int
    most_stockpile: int
    fewest_fills: int
    sparse_cover: Decimal
    stale_supply: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time without a break for which one agent was in hand, at one dose.

    `mg` is mg a day on which it is taken, None where it could not be read. `spells` are the days that were supplied: fewer than
    `period` where as-needed supplies last longer. `known` is false where the length of the supply could not be read.
    `lasts_until` is when what was supplied runs out, None where that is not stated: an open-ended stretch may outlast it.
    """

    agent: str
    period: Period
    kind: str
    mg: Range | None
    days_a_week: Decimal
    sources: tuple[str, ...]
    spells: tuple[Period, ...]
    lasts_until: date | None
    open_ended: bool = False
    as_needed: bool = False
    known: bool = True
    since_earlier: bool = False

    @property
    def stated(self) -> bool:
        """Only said to be taken, neither prescribed nor dispensed."""
        return self.kind == STATEMENT


def stretches(supplies: Iterable[Supply], day: date, limits: SupplyLimits) -> tuple[Stretch, ...]:
    """The supplies that began up to the day, as times in hand, by their start. A supply that is given twice counts once."""
    begun = _each_once([_as_far_as_supplied(supply, day, limits) for supply in supplies if supply.start <= day])
    lanes: defaultdict[object, list[Supply]] = defaultdict(list)
    alone: list[Stretch] = []
    for supply in _counted_once(begun, limits.episode_gap):
        if _length(supply) is not None and (supply.kind == DISPENSE or supply.as_needed):
            lanes[(supply.kind, supply.agent, supply.mg, supply.days_a_week, supply.as_needed)].append(supply)
        elif stretch := _alone(supply, day):
            alone.append(stretch)
    result = _followed(alone)
    for lane in lanes.values():
        for course in _courses(lane):
            stacked = list(_stacked(course, limits.most_stockpile))
            result.extend(_spread(stacked, limits) if course[0].as_needed else stacked)
    return tuple(sorted(result, key=lambda stretch: (stretch.period, stretch.agent, stretch.sources)))


def _as_far_as_supplied(supply: Supply, day: date, limits: SupplyLimits) -> Supply:
    """The supply; one that is open-ended only until what it supplies ran out, where that is long ago."""
    days = _supplied(supply) if supply.open_ended else None
    if days is None or shifted(supply.start, max(ceil(days), supply.directed or 0) + limits.stale_supply) >= day:
        return supply
    return replace(supply, open_ended=False)


def _each_once(supplies: Sequence[Supply]) -> list[Supply]:
    """The supplies in their order. Only those of one source may be the same one, given twice."""
    if len({supply.source for supply in supplies}) == len(supplies):
        return sorted(supplies, key=attrgetter("start", "source"))
    return sorted(dict.fromkeys(supplies), key=_in_order)


def _in_order(supply: Supply) -> tuple[object, ...]:
    mg = (supply.mg.low, supply.mg.high) if supply.mg else ()
    return (
        supply.start,
        supply.source,
        supply.kind,
        supply.agent,
        _length(supply) or 0,
        mg,
        supply.order or "",
        supply.days_a_week,
    )


def _length(supply: Supply) -> Decimal | None:
    """How many days the drug was in hand, None where that is open or could not be read."""
    if supply.open_ended:
        return None
    days = _supplied(supply)
    return days if days is None or supply.ended is None else min(days, Decimal(max((supply.ended - supply.start).days, 0)))


def _supplied(supply: Supply) -> Decimal | None:
    """For how many days was supplied; no days at all are as unreadable as a number that is none."""
    if supply.days is None or not supply.days.is_finite() or supply.days <= 0:
        return None
    return min(supply.days, LONGEST)


# Each supply once -----------------------------------------------------------------------------------------------------


def _counted_once(supplies: Sequence[Supply], gap: int) -> Iterator[Supply]:
    """The supplies without the requests that were dispensed.

    A request that ran for longer than a bridgeable break before its first dispense on record keeps that time: dispenses
    of those days may be on record elsewhere. A dispense of unknown length tells less than its request and replaces nothing.
    """
    made = _Dispenses(supplies)
    for supply in supplies:
        first = None if supply.kind in {DISPENSE, STATEMENT} else made.first_on(supply)
        if first is None:
            yield supply
        elif (first - supply.start).days > gap:
            yield replace(supply, ended=first if supply.ended is None else min(first, supply.ended))


class _Dispenses:
    """The dispenses of a record, by the request that they were made on."""

    def __init__(self, supplies: Sequence[Supply]) -> None:
        self.requests = {supply.source for supply in supplies if supply.kind not in {DISPENSE, STATEMENT}}
        self.by_order: dict[tuple[str, str | None], date] = {}
        self.by_agent: defaultdict[str, list[Supply]] = defaultdict(list)
        for supply in supplies:
            if supply.kind == DISPENSE and _length(supply) is not None:
                self.by_order.setdefault((supply.agent, supply.order), supply.start)
                self.by_agent[supply.agent].append(supply)

    def first_on(self, request: Supply) -> date | None:
        """When the request was first dispensed: by its own reference, else by agent and time."""
        named = self.by_order.get((request.agent, request.source))
        if named is not None:
            return max(named, request.start)
        dispenses = self.by_agent[request.agent]
        for dispense in dispenses[bisect_left(dispenses, request.start, key=lambda each: each.start) :]:
            if not request.open_ended and dispense.start >= _until(request, date.max):
                return None
            # Another request's dispense at another dose says nothing of this one.
            if dispense.order not in self.requests or dispense.mg == request.mg:
                return dispense.start
        return None


# Times in hand --------------------------------------------------------------------------------------------------------


def _until(supply: Supply, day: date) -> date:
    """When the supply ends. Open-ended, it is still in hand on the day; of unknown length, it is known for its first day."""
    days = _length(supply)
    if days is not None:
        return shifted(supply.start, ceil(days))
    until = shifted(day, 1) if supply.open_ended else shifted(supply.start, 1)
    return until if supply.ended is None else max(min(until, supply.ended), supply.start)


def _alone(supply: Supply, day: date) -> Stretch | None:
    period = Period(supply.start, _until(supply, day))
    if not period.days:
        return None
    running = supply.open_ended and period.until > day
    known = supply.open_ended or _length(supply) is not None
    return _stretch([supply], period, _lasts_until(supply, period, running), running, known)


def _lasts_until(supply: Supply, period: Period, running: bool) -> date | None:
    if supply.open_ended and not running:
        return period.until
    days = _supplied(supply)
    return None if days is None else shifted(supply.start, ceil(days)) if running else period.until


def _stretch(
    supplies: Sequence[Supply], period: Period, lasts_until: date | None, open_ended: bool = False, known: bool = True
) -> Stretch:
    one = supplies[0]
    return Stretch(
        agent=one.agent,
        period=period,
        kind=one.kind,
        mg=one.mg,
        days_a_week=one.days_a_week,
        sources=tuple(dict.fromkeys(supply.source for supply in supplies)),
        spells=(period,),
        lasts_until=lasts_until,
        open_ended=open_ended,
        as_needed=one.as_needed,
        known=known,
        since_earlier=one.since_earlier,
    )


def _followed(alone: Iterable[Stretch]) -> list[Stretch]:
    """The stretches, those of one dose that follow each other to the day as one."""
    result: list[Stretch] = []
    ending: dict[object, int] = {}
    for stretch in alone:
        same = (stretch.kind, stretch.agent, stretch.mg, stretch.days_a_week, stretch.as_needed)
        before = ending.pop((same, stretch.period.start), None) if stretch.known and not stretch.open_ended else None
        if before is None:
            result.append(stretch)
            before = len(result) - 1
        else:
            period = Period(result[before].period.start, stretch.period.until)
            sources = tuple(dict.fromkeys((*result[before].sources, *stretch.sources)))
            earlier = result[before].since_earlier
            result[before] = replace(stretch, period=period, sources=sources, spells=(period,), since_earlier=earlier)
        if stretch.known and not stretch.open_ended:
            ending[(same, stretch.period.until)] = before
    return result


def _courses(lane: Sequence[Supply]) -> Iterator[list[Supply]]:
    """The supplies of a lane, those apart that run beside each other: dispensed on one day on different orders."""
    orders: defaultdict[date, set[str]] = defaultdict(set)
    for supply in lane:
        if order := _order(supply):
            orders[supply.start].add(order)
    beside = {order for each in orders.values() if len(each) > 1 for order in each}
    courses: defaultdict[str | None, list[Supply]] = defaultdict(list)
    for supply in lane:
        order = _order(supply)
        courses[order if order in beside else None].append(supply)
    return iter(courses.values())


def _order(supply: Supply) -> str | None:
    return supply.order if supply.kind == DISPENSE else supply.source


def _stacked(course: Sequence[Supply], most_stockpile: int) -> Iterator[Stretch]:
    """The supplies laid end to end: one that begins before the last is used up adds its days after it.

    They last no longer than the stockpile beyond the day on which the longest of them would end by itself, nor beyond the day
    on which their order was stopped.
    """
    stack: list[Supply] = []
    total, natural, stopped, until = Decimal(0), date.min, date.min, date.min
    for supply in course:
        days = _length(supply)
        if not days:
            continue
        if stack and supply.start > until:
            yield _stretch(stack, Period(stack[0].start, until), until)
            stack, total, natural, stopped = [], Decimal(0), date.min, date.min
        stack.append(supply)
        total += days
        natural = max(natural, shifted(supply.start, ceil(days)))
        stopped = max(stopped, supply.ended or date.max)
        until = min(shifted(stack[0].start, ceil(total)), shifted(natural, most_stockpile), stopped)
    if stack:
        yield _stretch(stack, Period(stack[0].start, until), until)


# As needed ------------------------------------------------------------------------------------------------------------


def _spread(fills: Sequence[Stretch], limits: SupplyLimits) -> list[Stretch]:
    """As-needed supplies that are filled far apart, as one stretch on fewer days a week; all others as they are."""
    result: list[Stretch] = []
    run: list[Stretch] = []
    for fill, following in pairwise([*fills, None]):
        assert fill is not None
        run.append(fill)
        if following is None or not _sparse(fill, following, limits):
            result.extend(_run(run, limits))
            run = []
    return result


def _sparse(fill: Stretch, following: Stretch, limits: SupplyLimits) -> bool:
    between = (following.period.start - fill.period.start).days
    return fill.period.days * 100 < limits.sparse_cover * between


def _run(run: list[Stretch], limits: SupplyLimits) -> list[Stretch]:
    last, before = run[-1], run[:-1]
    if before and last.period.days > max(fill.period.days for fill in before):
        # What was refilled without a break at last is no longer taken now and then.
        return [*_run(before, limits), last]
    if len(run) < limits.fewest_fills:
        return run
    supplied = sum(fill.period.days for fill in before)
    span = (last.period.start - run[0].period.start).days
    lasts = ceil(Decimal(last.period.days * span) / supplied)
    until = shifted(last.period.start, lasts)
    return [
        replace(
            run[0],
            period=Period(run[0].period.start, until),
            lasts_until=until,
            days_a_week=run[0].days_a_week * supplied / span,
            sources=tuple(dict.fromkeys(source for fill in run for source in fill.sources)),
            spells=tuple(fill.period for fill in run),
        )
    ]
