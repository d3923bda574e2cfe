"""The stories of a checkout as the workbench uses them: asked one by one, and all of them by two revisions of the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from cds.decision.decide import Decision, decide
from cds.engine.engine import Engine
from cds.errors import CdsError
from cds.hooks.messages import EXTENSION, hook_call
from cds.hooks.services import HOOKS
from cds.knowledge.model import Knowledge

FOLDER, REQUEST, EXPECTED = "fhir_examples", "request.json", "expected.json"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+){0,12}")


@dataclass(frozen=True, slots=True)
class ToldStory:
    """A request with the day that it is told on."""

    name: str
    day: date
    text: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A story that comes out otherwise: what its cards were, and what they are."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def stories(rules: Path) -> dict[str, ToldStory]:
    """The stories beside a folder of rules, by name; none where only the program is there."""
    found = {}
    for request in sorted((rules.resolve().parent / FOLDER).glob(f"*/{REQUEST}")):
        expected = request.with_name(EXPECTED)
        if expected.is_file():
            day = date.fromisoformat(orjson.loads(expected.read_bytes())["day"])
            found[request.parent.name] = ToldStory(request.parent.name, day, request.read_text())
    return found


def asked(body: Any, knowledge: Knowledge, engine: Engine, day: date, service: str | None = None) -> Decision:
    """The decision about a request. Refuses: what is no hook call of ours (RefusedCall)."""
    hook = body.get("hook") if isinstance(body, Mapping) else None
    found = service or next((id for id, answered in HOOKS.items() if answered == hook), str(hook))
    numbers = count(1)
    return decide(hook_call(found, body), knowledge, engine, day, "try", lambda: f"try-{next(numbers)}")


def told(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """An answer in lines: each card with its indicator, each order with its pace and the end of its plan."""
    cards = [f"{card['indicator']}: {card['summary']}" for card in answer["cards"]]
    orders = [
        f"{order['agent']}: pace {order.get('pace') or 'none'}, plan to {order['plan']['ends'] if 'plan' in order else 'none'}"
        for order in answer["extension"][EXTENSION]["orders"]
    ]
    return (*cards, *orders)


def answers(some: Mapping[str, ToldStory], knowledge: Knowledge, engine: Engine) -> dict[str, tuple[str, ...]]:
    """Each story's answer in lines, by the rules as they are."""
    found = {}
    for name, story in some.items():
        try:
            found[name] = told(asked(orjson.loads(story.text), knowledge, engine, story.day).answer)
        except CdsError as error:
            found[name] = (str(error),)
    return found


def compared(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> list[Changed]:
    """The stories whose answers differ, each with the lines that do."""
    return [
        Changed(
            name,
            tuple(line for line in before[name] if line not in after[name]),
            tuple(line for line in after[name] if line not in before[name]),
        )
        for name in before
        if before[name] != after[name]
    ]
