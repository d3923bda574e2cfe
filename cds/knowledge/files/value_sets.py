"""Reads the value sets under `rules/value-sets/`, and sees at load when one was emptied or has shrunk."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cds.knowledge.code_systems import ICD_10, ICD_10_CM, LOINC, OIDS, SNOMED
from cds.knowledge.fields import Fields
from cds.knowledge.files.drugs import rows
from cds.knowledge.model import CodedValue
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import Pairs, read

FOLDER = "value-sets"
INDEX = f"{FOLDER}/index.yaml"
RELEASED = f"{FOLDER}/released.csv"
COLUMNS = ("system", "code", "display", "source")
SHARED_CODE = re.compile(r"[A-Z]\d[0-9A-Z](\.\d)?")
"""What a code looks like that ICD-10-CM and ICD-10 share: a category, or a category with one digit more."""
OTHER_NAMES = {system: OIDS[system] for system in (ICD_10_CM, ICD_10, SNOMED, LOINC)}


@dataclass(frozen=True)
class ValueSets:
    """The sets by id, and the ids of the sets that each (system, code) is in."""

    value_sets: Mapping[str, tuple[CodedValue, ...]] = field(default_factory=dict)
    codes: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)


def value_sets(files: Mapping[str, bytes], problems: Problems) -> ValueSets:
    """The value sets that the index names. A set without codes, or other than the released one, is a problem."""
    names = list(_indexed(files, problems))
    released = _released(files, problems)
    sets = {name: _checked(name, files, released, problems) for name in names}
    for name in sorted(released.keys() - sets.keys()):
        seen = f"the value set {name} was released, and the index doesn't name it."
        problems.add(
            "RULE140", Position(f"rules/{INDEX}"), seen, "", "Put it back, or take it off released.csv if no rule needs it."
        )
    return ValueSets({name: (*held, *_in_icd_10(held)) for name, held in sets.items()}, _codes(sets))


def fingerprint(held: Iterable[CodedValue]) -> str:
    """The hash of a set's codes: displays may be mended without a new release."""
    return hashlib.sha256("\n".join(sorted(f"{row.system} {row.code}" for row in held)).encode()).hexdigest()


def _indexed(files: Mapping[str, bytes], problems: Problems) -> Iterator[str]:
    node = Fields(read(f"rules/{INDEX}", files.get(INDEX, b""), problems), problems, ["value_sets"]).node("value_sets")
    pairs = node.pairs if isinstance(node, Pairs) else ()
    for key, entry in pairs:
        Fields(entry, problems, ["title", "used_for", "source"])
        yield key.text
    known = {f"{FOLDER}/{key.text}.csv" for key, _ in pairs} | {RELEASED}
    for name in sorted(files):
        if name.startswith(f"{FOLDER}/") and name.endswith(".csv") and name not in known:
            problems.add(
                "RULE010", Position(f"rules/{name}"), "the index doesn't name this value set.", "", "Add it to index.yaml."
            )


def _released(files: Mapping[str, bytes], problems: Problems) -> dict[str, tuple[str, str]]:
    table = rows(files, RELEASED, ("id", "count", "sha256"), problems)
    return {row["id"]: (row["count"], row["sha256"]) for _, row in table}


def _checked(
    name: str, files: Mapping[str, bytes], released: Mapping[str, tuple[str, str]], problems: Problems
) -> tuple[CodedValue, ...]:
    """The codes of one set, which must be those that were released."""
    held: dict[tuple[str, str], CodedValue] = {}
    for position, row in rows(files, f"{FOLDER}/{name}.csv", COLUMNS, problems):
        if not all(row.values()):
            problems.add("RULE011", position, "a cell is empty.", "Expected: system, code, display and source in each row.")
        if (row["system"], row["code"]) in held:
            problems.add("RULE025", position, f"the code {row['code']} stands here a second time.", "", "Keep one of the two.")
        held[row["system"], row["code"]] = CodedValue(**row)
    found = tuple(held.values())
    count, expected = released.get(name, ("none", ""))
    if (count, expected) != (str(len(found)), fingerprint(found)):
        where = Position(f"rules/{FOLDER}/{name}.csv")
        seen = (
            f"the value set {name} has {len(found)} codes; released: {count}{'' if count != str(len(found)) else ', other ones'}."
        )
        do = f"Put the codes back; if the change is meant, write `{name},{len(found)},{fingerprint(found)}` into released.csv."
        problems.add("RULE140", where, seen, "A set that was emptied or has shrunk would silence rules.", do)
    return found


def _in_icd_10(held: Iterable[CodedValue]) -> Iterator[CodedValue]:
    """The rows under their ICD-10 system too, where ICD-10-CM and ICD-10 share the code."""
    stated = {row.code for row in held if row.system == ICD_10}
    for row in held:
        if row.system == ICD_10_CM and row.code not in stated and SHARED_CODE.fullmatch(row.code):
            yield CodedValue(ICD_10, row.code, row.display, row.source)


def _codes(sets: Mapping[str, tuple[CodedValue, ...]]) -> dict[tuple[str, str], frozenset[str]]:
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for name, held in sets.items():
        for row in (*held, *_in_icd_10(held)):
            found[row.system, row.code].add(name)
            if row.system in OTHER_NAMES:
                found[OTHER_NAMES[row.system], row.code].add(name)
    return {key: frozenset(names) for key, names in found.items()}
