"""docs/declined-cards.md tells for how long each reason shortens a card, and what a site may choose."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds.core.quantity import Quantity
from cds.knowledge.loader import knowledge

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "declined-cards.md").read_text()
BOOK = knowledge(ROOT / "rules")


@pytest.mark.parametrize("reason", BOOK.override_reasons)
def test_each_reason_is_told_of_with_its_days_and_bounds(reason: str) -> None:
    assert BOOK.declining is not None
    display = BOOK.override_reasons[reason].display
    if reason not in BOOK.declining.days:
        assert f"*{display}*" in PAGE
        return
    parameter = BOOK.parameters[BOOK.declining.days[reason]]
    value, least, most = parameter.editions[0].value, parameter.at_least, parameter.at_most
    assert isinstance(value, Quantity) and least is not None and most is not None
    assert f"| {display} | `{parameter.name}` | {value.value} | {least.value} to {most.value} |" in PAGE
