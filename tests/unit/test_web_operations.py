"""What operators watch: alive, ready, counters; and that neither counters nor logs hold a word from the record."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from cds.web.logs import JsonLines, place_of


def raised() -> BaseException:
    try:
        raise ValueError("Jane Roe")
    except ValueError as error:
        return error


def test_the_place_of_an_error_is_told_without_its_message() -> None:
    place = place_of(raised())
    assert place.endswith(":" + str(raised.__code__.co_firstlineno + 2))
    assert "Jane" not in place


def test_an_error_without_a_place_is_told_too() -> None:
    assert place_of(ValueError()) == "?"


def test_a_log_line_is_one_json_object() -> None:
    record = logging.LogRecord("cds", logging.INFO, "", 0, "call", None, None)
    record.fields = {"service": "taper-order-sign", "cards": ["abrupt-stop"]}
    line: dict[str, Any] = json.loads(JsonLines().format(record))
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "info", "message": "call", "service": "taper-order-sign", "cards": ["abrupt-stop"]}


@pytest.mark.parametrize("value", ["\n", '"', "\u2028"])
def test_a_log_line_never_breaks(value: str) -> None:
    record = logging.LogRecord("cds", logging.INFO, "", 0, "call", None, None)
    record.fields = {"x": value}
    assert "\n" not in JsonLines().format(record)
