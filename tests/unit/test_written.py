"""JSON that was written out once goes into an answer as if it had just been written."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import orjson
import pytest

from cds.json_text import WrittenList, WrittenObject, dumped

PLAN = {"kind": "direct", "steps": [{"days": 28, "cut": 4.2, "small": False}, {"days": 28, "cut": 100, "small": True}]}


class Word(StrEnum):
    SLOWER = "slower"


@pytest.mark.parametrize(
    "content", [{}, [], {"plan": PLAN, "none": None, "says": 'ü " \\ \n'}, [PLAN, [PLAN]], "text", 1.5, Word.SLOWER]
)
def test_an_answer_is_the_same_whether_or_not_a_part_was_written_before(content: Any) -> None:
    assert dumped(content) == orjson.dumps(content)
    assert dumped(WrittenList([content, {"again": content}])) == orjson.dumps([content, {"again": content}])
    again = WrittenObject(first=content, second=WrittenList([content]))
    assert [dumped({"two": [again, again]}) for _ in range(2)] == [
        orjson.dumps({"two": [{"first": content, "second": [content]}] * 2})
    ] * 2


def test_what_was_written_is_read_like_any_other() -> None:
    assert WrittenObject(PLAN) == PLAN
    assert WrittenObject(PLAN)["steps"][0]["days"] == 28
    assert WrittenList([1, 2]) == [1, 2]


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        dumped({"plan": object()})
