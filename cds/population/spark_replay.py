"""A replay on Apache Spark: the same function of one patient over an export of any size, the same rows.

PySpark is an extra, and needs Java. Lines are read where they lie; the shuffle, which spills to disk, brings those of one patient
together; each worker process loads the rules once. Spark numbers no lines, so `line` is 0 in its rows.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from cds.engine.engine import Engine
from cds.errors import CdsError
from cds.fhir.json_access import Json
from cds.population.bulk_export import KEPT, SHARED, Line, read_line
from cds.population.calls import ReplayPeriod, Stored
from cds.population.export_replay import Book
from cds.population.order_rows import COLUMNS
from cds.population.patient_replay import Tally, replay_patient
from cds.population.results import RUN, write_run
from cds.population.staging import by_reference

ORDERS = "orders.parquet"
TYPES = {
    "VARCHAR": "string",
    "DATE": "date",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "VARCHAR[]": "array<string>",
}


class NoSpark(CdsError):
    """PySpark or Java is not there."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Spark runs: `master` as Spark writes it, and into how many parts patients are divided."""

    master: str = "local[*]"
    parts: int = 64


def replay_on_spark(export: str, out: Path, book: Book, period: ReplayPeriod, cluster: Cluster) -> dict[str, Any]:
    """Replays an export and writes `orders.parquet`, a folder of parts; returns what `run.json` holds."""
    session = _session(cluster)
    try:
        context = session.sparkContext
        lines = session.read.option("recursiveFileLookup", "true").text(export).rdd.map(lambda row: row[0])
        read = lines.flatMap(_read).cache()
        types = dict(read.map(lambda line: line.type or "broken").countByValue())
        given = context.broadcast(frozenset(types))
        shared = context.broadcast(by_reference(read.filter(_is_shared).map(_shared).collect()))
        own = read.filter(_is_of_patient).map(lambda line: (line.patient, (line.type, line.id, line.json)))
        grouped = own.groupByKey(cluster.parts)
        decided = grouped.mapPartitions(lambda patients: _decided(patients, given.value, shared.value, book, period)).cache()
        schema = ", ".join(f"{name} {TYPES[type]}" for name, (type, _) in COLUMNS.items())
        rows = decided.flatMap(lambda each: each[0])
        table = session.createDataFrame(rows.map(_as_tuple), schema)
        table.write.mode("overwrite").parquet(str(out / ORDERS))
        tally = Tally()
        for met in decided.map(lambda each: each[1]).toLocalIterator():
            tally.add(Tally(**met))
        told = {"rules": book.knowledge().revision, "rows": rows.count(), "types": dict(sorted(types.items()))} | asdict(tally)
        write_run(told, out / RUN)
        return told
    finally:
        session.stop()


def _session(cluster: Cluster) -> Any:
    try:
        sql = importlib.import_module("pyspark.sql")
    except ImportError:
        raise NoSpark("PySpark is not installed. Install it: pip install 'taper-cds[spark]'; it needs Java 17 too.") from None
    if cluster.master.startswith("local"):  # its workers are processes of this machine: they need the packages of this one
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = sql.SparkSession.builder.master(cluster.master).appName("taper-cds").config("spark.ui.enabled", "false")
    try:
        return builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    except Exception as error:
        raise NoSpark(f"Spark could not be started at {cluster.master} ({type(error).__name__}). Is there Java 17?") from error


def _read(text: str) -> Iterator[Line]:
    raw = text.encode().strip()
    if raw:
        yield read_line(raw, 0)


def _is_shared(line: Line) -> bool:
    return line.type in SHARED and line.broken is None


def _shared(line: Line) -> tuple[str, str, Json]:
    return line.patient, line.type, orjson.loads(line.json)


def _is_of_patient(line: Line) -> bool:
    return line.type in KEPT - SHARED and line.broken is None


@cache
def _engine(book: Book) -> Engine:
    """The engine of a worker process."""
    return Engine(book.knowledge())


def _decided(
    patients: Iterable[tuple[str, Iterable[tuple[str, str, bytes]]]],
    given: frozenset[str],
    shared: dict[str, Json],
    book: Book,
    period: ReplayPeriod,
) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
    engine = _engine(book)
    for patient, lines in patients:
        tally = Tally()
        stored = [Stored(type, id, "", 0, orjson.loads(json)) for type, id, json in lines]
        yield replay_patient(patient, stored, given, shared, engine, period, tally), asdict(tally)


def _as_tuple(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(date.fromisoformat(row[name]) if name == "day" else row[name] for name in COLUMNS)
