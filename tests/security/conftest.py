"""The real application with one trusted client, whose tokens are signed by real keys."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds.engine.engine import Engine
from cds.knowledge.model import Knowledge
from cds.settings import Settings
from cds.web.app import app
from tests.fhir_access.conftest import fhir as fhir
from tests.security.tokens import DAY, ISSUER, PUBLIC, Key, ec_key, rsa_key


@dataclass
class Site:
    """The service as one client sees it: its keys, what is written in the file of clients, and the application."""

    folder: Path
    ec: Key
    rsa: Key
    book: Knowledge
    engine: Engine

    def publish(self, *keys: Key) -> None:
        """Writes the client's public keys down for the service."""
        (self.folder / "keys.json").write_text(json.dumps({"keys": [key.public() for key in keys]}))

    def settings(self, entry: str = "", more: str = "", **settings: Any) -> Settings:
        """Settings with the file of clients: the one client with the lines of `entry`, and what `more` adds to the file."""
        path = self.folder / "clients.yaml"
        lines = [f"issuer: {ISSUER}", *entry.strip().splitlines()]
        if "jku:" not in entry and "keys:" not in entry:
            lines.append("keys: keys.json")
        path.write_text("clients:\n  hospital:\n" + "".join(f"    {line}\n" for line in lines) + more)
        return Settings(clients=path, public_url=PUBLIC, **settings)

    def app(self, entry: str = "", more: str = "", **settings: Any) -> Any:
        return app(self.book, self.engine, self.settings(entry, more, **settings), lambda: DAY)


@pytest.fixture(scope="session")
def keys() -> tuple[Key, Key]:
    return ec_key("ec/1+="), rsa_key("rsa-1")


@pytest.fixture
def site(tmp_path: Path, book: Knowledge, engine: Engine, keys: tuple[Key, Key]) -> Site:
    found = Site(tmp_path, *keys, book, engine)
    found.publish(*keys)
    return found


@pytest.fixture
def service(site: Site) -> Iterator[TestClient]:
    with TestClient(site.app(), base_url="http://inside:8000", raise_server_exceptions=False) as browser:
        yield browser


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock by which the age of keys is told."""
    real, moved = time.monotonic, [0.0]
    monkeypatch.setattr("cds.trust.keys.time.monotonic", lambda: real() + moved[0])

    def forward(seconds: float) -> None:
        moved[0] += seconds

    return forward
