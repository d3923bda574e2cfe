"""Ranges of weekdays in a sig: "Mon-Fri" is five days, "Mon-Wed-Fri" and "Mon/Fri" are lists."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from cds.fhir.dosage.sig_words import Token
from cds.fhir.dosage.unreadable import Unreadable
from cds.knowledge.files.dosing import Dosing

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNCLEAR = "It could not be told on which days of the week the dose is taken."
_TO = {"to", "until", "til", "till", "'til"}


def with_ranges(found: Sequence[Token], dosing: Dosing) -> list[Token]:
    """The tokens, each range of weekdays as one. A chain with "to", or of both, can't be told and is refused."""
    kept: list[Token] = []
    tokens = [_letters(token, dosing) for token in found]
    place = 0
    while place < len(tokens):
        days, signs, end = _chain(tokens, place, dosing)
        if not signs or (tokens[place].kind == "word" and len(days) < 2):
            kept.append(tokens[place])
            place += 1
            continue
        kept.append(_meant(days, signs))
        place = end
    return kept


def _letters(token: Token, dosing: Dosing) -> Token:
    """A word such as "m-f" as the days between its ends."""
    letters = token.text.split("-") if token.kind == "word" else []
    if len(letters) == 2 and all(letter in dosing.letters for letter in letters):
        return Token("weekdays", _between(dosing.letters[letters[0]], dosing.letters[letters[1]]), text=token.text)
    return token


def _chain(tokens: Sequence[Token], place: int, dosing: Dosing) -> tuple[list[str], list[str], int]:
    """The days from a place on with the signs between them, and the place after them."""
    first = _day(tokens, place, dosing)
    if first is None:
        return [], [], place
    days, signs = [first], []
    while (sign := _sign(tokens, place + 1)) and (day := _day(tokens, place + 2, dosing)):
        days.append(day)
        signs.append(sign)
        place += 2
    return days, signs, place + 1


def _day(tokens: Sequence[Token], place: int, dosing: Dosing) -> str | None:
    """The one day that a token names, by its name or, in a range, its letter."""
    if place >= len(tokens):
        return None
    token = tokens[place]
    if token.kind == "weekdays" and len(token.value) == 1:
        return str(token.value[0])
    return dosing.letters.get(token.text) if token.kind == "word" else None


def _sign(tokens: Sequence[Token], place: int) -> str | None:
    if place >= len(tokens):
        return None
    token = tokens[place]
    if token.kind == "through" or (token.kind in {"or", "doubts"} and token.text in _TO):
        return "to"
    return token.text if token.text == "/" or (token.kind == "comma" and token.text == "-") else None


def _meant(days: Sequence[str], signs: Sequence[str]) -> Token:
    if set(signs) == {"/"}:
        return Token("weekdays", tuple(days), text="/".join(days))
    if len(days) == 2:
        return Token("weekdays", _between(*days), text="-".join(days))
    if set(signs) == {"-"} and all(WEEK.index(one) < WEEK.index(other) for one, other in pairwise(days)):
        return Token("weekdays", tuple(days), text="-".join(days))
    raise Unreadable(UNCLEAR)


def _between(first: str, last: str) -> tuple[str, ...]:
    """The days from one to another, over the end of the week where they run so."""
    if first == last:
        raise Unreadable(UNCLEAR)
    start = WEEK.index(first)
    length = (WEEK.index(last) - start) % len(WEEK) + 1
    return tuple(WEEK[(start + day) % len(WEEK)] for day in range(length))
