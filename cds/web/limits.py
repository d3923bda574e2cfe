"""How much is taken on: so many calls at a time, each for so long, and from each client so many a minute."""

from __future__ import annotations

import asyncio
import fcntl
import math
import os
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cds.errors import RefusedCall
from cds.trust.client_registry import Client
from cds.web.responses import outcome_response
from cds.web.routing import is_service
from cds.web.turns import Turns

ENDING = ".allowance"
FORM = struct.Struct("dd")


@dataclass(slots=True)
class Allowance:
    """How many calls are left, and when that was told. Units: seconds of the machine's clock since it was started."""

    left: float
    at: float


class Allowances(Protocol):
    """The allowances of clients, by their id."""

    def held(self, client: str, first: Allowance) -> AbstractContextManager[Allowance]:
        """The allowance of a client, to be changed while it is held; `first` is that of one that was not seen before."""
        ...


class LocalAllowances:
    """Those that this process alone has counted."""

    def __init__(self) -> None:
        self._by_client: dict[str, Allowance] = {}

    @contextmanager
    def held(self, client: str, first: Allowance) -> Iterator[Allowance]:
        yield self._by_client.setdefault(client, first)


class SharedAllowances:
    """Those in a folder, each in a file that is locked while it is changed. Where that fails, this process counts for itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._here = LocalAllowances()

    @contextmanager
    def held(self, client: str, first: Allowance) -> Iterator[Allowance]:
        try:
            file = os.open(self._folder / f"{client}{ENDING}", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            with self._here.held(client, first) as own:
                yield own
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            told = os.pread(file, FORM.size, 0)
            own = Allowance(*FORM.unpack(told)) if len(told) == FORM.size else first
            yield own
            with suppress(OSError):
                os.pwrite(file, FORM.pack(own.left, own.at), 0)
        finally:
            os.close(file)


BURST_SECONDS = 10
"""A client may spend what it is allowed in so many seconds at once."""


class CallLimits:
    """Takes on so many calls at a time, and ends one that takes too long: a body that drips in, or a store that hangs."""

    def __init__(self, app: ASGIApp, most: int, seconds: float, turned_away: Callable[[str], None]) -> None:
        self._app = app
        self._most = most
        self._seconds = seconds
        self._turned_away = turned_away
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_service(scope):
            await self._app(scope, receive, send)
            return
        if self._now >= self._most:
            self._turned_away("busy")
            await outcome_response(503, "throttled", "Too many calls are in hand; try again.", {"Retry-After": "1"})(
                scope, receive, send
            )
            return
        self._now += 1
        try:
            await self._in_time(scope, receive, send)
        finally:
            self._now -= 1

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = _CallInHand(receive, send)
        try:
            async with asyncio.timeout(self._seconds):
                await self._app(scope, call.receive, call.send)
        except TimeoutError:
            self._turned_away("slow")
            if call.answered:
                raise
            if not call.awaited:
                refusal = outcome_response(
                    503, "timeout", "The call could not be answered in time; try again.", {"Retry-After": "1"}
                )
            else:
                says = f"The body was not there within {self._seconds:g} seconds."
                refusal = outcome_response(408, "timeout", says, {"Connection": "close"})
            await refusal(scope, receive, send)


class _CallInHand:
    """One call as it goes: whether its body is waited for, and whether it is being answered."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.awaited = self.answered = False

    async def receive(self) -> Message:
        self.awaited = True
        message = await self._receive()
        self.awaited = False
        return message

    async def send(self, message: Message) -> None:
        self.answered = True
        await self._send(message)


class RateLimit:
    """How many calls a minute each client may make; an allowance that fills up as time goes by."""

    def __init__(
        self, calls_a_minute: int, clock: Callable[[], float] = time.monotonic, allowances: Allowances | None = None
    ) -> None:
        self._default = calls_a_minute
        self._clock = clock
        self._allowances = allowances or LocalAllowances()

    def wait(self, client: Client) -> float:
        """Seconds that the client has to wait before its call is taken; 0 where it is taken now."""
        a_second = (client.calls_a_minute or self._default) / 60
        most, now = max(1.0, a_second * BURST_SECONDS), self._clock()
        with self._allowances.held(client.id, Allowance(most, now)) as own:
            own.left, own.at = min(most, own.left + max(0.0, now - own.at) * a_second), now
            if own.left < 1:
                return (1 - own.left) / a_second
            own.left -= 1
            return 0.0


class TooOften(RefusedCall):
    """The client has made more calls than it may make in a minute."""

    status = 429
    code = "throttled"

    def __init__(self, seconds: float) -> None:
        super().__init__("This client has made more calls than it may make in a minute.")
        self.retry_after = math.ceil(seconds)


class Crowding(RefusedCall):
    """The client has as many calls in hand as one client may have."""

    status = 503
    code = "throttled"


class Admission:
    """Takes on what can be answered in time, and from each client no more than its share: so many calls a minute, and so many in
    hand. Asked once it is known who calls, and before anything is written down or read. Callers that nobody verified are not told
    apart, so that they share what the service can do."""

    def __init__(self, limit: RateLimit, turns: Turns, most_of_one: int) -> None:
        self._limit = limit
        self._turns = turns
        self._most_of_one = most_of_one
        self._in_hand: Counter[str] = Counter()

    def take(self, client: Client) -> None:
        """Takes the call on. Refuses: Busy, Crowding, TooOften."""
        if client.issuer is not None:
            if self._in_hand[client.id] >= self._most_of_one:
                raise Crowding("This client has as many calls in hand as one may have; try again.")
            seconds = self._limit.wait(client)
            if seconds:
                raise TooOften(seconds)
        self._turns.admit(client.id)

    @contextmanager
    def in_hand(self, client: Client) -> Iterator[None]:
        """While it is open, one more call of the client is in hand."""
        self._in_hand[client.id] += 1
        try:
            yield
        finally:
            self._in_hand[client.id] -= 1
            if not self._in_hand[client.id]:
                del self._in_hand[client.id]
