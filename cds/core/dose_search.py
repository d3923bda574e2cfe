"""Lower daily doses: of all that tablets deliver, the one that is easiest to take and closest to the cut wanted."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cds.core.regimen import DayTime
from cds.core.tablets import Cabinet, Doses, Fit, Tier, as_doses

LEAVES_FIRST = (DayTime.MIDDAY, DayTime.EVENING, DayTime.MORNING, DayTime.NIGHT)
"""Of equal doses the one that is lowered first; the night dose goes last."""
FURTHER_CHANGE = 0.5
"""How many tablets a day each further changed time of day is worth."""
UNEVEN = 1.0
"""How many tablets a day it is worth that doses are equal rather than all but one nothing."""


@dataclass(frozen=True, slots=True)
class DailyDose:
    """One daily dose, in ticks, with what delivers it. `fit` is None for what is taken before the plan."""

    times: dict[DayTime, int]
    fit: Fit | None
    tier: Tier = Tier.SOLID

    @property
    def total(self) -> int:
        return sum(self.times.values())


class Lowering:
    """The lower doses of one agent.

    It remembers what it has worked out; the answers depend on nothing but its arguments. Units: ticks; `close_share` in percent.
    """

    def __init__(self, cabinet: Cabinet, most: int, smallest_measured: int, close_share: Decimal) -> None:
        self.cabinet = cabinet
        self._most = most
        self._smallest_measured = smallest_measured
        self._close = close_share
        self._reached: dict[Tier, list[int]] = {}

    def one_smallest(self, dose: DailyDose, tier: Tier) -> DailyDose | None:
        """The dose one smallest step lower."""
        fitted = (self._fitted(times, tier, dose) for times in self._thinned(dose, 0, tier))
        return next((found for found in fitted if found), None)

    def best(self, dose: DailyDose, lowest: int, tier: Tier) -> DailyDose | None:
        """Of the doses that come close to the largest cut allowed, the one that is easiest to take; else the lowest."""
        if lowest >= dose.total or not self.cabinet.has(tier):
            return None
        options = [*self._one_lowered(dose, lowest, tier), *self._thinned(dose, lowest, tier)]
        close = dose.total - (dose.total - lowest) * self._close / 100
        near = self._priced(dose, [times for times in options if sum(times.values()) <= close], tier)
        if near:
            return min(near, key=lambda one: (one[0], one[1].total))[1]
        found = self._priced(dose, options, tier)
        return min(found, key=lambda one: (one[1].total, one[0]))[1] if found else None

    def _priced(self, dose: DailyDose, options: Iterable[dict[DayTime, int]], tier: Tier) -> list[tuple[float, DailyDose]]:
        fitted = (self._fitted(times, tier, dose) for times in options)
        return [(self._price(found, dose), found) for found in fitted if found]

    def _price(self, found: DailyDose, before: DailyDose) -> float:
        changed = [found.times.get(time, 0) != amount for time, amount in before.times.items()]
        apart = max(found.times.values()) - min(found.times.values()) if found.times else 0
        return (found.fit.cost if found.fit else 0) + FURTHER_CHANGE * (sum(changed) - 1) + UNEVEN * apart / max(1, found.total)

    def _fitted(self, times: dict[DayTime, int], tier: Tier, before: DailyDose) -> DailyDose | None:
        doses: Doses = as_doses(times)
        fit = self.cabinet.fit(tier, doses, before.fit.places if before.fit else None)
        return DailyDose(dict(doses), fit, tier) if fit else None

    def _base(self, dose: DailyDose, tier: Tier) -> tuple[list[int], dict[DayTime, int]]:
        """What the tier reaches, and what is taken now, each time lowered to what it reaches."""
        reach = self._reach(tier)
        held = set(reach)
        return reach, {time: amount if amount in held else _below(reach, amount) for time, amount in dose.times.items()}

    def _reach(self, tier: Tier) -> list[int]:
        """The single doses that the tier delivers, none that is measured too small."""
        if tier not in self._reached:
            least = 0 if tier is Tier.SOLID else self._smallest_measured
            self._reached[tier] = [amount for amount in self.cabinet.reach(tier, self._most) if amount >= least or not amount]
        return self._reached[tier]

    def _one_lowered(self, dose: DailyDose, lowest: int, tier: Tier) -> Iterable[dict[DayTime, int]]:
        """The doses with one lowered, to no less than two thirds of the largest other.

        The night dose is lowered only where it is the largest, and stays so.
        """
        reach, times = self._base(dose, tier)
        for at, time in enumerate(_in_turn(times)):
            if at and time is DayTime.NIGHT:
                continue
            others = [amount for other, amount in times.items() if other is not time]
            least = max(others, default=0)
            for amount in reversed(reach[: bisect_left(reach, times[time])]):
                if sum(others) + amount < lowest or (amount < least if time is DayTime.NIGHT else 3 * amount < 2 * least):
                    break
                lower = {**times, time: amount}
                if not _night_goes_first(dose, lower):
                    yield lower

    def _thinned(self, dose: DailyDose, lowest: int, tier: Tier) -> Iterable[dict[DayTime, int]]:
        """The doses lowered evenly, one smallest amount after the other, down to the lowest total."""
        reach, times = self._base(dose, tier)
        if lowest <= sum(times.values()) < dose.total and not _night_goes_first(dose, times):
            yield dict(times)
        while any(times.values()):
            for time in _in_turn(times):
                lower = {**times, time: _below(reach, times[time])}
                if sum(lower.values()) >= lowest and not _night_goes_first(dose, lower):
                    break
            else:
                return
            times = lower
            if sum(times.values()) < dose.total:
                yield dict(times)


def _night_goes_first(dose: DailyDose, lower: Mapping[DayTime, int]) -> bool:
    night = DayTime.NIGHT
    return dose.times.get(night, 0) > 0 and not lower[night] and any(lower.values())


def _in_turn(times: Mapping[DayTime, int]) -> list[DayTime]:
    """The times at which something is taken, the largest first; of equal ones, night last."""
    taken = [time for time, amount in times.items() if amount]
    return sorted(taken, key=lambda time: (-times[time], LEAVES_FIRST.index(time)))


def _below(reach: Sequence[int], amount: int) -> int:
    at = bisect_left(reach, amount)
    return reach[at - 1] if at else 0
