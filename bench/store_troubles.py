"""The whole service while its SQLite file is corrupt, full, locked or deleted. Exit code 1: something acknowledged is lost.

It is started with `CDS_RECORDS=required`, so that it answers nothing that it can't keep: a call gets its cards, or 503. All that
was answered since the trouble began has to be in the store or beside it once the service has ended.

Run: python -m bench.store_troubles [--seconds 5]
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.servers import OURS, NotReady, served
from bench.service_kills import CALLERS, KEY, Answered, answers_for_a_while, call, lost_from


@contextmanager
def corrupt(file: Path, _: int) -> Iterator[None]:
    """Every page but the first is written over."""
    with file.open("r+b") as pages:
        pages.seek(4096)
        pages.write(b"\xff" * max(0, file.stat().st_size - 4096))
    yield


@contextmanager
def full(_: Path, process: int) -> Iterator[None]:
    """No file of the process may grow, as the system tells it of a disk that is full."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (1, before[1]))
    yield
    resource.prlimit(process, resource.RLIMIT_FSIZE, before)


@contextmanager
def locked(file: Path, _: int) -> Iterator[None]:
    """Another process writes, and does not end."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def deleted(file: Path, _: int) -> Iterator[None]:
    """The file and those beside it are gone."""
    for one in file.parent.glob(f"{file.name}*"):
        one.unlink()
    yield


TROUBLES: tuple[Callable[[Path, int], AbstractContextManager[None]], ...] = (corrupt, full, locked, deleted)


def main() -> int:
    given = argparse.ArgumentParser()
    given.add_argument("--seconds", type=float, default=5.0)
    asked = given.parse_args()
    try:
        kept = [troubled(trouble, asked.seconds) for trouble in TROUBLES]
    except NotReady as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if all(kept) else 1


def troubled(trouble: Callable[[Path, int], AbstractContextManager[None]], seconds: float) -> bool:
    """Prints what was answered since the trouble began, and tells whether all of it is kept."""
    with tempfile.TemporaryDirectory() as folder:
        file, spool = Path(folder) / "var/records.sqlite", Path(folder) / "var/decisions.spool"
        address, gone = f"sqlite:///{file}", threading.Event()
        settings = {"CDS_DATABASE_URL": address, "CDS_PATIENT_HASH_KEY": KEY, "CDS_RECORDS": "required", "CDS_LOG_LEVEL": "error"}
        before, since = Answered(), Answered()
        with served(OURS, **settings) as (port, _):
            with calling(port, before, gone=threading.Event()):
                answers_for_a_while(before)
            process = int(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()[-1])
            with trouble(file, process), calling(port, since, gone):
                time.sleep(seconds)
            with calling(port, since, gone=threading.Event()):
                answers_for_a_while(since)
        lost = lost_from(address, spool, since)
    told = f"{len(since.decisions)} decisions and {len(since.cards)} feedback events answered for since, {since.shed} got 503"
    print(f"{trouble.__name__}: {told}; wrong answers: {len(since.wrong)}; lost: {len(lost)}")
    return not lost and not since.wrong


@contextmanager
def calling(port: int, answered: Answered, gone: threading.Event) -> Iterator[None]:
    callers = [threading.Thread(target=call, args=(port, answered, gone)) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    try:
        yield
    finally:
        gone.set()
        for caller in callers:
            caller.join()


if __name__ == "__main__":
    sys.exit(main())
