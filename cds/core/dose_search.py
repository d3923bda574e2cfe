"""Lower daily doses: of all that tablets deliver, the one that is easiest to take and closest to the cut wanted."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cds.core.regimen import DayTime
from cds.core.tablets import Cabinet, Doses, Fit, Tier, as_doses

LEAVES_FIRST = (DayTime.MIDDAY, DayTime.EVENING, DayTime.MORNING, DayTime.NIGHT)
"""Of equal doses the one that is lowered first; the night dose goes last."""
FURTHER_CHANGE = 0.5
"""How many tablets a day each further changed time of day is worth."""
OFF_THE_AIM = 8.0
"""How many tablets a day it is worth that a cut is what was aimed at, rather than nothing or twice as much."""
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
    """The lower doses of one agent, each total at no more times of day than `times_a_day` allows it.

    It remembers what it has worked out; the answers depend on nothing but its arguments. Units: ticks.
    """

    def __init__(self, cabinet: Cabinet, most: int, times_a_day: Callable[[int], int]) -> None:
        self.cabinet = cabinet
        self._most = most
        self._times_a_day = times_a_day
        self._reached: dict[Tier, list[int]] = {}

    def one_smallest(self, dose: DailyDose, tier: Tier) -> DailyDose | None:
        """The dose one smallest step lower: of all that tablets make, the smallest cut."""
        if not self.cabinet.has(tier):
            return None
        for lowest in (dose.total * 3 // 4, dose.total // 2, 0):
            options = self._options(dose, lowest, tier) or list(self._even(dose, lowest, tier))
            for times in sorted(options, key=lambda times: -sum(times.values())):
                found = self._fitted(times, tier, dose)
                if found:
                    return found
        return None

    def nearest(self, dose: DailyDose, aim: Decimal, lowest: int, tier: Tier) -> DailyDose | None:
        """Of the doses down to the lowest total, the one that is easiest to take and whose cut is nearest to what is aimed at."""
        if lowest >= dose.total or not self.cabinet.has(tier):
            return None
        found = self._priced(dose, self._options(dose, lowest, tier), tier)
        found = found or self._priced(dose, list(self._even(dose, lowest, tier)), tier)
        if not found:
            return None

        def dear(one: tuple[float, DailyDose]) -> tuple[float, int]:
            return one[0] + OFF_THE_AIM * abs(float(dose.total - one[1].total - aim) / float(aim)), one[1].total

        return min(found, key=dear)[1]

    def _options(self, dose: DailyDose, lowest: int, tier: Tier) -> list[dict[DayTime, int]]:
        ways = (self._one_lowered, self._thinned, self._gathered)
        return [times for way in ways for times in way(dose, lowest, tier) if self._few_enough(times)]

    def _even(self, dose: DailyDose, lowest: int, tier: Tier) -> Iterable[dict[DayTime, int]]:
        """The lower doses spread anew, about evenly, over as many times of day or one fewer: where no dose alone can go down."""
        taken = [time for time, amount in dose.times.items() if amount]
        reach = [amount for amount in self._reach(tier) if amount]
        for times in (taken, _one_fewer(taken)):
            for at, low in enumerate(reach):
                for high in reach[at : at + 2]:
                    for many in range(len(times)):
                        total = high * many + low * (len(times) - many)
                        if lowest <= total < dose.total:
                            parts = [low] * (len(times) - many) + [high] * many
                            yield dict(zip(times, parts, strict=True))

    def _few_enough(self, times: Mapping[DayTime, int]) -> bool:
        return sum(1 for amount in times.values() if amount) <= self._times_a_day(sum(times.values()))

    def _gathered(self, dose: DailyDose, lowest: int, tier: Tier) -> Iterable[dict[DayTime, int]]:
        """The doses at fewer times of day, where the lower totals allow no more: morning and night, then night alone."""
        taken = sum(1 for amount in dose.times.values() if amount)
        if taken < 2 or taken <= self._times_a_day(max(lowest, 1)):
            return
        reach = self._reach(tier)
        totals = [amount for amount in reach if lowest <= amount < dose.total]
        for total in totals:
            if self._times_a_day(total) == 1:
                yield {DayTime.NIGHT: total}
            elif taken > 2:
                at = bisect_left(reach, total // 2 + 1)
                for part in reach[max(0, at - 3) : at]:
                    if total - part in reach:
                        yield {DayTime.MORNING: part, DayTime.NIGHT: total - part}

    def _priced(self, dose: DailyDose, options: Iterable[dict[DayTime, int]], tier: Tier) -> list[tuple[float, DailyDose]]:
        fitted = (self._fitted(times, tier, dose) for times in options)
        return [(self._price(found, dose), found) for found in fitted if found]

    def _price(self, found: DailyDose, before: DailyDose) -> float:
        changed = [found.times.get(time, 0) != before.times.get(time, 0) for time in {**before.times, **found.times}]
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
            self._reached[tier] = self.cabinet.reach(tier, self._most)
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


def _one_fewer(times: Sequence[DayTime]) -> list[DayTime]:
    """The times without the one that is left first; the night stays."""
    leaving = next((time for time in LEAVES_FIRST if time in times), None)
    return [time for time in times if time is not leaving] if len(times) > 1 else []


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
