"""Where a call is decided: in the loop, one at a time, or in a thread where it is large; for so long and no longer.

A thread and checks between the parts of the work, not a process of its own: what is decided with (rules, engines, what is
remembered) is large and swapped while the service runs, and a call would cost as much to hand over as to decide.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from cds.errors import RefusedCall
from cds.web.pools import Pool
from cds.web.turns import Turns

MOST_PARTS_IN_THE_LOOP = 8_000
"""Objects and lists of a call that is decided in the loop: a record of some 300 resources."""
MOST_SECONDS_AHEAD_IN_THE_THREAD = 2.0
T = TypeVar("T")


class TooLong(RefusedCall):
    """Deciding about the call took longer than it may."""

    status = 503
    code = "timeout"


class Deciding:
    """The processor, as calls share it. `seconds` is what deciding about one may take."""

    def __init__(self, turns: Turns, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._turns = turns
        self._large = Turns(MOST_SECONDS_AHEAD_IN_THE_THREAD)
        self._thread = Pool("decision about a large call", 1, 2)
        self._seconds = seconds
        self._clock = clock

    async def small_or_done(self, work: Callable[[Callable[[], None]], T], parts: int, client: str) -> T:
        """As `done`; work that is nothing beside deciding waits for no turn, where the call is not large."""
        return work(self._until()) if parts <= MOST_PARTS_IN_THE_LOOP else await self.done(work, parts, client)

    async def done(self, work: Callable[[Callable[[], None]], T], parts: int, client: str) -> T:
        """What the work gives. It is handed a check that it has to ask often. Refuses: what takes too long (TooLong)."""
        if parts <= MOST_PARTS_IN_THE_LOOP:
            async with self._turns.turn(client):
                return work(self._until())
        self._large.admit(client)
        async with self._large.turn(client):
            check = self._until()
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._thread.run(lambda: work(check))
            except TimeoutError:
                raise self._too_long() from None

    def _until(self) -> Callable[[], None]:
        end = self._clock() + self._seconds

        def check() -> None:
            if self._clock() > end:
                raise self._too_long()

        return check

    def _too_long(self) -> TooLong:
        return TooLong(f"Deciding about the call took longer than {self._seconds:g} seconds; prefetch less, or try again.")
