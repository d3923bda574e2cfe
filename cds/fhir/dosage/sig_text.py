"""Reads a free-text sig ("1 tab po tid prn") as doses and steps, from the tables of `rules/drugs/dosing.yaml`.

Why our own: the sig parsers to be had as packages load language models of several hundred MB at run time and guess at what they
don't know. This one refuses: a word that may change a dose, or an unknown word beside one, leaves the sig unread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from cds.fhir.dosage.dose_statement import Said
from cds.fhir.dosage.sig_clauses import about_taking
from cds.fhir.dosage.sig_doses import UNCLEAR
from cds.fhir.dosage.sig_neighbours import by_neighbours
from cds.fhir.dosage.sig_severity import said
from cds.fhir.dosage.sig_step import AMOUNT_KINDS, AS_DIRECTED, CHANGES, DOSE_KINDS, QUIET, TIMING_KINDS, StepReader
from cds.fhir.dosage.sig_weekdays import with_ranges
from cds.fhir.dosage.sig_words import Token, tokens
from cds.fhir.dosage.unreadable import ReadingLimits, Unreadable
from cds.knowledge.files.dosing import Dosing

SENTENCE = "."
FREQUENCIES = frozenset({"often", "every", "every_hours", "every_days", "times", "times_a_day"})
COUNTED_TIMES = TIMING_KINDS - {"part", "clock", "meals", "weekdays"}
STEERING = frozenset({"changes", "then", "change_to", "stop", "step_label", "repeat"})
"""Kinds of words that change doses, and so outweigh a coded dose."""
SAYS_A_DOSE = (DOSE_KINDS | {"as_directed"}) - {"unit", "or"}


@dataclass(frozen=True, slots=True)
class Sig:
    """The steps that a sig says, in order; whether taking ends after the last, and whether that is said ("then stop").

    No steps at all say that taking ends now ("discontinue").
    """

    steps: tuple[Said, ...]
    ends: bool = False
    stops: bool = False


def sig(text: str, dosing: Dosing, limits: ReadingLimits, names: frozenset[str] = frozenset()) -> Sig:
    """The doses of a sig. Refuses what it can't read; what says nothing of a dose is refused silently."""
    found = _sentences(spoken(text, dosing, names))
    if not any(token.kind in DOSE_KINDS for token in found):
        raise Unreadable(AS_DIRECTED, silent=True)
    if any(token.kind in {"changes", "doubts"} for token in found):
        raise Unreadable(CHANGES)
    if _only_stops(found):
        return Sig((), True, True)
    steps, ends = [], False
    for segment in _segments(found):
        if _only_stops(segment):
            ends = True
            break
        steps.append(said(segment, dosing, limits))
    if len(steps) > 1 and steps[-1].days is None and not ends and _next_sentence(found):
        raise Unreadable(UNCLEAR)
    if ends and steps and steps[-1].days is None and any(one.timing and one.timing.weekdays for one in steps[-1].intakes):
        raise Unreadable(CHANGES)
    return _joined(steps, ends)


def _next_sentence(found: list[Token]) -> bool:
    """Whether a sentence with a length is followed by one that may be the next step, or be taken beside it."""
    kinds = [token.text if token.text == SENTENCE else token.kind for token in found if token.kind != "ignore"]
    return any(pair == ("lasts", SENTENCE) for pair in pairwise(kinds)) and "then" not in kinds


def spoken(text: str, dosing: Dosing, names: frozenset[str] = frozenset()) -> list[Token]:
    """The tokens of a sig that are about taking: neither warnings nor supplies."""
    return about_taking(with_ranges(by_neighbours(tokens(text, dosing, names)), dosing))


def changes_doses(text: str, dosing: Dosing, names: frozenset[str]) -> bool:
    """Whether a text that could not be read as a whole holds a word that changes doses."""
    return any(token.kind in STEERING for token in tokens(text, dosing, names))


def holds_unknown_words(text: str, dosing: Dosing, names: frozenset[str]) -> bool:
    """Whether a text holds words that stand in no table."""
    return any(token.kind == "word" for token in tokens(text, dosing, names))


def understood(text: str, dosing: Dosing, limits: ReadingLimits, names: frozenset[str]) -> list[Said]:
    """The doses that a text which could not be read as a whole still says in full: each sentence up to its first unknown word."""
    found = []
    for sentence in _split(spoken(text, dosing, names)):
        end = next((at for at, token in enumerate(sentence) if token.kind == "word"), len(sentence))
        try:
            dose = said(sentence[:end], dosing, limits)
        except Unreadable:
            continue
        found += [dose] if dose.complete else []
    return found


def mentioned(text: str, dosing: Dosing, limits: ReadingLimits) -> set[tuple[Decimal | None, Decimal | None]]:
    """The doses a day and days a week that a text names beside an amount, also where it can't be read as a whole."""
    named: set[tuple[Decimal | None, Decimal | None]] = set()
    for sentence in _split(spoken(text, dosing)):
        if any(token.kind in AMOUNT_KINDS for token in sentence):
            reader = StepReader(sentence, dosing, limits)
            timings = [reader.timing(token) for token in sentence if token.kind in COUNTED_TIMES]
            named |= {(each.settled().high, each.settled().days) for each in timings if each.high is not None}
    return named


def _split(found: list[Token]) -> Iterator[list[Token]]:
    sentence: list[Token] = []
    for token in [*found, Token("sentence")]:
        if token.kind != "sentence":
            sentence.append(token)
        elif sentence:
            yield sentence
            sentence = []


def _joined(steps: list[Said], ends: bool) -> Sig:
    """The steps, each with its amount: one that names none takes the amount before ("1 mg bid for a week, then daily")."""
    if not steps:
        raise Unreadable(CHANGES)
    for index, step in enumerate(steps[1:], start=1):
        before = [intake.amount for intake in steps[index - 1].intakes]
        if len(before) == 1 and step.intakes and all(intake.amount is None for intake in step.intakes):
            steps[index] = replace(step, intakes=tuple(replace(intake, amount=before[0]) for intake in step.intakes))
    if len(steps) > 1 and not all(step.complete for step in steps):
        raise Unreadable(CHANGES)
    steps = [_lasting(step) for step in steps] if len(steps) > 1 else steps
    if any(step.days is None for step in steps[:-1]):
        raise Unreadable("The directions hold several steps, and do not say how long each lasts.")
    return Sig(tuple(steps), ends or steps[-1].days is not None or steps[-1].single is not None, ends)


def _lasting(step: Said) -> Said:
    """A step of so many doses as one of days, where its doses fill whole ones: "every 8 hours x 3 doses" lasts one."""
    a_day = step.intakes[0].timing.settled() if len(step.intakes) == 1 and step.intakes[0].timing else None
    if step.single is None or step.once or step.days is not None or a_day is None or a_day.low != a_day.high or a_day.days != 7:
        return step
    days = Decimal(step.single) / (a_day.high or Decimal(1))
    return replace(step, single=None, days=int(days)) if days % 1 == 0 else step


def _sentences(found: list[Token]) -> list[Token]:
    """The tokens without the sentences and brackets that say nothing of a dose, such as "Do not drive."."""
    kept: list[Token] = []
    part: list[Token] = []
    for token in [*found, Token("sentence")]:
        if token.kind == "sentence":
            if any(other.kind in SAYS_A_DOSE for other in part):
                kept += [*part, Token("comma", text=SENTENCE)]
            part = []
        else:
            part.append(token)
    return kept


def _segments(found: list[Token]) -> list[list[Token]]:
    """The tokens of each step: split where the sig says "then", or names weeks or days ("week 2: ...")."""
    labelled = [index for index, token in enumerate(found) if token.kind == "step_label"]
    if labelled and all(token.kind in QUIET for token in found[: labelled[0]]):
        return _labelled(found, labelled)
    if labelled:
        raise Unreadable(CHANGES)
    parts: list[list[Token]] = [[]]
    for index, token in enumerate(found):
        starts = {"number", "one", "stop"} | (FREQUENCIES if any(later.kind == "lasts" for later in found[index:]) else set())
        if token.kind in {"then", "change_to"} or (token.kind in starts and _after_a_length(found[:index], parts)):
            parts.append([] if token.kind == "then" else [token])
        else:
            parts[-1].append(token)
    return [part for part in parts if any(token.kind in DOSE_KINDS for token in part)]


def _after_a_length(before: list[Token], parts: list[list[Token]]) -> bool:
    """Whether a length of time with its dose has just ended ("1 mg bid x 2 weeks, 0.5 mg bid"), so that a new step begins.

    A step after the first may take its amount from it: "1 mg q8h x 3 d, q12h x 3 d".
    """
    last = next((token for token in reversed(before) if token.kind not in QUIET), None)
    named = AMOUNT_KINDS | (FREQUENCIES if len(parts) > 1 else set())
    return last is not None and last.kind == "lasts" and any(token.kind in named for token in parts[-1])


def _labelled(found: list[Token], places: list[int]) -> list[list[Token]]:
    """The steps of "week 1: ... week 2: ...". Weeks or days that don't follow on each other are refused."""
    parts, next_day = [], Decimal(1)
    for index, place in enumerate(places):
        label = found[place]
        unit = Decimal(7) if label.text.startswith("w") else Decimal(1)
        first = label.low or Decimal(0)
        last = label.second or label.high or first
        if (first - 1) * unit + 1 != next_day or last < first:
            raise Unreadable("The directions name weeks or days that do not follow on each other.")
        next_day = last * unit + 1
        end = places[index + 1] if index + 1 < len(places) else len(found)
        body = found[place + 1 : end]
        stops = next((at for at, token in enumerate(body) if token.kind == "then"), len(body))
        lasts = Token("lasts", low=last - first + 1, high=last - first + 1, text="weeks" if unit == 7 else "days")
        parts += [[*body[:stops], lasts], *([body[stops + 1 :]] if stops < len(body) else [])]
    return parts


def _only_stops(segment: list[Token]) -> bool:
    kinds = {token.kind for token in segment} - QUIET
    return kinds == {"stop"}
