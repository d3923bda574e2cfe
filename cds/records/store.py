"""The store: decisions and feedback, written before they are answered for, and asked for again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from cds.decision.declined_cards import Declined
from cds.records import declined_query as last_word
from cds.records import queries, seen_tokens
from cds.records.database import SQLITE, database_url, opened, prepared
from cds.records.decisions import DecisionRecord
from cds.records.declined_query import Wanted
from cds.records.errors import StoreUnavailable
from cds.records.feedback import FeedbackEvent
from cds.records.queries import Purged
from cds.records.rows import from_line, insert_decisions, line
from cds.records.spool import Spool

T = TypeVar("T")
FAILURES = (SQLAlchemyError, OSError)
RETRY_AFTER = 5.0
"""Seconds for which a database that failed is left alone."""
SECONDS_BETWEEN_FORGETTING = 300.0


class Kept(StrEnum):
    """Where a decision is: in the database, or on disk beside it until the database takes it."""

    STORED = "stored"
    SPOOLED = "spooled"


class State(StrEnum):
    """Where decisions go: to the database, to the spool, or nowhere."""

    REACHABLE = "reachable"
    SPOOLING = "spooling"
    DOWN = "down"


class Store:
    """Decisions and feedback in one database, with a spool for when it is down. May be used from several threads.

    `in_place` tells that a write is short enough not to need a thread of its own. `trouble` is what went wrong last, by its type.
    """

    def __init__(
        self, address: str, spool: Path, *, retry_after: float = RETRY_AFTER, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.url = database_url(address)
        self.in_place = self.url.get_backend_name() == SQLITE
        self.spool = Spool(spool)
        self.trouble: str | None = None
        self._retry_after = retry_after
        self._clock = clock
        self._leave_alone_until = -1.0
        self._takes = True
        self._forget_at = -1.0
        self._engines: tuple[Engine, Engine] | None = None

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

    def write_decision(self, record: DecisionRecord) -> Kept:
        """Where the decision is, once it outlives this process. Refuses: when neither database nor spool takes it."""
        if self._up():
            try:
                self._write(lambda connection: insert_decisions(connection, [record]))
                return Kept.STORED
            except FAILURES as error:
                self._failed(error)
        try:
            self.spool.append(line(record))
        except OSError as error:
            self._failed(error)
            raise StoreUnavailable(f"The decision could be written neither to the database nor to {self.spool.path}.") from error
        return Kept.SPOOLED

    def write_feedback(self, events: Sequence[FeedbackEvent], client: str, service: str, received_at: datetime) -> None:
        """Nothing, once the events are stored for good, all or none. Refuses: when the database is down (StoreUnavailable)."""
        if events:
            self._asked(
                lambda: self._write(lambda to: queries.insert_feedback(to, events, client, service, received_at), synced=True)
            )

    def decision(self, id: str) -> DecisionRecord:
        """The decision of an id. Refuses: an id that is not stored (UnknownDecision)."""
        return self._asked(lambda: self._read(lambda connection: queries.decision(connection, id)))

    def declined(self, patient: str, client: str, since: date, wanted: Wanted) -> list[Declined]:
        """The cards about a patient that a client declined, as its last word on them, of decisions since a day.

        Refuses: when the database is down (StoreUnavailable); one that just failed is not waited for.
        """
        if not self._up():
            raise StoreUnavailable(f"The store is down ({self.trouble}).")
        return self._asked(lambda: self._read(lambda to: last_word.declined(to, patient, client, since, wanted)))

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
        return found[-1]

    def export(self) -> Iterator[dict[str, Any]]:
        """Everything that is stored, oldest first, as JSON values: `{"decision": ...}` and `{"feedback": ...}`."""
        self._asked(self.unspool)
        yield from queries.everything(self._asked(self._database)[0])

    def purge(self, before: datetime) -> Purged:
        """What was deleted: all that was made or received before a moment."""
        self._asked(self.unspool)
        return self._asked(lambda: queries.purge(self._database()[0], before))

    def reachable(self) -> bool:
        """Whether the database answers."""
        try:
            self._read(lambda connection: connection.exec_driver_sql("SELECT 1"))
        except FAILURES as error:
            self._failed(error)
            return False
        self._leave_alone_until = -1.0
        return True

    def state(self) -> State:
        """Where decisions go now."""
        if self.reachable() and (self._takes or self._takes_again()):
            return State.REACHABLE
        return State.SPOOLING if self.spool.usable() else State.DOWN

    def _takes_again(self) -> bool:
        """Whether the database takes a row after it refused one: it may answer, and yet be full or read-only."""
        try:
            self._write(seen_tokens.written_and_taken_back)
        except FAILURES as error:
            self._failed(error)
            return False
        return True

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
        for engine in self._engines or ():
            engine.dispose()

    def _taken_over(self, records: Sequence[DecisionRecord]) -> int:
        try:
            self._write(lambda connection: insert_decisions(connection, records))
        except (OperationalError, InterfaceError):
            raise
        except DBAPIError:
            if len(records) > 1:
                return sum(self._taken_over([record]) for record in records)
            Spool(self.spool.path.with_name(f"{self.spool.path.name}.refused")).append(line(records[0]))
            return 0
        return len(records)

    def _database(self) -> tuple[Engine, Engine]:
        """The engine of the decisions and that of the feedback, once the schema is up to date."""
        if self._engines is None:
            engines = (opened(self.url), opened(self.url, synced=True))
            prepared(engines[0])
            self._engines = engines
        return self._engines

    def _write(self, work: Callable[[Connection], None], *, synced: bool = False) -> None:
        engine = self._database()[synced]

        def written() -> None:
            with engine.begin() as connection:
                work(connection)

        _again_if_dropped(written)
        self._takes = True

    def _read(self, work: Callable[[Connection], T]) -> T:
        engine = self._database()[0]

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
        self._takes = False
        self._leave_alone_until = self._clock() + self._retry_after


def _again_if_dropped(work: Callable[[], T]) -> T:
    """What the work gives; once more where the database had dropped the connection, as after its restart."""
    try:
        return work()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return work()
