"""What stands between the network and the routes: who may call, from where, how often and for how long."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.middleware import Middleware

from cds.fhir.client import FhirClient, Place
from cds.settings import Settings
from cds.trust.clients import Client, TrustedClients, trusted_clients
from cds.trust.keys import KeySets
from cds.trust.seen import SeenHere, SeenTokens
from cds.trust.tokens import Verifier
from cds.web.auth import Authentication
from cds.web.cors import SecurityHeaders, cors
from cds.web.limits import InHand, Paced, RateLimit

EVERYONE = "everyone"
"""The id of every caller of a service that verifies none."""


class Doors:
    """The clients of a service, the reader of their servers and keys, and what each request passes before it reaches a route.

    Refuses: a file of clients that can't be used (BadClients).
    """

    def __init__(self, settings: Settings, seen: SeenTokens | None = None) -> None:
        self._settings = settings
        self.clients = trusted_clients(settings.clients) if settings.clients else TrustedClients()
        self.everyone = Client(EVERYONE, fhir_servers=tuple(map(Place, settings.fhir_servers)) if not settings.clients else ())
        self.reader = FhirClient(settings.fhir_read_seconds)
        self._verifier = Verifier(self.clients, KeySets(self.reader), seen or SeenHere()) if settings.clients else None

    @property
    def public_url(self) -> str | None:
        """The address at which clients reach the service, where it was told."""
        return self._settings.public_url

    def known(self) -> tuple[Client, ...]:
        """The clients that may call; where nobody is verified, the one that stands for every caller."""
        return tuple(self.clients) or (self.everyone,)

    def middleware(self, turned_away: Callable[[str], None]) -> list[Middleware]:
        """What a request passes, from the outside in. `turned_away` is told why one did not reach a route."""
        settings = self._settings
        encrypted = (settings.public_url or "").startswith("https:")
        return [
            *cors((*settings.origins, *self.clients.origins())),
            Middleware(SecurityHeaders, encrypted=encrypted),
            Middleware(InHand, most=settings.most_calls, seconds=settings.call_seconds, turned_away=turned_away),
            Middleware(
                Authentication,
                everyone=self.everyone,
                verifier=self._verifier,
                public_url=settings.public_url,
                doubted=turned_away,
            ),
            Middleware(Paced, limit=RateLimit(settings.calls_a_minute), turned_away=turned_away),
        ]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While it is open, connections to the servers of clients are kept."""
        try:
            yield
        finally:
            await self.reader.close()
