"""The database is stopped, locked, full or read-only: decisions go to the spool, feedback is refused, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from cds.errors import RefusedCall
from cds.records.database import database_url, opened
from cds.records.feedback import FeedbackEvent
from cds.records.rows import line
from cds.records.store import Store, StoredIn, StoreState
from cds.records.store_errors import StoreUnavailable

from .conftest import CLIENT, KEYED, NOON, ROOT, SERVICE, Postgres, a_record, spool_in, sqlite

EVENT = FeedbackEvent(KEYED.card("card"), "overridden", NOON)


def ids(store: Store) -> list[str]:
    return sorted(line["decision"]["id"] for line in store.export() if "decision" in line)


class Clock:
    """Seconds, as a test lets them pass."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopped(postgres: Postgres) -> Iterator[Postgres]:
    yield postgres
    postgres.start()


def test_a_database_that_is_stopped_and_comes_back(stopped: Postgres, tmp_path: Path) -> None:
    clock = Clock()
    store = Store(stopped.new_database(), spool_in(tmp_path), retry_after=5, clock=clock)
    assert store.start() and store.state() is StoreState.REACHABLE
    before, during, after = a_record(), [a_record() for _ in range(3)], a_record()
    assert store.write_decision(before) is StoredIn.STORED

    stopped.stop()
    assert [store.write_decision(record) for record in during] == [StoredIn.SPOOLED] * 3
    with pytest.raises(StoreUnavailable):
        store.write_feedback([EVENT], CLIENT, SERVICE, NOON)
    assert store.state() is StoreState.SPOOLING and store.catch_up() == 0
    assert store.trouble == "OperationalError"

    stopped.start()
    clock.seconds = 5
    assert store.catch_up() == 3
    assert store.write_decision(after) is StoredIn.STORED
    store.write_feedback([EVENT], CLIENT, SERVICE, NOON)
    assert ids(store) == sorted(record.id for record in (before, *during, after))
    store.close()


def test_a_connection_that_a_restart_cut_is_made_again_within_the_call(stopped: Postgres, tmp_path: Path) -> None:
    store = Store(stopped.new_database(), spool_in(tmp_path))
    assert store.start()
    assert store.write_decision(a_record()) is StoredIn.STORED
    stopped.stop()
    stopped.start()
    assert store.write_decision(a_record()) is StoredIn.STORED
    store.close()


def test_a_database_that_failed_is_left_alone_for_a_while(stopped: Postgres, tmp_path: Path) -> None:
    clock = Clock()
    store = Store(stopped.new_database(), spool_in(tmp_path), retry_after=5, clock=clock)
    stopped.stop()
    assert not store.start()
    stopped.start()
    assert store.write_decision(a_record()) is StoredIn.SPOOLED
    clock.seconds = 5
    assert store.write_decision(a_record()) is StoredIn.STORED
    store.close()


def test_a_service_that_starts_while_the_database_is_down_stores_later(stopped: Postgres, tmp_path: Path) -> None:
    address, record = stopped.new_database(), a_record()
    stopped.stop()
    first = Store(address, spool_in(tmp_path), retry_after=0)
    assert not first.start()
    assert first.write_decision(record) is StoredIn.SPOOLED
    stopped.start()
    second = Store(address, spool_in(tmp_path))
    assert second.start()
    assert ids(second) == [record.id]
    first.close()
    second.close()


def test_a_file_that_another_process_keeps_locked_is_not_waited_for_for_long(tmp_path: Path) -> None:
    store = Store(sqlite(tmp_path), spool_in(tmp_path), retry_after=0)
    assert store.start()
    other = opened(database_url(sqlite(tmp_path)))
    with other.connect().execution_options(immediate=True) as connection, connection.begin():
        assert store.write_decision(a_record()) is StoredIn.SPOOLED
    assert store.catch_up() == 1
    other.dispose()
    store.close()


def test_a_read_only_database_is_no_reason_to_lose_a_decision(tmp_path: Path) -> None:
    store = Store(sqlite(tmp_path), spool_in(tmp_path), retry_after=0)
    assert store.start()
    store.close()

    @event.listens_for(Engine, "connect")
    def read_only(connection: object, _: object) -> None:
        connection.execute("PRAGMA query_only = ON")  # type: ignore[attr-defined]

    try:
        assert store.write_decision(a_record()) is StoredIn.SPOOLED
        with pytest.raises(StoreUnavailable):
            store.write_feedback([EVENT], CLIENT, SERVICE, NOON)
        assert store.state() is StoreState.SPOOLING, "it answers, and takes nothing"
    finally:
        event.remove(Engine, "connect", read_only)
        store.close()
    assert store.state() is StoreState.REACHABLE
    assert store.catch_up() == 1
    store.close()


def test_neither_database_nor_spool(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    (tmp_path / "spool").write_text("here too")
    store = Store(sqlite(tmp_path), spool_in(tmp_path), retry_after=0)
    assert not store.start() and store.state() is StoreState.DOWN
    with pytest.raises(StoreUnavailable, match="neither to the database nor to"):
        store.write_decision(a_record())
    with pytest.raises(RefusedCall) as refusal:
        store.write_feedback([EVENT], CLIENT, SERVICE, NOON)
    assert (refusal.value.status, refusal.value.code) == (503, "transient")


FULL_DISK = """
import resource, sys
from pathlib import Path
from bench.store_kills import a_record
from cds.records.store_errors import StoreUnavailable
from cds.records.feedback import FeedbackEvent
from cds.records.store import Store, StoredIn

def most(bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, resource.RLIM_INFINITY))

store = Store(sys.argv[1], Path(sys.argv[2]), retry_after=0)
assert store.start()
kept = [a_record() for _ in range(5)]
assert {store.write_decision(record) for record in kept} == {StoredIn.STORED}
most(120_000)
told = []
for _ in range(60):
    record = a_record()
    try:
        told.append(store.write_decision(record))
    except StoreUnavailable:
        told.append("refused")
    else:
        kept.append(record)
assert StoredIn.SPOOLED in told and told[-1] == "refused", told
try:
    store.write_feedback([FeedbackEvent("card", "overridden", record.made_at)], "c", "s", record.made_at)
except StoreUnavailable:
    pass
else:
    raise SystemExit("feedback was acknowledged on a full disk")
most(resource.RLIM_INFINITY)
assert store.catch_up() > 0, store.trouble
assert store.write_decision(kept[0]) is StoredIn.STORED
stored = {line["decision"]["id"] for line in store.export()}
assert stored == {record.id for record in kept}, len(stored ^ {record.id for record in kept})
"""


def test_a_full_disk_loses_nothing_that_was_taken_and_takes_nothing_it_can_not_keep(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, sqlite(tmp_path), str(spool_in(tmp_path))]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr


def test_a_decision_that_the_database_never_takes_does_not_hold_up_the_others(postgres: Postgres, tmp_path: Path) -> None:
    store = Store(postgres.new_database(), spool_in(tmp_path), retry_after=0)
    assert store.start()
    unfit, fit = a_record(rule="r" * 200), a_record()
    assert [store.write_decision(unfit), store.write_decision(fit)] == [StoredIn.SPOOLED, StoredIn.STORED]
    third = a_record()
    store.spool.append(b'{"cut short')
    store.spool.append(line(third))
    assert store.catch_up() == 1
    assert ids(store) == sorted([unfit.id, fit.id, third.id])
    [told] = [one for one in store.export() if "kept" in one]
    assert (told["decision"]["id"], told["kept"]) == (unfit.id, "refused"), "what it refused is told, and said to be refused"
    assert store.refused.waiting() and not store.spool.waiting()
    store.close()


def test_a_file_that_is_no_database_any_more_keeps_what_was_taken_in_the_spool(tmp_path: Path) -> None:
    """Broken as a bad disk breaks it: nothing that was acknowledged is set aside as if the decisions were at fault."""
    store = Store(sqlite(tmp_path), spool_in(tmp_path), retry_after=0)
    assert store.start()
    store.close()
    file = Path(str(store.url.database))
    file.write_bytes(b"no database" * 10_000)
    store = Store(sqlite(tmp_path), spool_in(tmp_path), retry_after=0)
    assert not store.start()
    taken = [a_record() for _ in range(3)]
    assert [store.write_decision(record) for record in taken] == [StoredIn.SPOOLED] * 3
    assert store.state() is StoreState.SPOOLING and store.catch_up() == 0
    assert not store.refused.waiting() and store.spool.waiting()
    listed = []
    with pytest.raises(StoreUnavailable):
        for one in store.export():
            listed.append(one["decision"]["id"])
    assert sorted(listed) == sorted(record.id for record in taken)
    file.unlink()
    assert store.catch_up() == 3 and ids(store) == sorted(record.id for record in taken)
    store.close()


def test_pages_that_are_broken_while_it_runs_are_found_before_a_decision_is_lost_in_them(tmp_path: Path) -> None:
    store = Store(sqlite(tmp_path), spool_in(tmp_path), retry_after=0)
    assert store.start() and store.write_decision(a_record()) is StoredIn.STORED
    store.close()  # brings the log into the file
    file = Path(str(store.url.database))
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\x5a" * (len(whole) - 4096))
    store = Store(sqlite(tmp_path), spool_in(tmp_path), retry_after=0)
    store.start()
    taken = a_record()
    assert store.write_decision(taken) is StoredIn.SPOOLED
    assert store.state() is StoreState.SPOOLING, "it answers, and takes nothing"
    assert store.catch_up() == 0 and store.spool.waiting() and not store.refused.waiting()
    store.close()


@pytest.mark.parametrize("gone", ["*.sqlite*", "*.sqlite-wal"])
def test_files_that_are_deleted_while_it_runs_take_no_decision_along(tmp_path: Path, gone: str) -> None:
    store = Store(sqlite(tmp_path), spool_in(tmp_path), retry_after=0)
    assert store.start() and store.write_decision(a_record()) is StoredIn.STORED
    for file in (tmp_path / "store").glob(gone):
        file.unlink()
    after = [a_record() for _ in range(2)]
    assert all(store.wrote_at_once(record) or store.write_decision(record) is StoredIn.STORED for record in after)
    assert store.state() is StoreState.REACHABLE
    other = Store(sqlite(tmp_path), spool_in(tmp_path))
    assert other.start()
    assert {record.id for record in after} <= set(ids(other))
    other.close()
    store.close()


def test_only_its_owner_may_read_what_is_kept(tmp_path: Path) -> None:
    store = Store(sqlite(tmp_path), spool_in(tmp_path), retry_after=0)
    assert store.start() and store.write_decision(a_record()) is StoredIn.STORED
    rights = {file.name: oct(file.stat().st_mode & 0o777) for file in (tmp_path / "store").glob("decisions.sqlite*")}
    assert len(rights) >= 3 and {right for name, right in rights.items() if "lock" not in name} == {"0o600"}
    store.close()


def test_a_locked_file_holds_up_nobody_who_asks_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds.records.database.SQLITE_PATIENCE_MS", 600_000)
    store = Store(sqlite(tmp_path), spool_in(tmp_path), retry_after=0)
    assert store.start() and store.first_use("t", NOON, NOON) and store.wrote_at_once(a_record())
    other = opened(database_url(sqlite(tmp_path)))
    with other.connect().execution_options(immediate=True) as connection, connection.begin():
        assert store.wrote_at_once(a_record()) is False
        assert store.first_use_at_once("u", NOON) is None
    assert store.first_use_at_once("u", NOON) is True and store.first_use_at_once("u", NOON) is False
    other.dispose()
    store.close()
