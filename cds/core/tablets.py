"""Tablets: what can be dispensed, and which of it delivers a dose exactly.

Inside, amounts are whole ticks, so that every comparison is exact and quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from itertools import combinations

from cds.core.medication import Form
from cds.core.regimen import DayTime

TICKS = 1_000_000
"""Ticks in a mg."""


def countable(mg: Decimal) -> bool:
    """Whether a plan can count the amount: no finer than a tick."""
    return mg * TICKS == int(mg * TICKS)


def ticks(mg: Decimal) -> int:
    """The amount in ticks. Refuses: an amount finer than a tick."""
    exact = mg * TICKS
    if exact != int(exact):
        raise ValueError(f"{mg} mg is finer than a plan can count; seen more than six decimal places")
    return int(exact)


def in_mg(amount: int) -> Decimal:
    """Ticks in mg, without trailing zeros."""
    mg = (Decimal(amount) / TICKS).normalize()
    return mg.quantize(Decimal(1)) if mg == mg.to_integral_value() else mg


class Tier(IntEnum):
    """How a dose is made up, the simplest first."""

    SOLID = 0
    LIQUID = 1
    COMPOUNDED = 2
    """With a liquid that a pharmacy prepares."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """One thing that can be dispensed of an agent.

    Units: `mg` in one tablet, capsule or film, or in one mL of a liquid. For liquids only, in mL: `smallest_volume`, how finely
    it is measured, `least_volume`, the least that a dose may be, and `syringes`, what each holds and how far apart its marks are,
    the smallest first.
    `halves` and `quarters` say whether it may be split so; never true of capsules and extended release.
    `code` is the RxNorm code of the product, None where it has none.
    """

    agent: str
    form: Form
    mg: Decimal
    name: str
    code: str | None = None
    halves: bool = False
    quarters: bool = False
    extended_release: bool = False
    compounded: bool = False
    smallest_volume: Decimal | None = None
    least_volume: Decimal = Decimal(0)
    syringes: tuple[tuple[Decimal, Decimal], ...] = ()

    @property
    def liquid(self) -> bool:
        return self.form is Form.LIQUID

    @property
    def piece(self) -> int:
        """The smallest amount that can be taken of it, in ticks."""
        if self.liquid:
            if self.smallest_volume is None:
                raise ValueError(f"{self.name} is a liquid without a smallest volume; say what its syringe measures")
            return ticks(self.mg * self.smallest_volume)
        return ticks(self.mg) // (4 if self.quarters else 2 if self.halves else 1)

    @property
    def tier(self) -> Tier:
        if not self.liquid:
            return Tier.SOLID
        return Tier.COMPOUNDED if self.compounded else Tier.LIQUID


TAKEN_BY_MOUTH = {Form.TABLET, Form.CAPSULE, Form.ODT, Form.FILM, Form.LIQUID}
COUNTED_FIRST = (Form.TABLET, Form.CAPSULE, Form.FILM, Form.ODT, Form.LIQUID)
"""Of two of one strength, neither easier to split, the one that is listed first is used."""

HALF_ML = Decimal("0.5")
AT_A_MARK, HALFWAY, BETWEEN_MARKS = 1, 3, 5
"""How many tablets a day it is worth to have a volume in half mL rather than so."""
TINY, MIXED = 3, 1
"""The same for a volume below half a mL, and for two strengths, or tablets and a liquid, at one time of day."""
CHANGED = 0.5
"""The same for staying with the strength in hand where another one only just saves enough."""

Doses = tuple[tuple[DayTime, int], ...]
"""Ticks by time of day, 0 left out."""
Made = tuple[float, tuple[Decimal, ...]]
"""How dear it is to make one dose from a kit, and how many of each."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Presentations that deliver doses exactly, and how dear it is to the patient, in tablets a day.

    `places`: where on the shelf of their cabinet they stand.
    """

    cost: float
    counts: tuple[tuple[Presentation, DayTime, Decimal], ...]
    places: frozenset[int] = frozenset()


def usable(presentations: Iterable[Presentation], extended_release: bool) -> tuple[Presentation, ...]:
    """What is taken by mouth in that release: of one strength what splits best, then tablets; of each liquid tier the finest."""
    best: dict[tuple[Decimal, Tier], Presentation] = {}
    for one in presentations:
        if one.form not in TAKEN_BY_MOUTH or one.extended_release != extended_release:
            continue
        key = (Decimal(0), one.tier) if one.liquid else (one.mg, Tier.SOLID)
        held = best.get(key)
        if held is None or _easier(one) < _easier(held):
            best[key] = one
    return tuple(sorted(best.values(), key=lambda one: (-one.mg, one.name)))


def _easier(one: Presentation) -> tuple[int, int, Decimal]:
    return one.piece, COUNTED_FIRST.index(one.form), one.mg


class Cabinet:
    """The presentations of one agent, and what doses each one or two of them deliver.

    It remembers what it has worked out; the answers depend on nothing but its arguments.
    """

    def __init__(
        self,
        presentations: Iterable[Presentation],
        second_strength_saves: Decimal,
        extended_release: bool = False,
        most_tablets: Decimal | None = None,
    ) -> None:
        self.presentations = usable(presentations, extended_release)
        self._most_tablets = most_tablets
        self._opening = float(second_strength_saves)
        self._kits = {tier: self._kits_of(tier) for tier in Tier}
        where = {one: at for at, one in enumerate(self.presentations)}
        self._places = {tier: [tuple(where[one] for one in kit) for kit in kits] for tier, kits in self._kits.items()}
        self._reach: dict[tuple[Tier, int], list[int]] = {}
        self._made: dict[tuple[Tier, int], dict[int, Made | None]] = {}

    def has(self, tier: Tier) -> bool:
        return bool(self._kits[tier])

    def _kits_of(self, tier: Tier) -> tuple[tuple[Presentation, ...], ...]:
        """One presentation, or two, largest first; of a liquid tier one is that liquid."""
        solids = [one for one in self.presentations if not one.liquid]
        if tier is Tier.SOLID:
            return tuple((one,) for one in solids) + tuple(combinations(solids, 2))
        liquids = [one for one in self.presentations if one.tier is tier]
        return tuple((one,) for one in liquids) + tuple((solid, one) for one in liquids for solid in solids)

    def reach(self, tier: Tier, most: int) -> list[int]:
        """Every single dose up to `most` that the tier delivers, 0 first, ascending."""
        key = (tier, most)
        if key not in self._reach:
            found = {0}
            for kit in self._kits[tier]:
                found |= _sums(kit, most)
            self._reach[key] = sorted(found)
        return self._reach[key]

    def fit(self, tier: Tier, doses: Doses, hand: frozenset[int] | None = None) -> Fit | None:
        """What delivers the doses with the fewest strengths and tablets, or None where two presentations can't.

        What is not in hand yet (`hand`: the places of what was taken before) is as dear again, and what a tier with a liquid
        delivers has that liquid in it: nobody should have to change to and fro between bottles.
        """
        best: Fit | None = None
        for place, kit in enumerate(self._kits[tier]):
            parts = self._parts(tier, place, doses)
            if parts is None:
                continue
            made = sum(each for each, _ in parts)
            if best is not None and made + (self._opening if parts else 0) >= best.cost:
                continue
            used = [any(counts[at] for _, counts in parts) for at in range(len(kit))]
            if doses and tier is not Tier.SOLID and not any(use for use, one in zip(used, kit, strict=True) if one.liquid):
                continue
            places = frozenset(at for use, at in zip(used, self._places[tier][place], strict=True) if use)
            opened = 0 if hand is None else len(places - hand)
            cost = made + self._opening * (len(places) + opened) + CHANGED * opened
            if best is None or cost < best.cost:
                counts = tuple(
                    (one, time, counts[at])
                    for (time, _), (_, counts) in zip(doses, parts, strict=True)
                    for at, one in enumerate(kit)
                    if counts[at]
                )
                best = Fit(cost, counts, places)
        return best

    def _parts(self, tier: Tier, place: int, doses: Doses) -> list[Made] | None:
        """How one kit of the tier makes each dose; None where it can't make one of them."""
        known = self._made.setdefault((tier, place), {})
        parts = []
        for _, amount in doses:
            if amount not in known:
                known[amount] = _make(self._kits[tier][place], amount, self._most_tablets)
            made = known[amount]
            if made is None:
                return None
            parts.append(made)
        return parts


def _pieces(kit: tuple[Presentation, ...]) -> tuple[int, ...]:
    """What each of a kit is counted in: beside a liquid no tablet needs splitting."""
    whole = any(one.liquid for one in kit)
    return tuple(ticks(one.mg) if whole and not one.liquid else one.piece for one in kit)


def _sums(kit: tuple[Presentation, ...], most: int) -> set[int]:
    pieces = _pieces(kit)
    if len(pieces) == 1:
        return set(range(0, most + 1, pieces[0]))
    first, second = pieces
    if first % second == 0:
        return set(range(0, most + 1, second))
    return {total for base in range(0, most + 1, first) for total in range(base, most + 1, second)}


def _make(kit: tuple[Presentation, ...], amount: int, most: Decimal | None) -> Made | None:
    """The easiest counts of a kit that make an amount, with how dear they are: no halves of two strengths, no handful."""
    pieces = _pieces(kit)
    if len(kit) == 1:
        return None if amount % pieces[0] else _bearable(kit, _priced(kit, pieces, (amount // pieces[0],)), most)
    best: Made | None = None
    first, second = pieces
    for many in range(amount // first, -1, -1):
        rest = amount - many * first
        if rest % second == 0:
            priced = _bearable(kit, _priced(kit, pieces, (many, rest // second)), most)
            if priced and (best is None or priced[0] < best[0]):
                best = priced
    return best


def _bearable(kit: tuple[Presentation, ...], made: Made, most: Decimal | None) -> Made | None:
    """What can be asked of a person at one time of day: no more tablets than the limit, and one kind at most to be halved."""
    solid = [count for one, count in zip(kit, made[1], strict=True) if not one.liquid]
    if most is not None and sum(solid) > most:
        return None
    if any(one.liquid and 0 < count < one.least_volume for one, count in zip(kit, made[1], strict=True)):
        return None
    return made if sum(1 for count in solid if count % 1) < 2 else None


def _priced(kit: tuple[Presentation, ...], pieces: tuple[int, ...], many: tuple[int, ...]) -> Made:
    """Counts in tablets or mL. A tablet costs 1, a split more; a measured volume 3, half for each mL, and more if hard to see."""
    cost = 0.0
    counts = []
    for one, piece, number in zip(kit, pieces, many, strict=True):
        count = Decimal(number * piece) / ticks(one.mg)
        counts.append(count)
        if not number:
            continue
        if one.liquid:
            cost += 3 + float(count) / 2 + _unround(count, one.syringes)
        else:
            cost += float(count) + (1.75 if count % 1 else 0) + (1 if (count * 2) % 1 else 0)
    mixed = all(counts) and len(kit) > 1
    return cost + (MIXED if mixed else 0), tuple(counts)


def _unround(volume: Decimal, syringes: tuple[tuple[Decimal, Decimal], ...]) -> float:
    """How hard a volume is to see on the smallest syringe that holds it: in half mL, at a mark, halfway, or neither."""
    if volume % HALF_ML == 0:
        return 0
    marks = next((marks for holds, marks in syringes if volume <= holds), syringes[-1][1]) if syringes else volume
    seen = AT_A_MARK if volume % marks == 0 else HALFWAY if volume % (marks / 2) == 0 else BETWEEN_MARKS
    return seen + (TINY if volume < HALF_ML else 0)


def as_doses(times: Mapping[DayTime, int]) -> Doses:
    """The doses in the order of the day, 0 left out."""
    return tuple((time, times[time]) for time in DayTime if times.get(time))
