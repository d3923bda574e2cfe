"""Tokens that were used, in the store that every worker shares; in this process alone while the store is down."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol

from cds.records.errors import StoreUnavailable
from cds.trust.replay import SeenHere
from cds.web.logs import LOG


class TokenStore(Protocol):
    """What is asked of the store; `in_place` tells that a write is short enough not to need a thread."""

    in_place: bool

    def first_use(self, token: str, until: datetime, now: datetime) -> bool:
        """Whether the token is written down for the first time. Refuses: while the store is down (StoreUnavailable)."""
        ...


class SeenInStore:
    """The tokens that any worker has seen."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self._here = SeenHere()

    async def first_use(self, fingerprint: str, until: float) -> bool:
        """Whether the token is used for the first time. Never raises: the service answers while its store is down."""
        if not await self._here.first_use(fingerprint, until):
            return False
        ends, now = datetime.fromtimestamp(until, UTC), datetime.now(UTC)
        try:
            if self._store.in_place:
                return self._store.first_use(fingerprint, ends, now)
            return await asyncio.to_thread(self._store.first_use, fingerprint, ends, now)
        except StoreUnavailable:
            LOG.warning("untold", extra={"fields": {"replays": "told apart by this process alone: the store is down"}})
            return True
