"""The public keys of clients: a JWK Set from a file or from an address that is allowed, kept for a while and asked for again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from cds.fhir.client import AllowedAddress, FhirClient, NotRead

ALGORITHMS = ("ES384", "RS384")
"""The algorithms that a token may be signed by. The type of the key decides which of them."""
FRESH_SECONDS = 3600.0
RENEWED_AFTER_SECONDS = 3000.0
"""After which keys are read again beside the calls, so that no call waits for it."""
SECONDS_BETWEEN_LOOKS = 30.0
"""For how long keys are used without a look at their source."""
STALE_SECONDS = 24 * 3600.0
"""For how long keys are used while their source can't be read."""
ASK_AGAIN_SECONDS = 60.0
"""How often a key that is not known may have the source asked again; so nobody can make us ask all the time."""
TRY_AGAIN_SECONDS = 5.0
"""The same, after the source could not be read."""
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

Jwk = Mapping[str, Any]


def algorithm_of(key: Jwk) -> str | None:
    """The one algorithm that a key verifies, by its type; None where it verifies none of ours."""
    kind = {"EC": "ES384" if key.get("crv") == "P-384" else None, "RSA": "RS384"}.get(str(key.get("kty")))
    signs = key.get("use", "sig") == "sig" and "verify" in key.get("key_ops", ("verify",))
    return kind if signs and key.get("alg", kind) == kind else None


def usable(key_set: object) -> dict[str, Jwk]:
    """The keys of a JWK Set that verify one of our algorithms, by `kid`.

    Refuses with ValueError: what is no JWK Set, and a private or secret key, which has no place in one.
    """
    keys = key_set.get("keys") if isinstance(key_set, dict) else None
    if not isinstance(keys, list):
        raise ValueError("this is no JWK Set.")
    found = [key for key in keys if isinstance(key, dict)]
    if any(PRIVATE_MEMBERS & key.keys() for key in found):
        raise ValueError("it holds a private or secret key; make new keys, and keep the private one to the client.")
    return {key["kid"]: key for key in found if isinstance(key.get("kid"), str) and algorithm_of(key) is not None}


class KeySet:
    """The keys from one source. `load` reads it: the JWK Set, or NotRead, OSError, ValueError."""

    def __init__(self, load: Callable[[], Awaitable[object]]) -> None:
        self._load = load
        self._keys: dict[str, Jwk] = {}
        self._read_at: float | None = None
        self._ask_again_at = float("-inf")
        self._failed = False
        self._renewing: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def key(self, id: str) -> Jwk | None:
        """The key of an id; the source is asked again for one that is not known, and for keys that have grown old."""
        if id in self._keys and self._age() > FRESH_SECONDS and self._failed:
            self.renew()  # a source that is away holds up no call of a key that is known
        elif id not in self._keys or self._age() > FRESH_SECONDS:
            if self._renewing is not None and not self._renewing.done():
                await asyncio.wait([self._renewing])
            async with self._lock:
                if (id not in self._keys or self._age() > FRESH_SECONDS) and self._may_ask():
                    await self._ask()
        return self._keys.get(id) if self._age() <= STALE_SECONDS else None

    def renew(self) -> None:
        """Has keys that have grown old read again, beside whoever asks for them."""
        if self._read_at is not None and self._age() > RENEWED_AFTER_SECONDS and self._may_ask():
            self._ask_again_at = time.monotonic() + TRY_AGAIN_SECONDS
            self._renewing = asyncio.create_task(self._ask())

    def _age(self) -> float:
        return float("inf") if self._read_at is None else time.monotonic() - self._read_at

    def _may_ask(self) -> bool:
        return time.monotonic() >= self._ask_again_at

    async def _ask(self) -> None:
        self._ask_again_at = time.monotonic() + TRY_AGAIN_SECONDS
        try:
            self._keys = usable(await self._load())
        except (NotRead, OSError, ValueError):
            self._failed = True
            return
        self._failed = False
        self._read_at = time.monotonic()
        self._ask_again_at = self._read_at + ASK_AGAIN_SECONDS


class KeySets:
    """Every key set by its source: an address that a client's entry allows, or a file."""

    def __init__(self, reader: FhirClient) -> None:
        self._reader = reader
        self._sets: dict[str | Path, KeySet] = {}

    def at(self, source: str | Path) -> KeySet:
        if source not in self._sets:
            self._sets[source] = KeySet(lambda: self._loaded(source))
        return self._sets[source]

    async def watch(self) -> None:
        """Renews every key set in time, until it is cancelled."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            for one in self._sets.values():
                one.renew()

    async def _loaded(self, source: str | Path) -> object:
        if isinstance(source, Path):
            return orjson.loads(await asyncio.to_thread(source.read_bytes))
        return await self._reader.read(AllowedAddress(source), source)
