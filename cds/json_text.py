"""JSON that goes into many answers, written out once: a plan is most of an answer, and the same for all who take the same."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import orjson


class _Written:
    @cached_property
    def json(self) -> orjson.Fragment:
        return orjson.Fragment(orjson.dumps(self))


class WrittenObject(_Written, dict[str, Any]):
    """An object that is read like any other, and written out once. It must not be changed."""


class WrittenList(_Written, list[Any]):
    """A list that is read like any other, and written out once. It must not be changed."""


def dumped(content: object) -> bytes:
    """The content as JSON, with what was written out before put in as it is."""
    return orjson.dumps(content, _as_it_was_written, orjson.OPT_PASSTHROUGH_SUBCLASS)


def _as_it_was_written(value: object) -> object:
    if isinstance(value, _Written):
        return value.json
    if isinstance(value, str):
        return str(value)  # of a subclass: a word of one of our enumerations
    raise TypeError(f"{type(value).__name__} is no JSON")
