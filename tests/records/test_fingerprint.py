"""Whether a situation is worse than when its card was set aside. What can't be compared counts as worse."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds.decision.declined_cards import Fingerprint, fingerprint, from_json

THEN = Fingerprint("warning", Decimal(30), Decimal(-10), frozenset({"long-use"}))


def now(**other: Any) -> Fingerprint:
    members = {"indicator": THEN.indicator, "equivalent": THEN.equivalent, "change": THEN.change, "risks": THEN.risks}
    return Fingerprint(**{**members, **other})


@pytest.mark.parametrize(
    ("what", "other", "worse"),
    [
        ("the same", {}, False),
        ("a milder card", {"indicator": "info"}, False),
        ("a graver card", {"indicator": "critical"}, True),
        ("a lower dose", {"equivalent": Decimal(20)}, False),
        ("a higher dose", {"equivalent": Decimal(31)}, True),
        ("a dose that can't be told", {"equivalent": None}, True),
        ("a smaller cut", {"change": Decimal(-5)}, False),
        ("a larger cut", {"change": Decimal(-11)}, True),
        ("a rise in place of a cut", {"change": Decimal(5)}, True),
        ("a change that can't be told", {"change": None}, True),
        ("a risk less", {"risks": frozenset()}, False),
        ("a risk more", {"risks": frozenset({"long-use", "older-adult"})}, True),
        ("another risk", {"risks": frozenset({"older-adult"})}, True),
    ],
)
def test_what_is_worse(what: str, other: dict[str, Any], worse: bool) -> None:
    assert now(**other).worse_than(THEN) is worse, what


def test_a_dose_that_could_not_be_told_then_either_is_worse() -> None:
    assert now(equivalent=None).worse_than(now(equivalent=None))


def test_where_neither_order_changes_the_dose_that_is_no_difference() -> None:
    assert not now(change=None).worse_than(now(change=None))


@pytest.mark.parametrize("one", [THEN, Fingerprint("info", None, None, frozenset()), now(shortened=True)])
def test_it_is_read_back_as_it_was_written(one: Fingerprint) -> None:
    assert from_json(one.json()) == one


def test_a_card_about_no_judged_order_has_its_indicator_alone() -> None:
    assert fingerprint("info", None) == Fingerprint("info", None, None, frozenset())
