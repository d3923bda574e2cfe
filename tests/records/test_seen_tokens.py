"""A caller's token is used once, whichever worker it comes to, and after a restart too."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cds.records.store import SECONDS_BETWEEN_FORGETTING, Store
from cds.records.store_errors import StoreUnavailable
from cds.records.tables import seen_tokens
from cds.trust.used_tokens import SeenHere, fingerprint
from cds.web.pools import Pool
from cds.web.replay_guard import SeenInStore

from .conftest import spool_in

NOW = datetime.now(UTC)
SOON = NOW + timedelta(hours=2)


def kept(store: Store) -> int:
    return store._read(lambda connection: connection.execute(select(func.count()).select_from(seen_tokens)).scalar_one())


def test_a_token_is_used_once(store: Store) -> None:
    assert [store.first_use("a", SOON, NOW) for _ in range(3)] == [True, False, False]
    assert store.first_use("b", SOON, NOW)


def test_it_was_used_after_a_restart_too(address: str, tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        store = Store(address, spool_in(tmp_path))
        answers.append(store.first_use("a", SOON, NOW))
        store.close()
    assert answers == [True, False]


def test_of_many_workers_at_once_one_takes_it(address: str, tmp_path: Path) -> None:
    stores = [Store(address, spool_in(tmp_path)) for _ in range(4)]
    for store in stores:
        store.start()

    def taken(number: int) -> bool:
        for _ in range(20):
            with suppress(StoreUnavailable):  # the others held the file for too long: a caller is told to try again
                return stores[number % 4].first_use("a", SOON, NOW)
        raise AssertionError("the store never answered")

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(taken, range(16)))
    assert sum(answers) == 1
    for store in stores:
        store.close()


def test_what_has_expired_is_forgotten_now_and_then(address: str, tmp_path: Path) -> None:
    clock = [0.0]
    store = Store(address, spool_in(tmp_path), clock=lambda: clock[0])
    store.first_use("first", SOON, NOW)
    store.first_use("old", NOW - timedelta(seconds=1), NOW)
    assert kept(store) == 2
    clock[0] = SECONDS_BETWEEN_FORGETTING
    store.first_use("new", SOON, NOW)
    assert kept(store) == 2
    assert not store.first_use("first", SOON, NOW)
    store.close()


def test_nothing_of_a_token_can_be_read_from_what_is_kept() -> None:
    assert len(fingerprint("https://ehr.example.org", "1")) == 32
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


# Beside the service -----------------------------------------------------------------------------------------------------


def used(guard: SeenInStore | SeenHere, token: str) -> bool:
    return asyncio.run(guard.first_use(token, SOON.timestamp(), "c"))


def test_two_workers_share_what_they_have_seen(address: str, tmp_path: Path) -> None:
    one, other = (Store(address, spool_in(tmp_path)) for _ in range(2))
    assert used(SeenInStore(one, Pool("store", 1, 9)), "a")
    assert not used(SeenInStore(other, Pool("store", 1, 9)), "a")
    one.close()
    other.close()


def test_while_the_store_is_down_each_worker_knows_its_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    guard = SeenInStore(Store("postgresql://nobody@127.0.0.1:1/none", spool_in(tmp_path)), Pool("store", 1, 9))
    assert [used(guard, "a"), used(guard, "a"), used(guard, "b")] == [True, False, True]
    assert "token_store_unavailable" in str([vars(record) for record in caplog.records])


def test_when_no_more_fit_none_is_forgotten_and_the_next_is_refused() -> None:
    guard = SeenHere(clock=lambda: NOW.timestamp(), most=2)
    assert [used(guard, token) for token in ("a", "b", "c", "a")] == [True, True, False, False]


def test_expired_ones_make_room() -> None:
    now = [NOW.timestamp()]
    guard = SeenHere(clock=lambda: now[0], most=2)
    assert [used(guard, token) for token in ("a", "b")] == [True, True]
    now[0] = SOON.timestamp() + 1
    assert asyncio.run(guard.first_use("c", now[0] + 60, "c"))
