"""The store as the routes use it: an answer never waits for a broken store, and nothing is lost without a word."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from cds.errors import BadRequest, UnknownService
from cds.knowledge.model import Knowledge
from cds.records.store import StoreState
from cds.records.store_errors import StoreUnavailable
from cds.web import recording as module
from cds.web.pools import Crowded, Pool
from cds.web.recording import Recording, keeping

from .conftest import CLIENT, NOON, SERVICE, Told, sqlite

REPORT = {"card": "4e0a3a1e-3283-4575-ab82-028d55fe2719", "outcome": "overridden", "outcomeTimestamp": "2026-11-23T12:00:00Z"}


def now() -> datetime:
    return NOON


@pytest.fixture
def kept(tmp_path: Path) -> Recording:
    return keeping(sqlite(tmp_path), None, now)


@pytest.fixture
def told(tell: Callable[..., Told]) -> Told:
    return tell("abrupt-stop-alprazolam")


def keep(kept: Recording, told: Told, knowledge: Knowledge) -> None:
    asyncio.run(kept.keep(told.decision, told.call, knowledge, CLIENT))


def counted(kept: Recording) -> dict[str, float]:
    registry = CollectorRegistry()
    kept.counted_in(registry)
    found = {}
    for family in registry.collect():
        for sample in family.samples:
            if sample.value and not sample.name.endswith("_created"):
                found["/".join([sample.name, *sample.labels.values()])] = sample.value
    return found


def break_both(kept: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(kept.store, "_write", fails)
    monkeypatch.setattr(kept.store.spool, "append", fails)


@pytest.mark.row("SEC-20")
def test_a_decision_is_there_before_its_answer_leaves(kept: Recording, told: Told, book: Knowledge) -> None:
    keep(kept, told, book)
    assert kept.store.decision(told.decision.id).made_at == NOON
    assert counted(kept) == {"cds_store_decisions_total/stored": 1}


def test_a_decision_that_can_not_be_kept_is_logged_and_counted_and_the_call_goes_on(
    kept: Recording, told: Told, book: Knowledge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    break_both(kept, monkeypatch)
    with caplog.at_level(logging.WARNING, logger="cds"):
        keep(kept, told, book)
    assert counted(kept) == {"cds_store_decisions_total/lost": 1, "cds_store_failures_total": 1}
    (line,) = caplog.records
    assert line.getMessage() == "decision lost"
    assert line.__dict__["fields"]["decision"] == told.decision.id


def test_a_spooled_decision_is_told_and_stored_when_the_database_is_back(
    kept: Recording, told: Told, book: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(kept.store, "_retry_after", 0.0)

    def fails(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(kept.store, "_write", fails)
        keep(kept, told, book)
    assert counted(kept) == {
        "cds_store_decisions_total/spooled": 1, "cds_store_failures_total": 1, "cds_store_spool_waiting": 1,
    }  # fmt: skip

    async def served_until_caught_up() -> None:
        async with kept.running():
            while kept.store.spool.waiting():
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(served_until_caught_up(), 10))
    assert kept.store.decision(told.decision.id).id == told.decision.id


def test_feedback_is_acknowledged_when_it_is_stored(kept: Recording, book: Knowledge) -> None:
    asyncio.run(kept.take(SERVICE, {"feedback": [REPORT, REPORT]}, book, CLIENT))
    assert sum("feedback" in line for line in kept.store.export()) == 1
    assert counted(kept) == {"cds_store_feedback_total/overridden": 2}


@pytest.mark.parametrize(("service", "body", "refusal"), [("none", {"feedback": []}, UnknownService), (SERVICE, {}, BadRequest)])
def test_what_is_no_feedback_is_refused(
    service: str, body: Any, refusal: type[Exception], kept: Recording, book: Knowledge
) -> None:
    with pytest.raises(refusal):
        asyncio.run(kept.take(service, body, book, CLIENT))


def test_feedback_that_can_not_be_stored_is_not_acknowledged(
    kept: Recording, book: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_both(kept, monkeypatch)
    with pytest.raises(StoreUnavailable):
        asyncio.run(kept.take(SERVICE, {"feedback": [REPORT]}, book, CLIENT))
    assert counted(kept) == {"cds_store_failures_total": 1}


def test_a_store_that_is_down_stops_no_start(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store/decisions.sqlite").write_text("this is no database, and no folder is missing" * 100)
    kept = keeping(sqlite(tmp_path), "k" * 32, now)
    assert asyncio.run(kept.state()) is StoreState.SPOOLING


def test_the_key_is_kept_beside_the_database(tmp_path: Path, kept: Recording) -> None:
    assert (tmp_path / "store/patient-hash.key").exists()
    assert keeping(sqlite(tmp_path), None, now).recorder.keyed == kept.recorder.keyed


def test_where_records_are_required_no_call_is_answered_unrecorded(
    tmp_path: Path, told: Told, book: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = keeping(sqlite(tmp_path), None, now, required=True)
    keep(strict, told, book)
    break_both(strict, monkeypatch)
    with pytest.raises(StoreUnavailable) as refusal:
        keep(strict, told, book)
    assert refusal.value.status == 503
    assert counted(strict)["cds_store_decisions_total/lost"] == 1


def test_what_the_database_refused_is_told_to_an_operator(kept: Recording) -> None:
    assert kept.set_aside() is None and counted(kept) == {}
    kept.store.refused.append(b"a decision")
    assert "cds records export" in (kept.set_aside() or "")
    assert counted(kept) == {"cds_store_refused": 1}


def test_who_asks_how_the_store_is_while_it_hangs_takes_no_more_threads(kept: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred probes of `/ready` beside a decision that is written: the bulkheads are apart."""
    hangs, asked = threading.Event(), []

    def state() -> StoreState:
        asked.append(1)
        hangs.wait(30)
        return StoreState.REACHABLE

    monkeypatch.setattr(kept.store, "state", state)

    async def tried() -> list[StoreState]:
        waiting = [asyncio.create_task(kept.state()) for _ in range(100)]
        await asyncio.sleep(0)
        assert await kept.calls.run(lambda: "a decision is written meanwhile")
        hangs.set()
        return await asyncio.gather(*waiting)

    assert set(asyncio.run(tried())) == {StoreState.REACHABLE}
    assert len(asked) == 1


def test_more_than_may_wait_for_the_store_is_refused_at_once() -> None:
    hangs = threading.Event()

    async def tried() -> None:
        pool = Pool("store", 1, 2)
        waiting = [asyncio.create_task(pool.run(lambda: hangs.wait(30))) for _ in range(2)]
        await asyncio.sleep(0)
        for one in waiting:
            one.cancel()
        with pytest.raises(Crowded):  # those who gave up free no thread
            await pool.run(lambda: True)
        hangs.set()

    try:
        asyncio.run(tried())
    finally:
        hangs.set()
