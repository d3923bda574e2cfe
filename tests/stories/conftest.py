"""The real application on a story's stated day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds.engine.engine import Engine
from cds.knowledge.model import Knowledge
from cds.settings import Settings
from cds.web.app import app


@pytest.fixture(scope="session")
def ask(book: Knowledge, engine: Engine) -> Iterator[Callable[..., dict[str, Any]]]:
    """Posts a request to the real application, on a day, and gives the answer: `ask(service, request, day)`."""
    today = [date(2026, 11, 23)]
    with TestClient(app(book, engine, Settings(), lambda: today[0])) as client:

        def post(service: str, request: dict[str, Any], day: date) -> dict[str, Any]:
            today[0] = day
            response = client.post(f"/cds-services/{service}", json=request)
            assert response.status_code == 200, response.text
            answer: dict[str, Any] = response.json()
            return answer

        yield post
