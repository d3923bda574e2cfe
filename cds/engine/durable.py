"""Durable-rules, used so that it is exact: the one module that imports its C core.

No `Host`, no Python actions, no threads of its own. For each evaluation, under a lock: assert a sentinel and drain it, which
makes the session's state; assert one flat fact of whole numbers; drain the names of the rules that it fired; delete the state.
A session's id is never used twice, so that no fact of one order can ever be joined with another's.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

import durable_rules_engine
import orjson

from cds.errors import CdsError

MOST_RULES = 40
"""Rules in one ruleset, the sentinel's included: more than 64 that one fact fires make the engine fail."""
MOST_FACTS = 45
"""Facts that one ruleset may ask about: two fields each, and at most 100 fields in a fact."""
MOST_FIRED = 1000
SENTINEL = "sentinel"
HANDLED, NOT_HANDLED = 0, 1
FIRED = re.compile(r'\{\s*"(\w+)"\s*:')
"""An action's message begins with the name of its rule; the facts that follow are ours and need no reading."""


class EngineFailed(CdsError):
    """Durable-rules could not answer."""


class Ruleset:
    """One compiled ruleset. Refuses: use after `close`, and anything that durable-rules refuses, with EngineFailed."""

    def __init__(self, name: str, rules: Mapping[str, Any]) -> None:
        if len(rules) >= MOST_RULES:
            raise EngineFailed(f"{name} has {len(rules)} rules; at most {MOST_RULES - 1} can be in one ruleset")
        self._lock = threading.Lock()
        self._counter = 0
        self._handle: int | None = None
        definition = {SENTINEL: {"all": [{"m": {SENTINEL: 1}}]}, **rules}
        try:
            self._handle = durable_rules_engine.create_ruleset(name, _written(definition))
        except Exception as error:
            raise EngineFailed(f"{name} could not be compiled: {error}") from error

    def fired(self, fact: Mapping[str, int]) -> frozenset[str]:
        """The names of the rules that are true of the fact."""
        with self._lock:
            if self._handle is None:
                raise EngineFailed("the ruleset was closed")
            self._counter += 1
            try:
                return self._session(self._handle, str(self._counter), fact)
            except EngineFailed:
                raise
            except Exception as error:
                raise EngineFailed(f"durable-rules: {error}") from error

    def _session(self, handle: int, sid: str, fact: Mapping[str, int]) -> frozenset[str]:
        # Without a state `delete_state` would end the process, so it is only reached once the sentinel was taken.
        code, state = durable_rules_engine.assert_fact(handle, _written({"sid": sid, "id": "0", SENTINEL: 1}))
        if code != HANDLED:
            raise EngineFailed(f"durable-rules did not take the sentinel: {code}")
        try:
            if self._drain(handle, state) != {SENTINEL}:
                raise EngineFailed("durable-rules did not fire the sentinel")
            code, state = durable_rules_engine.assert_fact(handle, _written({"sid": sid, "id": "1", **fact}))
            if code == NOT_HANDLED:
                return frozenset()
            if code != HANDLED:
                raise EngineFailed(f"durable-rules did not take the facts: {code}")
            return frozenset(self._drain(handle, state))
        finally:
            durable_rules_engine.delete_state(handle, sid)

    def _drain(self, handle: int, state: int) -> set[str]:
        fired: set[str] = set()
        started = durable_rules_engine.start_action_for_state(handle, state)
        action = started[1] if started else None
        for _ in range(MOST_FIRED):
            if not action:
                return fired
            name = FIRED.match(action)
            if name is None:
                raise EngineFailed("durable-rules fired something without a name")
            fired.add(name[1])
            action = durable_rules_engine.complete_and_start_action(handle, state)
        raise EngineFailed(f"durable-rules fired more than {MOST_FIRED} times")

    def close(self) -> None:
        """Gives the ruleset's memory back; later use is refused."""
        with self._lock:
            if self._handle is not None:
                durable_rules_engine.delete_ruleset(self._handle)
                self._handle = None


def _written(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()
