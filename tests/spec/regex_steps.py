"""Counts the steps that a backtracking matcher takes for a pattern: how its work grows is told without a clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from re import _parser  # type: ignore[attr-defined]
from typing import Any


class TooManySteps(Exception):
    """The work of a pattern passed the bound that was set."""


class Steps:
    """Finds a pattern everywhere in a text, as `re.sub` does, and counts each attempt to match one element of it."""

    def __init__(self, pattern: re.Pattern[str], most: int) -> None:
        self.tree: Any = _parser.parse(pattern.pattern, pattern.flags)
        self.folded = bool(pattern.flags & re.IGNORECASE)
        self.most = most
        self.count = 0

    def over(self, text: str) -> int:
        self.text = text.lower() if self.folded else text
        place = 0
        while place <= len(text):
            end = next(self.all(self.tree, 0, place), None)
            place = max(end, place + 1) if end is not None else place + 1
        return self.count

    def all(self, elements: Sequence[Any], index: int, place: int) -> Iterator[int]:
        if index == len(elements):
            yield place
            return
        for end in self.one(elements[index], place):
            yield from self.all(elements, index + 1, end)

    def one(self, element: Any, place: int) -> Iterator[int]:
        self.count += 1
        if self.count > self.most:
            raise TooManySteps(f"{self.count} steps over {len(self.text)} characters")
        name, value = str(element[0]), element[1]
        if name in {"LITERAL", "NOT_LITERAL", "IN", "ANY"}:
            if place < len(self.text) and self.is_one(name, value, self.text[place]):
                yield place + 1
        elif name == "SUBPATTERN":
            yield from self.all(value[3], 0, place)
        elif name == "BRANCH":
            for branch in value[1]:
                yield from self.all(branch, 0, place)
        elif name == "MAX_REPEAT":
            yield from self.repeat(value, place)
        elif name in {"ASSERT", "ASSERT_NOT"}:
            found = self.looks(value, place)
            if found == (name == "ASSERT"):
                yield place
        elif name == "AT":
            if self.at(str(value), place):
                yield place
        else:
            raise NotImplementedError(name)

    def repeat(self, value: Any, place: int) -> Iterator[int]:
        """The longest first. Of one sign at a time the ends are found at once; of several, one after the other."""
        least, most, inner = value
        if len(inner) == 1 and str(inner[0][0]) in {"LITERAL", "NOT_LITERAL", "IN", "ANY"}:
            end = place
            while end - place < int(most) and next(self.one(inner[0], end), None) is not None:
                end += 1
            for last in range(end, place + int(least) - 1, -1):
                self.count += 1
                yield last
            return
        if int(most) > 0:
            for end in self.all(inner, 0, place):
                if end > place:
                    yield from self.repeat((max(int(least) - 1, 0), int(most) - 1, inner), end)
        if int(least) == 0:
            yield place

    def looks(self, value: Any, place: int) -> bool:
        direction, inner = value
        if direction > 0:
            return next(self.all(inner, 0, place), None) is not None
        width = inner.getwidth()[0]
        return place >= width and any(end == place for end in self.all(inner, 0, place - width))

    def at(self, where: str, place: int) -> bool:
        before = place > 0 and _is_word(self.text[place - 1])
        after = place < len(self.text) and _is_word(self.text[place])
        known = {
            "AT_BEGINNING": place == 0,
            "AT_BEGINNING_STRING": place == 0,
            "AT_END": place == len(self.text),
            "AT_END_STRING": place == len(self.text),
            "AT_BOUNDARY": before != after,
            "AT_NON_BOUNDARY": before == after,
        }
        return known[where]

    def is_one(self, name: str, value: Any, sign: str) -> bool:
        if name == "ANY":
            return sign != "\n"
        if name == "LITERAL":
            return ord(sign) == value
        if name == "NOT_LITERAL":
            return ord(sign) != value
        negated = str(value[0][0]) == "NEGATE"
        return any(_is_in(str(kind), item, sign) for kind, item in value if str(kind) != "NEGATE") != negated


def _is_word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


def _is_in(kind: str, item: Any, sign: str) -> bool:
    if kind == "LITERAL":
        return ord(sign) == item
    if kind == "RANGE":
        return item[0] <= ord(sign) <= item[1]
    known = {"DIGIT": sign.isdecimal(), "SPACE": sign.isspace(), "WORD": _is_word(sign)}
    name = str(item).removeprefix("CATEGORY_")
    return not known[name.removeprefix("NOT_")] if name.startswith("NOT_") else known[name]
