"""The doses of one step of a sig as they are met: which amount goes with which time, and what is said twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from cds.core.regimen import DayTime
from cds.fhir.dosage.dose_statement import Intake
from cds.fhir.dosage.dose_units import BARE, PRODUCT, WrittenDose
from cds.fhir.dosage.sig_words import Token
from cds.fhir.dosage.timing import DISAGREES, Timing
from cds.fhir.dosage.unreadable import Unreadable, contradiction
from cds.knowledge.files.dosing import Dosing, Unit

UNCLEAR = "It could not be told which of the doses in the directions is taken when."


@dataclass(slots=True)
class _Open:
    """One dose while it is being read."""

    amount: WrittenDose | None = None
    timings: list[Timing] = field(default_factory=list)
    meals: bool = False
    joined: bool = False
    """Whether "and" stands before it."""
    at_meals: bool = False
    """Whether meals stand beside a stated frequency."""
    same_parts: int = 0
    """How many parts of the day were taken to repeat the one before."""

    @property
    def often(self) -> Decimal | None:
        return next((timing.high for timing in self.timings if timing.high is not None), None)

    @property
    def parts(self) -> bool:
        return any(timing.parts for timing in self.timings)


class Doses:
    """Pairs amounts with times. A time after an amount belongs to it; a time before all amounts, to the next one."""

    def __init__(self, dosing: Dosing) -> None:
        self.dosing = dosing
        self.found: list[_Open] = []
        self.joined = False
        self.apart = False
        self.total: WrittenDose | None = None
        self.leading = False
        self.strength: WrittenDose | None = None

    @property
    def has_amount(self) -> bool:
        return any(dose.amount is not None for dose in self.found)

    @property
    def current_often(self) -> Decimal | None:
        return self.found[-1].often if self.found else None

    def pause(self, kind: str) -> None:
        self.joined |= kind == "and"
        self.apart |= kind == "comma"

    def _resume(self) -> bool:
        joined, self.joined, self.apart = self.joined, False, False
        return joined

    # Amounts ----------------------------------------------------------------------------------------------------------

    def amount(self, tokens: list[Token], place: int) -> tuple[WrittenDose, int]:
        """The amount that begins at a place, and the place after it. Refuses two numbers that don't belong together."""
        token, place = tokens[place], place + 1
        low, high = token.low or Decimal(1), token.high or Decimal(1)
        if token.low is not None:
            low, high = token.low, token.high if token.high is not None else token.low
        if low > high:
            raise contradiction("The directions give a range that runs from high to low.")
        place = self._repeated_in_brackets(tokens, place, high)
        unit = self._unit(tokens, place)
        if unit is None:
            after = self._each(tokens, place)
            if after is not None:
                each, place = after
                return WrittenDose(low, high, PRODUCT, each=each), place
            return WrittenDose(low, high, PRODUCT if token.counted or token.kind == "one" else BARE), place
        return self._with_unit(WrittenDose(low, high, unit), tokens, place + 1)

    def _with_unit(self, amount: WrittenDose, tokens: list[Token], place: int) -> tuple[WrittenDose, int]:
        """The amount with what follows its unit: "0.5 mg tablet", "2 tablets of 0.5 mg", "1 tablet or 2 tablets"."""
        if amount.unit.measures == "mg" and self._kind(tokens, place) == "unit" and tokens[place].value.measures == "product":
            return amount, place + 1
        if self._kind(tokens, place) == "equals" and self._kind(tokens, place + 1) in {"number", "one"}:
            other, place = self.amount(tokens, place + 1)
            return replace(amount, also=(other,)), place
        if amount.unit.measures == "product" and self._kind(tokens, place) == "of" and self._kind(tokens, place + 1) == "number":
            each, place = self.amount(tokens, place + 1)
            if each.unit.measures != "mg":
                raise Unreadable(UNCLEAR)
            return replace(amount, each=each.high * each.unit.of_one), place
        if self._kind(tokens, place) == "or" and self._kind(tokens, place + 1) in {"number", "one"}:
            other, after = self.amount(tokens, place + 1)
            if other.unit == amount.unit and other.low >= amount.high and not other.also:
                return replace(amount, high=other.high), after
        return amount, place

    def _each(self, tokens: list[Token], place: int) -> tuple[Decimal, int] | None:
        """The strength in "2 x 0.5 mg tablets" and "two 0.5 mg tablets", and the place after it."""
        if self._kind(tokens, place) in {"x", "of"}:
            place += 1
        unit = self._unit(tokens, place + 1)
        if self._kind(tokens, place) != "number" or unit is None or unit.measures != "mg":
            return None
        product, counted = self._unit(tokens, place + 2), self._kind(tokens, place - 1) == "x"
        named = product is not None and product.measures == "product"
        if not named and not counted:
            return None
        strength = tokens[place]
        if strength.low is None or strength.low != strength.high:
            raise Unreadable(UNCLEAR)
        return strength.low * unit.of_one, place + (3 if named else 2)

    def _repeated_in_brackets(self, tokens: list[Token], place: int, value: Decimal) -> int:
        """Skips "(two)" after "2"; another number there is refused."""
        if [self._kind(tokens, place + ahead) for ahead in range(3)] != ["open", "number", "close"]:
            return place
        if tokens[place + 1].high != value:
            raise contradiction("A number in the directions is followed by another number in brackets.")
        return place + 3

    def _unit(self, tokens: list[Token], place: int) -> Unit | None:
        return tokens[place].value if self._kind(tokens, place) == "unit" else None

    def _kind(self, tokens: list[Token], place: int) -> str:
        return tokens[place].kind if place < len(tokens) else ""

    def take(self, amount: WrittenDose) -> None:
        """Adds an amount: to a time that waits for one, beside the same dose in another unit, or as a new dose."""
        apart, joined = self.apart, self._resume()
        amount = self._of_strength(amount)
        last = self.found[-1] if self.found else None
        if last is not None and last.amount is None:
            last.amount = amount
            self.leading = True
        elif last is not None and not last.timings and last.amount is not None and not joined:
            if (
                not apart and "mg" not in (amount.unit.measures, last.amount.unit.measures)
            ) or amount.unit.measures == last.amount.unit.measures:
                raise Unreadable(UNCLEAR)
            last.amount = _beside(last.amount, amount)
        else:
            self.found.append(_Open(amount, joined=joined))

    def taken(self) -> None:
        """At "take": an amount in mg that stands alone before it is the strength of the product ("0.5 mg: take 2 tablets")."""
        only = self.found[0] if len(self.found) == 1 and self.strength is None else None
        if (
            only
            and only.amount
            and not only.timings
            and only.amount.unit.measures == "mg"
            and only.amount.low == only.amount.high
        ):
            self.strength = only.amount
            self.found = []

    def _of_strength(self, amount: WrittenDose) -> WrittenDose:
        """The amount, of the strength that stood before it."""
        if self.strength is None or amount.each is not None or amount.unit.measures == "mg":
            return amount
        return replace(amount, each=self.strength.high * self.strength.unit.of_one)

    def also(self, amount: WrittenDose) -> None:
        """The last dose in another unit."""
        last = self.found[-1] if self.found else None
        if last is None or last.amount is None:
            self.take(amount)
            return
        last.amount = replace(last.amount, also=(*last.amount.also, amount))

    def each(self, amount: WrittenDose) -> None:
        last = self.found[-1]
        if last.amount is None or amount.unit.measures != "mg":
            raise Unreadable(UNCLEAR)
        last.amount = replace(last.amount, each=amount.high * amount.unit.of_one)

    def whole_day(self, amount: WrittenDose) -> None:
        if self.total is not None and self.total != amount:
            raise contradiction("The directions name two different totals for the day.")
        self.total = amount

    # Times ------------------------------------------------------------------------------------------------------------

    def time(self, timing: Timing, *, meals: bool, later: bool) -> None:
        """Adds a time: to the dose before it, or to the next where times stand first ("at night 2, in the morning 1")."""
        apart, joined = self.apart, self._resume()
        last = self.found[-1] if self.found else None
        if last is None or (self.leading and last.amount is not None and last.timings and later):
            self.found.append(_Open(None, [timing], meals, joined))
            return
        if meals:
            self._meals(timing, last, joined)
            return
        if last.meals or last.at_meals:
            if timing.parts:
                self._meals_and_night(timing, last, joined)
                return
            if joined or (last.meals and timing.high is None):
                raise Unreadable(UNCLEAR)
            if last.meals:
                last.timings, last.meals, last.at_meals = [], False, True
        if joined and timing.parts and last.timings and not last.parts:
            if last.often is None:
                raise Unreadable(UNCLEAR)
            self.found.append(_Open(last.amount, [timing], joined=True))
            return
        if joined and timing.high is not None and last.timings:
            raise Unreadable(UNCLEAR)
        last.timings.append(_same_part(timing, last, joined, apart, self.dosing))

    def _meals(self, timing: Timing, last: _Open, joined: bool) -> None:
        """Meals not named one by one say how often only where nothing else does."""
        if joined and last.timings:
            raise Unreadable(UNCLEAR)
        if not last.timings:
            last.meals = True
            last.timings.append(timing)
        last.at_meals = not last.meals

    def _meals_and_night(self, timing: Timing, last: _Open, joined: bool) -> None:
        """Meals and bedtime are one dose more than meals; beside a stated frequency they only spell it out."""
        count = self.dosing.meal_doses + 1
        if timing.parts != (DayTime.NIGHT,) or (last.at_meals and last.often != count):
            if joined or last.meals:
                raise Unreadable(UNCLEAR)
            last.timings.append(timing)
            return
        if last.meals:
            last.timings, last.meals, last.at_meals = [Timing(count, count)], False, True

    def _refuse_night_twice(self) -> None:
        """Refuses a dose at night beside one whose frequency, with meals, may count it already."""
        counted = any(dose.at_meals and dose.often == self.dosing.meal_doses + 1 for dose in self.found)
        if counted and any(DayTime.NIGHT in timing.parts for dose in self.found for timing in dose.timings):
            raise Unreadable(UNCLEAR)

    # The whole --------------------------------------------------------------------------------------------------------

    def repeated(self) -> bool:
        """Whether some time is a frequency, rather than a part of one day."""
        return any(
            timing.high is not None or timing.days is not None or timing.weekdays
            for dose in self.found
            for timing in dose.timings
        )

    def intakes(self) -> tuple[Intake, ...]:
        """The doses, each statement that is made twice counted once. Refuses doses of which it is not clear that they add up."""
        kept: list[Intake] = []
        self._refuse_night_twice()
        if self.strength is not None and not self.has_amount:
            self.found = [replace(dose, amount=self.strength) for dose in self.found] or [_Open(self.strength)]
        for dose in self.found:
            intake = Intake(dose.amount, _together(_spelled_out(dose)) if dose.timings else None)
            if not kept or dose.joined or not _said_before(intake, kept):
                kept.append(intake)
        return tuple(kept)


def _beside(first: WrittenDose, second: WrittenDose) -> WrittenDose:
    """Two amounts side by side as one: mg before a number of units are the same dose, or what is in one of them."""
    if first.unit.measures == "mg" and first.low == first.high and not first.also and second.unit.measures == "product":
        return replace(second, beside=first.high * first.unit.of_one)
    return replace(first, also=(*first.also, second))


def _spelled_out(dose: _Open) -> list[Timing]:
    """The times of a dose; without its parts of the day where they spell out its frequency, each of them a dose."""
    parts = sum(len(timing.parts) for timing in dose.timings)
    if dose.same_parts and dose.often == parts + dose.same_parts:
        return [replace(timing, parts=()) for timing in dose.timings]
    return dose.timings


def _said_before(intake: Intake, kept: list[Intake]) -> bool:
    """Whether the dose stands there already. Refuses one that may be another dose or the same in other words."""
    if intake in kept:
        return True
    for at, other in enumerate(kept):
        if _same(intake, other):
            kept[at] = max(other, intake, key=lambda each: len(each.amount.also) if each.amount else 0)
            return True
    if intake.timing is None:
        return False
    parts = set(intake.timing.parts)
    for other in kept:
        taken = set(other.timing.parts) if other.timing else set()
        if not parts or not taken or parts & taken:
            raise Unreadable(UNCLEAR)
    return False


def _same(one: Intake, other: Intake) -> bool:
    """Whether two doses are the same, one of them told in one unit only."""
    if one.amount is None or other.amount is None or one.timing is None or other.timing is None:
        return False
    if one.amount.also and other.amount.also:
        return False
    bare = replace(one.amount, also=()), replace(other.amount, also=())
    return bare[0] == bare[1] and one.timing.settled() == other.timing.settled()


def _same_part(timing: Timing, last: _Open, joined: bool, apart: bool, dosing: Dosing) -> Timing:
    """The timing, without a part of the day that only repeats the one before in other words ("every evening at bedtime")."""
    if joined or not timing.parts or not last.parts:
        return timing
    before = next(other for other in reversed(last.timings) if other.parts)
    if timing.parts == before.parts:
        last.same_parts += 1
        return Timing()
    if dosing.same_part.get(before.parts[-1]) == timing.parts[0]:
        if apart and sum(len(other.parts) for other in last.timings) > 1:
            return timing
        if apart and last.often is None:
            raise Unreadable(UNCLEAR)
        last.timings[last.timings.index(before)] = Timing(before.low, before.high, before.days, timing.parts)
        last.same_parts += 1
        return Timing()
    return timing


def _together(timings: list[Timing]) -> Timing:
    """The timings of one dose as one. Refuses two that differ."""
    low = high = days = None
    parts: list[DayTime] = []
    weekdays: frozenset[str] = frozenset()
    named = [index for index, timing in enumerate(timings) if timing.weekdays]
    if named and named[-1] - named[0] >= len(named):
        raise Unreadable(UNCLEAR)
    for timing in timings:
        if timing.high is not None:
            if high is not None and (low, high) != (timing.low, timing.high):
                raise contradiction(DISAGREES)
            low, high = timing.low, timing.high
        if timing.days is not None:
            if days is not None and days != timing.days:
                raise contradiction(DISAGREES)
            days = timing.days
        parts += timing.parts
        weekdays |= timing.weekdays
    if weekdays and days not in {None, Decimal(len(weekdays))}:
        raise contradiction(DISAGREES)
    return Timing(low, high, days, tuple(parts), weekdays)
