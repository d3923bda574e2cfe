"""Liveness is independent of the work: it is told while a call is decided, and while the store answers nobody."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from cds.settings import Settings
from cds.web.app import app
from cds.web.deciding import MOST_PARTS_IN_THE_LOOP
from cds.web.recording import keeping
from tests.security.conftest import Site
from tests.security.tokens import CALL, DAY, SIGN


def test_it_is_told_while_calls_are_decided_and_the_store_hangs(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keeping(f"sqlite:///{tmp_path}/records.sqlite", None, lambda: datetime.now(UTC))
    service = app(site.book, site.engine, Settings(), lambda: DAY, kept)
    begun, goes_on = threading.Event(), threading.Event()

    def hangs(*_: Any, **__: Any) -> None:
        begun.set()
        goes_on.wait(60)
        raise OSError("the store answers nobody")

    monkeypatch.setattr(kept.store, "state", hangs)
    monkeypatch.setattr("cds.web.app.decide", hangs)
    large = json.dumps({**CALL, "prefetch": {"other": [{}] * (MOST_PARTS_IN_THE_LOOP + 1)}})

    async def tried() -> None:
        transport = httpx.ASGITransport(app=service, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as caller:
            waiting = [asyncio.create_task(caller.get("/ready")) for _ in range(20)]
            waiting.append(asyncio.create_task(caller.post(SIGN, content=large, headers={"Content-Type": "application/json"})))
            while not begun.is_set():
                await asyncio.sleep(0.01)
            assert (await caller.get("/health")).json() == {"status": "alive"}
            assert not any(task.done() for task in waiting)
            goes_on.set()
            await asyncio.gather(*waiting)

    try:
        asyncio.run(asyncio.wait_for(tried(), 60))
    finally:
        goes_on.set()
        kept.store.close()
