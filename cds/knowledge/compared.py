"""What differs between two sets of rule files, leaf by leaf: it knows no kind of file, so that none can be left out."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cds.knowledge.position import Position
from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar, read

LABELS = ("name", "cite", "source", "group", "form", "agent", "id")
"""The keys by which an entry of a list is found again."""
ROW_KEYS = (("system", "code"), ("id",), ("name",))
"""The columns by which a row of a table is found again."""
PARAMETERS = "parameters/"
RANKED = ("paces.yaml",)
"""Files in which the order of a mapping's keys means something."""
COMMENT = "#"


@dataclass(frozen=True, slots=True)
class Difference:
    """One leaf, entry or file that is other than before: None where it is missing; of a list perhaps its order alone."""

    file: str
    path: tuple[str, ...]
    was: Node | None
    now: Node | None
    reordered: bool = False


def differences(old: Mapping[str, Node], new: Mapping[str, Node]) -> Iterator[Difference]:
    """Every difference between two sets of documents, by file. Comments and layout are none."""
    for file in sorted(old.keys() | new.keys()):
        yield from _between(file, (), old.get(file), new.get(file))


def written(node: Node | None) -> str:
    """A node in one line, the same for the same content."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Items):
        return f"[{', '.join(map(written, node.items))}]"
    return "" if node is None else f"{{{', '.join(f'{key.text}: {written(value)}' for key, value in node.pairs)}}}"


def documents(files: Mapping[str, bytes]) -> dict[str, Node]:
    """Each file as a tree. The parameters of all files are one tree: in which file one stands means nothing."""
    found: dict[str, Node] = {}
    numbers: dict[str, tuple[Scalar, Node]] = {}
    for name in sorted(files):
        node = _table(name, files[name]) if name.endswith(".csv") else _document(name, files[name])
        if name.startswith(PARAMETERS) and isinstance(node, Pairs):
            numbers |= {key.text: (key, value) for key, value in node.pairs}
        else:
            found[name] = node
    if numbers:
        found[PARAMETERS] = _pairs(Position(f"rules/{PARAMETERS}"), *numbers.values())
    return found


def _document(name: str, content: bytes) -> Node:
    """A YAML file as a tree; where it can't be read, its lines."""
    node = read(name, content, Problems()) if name.endswith(".yaml") else None
    if node is not None:
        return node
    lines = enumerate(content.decode("utf-8", errors="backslashreplace").splitlines(), 1)
    kept = (Scalar(line.strip(), Position(name, place)) for place, line in lines if line.strip()[:1] not in ("", COMMENT))
    return Items(tuple(kept), Position(name))


def _table(name: str, content: bytes) -> Pairs:
    """A table as a tree: its rows by what tells them apart, each with its cells."""
    reader = csv.reader(io.StringIO(content.decode("utf-8", errors="backslashreplace"), newline=""))
    head = next(reader, [])
    keys = next((keys for keys in ROW_KEYS if {*keys} <= {*head}), ())
    seen: Counter[str] = Counter()
    found = []
    for row in reader:
        at = Position(name, reader.line_num)
        cells = [(head[place] if place < len(head) else f"column {place + 1}", cell) for place, cell in enumerate(row)]
        label = " ".join(cell for column, cell in cells if column in keys) or " ".join(row)
        seen[label] += 1
        label += f" ({seen[label]})" if seen[label] > 1 else ""
        held = _pairs(at, *((Scalar(column, at), Scalar(cell, at)) for column, cell in cells if cell))
        found.append((Scalar(label, at), held))
    return _pairs(Position(name), *found)


def _pairs(at: Position, *pairs: tuple[Scalar, Node]) -> Pairs:
    return Pairs(pairs, at, {key.text: value for key, value in pairs})


def _between(file: str, path: tuple[str, ...], was: Node | None, now: Node | None) -> Iterator[Difference]:
    if isinstance(was, Pairs) and isinstance(now, Pairs):
        names = [key.text for key, _ in was.pairs]
        for name in [*names, *(key.text for key, _ in now.pairs if key.text not in was.index)]:
            yield from _between(file, (*path, name), was.get(name), now.get(name))
        order = [[key.text for key, _ in each.pairs if key.text in other.index] for each, other in ((was, now), (now, was))]
        if file in RANKED and order[0] != order[1]:
            yield Difference(file, path, was, now, reordered=True)
    elif isinstance(was, Items) and isinstance(now, Items):
        yield from _lists(file, path, was, now)
    elif written(was) != written(now) or (was is None) != (now is None):
        yield Difference(file, path, was, now)


def _lists(file: str, path: tuple[str, ...], was: Items, now: Items) -> Iterator[Difference]:
    less, more = _without(was.items, now.items), _without(now.items, was.items)
    if not less and not more and [*map(written, was.items)] != [*map(written, now.items)]:
        yield Difference(file, path, was, now, reordered=True)
    for one, other in _paired(less, more):
        less.remove(one)
        more.remove(other)
        yield from _between(file, (*path, *([_label(one)] if _label(one) else [])), one, other)
    yield from (Difference(file, path, one, None) for one in less)
    yield from (Difference(file, path, None, one) for one in more)


def _without(items: tuple[Node, ...], others: tuple[Node, ...]) -> list[Node]:
    """The entries that the other list does not hold as often."""
    spare = Counter(map(written, others))
    kept = []
    for item in items:
        spare[written(item)] -= 1
        if spare[written(item)] < 0:
            kept.append(item)
    return kept


def _paired(less: list[Node], more: list[Node]) -> list[tuple[Node, Node]]:
    """Which entry became which: those of one label; without any, one that took the place of another."""
    if len(less) == len(more) == 1:
        return [(less[0], more[0])]
    left = list(more)
    found = []
    for one in less:
        other = next((each for each in left if _label(one) and _label(each) == _label(one)), None)
        if other is not None:
            left.remove(other)
            found.append((one, other))
    return found


def _label(node: Node) -> str:
    if not isinstance(node, Pairs):
        return ""
    labels = (node.get(key) for key in LABELS)
    return next((label.text for label in labels if isinstance(label, Scalar)), "")
