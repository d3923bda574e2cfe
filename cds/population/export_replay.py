"""A replay on one machine: an export is staged, its patients decided by several processes, the results written.

What is done is kept beside the results until they are whole, so that an interrupted replay goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from cds.engine.engine import Engine
from cds.knowledge.model import Knowledge
from cds.knowledge.pack import chosen
from cds.population.bulk_export import NotAnExport, export_files
from cds.population.calls import ReplayPeriod
from cds.population.patient_replay import Tally, as_of, replay_patient
from cds.population.results import BROKEN, ORDERS, RUN, as_line, write_broken, write_orders, write_run
from cds.population.staging import SPILL, Batches, FileRead, Staged, grouped, spill

WORK, PARTS, STAGED, PLAN = ".replay", "parts", "staged.json", "plan.json"
ON_THE_DAY = "on the day"
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and how much there is."""


@dataclass(frozen=True, slots=True)
class Book:
    """The rules of a replay: where they are, the site whose they are, and the day whose edition holds; None: each order's own."""

    rules: Path
    site: str | None
    on: date
    as_of: date | None = None

    def knowledge(self) -> Knowledge:
        read = chosen(self.rules, None, self.site, self.on)
        return as_of(read, self.as_of) if self.as_of else read


@dataclass(frozen=True, slots=True)
class Machine:
    """How much of the machine is used."""

    processes: int
    memory: str = "2GB"


def replay(export: Path, out: Path, book: Book, period: ReplayPeriod, machine: Machine, progress: Progress) -> dict[str, Any]:
    """Replays an export and writes the results; returns what `run.json` holds.

    Refuses: what is no export. An earlier replay of the same that was interrupted goes on.
    """
    files = export_files(export)
    knowledge = book.knowledge()
    plan = _plan(export, files, knowledge.revision, period)
    work = out / WORK
    _begin(work, plan)
    staged = _staged(export, files, work, machine, progress)
    if "MedicationRequest" not in staged.types:
        shutil.rmtree(work)
        seen = ", ".join(f"{number} {type}" for type, number in staged.types.items()) or "no resource that can be read"
        raise NotAnExport(
            f"{export}: seen {seen}; expected MedicationRequest among them: without orders there is nothing to replay."
        )
    task = _Task(staged.database, tuple(_name(export, path) for path in files), staged.given, work, book, period)
    tally = _decide(task, knowledge, staged.batches, machine, progress)
    progress("writing", 0, 1)
    written = write_orders(work / PARTS, out / ORDERS, machine.memory)
    write_broken(staged.broken, out / BROKEN, work)
    told: dict[str, Any] = (
        plan["told"] | {"rows": written, "lines": staged.lines, "types": staged.types, "broken": staged.reasons} | asdict(tally)
    )
    write_run(told, out / RUN)
    shutil.rmtree(work)
    progress("writing", 1, 1)
    return told


def _name(export: Path, path: Path) -> str:
    return path.name if path == export else path.relative_to(export).as_posix()


def _plan(export: Path, files: Sequence[Path], revision: str, period: ReplayPeriod) -> dict[str, Any]:
    """What makes two replays the same one: the files as they are, the rules and the days."""
    told = {
        "rules": revision,
        "from": None if period.first == date.min else period.first.isoformat(),
        "to": None if period.last == date.max else period.last.isoformat(),
        "views": [day.isoformat() for day in period.views],
    }
    stood = [(_name(export, path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return {"told": told, "files": hashlib.sha256(repr(stood).encode()).hexdigest()}


def _begin(work: Path, plan: Mapping[str, Any]) -> None:
    """The work folder of this very replay: one that another left is emptied."""
    noted = work / PLAN
    if noted.is_file() and json.loads(noted.read_text()) == json.loads(json.dumps(plan)):
        return
    if work.exists():
        shutil.rmtree(work)
    (work / PARTS).mkdir(parents=True)
    noted.write_text(json.dumps(plan))


def _staged(export: Path, files: Sequence[Path], work: Path, machine: Machine, progress: Progress) -> Staged:
    """The staged export; what an earlier run had staged whole is taken as it is."""
    noted = work / STAGED
    if noted.is_file():
        kept = json.loads(noted.read_text())
        return Staged(**{**kept, "database": Path(kept["database"]), "broken": tuple(map(tuple, kept["broken"]))})
    shutil.rmtree(work / SPILL, ignore_errors=True)
    (work / SPILL).mkdir()
    read: list[FileRead] = []
    tasks = [(path, _name(export, path), number, work / SPILL) for number, path in enumerate(files)]
    progress("reading", 0, len(files))
    for met in _in_processes(spill, tasks, min(machine.processes, len(files)), sum(path.stat().st_size for path in files)):
        read.append(met)
        progress("reading", len(read), len(files))
    progress("grouping", 0, 1)
    staged = grouped(sorted(read, key=lambda one: one.file), work, machine.memory, machine.processes)
    progress("grouping", 1, 1)
    unfinished = noted.with_suffix(".tmp")
    unfinished.write_text(json.dumps(asdict(staged) | {"database": str(staged.database)}))
    unfinished.replace(noted)
    return staged


SMALL = 20_000_000
"""Bytes of an export that one process reads sooner than others are started."""


def _in_processes(function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], processes: int, size: int) -> Iterator[Any]:
    if processes < 2 or size < SMALL:
        yield from (function(*task) for task in tasks)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(function, *task) for task in tasks]):
            yield done.result()


def _decide(task: _Task, knowledge: Knowledge, batches: int, machine: Machine, progress: Progress) -> Tally:
    """Decides each batch that is not done yet, and returns what was met in all of them."""
    left = [number for number in range(batches) if not _part(task.work, number).is_file()]
    done = batches - len(left)
    progress("deciding", done, batches)
    if machine.processes < 2 or len(left) < 2:
        decider = _Decider(task, knowledge)
        for number in left:
            decider.decide(number)
            done += 1
            progress("deciding", done, batches)
        decider.close()
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(machine.processes, len(left)), context, initializer=_start, initargs=(task,)) as pool:
            for finished in as_completed([pool.submit(_next, number) for number in left]):
                finished.result()
                done += 1
                progress("deciding", done, batches)
    tally = Tally()
    for number in range(batches):
        tally.add(Tally(**json.loads(_tally(task.work, number).read_text())))
    return tally


def _part(work: Path, number: int) -> Path:
    return work / PARTS / f"{number:07}.ndjson"


def _tally(work: Path, number: int) -> Path:
    return work / PARTS / f"{number:07}.json"


@dataclass(frozen=True, slots=True)
class _Task:
    """What a process needs to decide batches."""

    database: Path
    files: tuple[str, ...]
    given: frozenset[str]
    work: Path
    book: Book
    period: ReplayPeriod


class _Decider:
    """Decides batches, one after the other, and writes each down whole: first its tally, then its rows."""

    def __init__(self, task: _Task, knowledge: Knowledge) -> None:
        self._task = task
        self._engine = Engine(knowledge)
        self._batches = Batches(task.database, task.files)

    def close(self) -> None:
        self._batches.close()
        self._engine.close()

    def decide(self, number: int) -> None:
        task, tally = self._task, Tally()
        part = _part(task.work, number)
        unfinished = part.with_suffix(".tmp")
        patients = list(self._batches.patients(number))
        shared = self._batches.shared(stored for _, stored in patients)
        with unfinished.open("wb") as out:
            for patient, stored in patients:
                for row in replay_patient(patient, stored, task.given, shared, self._engine, task.period, tally):
                    out.write(as_line(row))
            out.flush()
            os.fsync(out.fileno())
        _tally(task.work, number).write_text(json.dumps(asdict(tally)))
        unfinished.replace(part)


_decider: list[_Decider] = []


def _start(task: _Task) -> None:
    _decider.append(_Decider(task, task.book.knowledge()))


def _next(number: int) -> None:
    _decider[0].decide(number)


def default_machine() -> Machine:
    """Every processor, and memory for what DuckDB sorts."""
    return Machine(processes=os.cpu_count() or 1)


def period_of(first: date | None, last: date | None, views: Sequence[date]) -> ReplayPeriod:
    """The days of a replay, from what was asked for."""
    return replace(ReplayPeriod(), first=first or date.min, last=last or date.max, views=tuple(sorted(set(views))))
