"""Threads for what blocks, so many for each thing that may hang: one of them takes no thread from another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cds.errors import RefusedCall

T = TypeVar("T")


class Crowded(RefusedCall):
    """More waits for one thing than can be done soon."""

    status = 503
    code = "throttled"


class Pool:
    """Some threads for one kind of work, and a bound on how much of it is begun or waits. An asker that gives up frees no thread:
    its work counts until it ends."""

    def __init__(self, name: str, threads: int, most: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._name = name
        self._most = most
        self._in_hand = 0

    async def run(self, work: Callable[[], T]) -> T:
        """What the work gives. Refuses at once: where as much is in hand as may be (Crowded)."""
        if self._in_hand >= self._most:
            raise Crowded(f"Too much waits for the {self._name}; try again.")
        self._in_hand += 1
        begun = self._threads.submit(work)
        begun.add_done_callback(self._done(asyncio.get_running_loop()))
        return await asyncio.wrap_future(begun)

    def _done(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        def one_less() -> None:
            self._in_hand -= 1

        def told(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(one_less)

        return told

    def close(self) -> None:
        self._threads.shutdown(wait=False)
