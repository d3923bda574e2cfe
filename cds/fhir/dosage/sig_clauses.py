"""What of a sig is not about taking: when it is supplied, when it begins, and the warnings of labels.

Read word by word, "dispense weekly" would be a dose once a week, and "if this happens, do not drive" a dose as needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cds.fhir.dosage.sig_step import AMOUNT_KINDS, CHANGES, QUIET, TIMING_KINDS, UNKNOWN_WORDS
from cds.fhir.dosage.sig_times import INTERVAL_UNCLEAR
from cds.fhir.dosage.sig_words import Token
from cds.fhir.dosage.unreadable import Unreadable

SUPPLY = frozenset({"supply", "supplied", "places", "starts"})
_BREAKS = frozenset(
    {"sentence", "comma", "open", "close", "take", "then", "change_to", "as_needed", "if", "most", "up_to", "changes", "stop"}
)
_DROPPED = QUIET | {"unit", "word", "and", "or", "of", "x", "through", "doubts", "lasts", "span", "total", "offset", "single"}
_OF_A_DOSE = AMOUNT_KINDS | TIMING_KINDS | {"changes", "stop", "doubts"}
_OF_A_DAY = frozenset({"part", "clock", "meals"})


def about_taking(found: Sequence[Token]) -> list[Token]:
    """The tokens without warnings and supplies. Refuses an interval that may belong to either the dose or the supply."""
    return _without_supplies([token for sentence in _sentences(found) for token in _without_warnings(sentence)])


def _sentences(found: Sequence[Token]) -> Iterator[list[Token]]:
    sentence: list[Token] = []
    for token in found:
        sentence.append(token)
        if token.kind == "sentence":
            yield sentence
            sentence = []
    if sentence:
        yield sentence


# Warnings -----------------------------------------------------------------------------------------------------------------


def _without_warnings(sentence: list[Token]) -> list[Token]:
    """The sentence without its warnings. A condition that leads to one goes with it: "if dizzy, do not drive"."""
    condition = next((at for at, token in enumerate(sentence) if token.kind == "if"), None)
    if _supplied_if(sentence):
        return [Token("sentence")]
    if condition is None:
        return [token for token in sentence if token.kind != "warning"]
    after = sentence[condition + 1 :]
    if any(token.kind == "warning" for token in after) and not _says_a_dose(after):
        return [*_without_warnings(sentence[:condition]), Token("sentence")]
    if not _says_a_dose(sentence) and any(token.kind == "word" for token in after):
        raise Unreadable(UNKNOWN_WORDS, silent=True)
    return [token for token in sentence if token.kind != "warning"]


def _supplied_if(sentence: Sequence[Token]) -> bool:
    """Whether a sentence says when something else than a dose is done: "refill as needed", "call if anxious"."""
    first = next((token.kind for token in sentence if token.kind in SUPPLY | {"if", "as_needed"}), "")
    return first in SUPPLY and not any(token.kind in _OF_A_DOSE for token in sentence)


def _says_a_dose(part: Sequence[Token]) -> bool:
    return any(token.kind in AMOUNT_KINDS | TIMING_KINDS | {"changes", "stop", "as_needed"} for token in part)


# Supplies -----------------------------------------------------------------------------------------------------------------


def _without_supplies(found: Sequence[Token]) -> list[Token]:
    kept: list[Token] = []
    met = days_go_on = open_supply = False
    for clause in _clauses(found):
        at = next((index for index, token in enumerate(clause) if token.kind in SUPPLY), None)
        if at is not None:
            kept += [*_before(clause[:at], clause[at:]), Token("comma")]
            _check(clause[at:])
            met, days_go_on = True, clause[-1].kind == "weekdays"
            open_supply = clause[at].kind != "starts" and all(token.low is None for token in clause[at:])
            continue
        if clause[0].kind in {"as_needed", "if"} and open_supply:
            raise Unreadable(INTERVAL_UNCLEAR)
        if met and days_go_on and _only_weekdays(clause):
            continue
        if met and _timed_alone(clause):
            raise Unreadable(INTERVAL_UNCLEAR)
        days_go_on = days_go_on and clause[-1].kind in {"sentence", "comma"} and len(clause) == 1
        kept += clause
        open_supply = False
    return kept


def _clauses(found: Sequence[Token]) -> Iterator[list[Token]]:
    clause: list[Token] = []
    for token in found:
        if token.kind in _BREAKS and clause:
            yield clause
            clause = []
        clause.append(token)
    if clause:
        yield clause


def _only_weekdays(clause: Sequence[Token]) -> bool:
    kinds = {token.kind for token in clause}
    return "weekdays" in kinds and kinds <= QUIET | {"weekdays", "and"}


def _timed_alone(clause: Sequence[Token]) -> bool:
    """Whether a clause says when, and neither how much nor that it is taken."""
    kinds = {token.kind for token in clause}
    return bool(kinds & TIMING_KINDS) and not kinds & (AMOUNT_KINDS | {"take", "then", "change_to", "most", "up_to"})


def _before(before: list[Token], supply: Sequence[Token]) -> list[Token]:
    """What stands before a word of supply in its clause, without an interval of the supply ("weekly pill box")."""
    kinds = [token.kind for token in before if token.kind not in QUIET]
    timed, doses = bool(set(kinds) & TIMING_KINDS), bool(set(kinds) & AMOUNT_KINDS) or "take" in kinds
    timed_after = any(token.kind in TIMING_KINDS for token in supply)
    if supply[0].kind == "places" and doses and (timed or timed_after):
        raise Unreadable(INTERVAL_UNCLEAR)
    if not timed or timed_after or (supply[0].kind not in {"supplied", "places"} and (doses or supply[0].low is not None)):
        return before
    if doses and kinds[-1] not in TIMING_KINDS:
        return before
    if doses:
        raise Unreadable(INTERVAL_UNCLEAR)
    return [token for token in before if token.kind not in TIMING_KINDS]


def _check(supply: Sequence[Token]) -> None:
    """Refuses what follows a word of supply and may be a dose: an amount after an interval, a second amount, a time of day."""
    timed, numbers = False, 0
    for token in supply:
        if token.kind in SUPPLY:
            numbers = 0 if token.low is None else 1
            if token.kind == "starts":
                numbers = 1
        elif token.kind in {"number", "one"}:
            numbers += 1
            if timed or numbers > 1:
                raise Unreadable(INTERVAL_UNCLEAR)
        elif token.kind in _OF_A_DAY or (supply[0].kind == "starts" and token.kind in {"lasts", "span"}):
            raise Unreadable(INTERVAL_UNCLEAR)
        elif token.kind in TIMING_KINDS:
            timed = True
        elif token.kind == "changes":
            raise Unreadable(CHANGES)
        elif token.kind not in _DROPPED:
            raise Unreadable(INTERVAL_UNCLEAR)
