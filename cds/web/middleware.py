"""What stands between the network and the routes: who may call, from where, how often and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from cds.fhir.client import AllowedAddress, FhirClient
from cds.hooks.client_profiles import Profile
from cds.settings import Settings
from cds.trust.client_registry import Client
from cds.trust.keys import KeySets
from cds.trust.tokens import Verifier
from cds.trust.used_tokens import SeenHere, SeenTokens
from cds.web.auth import Authentication
from cds.web.cors import Cors, SecurityHeaders
from cds.web.limits import Admission, CallLimits, LocalAllowances, RateLimit, SharedAllowances
from cds.web.live_clients import LiveClients
from cds.web.live_rules import LiveRules
from cds.web.operators import Operators
from cds.web.turns import Turns

SMALLEST_TO_COMPRESS = 2000
SANDBOX = "https://sandbox.cds-hooks.org"
"""The public page on which CDS Hooks services are tried."""
EVERYONE = "everyone"
"""The id of every caller of a service that verifies none."""


class ServiceAccess:
    """The clients of a service, the reader of their servers and keys, and what each request passes before it reaches a route.

    Refuses: a file of clients that can't be used, and a client whose site can't be served (BadClients).
    """

    def __init__(self, settings: Settings, live: LiveRules, today: Callable[[], date], seen: SeenTokens | None = None) -> None:
        self._settings = settings
        self.clients = LiveClients(settings.clients, live, today)
        self.everyone = Client(
            EVERYONE,
            fhir_servers=tuple(map(AllowedAddress, settings.fhir_servers)) if not settings.clients else (),
            profile=Profile.SANDBOX if settings.sandbox else Profile.STU2,
        )
        self.reader = FhirClient(settings.fhir_read_seconds)
        self.turns = Turns()
        self._keys = KeySets(self.reader)
        self._verifier = Verifier(lambda: self.clients.now, self._keys, seen or SeenHere()) if settings.clients else None

    @property
    def public_url(self) -> str | None:
        """The address at which clients reach the service, where it was told."""
        return self._settings.public_url

    def known(self) -> tuple[Client, ...]:
        """The clients that may call; where nobody is verified, the one that stands for every caller."""
        return tuple(self.clients.now) or (self.everyone,)

    def middleware(self, turned_away: Callable[[str], None]) -> list[Middleware]:
        """What a request passes, from the outside in. `turned_away` is told why one did not reach a route."""
        settings = self._settings
        own = (*settings.origins, *([SANDBOX] if settings.sandbox else []))
        encrypted = (settings.public_url or "").startswith("https:")
        allowances = SharedAllowances(settings.metrics_folder) if settings.metrics_folder else LocalAllowances()
        return [
            Middleware(Cors, origins=lambda: (*own, *self.clients.origins)),
            Middleware(SecurityHeaders, encrypted=encrypted),
            Middleware(GZipMiddleware, minimum_size=SMALLEST_TO_COMPRESS, compresslevel=1),
            Middleware(Operators, token=settings.operator_token),
            Middleware(CallLimits, most=settings.most_calls, seconds=settings.call_seconds, turned_away=turned_away),
            Middleware(
                Authentication,
                everyone=self.everyone,
                verifier=self._verifier,
                public_url=settings.public_url,
                doubted=turned_away,
                admission=Admission(
                    RateLimit(settings.calls_a_minute, allowances=allowances), self.turns, settings.most_calls_of_one
                ),
            ),
        ]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While it is open, the file of clients is watched, and connections to their servers are kept."""
        tasks = [asyncio.create_task(self.clients.watch()), asyncio.create_task(self._keys.watch())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await self.reader.close()
