"""docs/conformance.md says what the tests hold: it is up to date, leaves no row out, and claims nothing without evidence."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conformance.table import PAGE, ROOT, Row, evidence, page, rows

ROWS = {row.id: row for row in rows()}
HELD = evidence()
AREAS = {
    "GEN": 10,
    "DISC": 19,
    "REQ": 17,
    "PREF": 18,
    "FHIR": 14,
    "RESP": 7,
    "CARD": 15,
    "SRC": 4,
    "SUG": 6,
    "ACT": 10,
    "LINK": 8,
}
AREAS |= {"SYS": 3, "FB": 14, "SEC": 20, "CORS": 2, "ERR": 8, "EXT": 4, "VER": 6}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run make conformance"


def test_no_row_is_left_out() -> None:
    assert Counter(id.split("-")[0] for id in ROWS) == AREAS


def test_a_test_names_only_rows_that_there_are() -> None:
    assert sorted(set(HELD) - set(ROWS)) == []


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.state == "met"], ids=lambda row: row.id)
def test_a_row_that_is_met_has_a_test_or_other_evidence(row: Row) -> None:
    assert row.id in HELD or row.by
    assert [name for name in row.by if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.state != "met"], ids=lambda row: row.id)
def test_a_row_that_is_not_met_says_why(row: Row) -> None:
    assert len(row.says) > 5


def test_every_must_is_met_or_does_not_apply() -> None:
    assert {row.id for row in ROWS.values() if row.level == "MUST" and row.state == "not met"} == set()
