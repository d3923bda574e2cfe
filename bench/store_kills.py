"""Writers of the store, ended by kill -9 in the middle of their work. Exit code 1: something acknowledged is lost.

Run: python -m bench.store_kills [--kills 50] [--store postgresql://...]
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from cds.decision.declined_cards import Fingerprint
from cds.records.decisions import DecisionRecord, ShownCard
from cds.records.feedback import FeedbackEvent
from cds.records.store import Store
from cds.records.store_errors import StoreUnavailable

WRITERS = 2
LONGEST = 0.15
"""Seconds that a writer lives after it has acknowledged a decision and feedback."""
CLIENT, SERVICE = "bench", "taper-order-sign"


def main() -> int:
    given = argparse.ArgumentParser()
    given.add_argument("--kills", type=int, default=50)
    given.add_argument("--store")
    given.add_argument("--write", metavar="SPOOL")
    asked = given.parse_args()
    if asked.write:
        write(asked.store, Path(asked.write))
    with tempfile.TemporaryDirectory() as folder:
        address = asked.store or f"sqlite:///{folder}/kills.sqlite"
        return killed(address, Path(folder) / "spool.jsonl", asked.kills)


def write(address: str, spool: Path) -> None:
    """Writes decisions and feedback without end, and says each once it is acknowledged."""
    store = Store(address, spool)
    store.start()
    while True:
        record = a_record()
        store.write_decision(record)
        print("decision", record.id, flush=True)
        event = FeedbackEvent(record.cards[0].card, "overridden", record.made_at)
        with suppress(StoreUnavailable):  # not acknowledged: a client would send it again
            store.write_feedback([event], CLIENT, SERVICE, record.made_at)
            print("feedback", event.card, flush=True)


def a_record() -> DecisionRecord:
    id, now = str(uuid4()), datetime.now(UTC)
    card = ShownCard(uuid4().hex, "abrupt-stop", "alprazolam", Fingerprint("critical", None, None, frozenset()))
    payload = '{"hook":"order-sign","note":"' + "x" * 8000 + '"}'
    return DecisionRecord(
        id=id,
        made_at=now,
        day=now.date(),
        service=SERVICE,
        client=CLIENT,
        revision="sha256:0",
        program="0",
        patient="p",
        call="c",
        payload=payload,
        cards=(card,),
    )


def killed(address: str, spool: Path, kills: int) -> int:
    """Starts writers, kills them, and tells what of the acknowledged is stored."""
    acknowledged: dict[str, set[str]] = {"decision": set(), "feedback": set()}
    left = kills
    while left > 0:
        writers = [_started(address, spool) for _ in range(min(WRITERS, left))]
        for writer in writers:
            for kind, id in _killed(writer):
                acknowledged[kind].add(id)
        left -= len(writers)
    lost = {kind: ids - _stored(address, spool)[kind] for kind, ids in acknowledged.items()}
    told = ", ".join(f"{len(ids)} acknowledged {kind} writes" for kind, ids in acknowledged.items())
    print(f"{kills} kills, {told}; lost: {sum(map(len, lost.values()))}")
    return 1 if any(lost.values()) or not all(acknowledged.values()) else 0


def _started(address: str, spool: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.store_kills", "--store", address, "--write", str(spool)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _killed(writer: subprocess.Popen[str]) -> Iterator[tuple[str, str]]:
    """What the writer acknowledged up to its kill. A line that the kill cut short was not read by anybody."""
    assert writer.stdout is not None
    first = ""
    while "feedback" not in first and (line := writer.stdout.readline()):  # however long a busy machine takes
        first += line
    time.sleep(random.uniform(0, LONGEST))
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate()
    for line in (first + rest).splitlines(keepends=True):
        if line.endswith("\n"):
            kind, id = line.split()
            yield kind, id


def _stored(address: str, spool: Path) -> dict[str, set[str]]:
    store = Store(address, spool)
    store.start()
    found: dict[str, set[str]] = {"decision": set(), "feedback": set()}
    for line in store.export():
        for kind, members in line.items():
            found[kind].add(members["id"] if kind == "decision" else members["card"])
    store.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
