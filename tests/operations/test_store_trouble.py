"""The whole service while its database is stopped, its disk full or read-only: calls are answered, and nothing taken is lost."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cds.records.hashes import keyed
from cds.records.store import Store
from tests.operations.served import PATIENCE, SIGN, Service, served
from tests.records.conftest import Postgres

KEY = "a key for the tests, of enough characters"
FEEDBACK = f"{SIGN}/feedback"
SPOOL = Path("var/decisions.spool")


class Told:
    """What a caller was told: the decisions that it was answered, and the cards whose feedback was taken."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.decisions: list[str] = []
        self.taken: list[str] = []

    def call(self) -> str:
        """The first card of an answer. It has to be one."""
        status, answer = self.service.post()
        assert status == 200, answer
        self.decisions.append(answer["extension"]["org.taper-cds"]["decision"])
        card: str = answer["cards"][0]["uuid"]
        return card

    def report(self, card: str) -> int:
        report = {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-23T12:00:00Z"}
        status, _ = self.service.post(FEEDBACK, json.dumps({"feedback": [report]}).encode())
        if status == 200:
            self.taken.append(card)
        return status

    def kept_in(self, address: str, spool: Path) -> bool:
        """Whether all of it is in the store."""
        store = Store(address, spool)
        assert store.start()
        lines = list(store.export())
        store.close()
        decisions = {line["decision"]["id"] for line in lines if "decision" in line}
        cards = {line["feedback"]["card"] for line in lines if "feedback" in line}
        return set(self.decisions) <= decisions and {keyed(KEY).card(card) for card in self.taken} <= cards


def until(what: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.2)


def ready(service: Service) -> Any:
    return json.loads(service.get("/ready"))


@pytest.fixture
def stopped(postgres: Postgres) -> Iterator[Postgres]:
    yield postgres
    postgres.start()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_database_that_is_stopped_and_comes_back_costs_no_call_and_no_feedback(
    stopped: Postgres, tmp_path: Path, workers: str
) -> None:
    address = stopped.new_database()
    settings = {"CDS_DATABASE_URL": address, "CDS_PATIENT_HASH_KEY": KEY}
    with served(tmp_path, "--workers", workers, **settings) as service:
        told = Told(service)
        assert told.report(told.call()) == 200

        stopped.stop()
        cards = [told.call() for _ in range(6)]
        assert [told.report(card) for card in cards] == [503] * 6
        assert ready(service)["store"] == "spooling"

        stopped.start()
        for card in cards:  # each worker for itself leaves a database that failed alone for a while
            until(lambda card=card: told.report(card) == 200)
        until(lambda: service.counted("cds_store_spool_waiting") == 0)
        assert ready(service)["store"] == "reachable"
        assert told.report(told.call()) == 200
        assert not [line for line in service.lines() if line["level"] == "error"]
    assert told.kept_in(address, tmp_path / SPOOL)
    assert len(told.decisions) == 8


def test_a_disk_that_is_full_costs_no_call_and_is_told(tmp_path: Path) -> None:
    """Full as the system tells it of a file that may not grow: the database and, once that is full too, the spool."""
    address = f"sqlite:///{tmp_path}/var/records.sqlite"
    with served(tmp_path, CDS_DATABASE_URL=address, CDS_PATIENT_HASH_KEY=KEY) as service:
        told = Told(service)
        card = told.call()
        assert told.report(card) == 200
        sound = len(told.decisions)

        _, most = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (1, most))
        full = [told.call() for _ in range(3)]
        assert {told.report(one) for one in full} == {503}
        assert "OperationOutcome" in service.get("/ready"), "neither database nor disk takes a decision"
        assert service.counted('cds_store_decisions_total{kept="lost"}') == len(full)

        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (most, most))
        until(lambda: told.report(full[0]) == 200)
        told.call()
    lost = told.decisions[sound : sound + len(full)]
    told.decisions = [one for one in told.decisions if one not in lost]
    assert told.kept_in(address, tmp_path / SPOOL)


def test_a_folder_that_can_not_be_written_stops_the_start_with_a_word(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    with pytest.raises(AssertionError, match="CDS_DATABASE_URL"), served(tmp_path):
        pass
