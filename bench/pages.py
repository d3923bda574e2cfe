"""How long a page takes with 10,000 stored decisions, and how long a control of a plan takes to draw it anew.

Run: python -m bench.pages. In one process, without a network; each page so often that its 95th percentile means something.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from starlette.testclient import TestClient

from cds.engine.engine import Engine
from cds.hooks.messages import EXTENSION
from cds.knowledge.loader import knowledge
from cds.records.decisions import DecisionRecord
from cds.records.feedback import OVERRIDDEN, FeedbackEvent
from cds.records.rows import insert_decisions
from cds.settings import Settings
from cds.web.app import app
from cds.web.recording import Recording, keeping

ROOT = Path(__file__).parents[1]
DAY, NOW = date(2026, 11, 23), datetime(2026, 11, 23, 10, tzinfo=UTC)
STORED, AT_A_TIME, SPOKEN_OF = 10_000, 500, 5
PAGE_MS, AGAIN_MS, ROUNDS = 200, 100, 40
CONTROLS = ("pace=very-slow", "basis=original", "interval=28", "kind=crossover", "start=2026-12-07", "not_borne=3")


def main() -> int:
    rules = knowledge(ROOT / "rules")
    with tempfile.TemporaryDirectory() as folder:
        kept = keeping(f"sqlite:///{folder}/records.sqlite", None, lambda: NOW)
        service = app(rules, Engine(rules), Settings(), lambda: DAY, kept)
        client = TestClient(service, base_url="http://127.0.0.1", client=("127.0.0.1", 1))
        call = json.loads((ROOT / "fhir_examples/abrupt-stop-alprazolam/request.json").read_text())
        card = client.post("/cds-services/taper-order-sign", json=call).json()["cards"][0]
        store(kept, kept.store.decision(card["extension"][EXTENSION]["decision"]))
        plan = card["links"][0]["url"].removeprefix("http://127.0.0.1")
        pages = ("/", "/rules", "/rules?q=alprazolam", "/rules/advice/abrupt-stop", "/try", "/insights", "/docs", plan)
        slow = [measured("/plans/…" if path is plan else path, PAGE_MS, lambda n, path=path: get(client, path)) for path in pages]
        again = {"HX-Request": "true"}
        slow.append(
            measured("a control", AGAIN_MS, lambda n: get(client, f"{plan}?{CONTROLS[n % len(CONTROLS)]}&n={n}", again))
        )
        kept.store.close()
    return int(any(slow))


def store(kept: Recording, record: DecisionRecord) -> None:
    """Stores as many decisions like this one, over 80 days; of some of their cards a client spoke."""
    for first in range(0, STORED, AT_A_TIME):
        records = [like(record, n) for n in range(first, first + AT_A_TIME)]
        kept.store.write(lambda connection, records=records: insert_decisions(connection, records))
        spoken = [card.card for each in records[::SPOKEN_OF] for card in each.cards]
        events = [FeedbackEvent(card, OVERRIDDEN, NOW, reasons=("patient-choice",)) for card in spoken]
        kept.store.write_feedback(events, "everyone", "taper-order-sign", NOW)


def like(record: DecisionRecord, n: int) -> DecisionRecord:
    """The same decision under another id, on another day."""
    id, back = str(UUID(int=n + 1)), timedelta(days=n % 80)
    cards = tuple(replace(card, card=f"{n}-{place}") for place, card in enumerate(record.cards))
    return replace(record, id=id, made_at=record.made_at - back, day=record.day - back, cards=cards)


def get(client: TestClient, path: str, headers: dict[str, str] | None = None) -> None:
    status = client.get(path, headers=headers).status_code
    if status != 200:
        raise SystemExit(f"{path}: seen {status}; expected 200.")


def measured(what: str, limit: float, ask: Callable[[int], None]) -> bool:
    """Whether it is slower than it may be; prints what it took."""
    ask(0)
    spent = []
    for n in range(ROUNDS):
        begun = time.perf_counter()
        ask(n)
        spent.append((time.perf_counter() - begun) * 1000)
    spent.sort()
    middle, late = spent[ROUNDS // 2], spent[int(ROUNDS * 0.95) - 1]
    verdict = "within" if late <= limit else "ABOVE"
    print(f"{what:28} median {middle:6.1f} ms, 95th percentile {late:6.1f} ms, {verdict} {limit:g} ms")
    return late > limit


if __name__ == "__main__":
    raise SystemExit(main())
