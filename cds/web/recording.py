"""Decisions kept before their answer leaves, and feedback taken: the store, as the routes use it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.metadata import version
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge

from cds.core.period import shifted
from cds.decision.decide import PATIENT_VIEW, Decision
from cds.decision.declined_cards import longest, may_be_short, shortened, with_shortened
from cds.errors import UnknownService
from cds.hooks.messages import HookCall
from cds.hooks.services import HOOKS
from cds.knowledge.model import Knowledge
from cds.records.database import key_of, spool_of
from cds.records.decisions import DecisionRecord, Recorder
from cds.records.feedback import reported
from cds.records.hashes import kept_in, keyed
from cds.records.store import Store, StoredIn, StoreState
from cds.records.store_errors import StoreUnavailable
from cds.web.logs import LOG, place_of
from cds.web.pools import Pool

LOST, REFUSED = "lost", "refused"
SECONDS_BETWEEN_LOOKS = 5.0
"""How often the spool is looked at."""
MOST_SECONDS_TO_ASK = 0.25
"""How long a call waits to be told which cards were declined."""
SECONDS_UNTIL_ASKED_AGAIN = 5.0
"""For how long a store that could not tell is not asked."""
T = TypeVar("T")


class Recording:
    """What is kept, where, and how often that failed. `now` is the clock; with `required` nothing is answered that is not kept.

    What blocks has threads of its own: decisions and what is asked for calls, feedback, and the question how the store is.
    """

    def __init__(self, store: Store, recorder: Recorder, now: Callable[[], datetime], *, required: bool = False) -> None:
        self.store = store
        self.required = required
        self.calls = Pool("store", 8, 200)
        self._reports = Pool("store", 4, 50)
        self._looks = Pool("store", 2, 4)
        self.recorder = recorder
        self.now = now
        self.decisions = Counter("cds_store_decisions", "Decisions by where they are", ["kept"], registry=None)
        self.feedback = Counter("cds_store_feedback", "Feedback events by outcome", ["outcome"], registry=None)
        self.failures = Counter("cds_store_failures", "Writes that the database did not take", registry=None)
        self.unasked = Counter("cds_declined_not_looked_up", "Calls that could not tell which cards were declined", registry=None)
        self._ask_again_at = 0.0
        self._looking: asyncio.Future[StoreState] | None = None
        self.waiting = Gauge("cds_store_spool_waiting", "1 while spooled decisions are still to be stored", registry=None)
        self.waiting.set_function(lambda: float(store.spool.waiting()))
        self.refused = Gauge("cds_store_refused", "1 while decisions lie aside that the database refused", registry=None)
        self.refused.set_function(lambda: float(store.refused.waiting()))

    def counted_in(self, registry: CollectorRegistry) -> None:
        """Makes the counters part of a registry."""
        for counter in (self.decisions, self.feedback, self.failures, self.unasked, self.waiting, self.refused):
            registry.register(counter)

    async def keep(
        self, decision: Decision, call: HookCall, knowledge: Knowledge, client: str, prefetch: Mapping[str, str] | None = None
    ) -> None:
        """Stores the decision. Where it can't, that is logged and counted, and the call is answered all the same.

        Refuses: a decision that can't be stored, where records are required (StoreUnavailable).
        """
        try:
            record = self.recorder.recorded(decision, call, knowledge, client, self.now(), prefetch)
            kept = await self._written(record)
        except Exception as error:
            self._failed("decision lost", decision.id, error)
            self.decisions.labels(LOST).inc()
            if self.required:
                raise StoreUnavailable("The decision could not be written down, and records are required; try again.") from error
            return
        self.decisions.labels(kept.value).inc()
        if kept is StoredIn.SPOOLED:
            self._failed("decision spooled", decision.id, None)

    async def shortening(
        self, decision: Decision, call: HookCall, knowledge: Knowledge, client: str, new_id: Callable[[], str]
    ) -> Decision:
        """The decision with those cards in one line that the client declined for this patient, nothing being worse since.

        In a chart, those too that an earlier opening of it showed and nobody answered.

        The decision as it is, all cards in full, where the store can't tell, or not in time.
        """
        try:
            wanted = may_be_short(decision, knowledge)
            if not wanted or time.monotonic() < self._ask_again_at:
                return decision
            patient = self.recorder.keyed.patient(client, call.fhir_server, call.patient_id)
            since = shifted(decision.day, -longest(knowledge, decision.day))
            in_chart = decision.hook == PATIENT_VIEW
            declined = await self._in_time(lambda: self.store.declined(patient, client, since, wanted, in_chart))
            return with_shortened(decision, shortened(decision, declined, knowledge), knowledge, new_id)
        except Exception as error:
            self.unasked.inc()
            if isinstance(error, TimeoutError | StoreUnavailable):
                self._ask_again_at = time.monotonic() + SECONDS_UNTIL_ASKED_AGAIN
            fields = {"decision": decision.id, "error": type(error).__name__, "place": place_of(error)}
            LOG.warning("declined_cards_not_asked", extra={"fields": fields})
            return decision

    async def take(self, service: str, body: object, knowledge: Knowledge, client: str) -> tuple[str, ...]:
        """Why items in a body are no feedback, once all others are stored.

        Refuses: an unknown service, a body that holds no feedback, and a store that is down.
        """
        if service not in HOOKS:
            raise UnknownService(f"There is no service of that id; the services are {', '.join(HOOKS)}.")
        told = reported(body, knowledge.override_reasons.values(), self.recorder.keyed)
        events = told.events
        try:
            received_at = self.now()
            await self._reports.run(lambda: self.store.write_feedback(events, client, service, received_at))
        except StoreUnavailable:
            self._failed("feedback refused", None, None)
            raise
        for event in events:
            self.feedback.labels(event.outcome).inc()
        for _ in told.refused:
            self.feedback.labels(REFUSED).inc()
        return told.refused

    async def state(self) -> StoreState:
        """Where decisions go now; who asks while it is found out waits for the same answer."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._looks.run(self.store.state))
            self._looking.add_done_callback(self._looked)
        return await asyncio.shield(self._looking)

    def _looked(self, _: object) -> None:
        self._looking = None

    def set_aside(self) -> str | None:
        """What an operator has to look at: decisions that the database refused."""
        if not self.store.refused.waiting():
            return None
        return f"{self.store.refused.path}: the database refused what lies here; `cds records export` tells it."

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the service runs, what was spooled is stored as soon as the database is back; the store is closed in the end."""
        task = asyncio.create_task(self._catching_up())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            self.store.close()
            for pool in (self.calls, self._reports, self._looks):
                pool.close()

    async def _catching_up(self) -> None:
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            stored = await self._looks.run(self.store.catch_up)
            if stored:
                LOG.info("spool_stored", extra={"fields": {"decisions": stored}})

    async def _written(self, record: DecisionRecord) -> StoredIn:
        """Where the decision is. A short write that waits for nobody is done in place: a thread hop would cost as much."""
        if self.store.wrote_at_once(record):
            return StoredIn.STORED
        return await self.calls.run(lambda: self.store.write_decision(record))

    async def _in_time(self, ask: Callable[[], T]) -> T:
        """What is asked of the store; TimeoutError where it takes too long. SQLite is asked in place: a reader waits for none."""
        return ask() if self.store.in_place else await asyncio.wait_for(self.calls.run(ask), MOST_SECONDS_TO_ASK)

    def _failed(self, says: str, decision: str | None, error: Exception | None) -> None:
        fields: dict[str, Any] = {"decision": decision, "store": self.store.trouble}
        if error is not None:
            fields |= {"error": type(error).__name__, "place": place_of(error)}
        self.failures.inc()
        level = logging.ERROR if error is not None else logging.WARNING
        LOG.log(level, says, extra={"fields": {name: value for name, value in fields.items() if value is not None}})


def keeping(address: str, key: str | None, now: Callable[[], datetime], *, required: bool = False) -> Recording:
    """The keeping of a service, by its database and the key of its hashes; where none is given one is made and kept beside it.

    A database that is down is no error: its decisions are spooled. Refuses: an address that can't be used (ValueError), and
    a store that a newer program has changed (UnusableStore).
    """
    store = Store(address, spool_of(address))
    hashes = keyed(key) if key else kept_in(key_of(address))
    if not store.start():
        LOG.warning("the store is down, so decisions are spooled", extra={"fields": {"store": store.trouble}})
    return Recording(store, Recorder(hashes, version("taper-cds")), now, required=required)
