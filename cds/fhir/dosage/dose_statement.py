"""What one dosage says, whether in structure or in words, and the dose it comes to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from cds.core.medication import Medication
from cds.core.quantity import Range, plain
from cds.core.regimen import Basis, DayTime, Dose
from cds.fhir.dosage.dose_units import WrittenDose, in_mg
from cds.fhir.dosage.timing import TOO_OFTEN, TOO_SELDOM, WEEK, Timing
from cds.fhir.dosage.unreadable import ReadingLimits, Unreadable, contradiction

NO_TIMING = "The directions do not say how often the dose is taken."
NO_AMOUNT = "The directions do not say how much is taken at a time."


@dataclass(frozen=True, slots=True)
class Intake:
    """A dose and when it is taken; either None where it was not said."""

    amount: WrittenDose | None = None
    timing: Timing | None = None

    @property
    def complete(self) -> bool:
        return self.amount is not None and self.timing is not None


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that may be taken: in a day, or, where `a_day` is False, it was not said in what time."""

    amount: WrittenDose
    a_day: bool = True


@dataclass(frozen=True, slots=True)
class Said:
    """The doses of one day as one dosage, or one step of a sig, says them.

    `total` is the sum of a day where it is written out; `most_times` the most doses a day and `most_days` the most days a week;
    `single` how many doses there are in all; `once` is true where only "once" says so, which may mean once a day.
    """

    intakes: tuple[Intake, ...] = ()
    as_needed: bool = False
    cap: Cap | None = None
    total: WrittenDose | None = None
    days: int | None = None
    single: int | None = None
    once: bool = False
    most_times: Decimal | None = None
    most_days: Decimal | None = None

    @property
    def complete(self) -> bool:
        if not self.intakes or any(intake.amount is None for intake in self.intakes):
            return False
        return self.timed or (self.as_needed and self.cap is not None and self.cap.a_day and len(self.intakes) == 1)

    @property
    def timed(self) -> bool:
        return bool(self.intakes) and (self.single is not None or all(intake.timing is not None for intake in self.intakes))


def dose(said: Said, medication: Medication, limits: ReadingLimits, basis: Basis) -> Dose:
    """The dose of a day. Refuses what is incomplete, contradicts itself or can't be meant."""
    if not said.intakes or any(intake.amount is None for intake in said.intakes):
        raise Unreadable(NO_AMOUNT, silent=True)
    if not said.complete:
        raise Unreadable(NO_TIMING, silent=True)
    capped = _cap(said, medication, limits)
    if not said.timed:
        assert capped is not None
        return _as_needed_up_to(said, capped, basis)
    timings = [(intake.timing or Timing()).settled() for intake in said.intakes]
    amounts = [in_mg(intake.amount, medication, limits) for intake in said.intakes if intake.amount]
    mg, days = _sum(amounts, timings, said, limits)
    _check_total(said, mg, medication, limits)
    if said.as_needed:
        mg = Range(Decimal(0), mg.high)
    if capped is not None and capped >= mg.high:
        capped = None
    if capped is not None:
        mg = _lowered(mg, capped, said)
    if mg.high > limits.most_mg_a_day:
        raise Unreadable("The dose comes to more milligrams a day than can be meant.")
    days = min(days, said.most_days) if said.most_days is not None else days
    times = _times(amounts, timings)
    says = _says(amounts, timings, said.as_needed, days, capped)
    return Dose(mg, days, said.as_needed, basis, times, says, _doses_a_day(timings))


def _doses_a_day(timings: list[Timing]) -> int | None:
    count = sum((timing.high or Decimal(0) for timing in timings), Decimal(0))
    return int(count) if count == count.to_integral_value() and count > 0 else None


def _sum(amounts: list[Range], timings: list[Timing], said: Said, limits: ReadingLimits) -> tuple[Range, Decimal]:
    if len({(timing.days, timing.weekdays) for timing in timings}) > 1:
        raise Unreadable("The directions name different doses on different days, and the daily dose could not be told.")
    if said.single is not None and len(timings) == 1:
        most_of_all = Decimal(said.single)
        timings = [
            replace(
                timings[0],
                low=min(timings[0].low or Decimal(1), most_of_all),
                high=min(timings[0].high or Decimal(1), most_of_all),
            )
        ]
    low = sum((amount.low * (timing.low or 0) for amount, timing in zip(amounts, timings, strict=True)), Decimal(0))
    high = Decimal(0)
    count = Decimal(0)
    for amount, timing in zip(amounts, timings, strict=True):
        most = timing.high or Decimal(0)
        if said.most_times is not None and len(timings) == 1:
            if not said.as_needed and said.most_times < (timing.low or 0):
                raise contradiction("The directions say more doses a day than the most that they allow.")
            most = min(most, said.most_times)
        count += most
        high += amount.high * most
    if any((timing.days or WEEK) * limits.longest_interval < WEEK for timing in timings):
        raise Unreadable(TOO_SELDOM)
    if count > limits.most_doses_a_day:
        raise Unreadable(TOO_OFTEN)
    return Range(min(low, high), high), timings[0].days or Decimal(7)


def _cap(said: Said, medication: Medication, limits: ReadingLimits) -> Decimal | None:
    """The most mg a day where it is stated for a day. A bare number counts tablets only where a dose is one tablet."""
    if said.cap is None:
        return None
    amount = said.cap.amount
    first = said.intakes[0].amount
    if (
        amount.unit.measures == "bare"
        and first is not None
        and (first.high != 1 or first.unit.measures not in {"bare", "product"})
    ):
        raise Unreadable("The highest amount in a day is a number without a unit: it may count doses or tablets.")
    most = in_mg(
        replace(amount, unit=first.unit) if amount.unit.measures == "bare" and first else amount, medication, limits
    ).high
    if said.cap.a_day:
        return most
    for intake in said.intakes:
        doses = (intake.timing or Timing()).settled().high or Decimal(1)
        if intake.amount and most < in_mg(intake.amount, medication, limits).high * doses:
            raise Unreadable("The highest amount does not say in what time.")
    return None


def _as_needed_up_to(said: Said, most: Decimal, basis: Basis) -> Dose:
    return Dose(Range(Decimal(0), most), Decimal(7), True, basis, (), f"up to {plain(most)} mg a day as needed")


def _lowered(mg: Range, cap: Decimal, said: Said) -> Range:
    if mg.low > cap or (mg.low == mg.high and not said.as_needed):
        raise contradiction("The directions come to more in a day than the highest amount that they allow.")
    return Range(mg.low, cap)


def _check_total(said: Said, mg: Range, medication: Medication, limits: ReadingLimits) -> None:
    if said.total is not None and in_mg(said.total, medication, limits).high != mg.high:
        raise contradiction("The directions name a total for the day that is not the sum of its doses.")


def _times(amounts: list[Range], timings: list[Timing]) -> tuple[tuple[DayTime, Decimal], ...]:
    """mg by part of the day, at the most; empty unless every dose has its part."""
    if not all(timing.parts for timing in timings):
        return ()
    found: dict[DayTime, Decimal] = {}
    for amount, timing in zip(amounts, timings, strict=True):
        for part in timing.parts:
            found[part] = found.get(part, Decimal(0)) + amount.high
    return tuple((part, found[part]) for part in DayTime if part in found)


def _says(amounts: list[Range], timings: list[Timing], as_needed: bool, days: Decimal, cap: Decimal | None) -> str:
    if all(amount.high == 0 for amount in amounts):
        return "0 mg"
    texts = []
    for amount, timing in zip(amounts, timings, strict=True):
        if timing.parts and (len(timings) > 1 or len(timing.parts) == 1):
            texts += [f"{amount} mg {part}" for part in timing.parts]
        else:
            texts.append(f"{amount} mg x {Range(timing.low or Decimal(1), timing.high or Decimal(1))}")
    says = " + ".join(texts)
    if as_needed:
        says += " as needed"
    if cap is not None:
        says += f", at most {plain(cap)} mg a day"
    return says + (f", on {plain(days)} days a week" if days < 7 else "")
