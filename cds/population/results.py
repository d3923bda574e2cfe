"""The results of a replay: Parquet tables with documented columns, the same bytes for the same export and rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import orjson

from cds.errors import CdsError
from cds.population.order_rows import COLUMNS, Row

ORDERS, BROKEN, RUN = "orders.parquet", "broken.parquet", "run.json"
FORMAT = 1
"""Of the results; counted up when a column changes its meaning."""
BY_FILE_AND_LINE: Mapping[str, tuple[str, str]] = {
    "file": ("VARCHAR", "The file of the export"),
    "line": ("BIGINT", "The line in it, from 1"),
    "reason": ("VARCHAR", "Why it could not be used"),
}
"""Name, type and meaning of each column of `broken.parquet`."""
LONGEST_ROW = 4_000_000
HOW = "Give the folder that `cds population replay --out` wrote."


class NoResults(CdsError):
    """A folder that holds no results of a replay."""


def as_line(row: Row) -> bytes:
    """One row as a line of a part."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def write_orders(parts: Path, out: Path, memory: str) -> int:
    """Writes the orders of all parts as one table, sorted, and returns how many there are."""
    columns = ", ".join(f"'{name}': '{type}'" for name, (type, _) in COLUMNS.items())
    options = f"format = 'newline_delimited', columns = {{{columns}}}, maximum_object_size = {LONGEST_ROW}"
    source = f"read_json('{_quoted(parts)}/*.ndjson', {options})"
    return _write(f"SELECT * FROM {source} ORDER BY patient, day, hook, place, file, line, agent", out, memory)


def write_broken(broken: Iterable[tuple[str, int, str]], out: Path, work: Path) -> None:
    """Writes the list of broken lines."""
    listed = work / "broken.ndjson"
    listed.write_bytes(b"".join(as_line(dict(zip(BY_FILE_AND_LINE, each, strict=True))) for each in broken))
    columns = ", ".join(f"'{name}': '{type}'" for name, (type, _) in BY_FILE_AND_LINE.items())
    source = f"read_json('{_quoted(listed)}', format = 'newline_delimited', columns = {{{columns}}})"
    _write(f"SELECT * FROM {source} ORDER BY file, line", out, "256MB")
    listed.unlink()


def _write(query: str, out: Path, memory: str) -> int:
    """Writes a query's rows. One thread, so that row groups are cut the same way each time."""
    unfinished = out.with_name(f".{out.name}")
    with duckdb.connect(
        config={"threads": 1, "memory_limit": memory, "temp_directory": str(out.parent / ".sorting")}
    ) as connection:
        connection.execute(f"COPY ({query}) TO '{_quoted(unfinished)}' (FORMAT parquet, COMPRESSION zstd)")
        counted = connection.execute(f"SELECT count(*) FROM read_parquet('{_quoted(unfinished)}')").fetchall()
    unfinished.replace(out)
    return int(counted[0][0])


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def write_run(told: Mapping[str, Any], out: Path) -> None:
    """Writes what was replayed: last of all, so that results without it are not whole."""
    unfinished = out.with_name(f".{out.name}")
    unfinished.write_text(json.dumps({"format": FORMAT, **told}, indent=2, sort_keys=True) + "\n")
    unfinished.replace(out)


class Results:
    """The results of one replay, asked with SQL: the table `orders` and `broken`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / RUN).is_file() or not (folder / ORDERS).exists():
            raise NoResults(f"{folder}: there are no whole results of a replay. {HOW}")
        self.run: dict[str, Any] = json.loads((folder / RUN).read_text())
        if self.run.get("format") != FORMAT:
            raise NoResults(f"{folder}: results of format {self.run.get('format')}; expected {FORMAT}. Replay the export again.")
        self.connection = duckdb.connect(config={"threads": 2})
        self.connection.execute(f"CREATE VIEW orders AS SELECT * FROM read_parquet('{self.orders}')")
        if (folder / BROKEN).is_file():
            self.connection.execute(f"CREATE VIEW broken AS SELECT * FROM read_parquet('{_quoted(folder / BROKEN)}')")

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    @property
    def orders(self) -> str:
        """Where the orders are, for SQL: one file, or the parts that a cluster wrote."""
        place = _quoted(self.folder / ORDERS)
        return f"{place}/*.parquet" if (self.folder / ORDERS).is_dir() else place

    def all(self, query: str, parameters: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.execute(query, list(parameters)).fetchall()
