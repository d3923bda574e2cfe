"""Several threads and several processes that write at once: each write is there once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from cds.records.feedback import FeedbackEvent
from cds.records.store import Store, StoredIn

from .conftest import CLIENT, KEYED, NOON, ROOT, SERVICE, a_record, spool_in

WRITER = """
import sys
from pathlib import Path
from bench.store_kills import a_record
from cds.records.store import Store
store = Store(sys.argv[1], Path(sys.argv[2]))
assert store.start()
for _ in range(int(sys.argv[3])):
    record = a_record()
    print(record.id, store.write_decision(record))
"""


def test_threads(store: Store) -> None:
    records = [a_record(cards=2) for _ in range(60)]
    events = [FeedbackEvent(KEYED.card(str(n)), "overridden", NOON + timedelta(seconds=n)) for n in range(30)]
    with ThreadPoolExecutor(8) as threads:
        kept = threads.map(store.write_decision, records)
        # Every event is sent twice, by different threads.
        told = [threads.submit(store.write_feedback, [event], CLIENT, SERVICE, NOON) for event in events * 2]
        assert set(kept) <= {StoredIn.STORED, StoredIn.SPOOLED}
        for each in told:
            each.result()
    lines = list(store.export())
    assert sorted(line["decision"]["id"] for line in lines if "decision" in line) == sorted(record.id for record in records)
    assert sum("feedback" in line for line in lines) == len(events)


def test_processes_that_start_at_once_on_an_empty_database(address: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, address, str(spool_in(tmp_path)), "50"]
    writers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    written = []
    for writer in writers:
        said, trouble = writer.communicate(timeout=300)
        assert writer.returncode == 0, trouble
        written += [line.split()[0] for line in said.splitlines()]
    store = Store(address, spool_in(tmp_path))
    assert sorted(line["decision"]["id"] for line in store.export()) == sorted(written)
    assert len(written) == 150
    store.close()
