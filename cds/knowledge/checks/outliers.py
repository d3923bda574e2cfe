"""Numbers of the drug tables that stand far from their neighbours: a tenfold slip is legal in every other way."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from statistics import median

from cds.core.quantity import plain
from cds.knowledge.fields import as_amount
from cds.knowledge.files.csv_table import number, rows
from cds.knowledge.files.drugs import PRODUCTS
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar, read

FAR, FAR_STRENGTH = 5, 8
"""Times by which an equivalent is apart from the middle of the others, and a strength from every other, when it is told.

What sources really say, and what is really sold, is closer (the shipped tables are tested); a tenfold slip is not.
"""
PRODUCT_FILE, AGENT_FILE, EQUIVALENT_FILE = "drugs/products.csv", "drugs/agents.yaml", "drugs/equivalents.yaml"
IN_NAME = re.compile(r"(\d+(?:\.\d+)?) MG(/ML)?\b", re.IGNORECASE)
TIMES = "Is a point in the wrong place? If it is right, say so in the change: this is a warning."


def check_outliers(files: Mapping[str, bytes], problems: Problems) -> None:
    """Warns of a strength that its product's name does not hold, and of a strength or equivalent far from its neighbours."""
    for (agent, form, part), held in _strengths(files):
        what = f"{agent}, {form}: {part}"
        for (value, at, _), (following, _, _) in pairwise(held):
            if value >= following:
                _tell(what, value, at, [one for one in held if one[1] != at], problems)
        _far_from_every(what, held, problems)
    _check_products(files, problems)
    for agent, held in _equivalents(files):
        for value, at, _ in held:
            others = sorted(other for other, place, _ in held if place != at)
            middle = median(others) if others else value
            if not (middle < value * FAR and value < middle * FAR) and not (others[0] <= value <= others[-1]):
                what = f"{agent}: what equals 10 mg of diazepam"
                _tell(what, value, at, [one for one in held if one[1] != at], problems)


Placed = list[tuple[Decimal, Position, str]]
"""Numbers, each with its place and what it is of."""


def _far_from_every(what: str, held: Placed, problems: Problems) -> None:
    """Tells the lowest or the highest where the next is far from it."""
    values = sorted({value for value, _, _ in held})
    if len(values) < 2:
        return
    far = [high for low, high in (values[-2:],) if high >= FAR_STRENGTH * low]
    far += [low for low, high in (values[:2],) if high >= FAR_STRENGTH * low]
    for value, at, _ in held:
        if value in far:
            _tell(what, value, at, [one for one in held if one[0] != value], problems)


def _tell(what: str, value: Decimal, at: Position, others: Placed, problems: Problems) -> None:
    neighbours = dict.fromkeys(f"{plain(other)}{f' ({label})' if label else ''}" for other, _, label in others)
    problems.warn("RULE214", at, f"{what} is {plain(value)} mg; its neighbours: {listed(neighbours)}.", "", TIMES)


def _strengths(files: Mapping[str, bytes]) -> Iterator[tuple[tuple[str, str, str], Placed]]:
    """The strengths of each agent, form and release of agents.yaml, those of one list together."""
    found: defaultdict[tuple[str, str, str], Placed] = defaultdict(list)
    for agent, node in _entries(files, AGENT_FILE):
        for form in _items(node, "forms"):
            named = f"{_text(form, 'form')}{' of extended release' if _text(form, 'er') == 'yes' else ''}"
            for part in ("strengths", "mg_in_1_mL"):
                for item in _items(form, part):
                    amount = as_amount(item.text) if isinstance(item, Scalar) else None
                    if amount and amount[0] > 0:
                        found[agent, named, part.replace("_", " ")].append((amount[0], item.position, ""))
    yield from found.items()


def _check_products(files: Mapping[str, bytes], problems: Problems) -> None:
    """By what the product's own name says; where it says nothing, by the others of its agent and form."""
    sold: defaultdict[tuple[str, str, str], Placed] = defaultdict(list)
    for at, row in rows(files, PRODUCT_FILE, PRODUCTS, Problems()):
        for column, per_mL in (("strength_mg", False), ("concentration_mg_ml", True)):
            value = number(row[column])
            if value is None or row["partners"]:
                continue
            named = {Decimal(match[1]) for match in IN_NAME.finditer(row["display"]) if bool(match[2]) == per_mL}
            if not named:
                sold[row["agent"], row["form"], column].append((value, at, ""))
            elif value not in named:
                _tell(f"`{row['display']}`: {column}", value, at, [(one, at, "in its name") for one in sorted(named)], problems)
    for (agent, form, column), held in sold.items():
        _far_from_every(f"{agent}, {form}: {column}", held, problems)


def _equivalents(files: Mapping[str, bytes]) -> Iterator[tuple[str, Placed]]:
    for agent, node in _entries(files, EQUIVALENT_FILE):
        for end in ("low", "high"):
            held: Placed = []
            for row in _items(node, "rows"):
                amount = as_amount(_text(row, end))
                if amount and amount[0] > 0:
                    held.append((amount[0], row.position, _text(row, "source")))
            yield agent, held


def _entries(files: Mapping[str, bytes], name: str) -> Iterator[tuple[str, Node]]:
    root = read(f"rules/{name}", files.get(name, b""), Problems())
    held = root.get("agents") if isinstance(root, Pairs) else None
    yield from ((key.text, node) for key, node in held.pairs) if isinstance(held, Pairs) else ()


def _items(node: Node, key: str) -> tuple[Node, ...]:
    held = node.get(key) if isinstance(node, Pairs) else None
    return held.items if isinstance(held, Items) else ()


def _text(node: Node, key: str) -> str:
    held = node.get(key) if isinstance(node, Pairs) else None
    return held.text if isinstance(held, Scalar) else ""
