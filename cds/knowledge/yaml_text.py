"""YAML read as text: every scalar stays as it is written, with its line and column, and duplicate keys are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from cds.knowledge.position import Position
from cds.knowledge.problems import Problem, Problems

COLON = "A text that holds a colon needs quotes around it; else check the indentation just before."
MOST_REMEMBERED = 256
"""Files as they were read last: each is looked at by several readers, and most are as they were when one is saved."""
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as text: `yes`, `2026-01-01` and `0.150` are not turned into anything."""

    text: str
    position: Position
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Pairs:
    """A mapping, in the order written; each key once."""

    pairs: tuple[tuple[Scalar, Node], ...]
    position: Position
    index: dict[str, Node] = field(default_factory=dict, repr=False, compare=False)

    def get(self, key: str) -> Node | None:
        return self.index.get(key)


Node = Scalar | Items | Pairs


def read(file: str, content: bytes, problems: Problems) -> Node | None:
    """The document in `content`, or None where it holds none or can't be read; problems tell what was wrong and where."""
    node, found = _remembered(file, content)
    problems.found += found
    return node


@lru_cache(maxsize=MOST_REMEMBERED)
def _remembered(file: str, content: bytes) -> tuple[Node | None, tuple[Problem, ...]]:
    problems = Problems()
    return _read(file, content, problems), tuple(problems.found)


def _read(file: str, content: bytes, problems: Problems) -> Node | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problems.add("RULE001", Position(file, line), "the file is not UTF-8 text.", "Save it as UTF-8.")
        return None
    if "\t" in text:
        before = text[: text.index("\t")]
        position = Position(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        problems.add("RULE003", position, "a tab was used.", "Use spaces: two for each level.")
        return None
    try:
        return _Builder(file, problems).document(yaml.parse(text, Loader=Loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        position = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
        said = getattr(error, "problem", None) or "it breaks off"
        expected = COLON if "mapping values" in said else "Check indentation, colons and quotes just before."
        problems.add("RULE001", position, f"this is not YAML: {said}.", expected)
        return None


class _Builder:
    """Turns a stream of events into nodes, and refuses what rule files don't use."""

    def __init__(self, file: str, problems: Problems) -> None:
        self.file = file
        self.problems = problems

    def at(self, event: Any) -> Position:
        return Position(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def document(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.refuse(event, "a second document begins here")
                    return root
            elif isinstance(event, yaml.NodeEvent):
                root = self.node(event, events)
        return root

    def refuse(self, event: Any, seen: str) -> None:
        self.problems.add("RULE004", self.at(event), f"{seen}.", "Rule files use plain mappings, lists and values only.")

    def node(self, event: Any, events: Iterator[Any]) -> Node:
        if isinstance(event, yaml.AliasEvent):
            self.refuse(event, f"an alias (*{event.anchor}) stands here")
            return Scalar("", self.at(event))
        if event.anchor is not None:
            self.refuse(event, f"an anchor (&{event.anchor}) stands here")
        if event.tag is not None:
            self.refuse(event, f"a tag ({event.tag}) stands here")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(event.value, self.at(event), quoted=event.style is not None and event.style != "")
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(tuple(self.items(events)), self.at(event))
        return self.pairs(event, events)

    def items(self, events: Iterator[Any]) -> Iterator[Node]:
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self.node(event, events)

    def pairs(self, start: Any, events: Iterator[Any]) -> Pairs:
        pairs: list[tuple[Scalar, Node]] = []
        index: dict[str, Node] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.node(event, events)
            value = self.node(next(events), events)
            if not isinstance(key, Scalar):
                self.problems.add("RULE004", key.position, "a key is a list or a mapping.", "A key is one plain word or phrase.")
            elif key.text in index:
                self.problems.add(
                    "RULE002", key.position, f"`{key.text}` stands here a second time.", "Keep one of the two; neither is used."
                )
            else:
                pairs.append((key, value))
                index[key.text] = value
        return Pairs(tuple(pairs), self.at(start), index)
