"""Tokens that were used, in the store that every worker shares; in this process alone while the store is down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from cds.records.store_errors import StoreUnavailable
from cds.trust.used_tokens import SeenHere
from cds.web.logs import LOG
from cds.web.pools import Crowded, Pool


class TokenStore(Protocol):
    """What is asked of the store."""

    def first_use_at_once(self, token: str, until: datetime) -> bool | None:
        """The same, without waiting for anybody; None where that could not be told."""
        ...

    def first_use(self, token: str, until: datetime, now: datetime) -> bool:
        """Whether the token is written down for the first time. Refuses: while the store is down (StoreUnavailable)."""
        ...


class SeenInStore:
    """The tokens that any worker has seen."""

    def __init__(self, store: TokenStore, pool: Pool) -> None:
        self._store = store
        self._pool = pool
        self._here = SeenHere()

    async def first_use(self, fingerprint: str, until: float, client: str) -> bool:
        """Whether the token is used for the first time. Never raises: the service answers while its store is down."""
        if not await self._here.first_use(fingerprint, until, client):
            return False
        ends, now = datetime.fromtimestamp(until, UTC), datetime.now(UTC)
        try:
            told = self._store.first_use_at_once(fingerprint, ends)
            return await self._pool.run(lambda: self._store.first_use(fingerprint, ends, now)) if told is None else told
        except (StoreUnavailable, Crowded):
            LOG.warning("token_store_unavailable", extra={"fields": {"replays": "told apart by this process alone"}})
            return True
