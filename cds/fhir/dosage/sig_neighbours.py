"""Words of a sig whose meaning hangs on their neighbours: "2 x 1 mg" and "3x1", "at 0900 and 2100", "severe pain (7-10)"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from cds.fhir.dosage.sig_words import Token
from cds.fhir.dosage.unreadable import Unreadable

TIMES_WHAT = "The directions hold two numbers with an x between, and do not say what each counts."
PER_WEEK = "per week"
"""After an amount it is the sum of a week, on no day that is told: read only as the most that may be taken."""
FOUR_DIGITS = re.compile(r"(?:[01]\d|2[0-3])[0-5]\d")
_PER, _WEEK = {"/", "per", "a", "each"}, {"week", "wk"}
_ONE = Decimal(1)
_IN_A_REASON = {"ignore", "word", "reason", "severity"}


def by_neighbours(found: Sequence[Token]) -> list[Token]:
    """The tokens, those that mean another thing beside their neighbours as what they mean there."""
    kept: list[Token] = []
    place = 0
    while place < len(found):
        token, before = found[place], kept[-1].kind if kept else ""
        after = found[place + 1].kind if place + 1 < len(found) else ""
        if token.kind == "single" and token.text.startswith("x") and token.text[-1:] == "1" and before == "number":
            kept += _multiplied(token, after)
        elif token.kind == "number" and _goes_on_a_clock(token, kept):
            kept.append(replace(token, kind="clock", hour=int(token.text[:2])))
        elif token.text in _PER and place + 1 < len(found) and found[place + 1].text in _WEEK:
            kept.append(Token("word", text=PER_WEEK))
            place += 1
        elif _is_rating(found, place, kept):
            place += 2
        else:
            kept.append(token)
        place += 1
    return kept


def _multiplied(token: Token, after: str) -> tuple[Token, ...]:
    """The sign and the number of "x 1" after a number: "2 x 1 mg", else refused."""
    if after != "unit":
        raise Unreadable(TIMES_WHAT)
    one = re.sub(r"[^\d]", "", token.text)
    return Token("x", text="x"), Token("number", low=_ONE, high=_ONE, text=one)


def _goes_on_a_clock(token: Token, before: Sequence[Token]) -> bool:
    """Whether a number goes on a list of times of day: "at 0900 and 2100"."""
    said = [other for other in before[-3:] if other.kind not in {"and", "comma"}]
    clock = said[-1] if said else None
    return clock is not None and clock.kind == "clock" and clock.hour is not None and bool(FOUR_DIGITS.fullmatch(token.text))


def _is_rating(found: Sequence[Token], place: int, before: Sequence[Token]) -> bool:
    """Whether a bracket with a number alone rates a pain that was named ("severe pain (7-10)")."""
    if [token.kind for token in found[place : place + 3]] != ["open", "number", "close"]:
        return False
    for token in reversed(before):
        if token.kind == "severity":
            return True
        if token.kind not in _IN_A_REASON:
            return False
    return False
