"""One FHIR Dosage: its structure, its text, and whether the two agree."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from cds.core.regimen import NOTHING, Basis, Dose
from cds.fhir import json_access as views
from cds.fhir.dosage.coded_dosage import DoseReader, structure
from cds.fhir.dosage.dose_statement import Intake, Said
from cds.fhir.dosage.dose_units import WrittenDose
from cds.fhir.dosage.sig_step import AMOUNT_KINDS, AS_DIRECTED, CHANGES
from cds.fhir.dosage.sig_text import STEERING, Sig, changes_doses, holds_unknown_words, mentioned, sig, spoken, understood
from cds.fhir.dosage.sig_words import TOO_LONG
from cds.fhir.dosage.timing import DAY, TOO_OFTEN, TOO_SELDOM, Bounds, Timing, bounds, whole_days
from cds.fhir.dosage.unreadable import Unreadable, contradiction
from cds.fhir.json_access import Json

UNREAD_BESIDE = "Words of the written directions could not be read; the coded dose was used."
NONE_OF_THESE = re.compile(
    r"none of (?:this liquid|these (?:tablet|capsule|film)s), \d{1,2} [a-z]{3,9} \d{4} to \d{1,2} [a-z]{3,9} \d{4}\.?\Z",
    re.IGNORECASE,
)
OUR_WORDS = ("On these days ", "From ")
MOST_FURTHER = 20
DISAGREE = "The coded dose or timing and the written directions say different things; neither was used."


@dataclass(frozen=True, slots=True)
class LineStep:
    """One dose that a dosage comes to, and for how many days."""

    dose: Dose
    days: int | None = None


@dataclass(frozen=True, slots=True)
class DosageLine:
    """One dosage as it was read. `single` is how many doses there are in all; `weekdays` on which days it is taken."""

    steps: tuple[LineStep, ...]
    bounds: Bounds
    ends: bool
    sequence: int | None
    single: int | None = None
    weekdays: frozenset[str] = frozenset()
    stops: bool = False
    note: str | None = None
    """What of its words could not be read, where its coded dose was used."""


def line(dosage: Json, reader: DoseReader) -> DosageLine:
    """The doses of one dosage. Refuses what can't be read, and structure that contradicts its text."""
    timing = views.child(dosage, "timing")
    repeat = views.child(timing, "repeat")
    limits = bounds(repeat, reader.dosing)
    texts = [_read_text(words, reader) for name in ("text", "patientInstruction") if (words := views.text(dosage, name))]
    written, unread = _together([text.sig for text in texts if text.sig], reader), [text for text in texts if text.error]
    coded = _structure_beside(written, dosage, reader)
    whole = _whole(coded, reader)
    loud = next((text.error for text in unread if text.error and not text.error.silent), None)
    if loud is not None and whole is None:
        raise loud
    if written is None and not coded.intakes:
        raise (unread[0].error if unread else None) or Unreadable(AS_DIRECTED, silent=True)
    for text in unread:
        _check_unread_text(text, coded, whole, reader)
    for words in _further_words(dosage):
        _check_further_words(words, whole, reader)
    if written is not None and not written.steps:
        return _ended(written, coded, dosage, limits)
    steps = _steps(coded, written, reader)
    ends = limits.ends or bool(written and written.ends) or coded.single is not None
    if len(steps) == 1:
        steps = (LineStep(steps[0].dose, _one_length(steps[0].days, limits)),)
    first = [
        intake.timing for said in (coded, *(written.steps[:1] if written else ())) for intake in said.intakes if intake.timing
    ]
    single = (
        coded.single if coded.single is not None else (written.steps[-1].single if written and len(written.steps) == 1 else None)
    )
    sequence = views.number(dosage.get("sequence"))
    weekdays = next((timing.weekdays for timing in first if timing.weekdays), frozenset())
    if single is not None and len(steps) == 1 and steps[0].days is None:
        steps = (LineStep(steps[0].dose, _days_for(single, first[0] if first else None)),)
    return DosageLine(
        steps,
        limits,
        ends,
        int(sequence) if sequence is not None else None,
        single,
        weekdays,
        bool(written and written.stops),
        UNREAD_BESIDE if any(_not_understood(text, reader) and not _says_none(text, whole) for text in unread) else None,
    )


def _ended(written: Sig, coded: Said, dosage: Json, limits: Bounds) -> DosageLine:
    """Directions that only say to stop. Refuses a coded dose beside them."""
    if coded.intakes:
        raise contradiction(DISAGREE)
    sequence = views.number(dosage.get("sequence"))
    return DosageLine(
        (LineStep(NOTHING),), limits, written.ends, int(sequence) if sequence is not None else None, stops=written.stops
    )


def _whole(coded: Said, reader: DoseReader) -> Dose | None:
    """The dose of coded elements that say all of it, and that can be meant."""
    try:
        return reader.dose(coded, Basis.STRUCTURE) if coded.complete else None
    except Unreadable:
        return None


def _check_unread_text(text: _Text, coded: Said, whole: Dose | None, reader: DoseReader) -> None:
    """Refuses a coded dose beside a text that could not be read as a whole, but changes doses or names another."""
    assert text.error is not None
    if text.error.says == TOO_LONG or changes_doses(text.words, reader.dosing, reader.names):
        raise text.error if not text.error.silent else Unreadable(CHANGES)
    timing = coded.intakes[0].timing if coded.intakes else None
    try:
        named = mentioned(text.words, reader.dosing, reader.limits)
        said = understood(text.words, reader.dosing, reader.limits, reader.names)
    except Unreadable:
        return
    if timing is not None and named and (timing.settled().high, timing.settled().days) not in named:
        raise contradiction(DISAGREE)
    if whole is not None and any(_another(dose, whole, reader) for dose in said):
        raise contradiction(DISAGREE)


def _further_words(dosage: Json) -> list[str]:
    """The texts of `additionalInstruction`, without those that this service's own orders have."""
    concepts = views.objects(dosage, "additionalInstruction")[:MOST_FURTHER]
    shown = [next((display for _, _, display in views.codings(concept) if display), None) for concept in concepts]
    texts = [views.text(concept, "text") or display for concept, display in zip(concepts, shown, strict=True)]
    return [text for text in texts if text and not text.startswith(OUR_WORDS)]


def _check_further_words(words: str, whole: Dose | None, reader: DoseReader) -> None:
    """Refuses further instructions that change doses, end them after some days, or say another dose than the coded one."""
    try:
        found = spoken(words, reader.dosing, reader.names)
    except Unreadable:
        return
    kinds = {token.kind for token in found}
    begins = {token.kind for before, token in pairwise([None, *found]) if token and (before is None or before.kind == "sentence")}
    by_amount = kinds & STEERING and kinds & {*AMOUNT_KINDS, "single"}
    if begins & STEERING or by_amount or (kinds and kinds <= {"lasts", "stop"}):
        raise Unreadable(CHANGES)
    try:
        said = understood(words, reader.dosing, reader.limits, reader.names)
    except Unreadable:
        return
    if whole is not None and any(_another(dose, whole, reader) for dose in said):
        raise contradiction(DISAGREE)


def _another(said: Said, whole: Dose, reader: DoseReader) -> bool:
    try:
        dose = reader.dose(said, Basis.TEXT)
    except Unreadable:
        return False
    return (dose.mg.high, dose.days_a_week) != (whole.mg.high, whole.days_a_week)


def _days_for(doses: int, timing: Timing | None) -> int:
    """On how many days a number of doses is taken; one a day where no timing was given."""
    a_day = timing.settled().high if timing else None
    return whole_days(Decimal(doses) / (a_day or Decimal(1)), DAY)


def _one_length(written: int | None, limits: Bounds) -> int | None:
    """The length of a dosage, by its bounds or its words. Refuses a stated length that differs between the two."""
    if written is not None and limits.ends and limits.days != written:
        raise contradiction("The coded length of the order and its written directions say different numbers of days.")
    return limits.days if limits.ends or written is None else written


def _structure_beside(written: Sig | None, dosage: Json, reader: DoseReader) -> Said:
    """What the coded elements say. A timing that can't be meant contradicts directions that say a timing which can."""
    try:
        return structure(dosage, reader)
    except Unreadable as error:
        if error.says in {TOO_OFTEN, TOO_SELDOM} and written is not None and any(step.timed for step in written.steps[:1]):
            raise contradiction(DISAGREE) from error
        raise


@dataclass(frozen=True, slots=True)
class _Text:
    """One text of a dosage: its words, and what they say or why they were not read."""

    words: str
    sig: Sig | None = None
    error: Unreadable | None = None


def _not_understood(text: _Text, reader: DoseReader) -> bool:
    """Whether more than "as directed" is said."""
    quiet = text.error is not None and text.error.says == AS_DIRECTED
    return not quiet or holds_unknown_words(text.words, reader.dosing, reader.names)


def _says_none(text: _Text, whole: Dose | None) -> bool:
    """Whether the words are those of a step without the product, as the service's own orders have them, and 0 is coded."""
    return whole is not None and whole.mg.high == 0 and NONE_OF_THESE.match(text.words) is not None


def _read_text(words: str, reader: DoseReader) -> _Text:
    try:
        return _Text(words, sig(words, reader.dosing, reader.limits, reader.names))
    except Unreadable as error:
        return _Text(words, error=error)


def _together(found: list[Sig], reader: DoseReader) -> Sig | None:
    """What one or two texts say; None where neither was read."""
    if len(found) == 2 and found[0] != found[1]:
        return _agreed(found[0], found[1], reader)
    return found[0] if found else None


def _agreed(one: Sig, other: Sig, reader: DoseReader) -> Sig:
    """The fuller of two texts. Refuses two that give different doses."""
    full = [each for each in (one, other) if all(step.complete for step in each.steps)]
    if len(full) == 2:
        doses = [[reader.dose(step, Basis.TEXT) for step in each.steps] for each in full]
        if [(dose.mg.high, dose.days_a_week) for dose in doses[0]] != [(dose.mg.high, dose.days_a_week) for dose in doses[1]]:
            raise contradiction("The directions and the instructions for the patient say different doses.")
    return full[0] if full else one


def _steps(coded: Said, written: Sig | None, reader: DoseReader) -> tuple[LineStep, ...]:
    """The doses by structure and text together. Refuses where the two disagree."""
    if written is None:
        return (LineStep(reader.dose(coded, Basis.STRUCTURE)),)
    first = written.steps[0]
    if not coded.intakes:
        steps = [replace(step, as_needed=step.as_needed or coded.as_needed, cap=step.cap or coded.cap) for step in written.steps]
        steps = [replace(step, single=coded.single) if coded.single and step.single is None else step for step in steps]
        return tuple(LineStep(reader.dose(step, Basis.TEXT), step.days) for step in steps)
    merged, basis = _merged(coded, first, reader)
    doses = [LineStep(merged if merged else reader.dose(first, basis), first.days)]
    return (*doses, *(LineStep(reader.dose(step, Basis.TEXT), step.days) for step in written.steps[1:]))


def _merged(coded: Said, text: Said, reader: DoseReader) -> tuple[Dose, Basis]:
    """One dose out of structure and text: each fills what the other leaves out, and what both say must agree."""
    needed = coded.as_needed or text.as_needed
    cap = coded.cap or text.cap
    single = coded.single if coded.single is not None else text.single
    intake = coded.intakes[0]
    if len(text.intakes) <= 1:
        other = text.intakes[0] if text.intakes else Intake()
        _same_parts(intake, other, reader)
        if text.single is not None and coded.single is None and intake.timing is not None:
            _same_single(intake.timing, text)
        amount = intake.amount
        if amount is None or (other.amount is not None and reader.mg(amount) is None):
            amount = other.amount
        elif other.amount is not None:
            amount = _wider(amount, other.amount, reader)
        timing = _fuller(intake.timing, other.timing)
        basis = Basis.STRUCTURE if intake.complete and amount is not other.amount else Basis.TEXT
        both = replace(text, intakes=(Intake(amount, timing),), single=single, once=False, days=None, as_needed=needed, cap=cap)
        return reader.dose(both, basis), basis
    whole = reader.dose(replace(text, as_needed=needed, cap=cap), Basis.TEXT)
    if intake.complete:
        coded_dose = reader.dose(replace(coded, as_needed=needed, cap=cap), Basis.STRUCTURE)
        if (coded_dose.mg.high, coded_dose.days_a_week) != (whole.mg.high, whole.days_a_week):
            raise contradiction(DISAGREE)
        return replace(whole, basis=Basis.STRUCTURE), Basis.STRUCTURE
    if intake.timing is not None and intake.timing.settled().high != sum(
        (i.timing or Timing()).settled().high or 0 for i in text.intakes
    ):
        raise contradiction(DISAGREE)
    if intake.amount is not None and reader.mg(intake.amount) not in [reader.mg(i.amount) for i in text.intakes if i.amount]:
        raise contradiction(DISAGREE)
    return whole, Basis.TEXT


def _same_single(timing: Timing, text: Said) -> None:
    """Refuses a single dose beside a coded timing of more than one a day, and "once" beside any: it may mean once a day."""
    if text.once or timing.settled().high != 1:
        raise contradiction(DISAGREE)


def _same_parts(coded: Intake, text: Intake, reader: DoseReader) -> None:
    """Refuses an amount or a timing of the text that is not the coded one. Ranges agree where their upper ends do."""
    if coded.timing is not None and text.timing is not None:
        one, other = coded.timing.settled(), text.timing.settled()
        named = one.parts and other.parts and sorted(one.parts) != sorted(other.parts)
        if (
            one.high != other.high
            or one.days != other.days
            or named
            or (one.weekdays and other.weekdays and one.weekdays != other.weekdays)
        ):
            raise contradiction(DISAGREE)
    if coded.amount is not None and text.amount is not None:
        mine, theirs = reader.mg(coded.amount), reader.mg(text.amount)
        if mine is not None and theirs is not None and mine.high != theirs.high:
            raise contradiction(DISAGREE)
        same_units = coded.amount.unit.measures == text.amount.unit.measures
        if (mine is None or theirs is None) and same_units and coded.amount.high != text.amount.high:
            raise contradiction(DISAGREE)


def _wider(one: WrittenDose, other: WrittenDose, reader: DoseReader) -> WrittenDose:
    mine, theirs = reader.mg(one), reader.mg(other)
    return other if mine is not None and theirs is not None and theirs.low < mine.low else one


def _fuller(one: Timing | None, other: Timing | None) -> Timing | None:
    """Of two timings that agree, the one with the wider range, its parts of the day from either."""
    if one is None or other is None:
        return one or other
    first, second = one.settled(), other.settled()
    return Timing(
        min(first.low or Decimal(1), second.low or Decimal(1)),
        first.high,
        first.days,
        first.parts or second.parts,
        first.weekdays or second.weekdays,
    )
