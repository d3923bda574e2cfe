"""The fields of one mapping in a rule file, read with their types; what is wrong becomes a problem and a harmless default."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from decimal import Decimal

from cds.core.quantity import Quantity
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed, nearest
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar

NUMBER = re.compile(r"-?\d+(\.\d+)?")
AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?)(?: (\S.*))?")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Fields:
    """A mapping whose keys are all among `required` and `optional`. Any other key, and a missing one, is a problem."""

    def __init__(self, node: Node | None, problems: Problems, required: Collection[str], optional: Collection[str] = ()) -> None:
        self.problems = problems
        self.position = node.position if node else Position("-")
        self.pairs = node.index if isinstance(node, Pairs) else {}
        self.keys = {key.text: key.position for key, _ in node.pairs} if isinstance(node, Pairs) else {}
        if node is None:
            return  # that it is missing was told where it should stand
        if not isinstance(node, Pairs):
            problems.add("RULE022", self.position, f"{kind(node)} stands here.", f"Expected: {listed(required)}.")
            return
        allowed = [*required, *optional]
        for key, position in self.keys.items():
            if key not in allowed:
                do = nearest(key, allowed)
                problems.add("RULE020", position, f"`{key}` is no key that is known here.", f"Known: {listed(allowed)}.", do)
        for key in required:
            if key not in self.keys:
                problems.add("RULE021", self.position, f"`{key}` is missing.", "", f"Add `{key}:`.")

    def at(self, key: str) -> Position:
        """Where the key's value stands."""
        node = self.pairs.get(key)
        return node.position if node else self.keys.get(key, self.position)

    def node(self, key: str) -> Node | None:
        return self.pairs.get(key)

    def text(self, key: str, default: str = "") -> str:
        found = self.optional_text(key)
        return default if found is None else found

    def optional_text(self, key: str) -> str | None:
        node = self.pairs.get(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or not node.text.strip():
            self.problems.add("RULE022", node.position, f"`{key}` is {kind(node)}.", "Expected: a text.")
            return None
        return node.text.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(node.text for node in self.scalars(key))

    def scalars(self, key: str) -> tuple[Scalar, ...]:
        """The texts of a list, each with its position."""
        found = []
        for node in self.items(key):
            if isinstance(node, Scalar) and node.text.strip():
                found.append(node)
            else:
                self.problems.add("RULE022", node.position, f"{kind(node)} stands in `{key}`.", "Expected: a text.")
        return tuple(found)

    def items(self, key: str) -> tuple[Node, ...]:
        node = self.pairs.get(key)
        if node is None:
            return ()
        if not isinstance(node, Items):
            self.problems.add("RULE022", node.position, f"`{key}` is {kind(node)}.", "Expected: a list.")
            return ()
        return node.items

    def one_of(self, key: str, choices: Collection[str]) -> str | None:
        """The key's text where it is one of the choices."""
        text = self.optional_text(key)
        if text is None or text in choices:
            return text
        seen = f"`{key}` is `{text}`."
        self.problems.add("RULE023", self.at(key), seen, f"Expected one of: {listed(choices)}.", nearest(text, choices))
        return None

    def each_of(self, key: str, choices: Collection[str], code: str = "RULE023") -> tuple[str, ...]:
        """The texts of a list, each of which must be one of the choices."""
        found = []
        for node in self.scalars(key):
            if node.text in choices:
                found.append(node.text)
            else:
                seen, expected = f"`{node.text}` stands in `{key}`.", f"Expected any of: {listed(choices)}."
                self.problems.add(code, node.position, seen, expected, nearest(node.text, choices))
        return tuple(found)

    def yes_no(self, key: str) -> bool:
        return self.one_of(key, ("yes", "no")) == "yes"

    def day(self, key: str) -> date | None:
        text = self.optional_text(key)
        return None if text is None else as_day(text, self.at(key), self.problems)

    def whole(self, key: str) -> int:
        text = self.text(key, "1")
        if not text.isdecimal() or int(text) < 1:
            self.problems.add("RULE023", self.at(key), f"`{key}` is `{text}`.", "Expected: a whole number from 1.")
            return 1
        return int(text)


def kind(node: Node | None) -> str:
    """What a node is, in words."""
    if node is None:
        return "nothing"
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Pairs):
        return "a mapping"
    return f"`{node.text}`" if node.text.strip() else "nothing"


def as_day(text: str, position: Position, problems: Problems) -> date | None:
    """The text as a day."""
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    problems.add("RULE023", position, f"`{text}` is no day.", "Expected: a day such as 2026-01-01.")
    return None


def as_amount(text: str) -> tuple[Decimal, str | None] | None:
    """The number and the unit of a text such as `12 mg diazepam`, the unit None where there is none; None for other texts."""
    match = AMOUNT.fullmatch(text)
    return (Decimal(match[1]), match[2]) if match else None


def as_quantity(text: str) -> Quantity | None:
    """A number with a unit, or None."""
    amount = as_amount(text)
    return Quantity(amount[0], amount[1]) if amount and amount[1] else None
