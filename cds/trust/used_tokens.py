"""Tokens that were used: a second use is a replay."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Protocol

MOST_KEPT = 250_000
"""Of one client."""


class SeenTokens(Protocol):
    """Where the tokens that were used are kept until they expire."""

    async def first_use(self, fingerprint: str, until: float, client: str) -> bool:
        """Whether the client's token is used for the first time. `until` is when it expires, in seconds since 1970."""
        ...


def fingerprint(issuer: str, id: str) -> str:
    """What is kept of a token: a digest of its issuer and its id, from which neither can be read."""
    return sha256(f"{len(issuer)}:{issuer}{id}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


class SeenHere:
    """The tokens that this process has seen. For one worker, and for as long as it lives."""

    def __init__(self, clock: Callable[[], float] = time.time, most: int = MOST_KEPT) -> None:
        self._clock = clock
        self._most = most
        self._by_client: dict[str, dict[str, float]] = {}

    async def first_use(self, fingerprint: str, until: float, client: str) -> bool:
        """As in SeenTokens. Where more of a client are kept than fit, none is forgotten: a further one counts as a replay."""
        known = self._by_client.setdefault(client, {})
        if known.get(fingerprint, 0) >= self._clock():
            return False
        if len(known) >= self._most:
            now = self._clock()
            known = self._by_client[client] = {one: ends for one, ends in known.items() if ends >= now}
            if len(known) >= self._most:
                return False
        known[fingerprint] = until
        return True
