"""The rules of this repository and the engine over them, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cds.engine.engine import Engine
from cds.knowledge.loader import knowledge

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    made = Engine(knowledge(ROOT / "rules"))
    yield made
    made.close()
