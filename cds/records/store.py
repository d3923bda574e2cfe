"""The store: decisions and feedback, written before they are answered for, and asked for again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from cds.decision.declined_cards import Declined
from cds.records import declined_query as last_word
from cds.records import queries, seen_tokens
from cds.records.database import SQLITE, database_url, opened, prepared
from cds.records.decisions import DecisionRecord
from cds.records.declined_query import Wanted
from cds.records.feedback import FeedbackEvent
from cds.records.outcomes import Outcomes, outcomes
from cds.records.queries import Purged
from cds.records.rows import from_line, insert_decisions, line, written_and_taken_back
from cds.records.spool import Spool
from cds.records.store_errors import StoreUnavailable

T = TypeVar("T")
FAILURES = (SQLAlchemyError, OSError)
RETRY_AFTER = 5.0
"""Seconds for which a database that failed is left alone."""
SECONDS_BETWEEN_FORGETTING = 300.0


class StoredIn(StrEnum):
    """Where a decision is: in the database, or on disk beside it until the database takes it."""

    STORED = "stored"
    SPOOLED = "spooled"


class StoreState(StrEnum):
    """Where decisions go: to the database, to the spool, or nowhere."""

    REACHABLE = "reachable"
    SPOOLING = "spooling"
    DOWN = "down"


PATIENT, SYNCED, AT_ONCE = "patient", "synced", "at once"
"""How a write is made: waiting for others a while; for good, with a power failure in mind; or waiting for nobody."""


class Engines:
    """The engines of one database, by how they write. With SQLite they know their files again."""

    def __init__(self, url: URL) -> None:
        self.patient, self.synced = opened(url), opened(url, synced=True)
        self._in_file = url.get_backend_name() == SQLITE
        self._at_once = opened(url, at_once=True) if self._in_file else self.patient
        self._files = [Path(f"{url.database}{ending}") for ending in ("", "-wal")] if self._in_file else []
        self._were: list[tuple[int, int] | None] = []

    def by(self, how: str) -> Engine:
        return {SYNCED: self.synced, AT_ONCE: self._at_once}.get(how, self.patient)

    def remember(self) -> None:
        """Remembers the files as they are. A connection stays open, so that the log beside the database stays too."""
        if self._in_file:
            with self.patient.begin() as connection:
                connection.exec_driver_sql("SELECT 1")
        self._were = [_identity(file) for file in self._files]

    def still_there(self) -> bool:
        """Whether what was written is in files that have a name."""
        are = [_identity(file) for file in self._files]
        if self._were and self._were[-1] is None:
            self._were = [self._were[0], are[-1]]  # the log is made by the first write
        return are == self._were and None not in are

    def dispose(self) -> None:
        for engine in {self.patient, self.synced, self._at_once}:
            engine.dispose()


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Store:
    """Decisions and feedback in one database, with a spool for when it is down. May be used from several threads.

    `in_place` tells that a write is short enough not to need a thread of its own where nobody is waited for: `*_at_once`.
    `refused` holds what the database will never take. `trouble` is what went wrong last, by its type.
    """

    def __init__(
        self, address: str, spool: Path, *, retry_after: float = RETRY_AFTER, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.url = database_url(address)
        self.in_place = self.url.get_backend_name() == SQLITE
        self.spool = Spool(spool)
        self.refused = Spool(spool.with_name(f"{spool.name}.refused"))
        self.trouble: str | None = None
        self._retry_after = retry_after
        self._clock = clock
        self._leave_alone_until = -1.0
        self._forget_at = -1.0
        self._engines: Engines | None = None

    def start(self) -> bool:
        """Whether the database is there, its schema brought up to date and what was spooled stored.

        Refuses: a schema of a newer program (UnusableStore).
        """
        try:
            self._database()
            self.unspool()
        except FAILURES as error:
            self._failed(error)
            return False
        return True

    def wrote_at_once(self, record: DecisionRecord) -> bool:
        """Whether the decision is in the database, without waiting for anybody. Where it is not, `write_decision` has a say."""
        if not (self.in_place and self._engines and self._up()):
            return False
        try:
            self._write(lambda connection: insert_decisions(connection, [record]), AT_ONCE)
        except FAILURES:
            return False
        return True

    def write_decision(self, record: DecisionRecord) -> StoredIn:
        """Where the decision is, once it outlives this process. Refuses: when neither database nor spool takes it."""
        if self._up():
            try:
                self._write(lambda connection: insert_decisions(connection, [record]))
                return StoredIn.STORED
            except FAILURES as error:
                self._failed(error)
        try:
            self.spool.append(line(record))
        except OSError as error:
            self._failed(error)
            raise StoreUnavailable(f"The decision could be written neither to the database nor to {self.spool.path}.") from error
        return StoredIn.SPOOLED

    def write_feedback(self, events: Sequence[FeedbackEvent], client: str, service: str, received_at: datetime) -> None:
        """Stores the events for good, all or none. Refuses: when the database is down (StoreUnavailable)."""
        if events:
            self._asked(lambda: self._write(lambda to: queries.insert_feedback(to, events, client, service, received_at), SYNCED))

    def decision(self, id: str) -> DecisionRecord:
        """The decision of an id. Refuses: an id that is not stored (UnknownDecision)."""
        return self._asked(lambda: self._read(lambda connection: queries.decision(connection, id)))

    def asked(self, question: Callable[[Connection], T]) -> T:
        """What a question of `cds.records.page_queries` gives. Refuses: when the database is down (StoreUnavailable)."""
        return self._asked(lambda: self._read(question))

    def write(self, change: Callable[[Connection], T]) -> T:
        """What a change gives, once it is stored for good. Refuses: when the database is down (StoreUnavailable)."""
        made: list[T] = []
        self._asked(lambda: self._write(lambda connection: made.append(change(connection)), SYNCED))
        return made[-1]

    def declined(self, patient: str, client: str, since: date, wanted: Wanted, in_chart: bool = False) -> list[Declined]:
        """The cards about a patient that a client declined, as its last word on them, of decisions since a day.

        `in_chart` asks also for those that were shown when the chart was opened, and left without an answer.
        Refuses: when the database is down (StoreUnavailable); one that just failed is not waited for.
        """
        if not self._up():
            raise StoreUnavailable(f"The store is down ({self.trouble}).")
        return self._asked(lambda: self._read(lambda to: last_word.declined(to, patient, client, since, wanted, in_chart)))

    def first_use_at_once(self, token: str, until: datetime) -> bool | None:
        """As `first_use`, without waiting for anybody; None where that could not be told."""
        found: list[bool] = []
        if not (self.in_place and self._engines and self._up()) or self._clock() >= self._forget_at:
            return None
        try:
            self._write(lambda connection: found.append(seen_tokens.first_use(connection, token, until)), AT_ONCE)
        except FAILURES:
            return None
        return any(found)

    def first_use(self, token: str, until: datetime, now: datetime) -> bool:
        """Whether a caller's token is used for the first time, by any worker. Now and then, those that have expired are deleted.

        Refuses: when the database is down (StoreUnavailable).
        """
        found: list[bool] = []

        def written(connection: Connection) -> None:
            found.append(seen_tokens.first_use(connection, token, until))
            if self._clock() >= self._forget_at:
                self._forget_at = self._clock() + SECONDS_BETWEEN_FORGETTING
                seen_tokens.forget(connection, now)

        self._asked(lambda: self._write(written))
        return any(found)

    def export(self) -> Iterator[dict[str, Any]]:
        """Everything that is kept, oldest first, as JSON values: `{"decision": ...}` and `{"feedback": ...}`.

        What lies beside the database, waiting or refused by it, comes first and says so in `kept`.
        Refuses: when the database is down (StoreUnavailable), once that was told.
        """
        trouble: StoreUnavailable | None = None
        try:
            self._asked(self.unspool)
        except StoreUnavailable as error:
            trouble = error
        for kept, spool in (("spooled", self.spool), ("refused", self.refused)):
            for told in spool.lines():
                if from_line(told) is not None:
                    members = orjson.loads(told)
                    yield {"decision": {**members, "payload": orjson.loads(members["payload"])}, "kept": kept}
        if trouble is not None:
            raise trouble
        yield from queries.everything(self._asked(self._database).patient)

    def outcomes(self) -> dict[str, Outcomes]:
        """What became of the cards of each rule. Refuses: when the database is down (StoreUnavailable)."""
        self._asked(self.unspool)
        return self._asked(lambda: self._read(outcomes))

    def purge(self, before: datetime) -> Purged:
        """What was deleted: all that was made or received before a moment."""
        self._asked(self.unspool)
        return self._asked(lambda: queries.purge(self._database().patient, before))

    def reachable(self) -> bool:
        """Whether the database takes a decision: it may answer, and yet be full, read-only or broken."""
        try:
            self._write(written_and_taken_back)
        except FAILURES as error:
            self._failed(error)
            return False
        self._leave_alone_until = -1.0
        return True

    def state(self) -> StoreState:
        """Where decisions go now."""
        if self.reachable():
            return StoreState.REACHABLE
        return StoreState.SPOOLING if self.spool.usable() else StoreState.DOWN

    def unspool(self) -> int:
        """How many spooled decisions were stored. What the database refuses for good is set aside in `*.refused`."""
        stored = 0
        with closing(self.spool.batches()) as batches:
            for lines in batches:
                records = [record for told in lines if (record := from_line(told)) is not None]
                stored += self._taken_over(records) if records else 0
        return stored

    def catch_up(self) -> int:
        """How many spooled decisions were stored; none while the database is down. For a task that asks now and then."""
        if not self._up() or not self.spool.waiting():
            return 0
        try:
            return self.unspool()
        except FAILURES as error:
            self._failed(error)
            return 0

    def close(self) -> None:
        if self._engines:
            self._engines.dispose()

    def _taken_over(self, records: Sequence[DecisionRecord]) -> int:
        """How many of them the database took. Only a row that it can't hold is set aside; all else is its own fault."""

        def written(connection: Connection) -> None:
            insert_decisions(connection, records)
            queries.tell_patients(connection, {card.card for record in records for card in record.cards})

        try:
            self._write(written)
        except (IntegrityError, DataError):
            if len(records) > 1:
                return sum(self._taken_over([record]) for record in records)
            self.refused.append(line(records[0]))
            return 0
        return len(records)

    def _database(self) -> Engines:
        """The engines, once the schema is up to date."""
        if self._engines is None:
            engines = Engines(self.url)
            prepared(engines.patient)
            engines.remember()
            self._engines = engines
        return self._engines

    def _write(self, work: Callable[[Connection], None], how: str = PATIENT) -> None:
        """Writes, and once more where the files were taken away meanwhile: what is written to a file without a name is lost."""
        for _ in range(2):
            engines = self._database()
            _again_if_dropped(lambda: _written(engines.by(how), work))  # noqa: B023
            if engines.still_there():
                return
            self._engines = None
            engines.dispose()
        raise OSError("the files of the database are being taken away")

    def _read(self, work: Callable[[Connection], T]) -> T:
        engine = self._database().patient

        def read() -> T:
            with engine.connect() as connection:
                return work(connection)

        return _again_if_dropped(read)

    def _asked(self, work: Callable[[], T]) -> T:
        if not (self.in_place or self._up()):
            raise StoreUnavailable(f"The store is down ({self.trouble}); try again in a minute.")
        try:
            return work()
        except FAILURES as error:
            self._failed(error)
            raise StoreUnavailable(f"The store is down ({self.trouble}); try again in a minute.") from error

    def _up(self) -> bool:
        return self._clock() >= self._leave_alone_until

    def _failed(self, error: Exception) -> None:
        self.trouble = type(error).__name__
        self._leave_alone_until = self._clock() + self._retry_after


def _written(engine: Engine, work: Callable[[Connection], None]) -> None:
    with engine.begin() as connection:
        work(connection)


def _again_if_dropped(work: Callable[[], T]) -> T:
    """What the work gives; once more where the database had dropped the connection, as after its restart."""
    try:
        return work()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return work()
