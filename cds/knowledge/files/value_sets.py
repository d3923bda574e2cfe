"""Reads the value sets under `rules/value-sets/`, and sees at load when one was emptied or has shrunk."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cds.knowledge.code_systems import ICD_10, ICD_10_CM, LOINC, OIDS, SNOMED
from cds.knowledge.fields import Fields
from cds.knowledge.files.csv_table import rows
from cds.knowledge.model import CodedValue
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed
from cds.knowledge.yaml_text import Pairs, read

FOLDER = "value-sets"
INDEX = f"{FOLDER}/index.yaml"
RELEASED = f"{FOLDER}/released.csv"
RELEASED_CODES = f"{FOLDER}/released-codes.csv"
"""The codes of each set as they were released, by which those that were added or lost are named."""
MOST_NAMED = 10
"""Codes that were added or lost that are named one by one."""
COLUMNS = ("system", "code", "display", "source")
COUNT_COLUMNS, CODE_COLUMNS = ("id", "count", "sha256"), ("id", "system", "code")
SHARED_CODE = re.compile(r"[A-Z]\d[0-9A-Z](\.\d)?")
"""What a code looks like that ICD-10-CM and ICD-10 share: a category, or a category with one digit more."""
OTHER_NAMES = {system: OIDS[system] for system in (ICD_10_CM, ICD_10, SNOMED, LOINC)}


@dataclass(frozen=True)
class ValueSets:
    """The sets by id, and the ids of the sets that each (system, code) is in."""

    value_sets: Mapping[str, tuple[CodedValue, ...]] = field(default_factory=dict)
    codes: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    own: Mapping[str, tuple[CodedValue, ...]] = field(default_factory=dict)
    """The sets as their files hold them."""


def value_sets(files: Mapping[str, bytes], problems: Problems) -> ValueSets:
    """The value sets that the index names. A set without codes, or other than the released one, is a problem."""
    names = list(_indexed(files, problems))
    released = _released(files, problems)
    codes = _released_codes(files, problems)
    sets = {name: _checked(name, files, released, codes.get(name, frozenset()), problems) for name in names}
    for name in sorted(released.keys() - sets.keys()):
        seen = f"the value set {name} was released, and the index doesn't name it."
        problems.add(
            "RULE140", Position(f"rules/{INDEX}"), seen, "", "Put it back, or take it off released.csv if no rule needs it."
        )
    return ValueSets({name: (*held, *_in_icd_10(held)) for name, held in sets.items()}, _codes(sets), sets)


def fingerprint(held: Iterable[CodedValue]) -> str:
    """The hash of a set's codes: displays may be mended without a new release."""
    return hashlib.sha256("\n".join(sorted(f"{row.system} {row.code}" for row in held)).encode()).hexdigest()


def _indexed(files: Mapping[str, bytes], problems: Problems) -> Iterator[str]:
    node = Fields(read(f"rules/{INDEX}", files.get(INDEX, b""), problems), problems, ["value_sets"]).node("value_sets")
    pairs = node.pairs if isinstance(node, Pairs) else ()
    for key, entry in pairs:
        Fields(entry, problems, ["title", "used_for", "source"])
        yield key.text
    known = {f"{FOLDER}/{key.text}.csv" for key, _ in pairs} | {RELEASED, RELEASED_CODES}
    for name in sorted(files):
        if name.startswith(f"{FOLDER}/") and name.endswith(".csv") and name not in known:
            problems.add(
                "RULE010", Position(f"rules/{name}"), "the index doesn't name this value set.", "", "Add it to index.yaml."
            )


def _released(files: Mapping[str, bytes], problems: Problems) -> dict[str, tuple[str, str]]:
    table = rows(files, RELEASED, COUNT_COLUMNS, problems)
    return {row["id"]: (row["count"], row["sha256"]) for _, row in table}


def _released_codes(files: Mapping[str, bytes], problems: Problems) -> dict[str, frozenset[tuple[str, str]]]:
    """The released codes by set. The file may be missing: then it is told that a set differs, and not how."""
    table = rows(files, RELEASED_CODES, CODE_COLUMNS, problems) if RELEASED_CODES in files else ()
    found: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for _, row in table:
        found[row["id"]].add((row["system"], row["code"]))
    return {name: frozenset(codes) for name, codes in found.items()}


def released_files(files: Mapping[str, bytes], names: Iterable[str] | None, problems: Problems) -> dict[str, bytes]:
    """`released.csv` and `released-codes.csv` with the named sets, or all, as they stand now; the others as they were.

    Reports whatever is wrong with the tables but that they are other than released.
    """
    found = Problems()
    held = value_sets(files, found).own
    problems.found += [one for one in found.found if one.code != "RULE140"]
    counts, codes = _released(files, Problems()), _released_codes(files, Problems())
    for name in held if names is None else names:
        counts[name] = (str(len(held[name])), fingerprint(held[name]))
        codes[name] = frozenset((one.system, one.code) for one in held[name])
    there = [name for name in held if name in counts]
    lines = [(name, *counts[name]) for name in there]
    pairs = [(name, *pair) for name in there for pair in sorted(codes.get(name, ()))]
    return {RELEASED: _as_csv([COUNT_COLUMNS, *lines]), RELEASED_CODES: _as_csv([CODE_COLUMNS, *pairs])}


def _as_csv(lines: Iterable[Sequence[str]]) -> bytes:
    held = io.StringIO(newline="")
    csv.writer(held, lineterminator="\n").writerows(lines)
    return held.getvalue().encode()


def _checked(
    name: str,
    files: Mapping[str, bytes],
    released: Mapping[str, tuple[str, str]],
    codes: frozenset[tuple[str, str]],
    problems: Problems,
) -> tuple[CodedValue, ...]:
    """The codes of one set, which must be those that were released."""
    held: dict[tuple[str, str], CodedValue] = {}
    before = len(problems.found)
    for position, row in rows(files, f"{FOLDER}/{name}.csv", COLUMNS, problems):
        if not all(row.values()):
            problems.add("RULE011", position, "a cell is empty.", "Expected: system, code, display and source in each row.")
        if (row["system"], row["code"]) in held:
            problems.add("RULE025", position, f"the code {row['code']} stands here a second time.", "", "Keep one of the two.")
        held[row["system"], row["code"]] = CodedValue(**row)
    found = tuple(held.values())
    count, expected = released.get(name, ("none", ""))
    if len(problems.found) == before and (count, expected) != (str(len(found)), fingerprint(found)):
        where = Position(f"rules/{FOLDER}/{name}.csv")
        seen = (
            f"the value set {name} has {len(found)} codes; released: {count}{'' if count != str(len(found)) else ', other ones'}."
        )
        if codes:
            seen += f" {_apart('Added', held.keys() - codes)} {_apart('Lost', codes - held.keys())}"
        own = f"or write `{name},{len(found)},{fingerprint(found)}` into released.csv"
        do = f"Put the codes back; if the change is meant, run `cds rules release {name}`, {own}."
        problems.add("RULE140", where, seen, "A set that was emptied or has shrunk would silence rules.", do)
    return found


def _apart(what: str, codes: Iterable[tuple[str, str]]) -> str:
    named = sorted(f"{code} of {system}" for system, code in codes)
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"{what}: {listed(named[:MOST_NAMED])}{more}."


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
