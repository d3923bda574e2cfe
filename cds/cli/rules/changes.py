"""What differs between two revisions of the rules, each difference as one sentence that a clinician can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from cds.knowledge.checks.unread import ENDINGS
from cds.knowledge.code_systems import TITLES
from cds.knowledge.compared import PARAMETERS, Difference, differences, documents, written
from cds.knowledge.fields import as_day
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar

LONGEST = 140
"""Characters of a text that is quoted whole; of a longer one, what differs with some words around it."""
AROUND = 4
"""Words quoted before and after what differs."""
MOST = 20
"""New or lost rows of one table that are told one by one."""
RULES = ("risk", "advice")
MEANING = ("when", "hooks", "about", "then", "card")
"""What a rule asks, and what it answers then: its version rises with it."""
ENTRIES = {
    "vocabulary.yaml": "fact",
    "evidence.yaml": "source",
    "paces.yaml": "pace",
    "texts.yaml": "text",
    "override-reasons.yaml": "override reason",
    "drugs/agents.yaml": "agent",
    "drugs/equivalents.yaml": "equivalents of",
    "drugs/pharmacokinetics.yaml": "plasma levels of",
    "drugs/adjuncts.yaml": "what helps alongside:",
    "value-sets/index.yaml": "value set",
}
"""Files of entries under one key, and what an entry is."""
TABLES = {
    "drugs/products.csv": "product",
    "drugs/other-drugs.csv": "drug",
    "drugs/names.csv": "name",
    "value-sets/released.csv": "released value set",
    "value-sets/released-codes.csv": "released code",
}
FOLDERS = {"sites": "site", "sheet": "patient's sheet", "value-sets": "value set"}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `begins` is the first day on which it can be seen, where it is of a number or a rule that has one."""

    what: str
    name: str
    says: str
    begins: date | None = None

    def as_json(self) -> dict[str, str | None]:
        return {
            "what": self.what,
            "name": self.name,
            "says": self.says,
            "begins": self.begins.isoformat() if self.begins else None,
        }


def changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[Change]:
    """Every difference between two sets of rule files: numbers first, then rules, then the rest by file."""
    same = {name for name in before.keys() & after.keys() if before[name] == after[name] and not name.startswith(PARAMETERS)}
    left = [{name: content for name, content in each.items() if name not in same} for each in (before, after)]
    return told(documents(left[0]), documents(left[1]))


def told(old: Mapping[str, Node], new: Mapping[str, Node]) -> list[Change]:
    """Every difference between two sets of documents."""
    found: list[tuple[int, list[Change]]] = []
    for file, held in groupby(differences(old, new), key=lambda one: one.file):
        each = list(held)
        kind = file.split("/")[0]
        if file != PARAMETERS and not file.endswith(ENDINGS):
            now = "is gone" if each[0].now is None and not each[0].path else "is there, and nothing reads it"
            found.append((1, [Change("file", file, f"file {file} {now}")]))
        elif file == PARAMETERS:
            found.append((0, list(_parameters(each, old.get(PARAMETERS), new.get(PARAMETERS)))))
        elif kind in RULES and file != "advice/order.yaml":
            found.append((1, list(_rule(file, kind, each, new.get(file, old.get(file))))))
        elif file.endswith(".csv"):
            found.append((3, list(_table(file, each))))
        else:
            found.append((2, [_of_entry(one) for one in each]))
    return [change for _, held in sorted(found, key=lambda one: one[0]) for change in held]


def _parameters(found: Iterable[Difference], old: Node | None, new: Node | None) -> Iterator[Change]:
    for one in found:
        name, *path = one.path
        if not path:
            yield Change("parameter", name, f"{name} is gone" if one.now is None else f"{name} is new: {_content(one.now)}")
        elif path[0] == "values" and len(path) > 1 and path[2:] in ([], ["value"]):
            yield _edition(name, path[1], one, _at(old, name), _at(new, name))
        else:
            yield Change("parameter", name, f"{name}: {_in_words(path)}{_moved(one)}")


def _edition(name: str, since: str, one: Difference, old: Node | None, new: Node | None) -> Change:
    """An edition that was added, removed, or whose value was changed in place."""
    begins = as_day(since, Position("-"), Problems())
    unit = _text(new, "unit")
    if one.now is None:
        return Change("parameter", name, f"{name}: the value from {since} on is gone: {_content(one.was)}")
    means = _text(new, "means")
    about = f"({means[:1].lower()}{means[1:]}, {_text(new, 'values', since, 'cite')})"
    value = _text(new, "values", since, "value")
    if len(one.path) > 2 and one.path[-1] == "value":
        return Change("parameter", name, f"{name}{_moved(one)} {unit}, changed in place {about}", begins)
    held = _at(old, "values")
    earlier = max((key.text for key, _ in held.pairs if key.text < since), default="") if isinstance(held, Pairs) else ""
    was = f"{_text(old, 'values', earlier, 'value')} to " if earlier else ""
    says = _text(new, "values", since, "says")
    return Change("parameter", name, f"{name} {was}{value} {unit} from {since} on {about}{f': {says}' if says else ''}", begins)


def _at(node: Node | None, *path: str) -> Node | None:
    for part in path:
        node = node.get(part) if isinstance(node, Pairs) else None
    return node


def _text(node: Node | None, *path: str) -> str:
    found = _at(node, *path)
    return found.text if isinstance(found, Scalar) else ""


def _rule(file: str, kind: str, found: Sequence[Difference], rule: Node | None) -> Iterator[Change]:
    name = file.removeprefix(f"{kind}/").removesuffix(".yaml")
    day = _text(rule, "in_force", "from")
    begins = as_day(day, Position("-"), Problems()) if day else None
    if not found[0].path:
        now = found[0].now
        says = f"{kind} {name} is gone" if now is None else f"{kind} {name} is new{_headed(now)}"
        yield Change(kind, name, says, begins)
        return
    for one in found:
        yield Change(kind, name, f"{kind} {name} {_of_rule(one)}", begins)
    if any(one.path[0] in MEANING for one in found) and not any(one.path[0] == "version" for one in found):
        yield Change(kind, name, f"{kind} {name} means something else under the same version", begins)


def _headed(node: Node) -> str:
    """` (draft): Falls at 65 and older`"""
    status, title = (node.get(key) if isinstance(node, Pairs) else None for key in ("status", "title"))
    return f" ({written(status)}): {written(title)}" if status and title else f": {_content(node)}"


def _of_rule(one: Difference) -> str:
    head, *rest = one.path
    if head in ("status", "version") and one.was and one.now:
        return f"goes from {'version ' if head == 'version' else ''}{written(one.was)} to {written(one.now)}"
    asked = next((place for place, part in enumerate(one.path) if part == "when"), None)
    if asked is not None and not one.reordered:
        where = f"{_in_words(one.path[:asked])}: " if asked else ""
        group = f"{_in_words(one.path[asked + 1 : asked + 2])}: " if len(one.path) > asked + 1 else ""
        return _asked_otherwise(one, where, group, one.path[asked + 2 :])
    return f"{_in_words([head, *rest])}{_moved(one)}"


def _asked_otherwise(one: Difference, where: str, group: str, fact: Sequence[str]) -> str:
    """`no longer asks: all: age is at least older_adult_age; now asks: ...`"""
    said = []
    for word, node in (("no longer asks", one.was), ("now asks", one.now)):
        if node is not None:
            said.append(f"{where}{word}: {group}{' '.join((*fact, _asked(node)))}")
    return "; ".join(said)


def _asked(node: Node) -> str:
    """A condition or a group of them as a sentence: `age is at least older_adult_age`."""
    if isinstance(node, Items):
        return "; ".join(map(_asked, node.items))
    if isinstance(node, Scalar):
        return node.text
    parts = []
    for key, value in node.pairs:
        if key.text in ("all", "any", "none"):
            parts.append(f"{key.text} of ({_asked(value)})")
        else:
            parts.append(f"{key.text} {_asked(value) if isinstance(value, Pairs) else written(value)}")
    return " and ".join(parts)


def _of_entry(one: Difference) -> Change:
    """A difference in a file of entries, in a site, or in a file of a kind that is not known here."""
    if one.file in ENTRIES and len(one.path) > 1:
        what, name, path = ENTRIES[one.file], one.path[1], one.path[2:]
    else:
        folder, _, stem = one.file.removesuffix(".yaml").rpartition("/")
        what, name, path = FOLDERS.get(folder, "file"), stem if folder in FOLDERS else one.file, one.path
    if one.file == "advice/order.yaml" and one.reordered and isinstance(one.now, Items):
        return Change("order", one.file, f"cards stand in another order: {', '.join(map(written, one.now.items))}")
    if path:
        return Change(what, name, f"{what} {name}: {_in_words(path)}{_moved(one)}")
    if one.was is not None and one.now is not None:
        return Change(what, name, f"{what} {name}{'' if one.reordered else ':'}{_moved(one)}")
    if one.now is None:
        return Change(what, name, f"{what} {name} is gone")
    said = _headed(one.now) if what == "site" else f": {_content(one.now)}" if one.path else ""
    return Change(what, name, f"{what} {name} is new{said}")


def _table(file: str, found: Sequence[Difference]) -> Iterator[Change]:
    """Cells that are other than before, then rows that are gone, then new ones."""
    folder, _, stem = file.removesuffix(".csv").rpartition("/")
    what = TABLES.get(file) or (f"{FOLDERS[folder]} {stem}" if folder in FOLDERS else f"file {file}")
    whole = file not in TABLES
    if not found[0].path:
        yield Change("table", file, f"{what if whole else file} is {'gone' if found[0].now is None else 'new'}{_rows(found[0])}")
        return
    for one in (one for one in found if len(one.path) > 1):
        yield Change("table", file, f"{what} {_row(one.path[0])}: {_in_words(one.path[1:])}{_moved(one)}")
    for lost in (True, False):
        rows = [one for one in found if len(one.path) == 1 and (one.now is None) == lost]
        for one in rows[:MOST]:
            row = _row(one.path[0])
            said = f"{what} {'loses' if lost else 'gains'} {row}" if whole else f"{what} {row} is {'gone' if lost else 'new'}"
            yield Change("table", file, f"{said}: {_content(one.was if lost else one.now)}")
        if len(rows) > MOST:
            yield Change("table", file, f"{file} {'loses' if lost else 'gains'} {len(rows) - MOST} rows more")


def _rows(one: Difference) -> str:
    node = one.was if one.now is None else one.now
    return f", with {len(node.pairs)} rows" if isinstance(node, Pairs) else ""


def _row(label: str) -> str:
    system, _, code = label.partition(" ")
    return f"{TITLES[system]} {code}" if system in TITLES else label


def _content(node: Node | None) -> str:
    """What an entry says, in one line: `value 70, cite local-default`."""
    if isinstance(node, Pairs):
        parts = (f"{_in_words([key.text])} {_content(value)}" for key, value in node.pairs if key.text != "system")
        return ", ".join(parts)
    return "; ".join(map(_content, node.items)) if isinstance(node, Items) else written(node)


def _in_words(path: Sequence[str]) -> str:
    return ", ".join(part.replace("_", " ") for part in path)


def _moved(one: Difference) -> str:
    """How a value moved: ` 25 to 20`, ` now also: x`, ` no longer: x`."""
    if one.reordered:
        return " stand in another order"
    if one.was is None:
        return f" now says: {_content(one.now)}"
    if one.now is None:
        return f" no longer says: {_content(one.was)}"
    was, now = _content(one.was), _content(one.now)
    if was == now:
        return " is written as another kind of value"
    if max(len(was), len(now)) > LONGEST:
        was, now = _apart(was, now)
    return f" {was or 'nothing'} to {now or 'nothing'}"


def _apart(was: str, now: str) -> tuple[str, str]:
    """Two long texts, each from a little before to a little after where they differ."""
    before, after = was.split(" "), now.split(" ")
    most = min(len(before), len(after))
    first = next((place for place in range(most) if before[place] != after[place]), most)
    last = next((place for place in range(most - first) if before[-1 - place] != after[-1 - place]), most - first)
    return _excerpt(before, first, last), _excerpt(after, first, last)


def _excerpt(words: Sequence[str], first: int, last: int) -> str:
    start, end = max(0, first - AROUND), min(len(words), len(words) - last + AROUND)
    middle = " ".join(words[start:end])
    return f"`{'... ' if start else ''}{middle}{' ...' if end < len(words) else ''}`"
