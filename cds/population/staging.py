"""An export's resources grouped by patient, out of core: DuckDB sorts them on disk, whatever the files' order and size."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import duckdb
import orjson

from cds.fhir.json_access import Json
from cds.population.bulk_export import KEPT, LONGEST_LINE, SHARED, lines
from cds.population.calls import Stored, medication_reference

DATABASE, SPILL = "resources.duckdb", "spill"
MOST_LISTED = 10_000
"""Broken lines that are listed; all are counted."""
A_BATCH = 15_000
"""Of about as many lines the patients are decided at a time, and written down together."""
SPILLED: Mapping[str, str] = {
    "hash": "UBIGINT",
    "patient": "VARCHAR",
    "type": "VARCHAR",
    "id": "VARCHAR",
    "file": "INTEGER",
    "line": "BIGINT",
    "json": "VARCHAR",
}
SPLITS = "auto_detect = false, header = false, delim = '\t', quote = '', escape = '', new_line = '\\n'"


@dataclass(slots=True)
class FileRead:
    """What was met in one file: lines by type, and those that were broken by reason; `broken` lists them."""

    file: str
    lines: int = 0
    types: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[str, int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Staged:
    """A staged export: its database, the number of batches, and what was met in its files."""

    database: Path
    batches: int
    patients: int
    lines: int
    types: Mapping[str, int]
    reasons: Mapping[str, int]
    broken: tuple[tuple[str, int, str], ...]

    @property
    def given(self) -> frozenset[str]:
        """The types that the export holds."""
        return frozenset(self.types)


def spill(path: Path, name: str, number: int, into: Path) -> FileRead:
    """Writes the lines of one file that are used, each with whose it is, and returns what was met."""
    met = FileRead(name)
    with (into / f"{number:06}.tsv").open("wb", buffering=1 << 20) as out:
        for line in lines(path):
            met.lines += 1
            if line.broken is not None:
                met.reasons[line.broken] += 1
                if len(met.broken) < MOST_LISTED:
                    met.broken.append((name, line.number, line.broken))
                continue
            met.types[line.type] += 1
            if line.type in KEPT and "\t" not in line.patient + line.id:
                hash = int.from_bytes(blake2b(line.patient.encode(), digest_size=8).digest())
                head = f"{hash}\t{line.patient}\t{line.type}\t{line.id}\t{number}\t{line.number}\t"
                out.write(head.encode() + line.json.replace(b"\t", b" ").replace(b"\r", b" ") + b"\n")
    return met


def grouped(read: Sequence[FileRead], work: Path, memory: str, threads: int) -> Staged:
    """The spilled lines in one database, sorted by patient and cut into batches."""
    database = work / DATABASE
    database.unlink(missing_ok=True)
    kept = sum(number for one in read for type, number in one.types.items() if type in KEPT)
    batches = kept // A_BATCH + 1
    columns = ", ".join(f"'{name}': '{type}'" for name, type in SPILLED.items())
    kinds = ", ".join(f"'{kind}'" for kind in sorted(SHARED))
    bounds = f"max_line_size = {LONGEST_LINE * 2}, buffer_size = {LONGEST_LINE * 5}"
    lines = f"read_csv('{_quoted(work / SPILL)}/*.tsv', {SPLITS}, columns = {{{columns}}}, {bounds})"
    with duckdb.connect(str(database)) as connection:
        _bounded(connection, memory, threads, work)
        connection.execute(
            f"CREATE TABLE shared AS SELECT patient, type, json FROM {lines} WHERE type IN ({kinds}) ORDER BY patient, type, json"
        )
        connection.execute(
            f"CREATE TABLE resources AS SELECT (hash % {batches})::INTEGER AS batch, patient, type, id, file, line, json "
            f"FROM {lines} WHERE type NOT IN ({kinds}) ORDER BY batch"
        )
        patients = connection.execute("SELECT count(DISTINCT patient) FROM resources").fetchall()[0][0]
    shutil.rmtree(work / SPILL)
    broken = [each for one in read for each in one.broken][:MOST_LISTED]
    return Staged(
        database,
        batches,
        patients,
        sum(one.lines for one in read),
        dict(sorted(sum((one.types for one in read), Counter()).items())),
        dict(sorted(sum((one.reasons for one in read), Counter()).items())),
        tuple(broken),
    )


def _bounded(connection: duckdb.DuckDBPyConnection, memory: str, threads: int, work: Path) -> None:
    connection.execute(f"SET memory_limit = '{memory}'")
    connection.execute(f"SET threads = {threads}")
    connection.execute(f"SET temp_directory = '{_quoted(work / 'sorting')}'")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


class Batches:
    """The batches of a staged export, as one of several readers sees them."""

    def __init__(self, database: Path, files: Sequence[str]) -> None:
        self._connection = duckdb.connect(str(database), read_only=True, config={"threads": 1, "memory_limit": "512MB"})
        self._files = files

    def close(self) -> None:
        self._connection.close()

    def patients(self, batch: int) -> Iterator[tuple[str, list[Stored]]]:
        """The patients of a batch, each with the resources."""
        found = self._connection.execute("SELECT patient, type, id, file, line, json FROM resources WHERE batch = ? ", [batch])
        by_patient: dict[str, list[Stored]] = {}
        while taken := found.fetchmany(5000):
            for patient, type, id, file, line, json in taken:
                by_patient.setdefault(patient, []).append(Stored(type, id, self._files[file], line, orjson.loads(json)))
        yield from sorted(by_patient.items())

    def shared(self, patients: Iterable[Sequence[Stored]]) -> dict[str, Json]:
        """The medications and practitioners that the resources refer to, by reference; of a practitioner the role too."""
        wanted: set[str] = set()
        for stored in patients:
            for each in stored:
                wanted |= references_of(each.resource)
        if not wanted:
            return {}
        asked = self._connection.execute(
            "SELECT patient, type, json FROM shared WHERE patient IN (SELECT unnest(?)) ORDER BY patient, type, json",
            [sorted(wanted)],
        )
        return by_reference((reference, type, orjson.loads(json)) for reference, type, json in asked.fetchall())


def references_of(resource: Json) -> set[str]:
    """What a patient's resource refers to that is shared."""
    requester = resource.get("requester")
    named = requester.get("reference") if isinstance(requester, dict) else None
    who = "/".join(named.rstrip("/").split("/")[-2:]) if isinstance(named, str) else None
    return {each for each in (medication_reference(resource), who) if each}


def by_reference(found: Iterable[tuple[str, str, Json]]) -> dict[str, Json]:
    """Shared resources by reference; a practitioner's role by `role of` the practitioner."""
    shared: dict[str, Json] = {}
    for reference, type, resource in found:
        shared.setdefault(f"role of {reference}" if type == "PractitionerRole" else reference, resource)
    return shared


Report = Callable[[str, int, int], Any]
"""Told what is going on: a name, how much of it is done, how much there is."""
