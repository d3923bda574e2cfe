"""Whose call is decided next: one at a time, clients in fair turn, and none that could not be answered in time."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cds.errors import RefusedCall

MOST_SECONDS_AHEAD = 0.2
"""How much work may be ahead of a call that is taken on. What is left of half a second is for the call itself."""
LOOKS_BETWEEN = 6
"""How often the loop looks at what has come in between two calls: from a new connection to its first refusal it takes as many."""
FIRST_GUESS = 0.01
"""Seconds that a call costs, before any was measured."""
WEIGHT_OF_THE_LAST = 0.1
MOST_KNOWN = 10_000
"""Of how many clients it is remembered what they have spent."""


class Busy(RefusedCall):
    """More calls are waiting than can be decided in time."""

    status = 503
    code = "throttled"


class Turns:
    """Gives the processor to one call at a time. The client that has had the least of it is next, so that one whose calls are
    many, or cost much, waits for itself. What a call costs is measured; what can't be decided in time is refused at once."""

    def __init__(self, most_ahead: float = MOST_SECONDS_AHEAD, clock: Callable[[], float] = time.perf_counter) -> None:
        self._most_ahead = most_ahead
        self._clock = clock
        self._busy = False
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._spent: dict[str, float] = {}
        self._costs: dict[str, float] = {}
        self._cost = FIRST_GUESS
        self._last = "", 0.0

    def ahead(self, client: str) -> float:
        """Seconds of work that a call of the client would wait for now: its own calls that wait, and as many of each other's."""
        mine = len(self._waiting.get(client, ()))
        before = {one: min(len(calls), mine + 1) if one != client else mine for one, calls in self._waiting.items()}
        return sum(number * self._cost_of(one) for one, number in before.items())

    def admit(self, client: str) -> None:
        """Checks that a call of the client can be decided in time. Refuses at once: where it can't (Busy)."""
        if self.ahead(client) > self._most_ahead:
            raise Busy("More calls are waiting than can be answered in time; try again.")

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """While it is open, no other call is decided. Refuses: a call that waited for too long after all (Busy)."""
        waited = self._busy
        if waited:
            await self._wait(client)
        self._busy = True
        started = self._clock()
        if waited:  # everything between two turns counts
            self._learn(self._last[0], started - self._last[1])
        self._last = client, started
        try:
            yield
        finally:
            took = self._clock() - started
            self._spent[client] = max(self._spent.get(client, 0.0), self._least()) + took
            if not self._waiting:
                self._learn(client, took)
            self._hand_on()

    def _hand_on(self, looks: int = LOOKS_BETWEEN) -> None:
        """Hands on once the loop has looked at what came in meanwhile, so that those who wait are in view, and in fair turn, and
        who is to be refused is refused now, not after as many turns as a new connection takes looks."""
        if looks:
            asyncio.get_running_loop().call_soon(self._hand_on, looks - 1)
        else:
            self._next()

    async def _wait(self, client: str) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(mine)
        since = self._clock()
        self._spent[client] = max(self._spent.get(client, 0.0), self._least())
        try:
            await mine
        except asyncio.CancelledError:
            self._given_up(client, mine)
            raise
        if self._clock() - since > 2 * self._most_ahead + self._cost_of(client):
            self._next()
            raise Busy("The call waited for too long; try again.")

    def _given_up(self, client: str, mine: asyncio.Future[None]) -> None:
        if mine.done() and not mine.cancelled():
            self._next()  # it was this call's turn
            return
        calls = self._waiting.get(client, deque())
        if mine in calls:
            calls.remove(mine)
        if not calls:
            self._waiting.pop(client, None)

    def _next(self) -> None:
        """Hands on to the client that has had the least."""
        while self._waiting:
            client = min(self._waiting, key=lambda one: self._spent.get(one, 0.0))
            calls = self._waiting[client]
            call = calls.popleft()
            if not calls:
                del self._waiting[client]
            if not call.done():
                call.set_result(None)
                return
        self._busy = False

    def _learn(self, client: str, cost: float) -> None:
        if len(self._spent) > MOST_KNOWN:
            self._spent.clear()
            self._costs.clear()
        self._costs[client] = self._smoothed(self._costs.get(client, cost), cost)
        self._cost = self._smoothed(self._cost, cost)

    def _smoothed(self, before: float, now: float) -> float:
        return before + WEIGHT_OF_THE_LAST * (now - before)

    def _cost_of(self, client: str) -> float:
        return self._costs.get(client, self._cost)

    def _least(self) -> float:
        """What the one has had who waits and has had the least; a client that was idle begins there, and has saved up nothing."""
        return min((self._spent.get(one, 0.0) for one in self._waiting), default=0.0)
