"""A real service for three clients: one at each of two sites, and one at none."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from cds.hooks.messages import EXTENSION
from cds.settings import Settings
from cds.web.app import live_app
from cds.web.live_clients import LiveClients
from cds.web.live_rules import LiveRules
from cds.web.recording import Recording, keeping
from cds.web.revision import RulesSource
from tests.security.tokens import DAY, PUBLIC, SIGN, Key, ec_key, shown

ROOT = Path(__file__).parents[2]
APPROVED = "because: it fits us, approved_by: the committee, review_by: 2026-12-31"
NORTH = f"""site: north
title: North Hospital
status: active
parameters:
  free_cut: {{value: 10 percent, from: 2026-01-01, {APPROVED}}}
"""
SOUTH = f"""site: south
title: South Hospital
status: active
rules:
  advice/abrupt-stop: {{silent_until: 2026-11-25, {APPROVED}}}
  advice/cut-too-fast: {{silent: yes, {APPROVED}}}
"""
SITES = {"north": NORTH, "south": SOUTH}
CLIENTS = {"at-north": "north", "at-south": "south", "at-none": None}
"""The clients, each with its site."""
ABRUPT, GENTLE, HALVED = "abrupt-stop-alprazolam", "quiet-gentle-taper-step", "cut-too-fast-alprazolam-halved"
PATIENCE = 120.0


@dataclass
class Clock:
    day: date = DAY

    def __call__(self) -> date:
        return self.day


@dataclass
class Place:
    """The rules and the file of clients as they stand on disk, and the key that every client signs by."""

    folder: Path
    key: Key = field(default_factory=lambda: ec_key("k"))
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        shutil.copytree(ROOT / "rules", self.rules)
        for site, text in SITES.items():
            (self.rules / f"sites/{site}.yaml").write_text(text)
        (self.folder / "keys.json").write_text(json.dumps({"keys": [self.key.public()]}))
        self.clients.write_text(clients())

    @property
    def rules(self) -> Path:
        return self.folder / "rules"

    @property
    def clients(self) -> Path:
        return self.folder / "clients.yaml"

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder}/store/records.sqlite"

    @contextmanager
    def served(self, site: str | None = None, **settings: Any) -> Iterator[Service]:
        """The service over them; `site` is that of a client without one."""
        source = RulesSource(self.rules, self.clock, site=site)
        live = LiveRules(source.served(), source)
        kept = keeping(self.store, None, lambda: datetime(2026, 11, 23, 12, tzinfo=UTC))
        configured = Settings(clients=self.clients, public_url=PUBLIC, **settings)
        application = live_app(live, configured, self.clock, keeping=kept)
        try:
            yield Service(TestClient(application, raise_server_exceptions=False), live, kept, self.key)
        finally:
            kept.store.close()
            live.close()


def clients(**sites: str | None) -> str:
    """The file of the three clients; a named one has the site that is given."""
    lines = ["clients:"]
    for id, site in {**CLIENTS, **{name.replace("_", "-"): site for name, site in sites.items()}}.items():
        lines += [f"  {id}:", f"    issuer: {issuer(id)}", "    keys: keys.json", *([f"    site: {site}"] if site else [])]
    return "\n".join(lines) + "\n"


def issuer(client: str) -> str:
    return f"https://{client}.example.org"


@dataclass
class Service:
    """The application, and what it is made of."""

    browser: TestClient
    live: LiveRules
    kept: Recording
    key: Key

    def token(self, client: str, path: str = SIGN) -> dict[str, str]:
        return shown(self.key.token(path, iss=issuer(client)))

    def post(self, client: str, story: str) -> Any:
        return self.browser.post(SIGN, json=request(story), headers=self.token(client))

    def ask(self, client: str, story: str) -> dict[str, Any]:
        response = self.post(client, story)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def cards(self, client: str, story: str) -> set[str]:
        return rules_of(self.ask(client, story))

    def ready(self) -> dict[str, Any]:
        told: dict[str, Any] = self.browser.get("/ready").json()
        return told

    def counters(self) -> str:
        return self.browser.get("/metrics").text

    @property
    def clients(self) -> LiveClients:
        found: LiveClients = self.browser.app.state.clients  # type: ignore[attr-defined]
        return found


def request(story: str) -> Any:
    """The call of a story. The gentle cut is made one of a ninth, told where a site wants to hear of more than a tenth."""
    call = json.loads((ROOT / "fhir_examples" / story / "request.json").read_text())
    if story == GENTLE:
        call["context"]["draftOrders"]["entry"][0]["resource"]["dosageInstruction"] = [{"text": "Take 8 tablets daily"}]
        call["prefetch"]["medicationRequests"]["entry"][0]["resource"]["dosageInstruction"] = [{"text": "Take 18 mg daily"}]
    return call


def rules_of(answer: dict[str, Any]) -> set[str]:
    named = (card["extension"][EXTENSION] for card in answer["cards"])
    return {rule for one in named for rule in (one["rule"], *one.get("alsoSays", []))}


def knowledge_of(answer: dict[str, Any]) -> str:
    return str(answer["extension"][EXTENSION]["knowledge"])


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
