"""The keys of a rule file in the order in which the rule book writes them, their comments with them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import yaml

from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import Loader, Node, Pairs, read

BEFORE = ("title", "status", "version", "in_force")
AFTER = ("when", "because", "expect_false_alarms")
OF_FILE = {
    "risk": ("risk", *BEFORE, "about", *AFTER, "then", "examples"),
    "advice": ("advice", *BEFORE, "hooks", *AFTER, "card", "examples"),
    "site": ("site", "title", "status", "parameters", "equivalence_source", "rules", "override_reasons", "sign_off"),
}
"""By the key that tells which kind of file it is."""
OF_PART = {
    "then": (
        "pace",
        "pace_with_another_risk",
        "crossover",
        "setting",
        "danger",
        "first",
        "short_supply",
        "ask_first",
        "watch",
        "brief",
        "instead",
        "says",
    ),
    "card": (
        "indicator",
        "raise",
        "summary",
        "detail",
        "also",
        "in_full",
        "only_alone",
        "suggest",
        "if we cannot tell",
        "override_reasons",
    ),
}


def in_order(text: str) -> str:
    """The text with the keys of a risk, an advice or a site in their order. A key that is not known stays behind another."""
    root = _root(text)
    wanted = next((order for kind, order in OF_FILE.items() if root is not None and root.get(kind) is not None), None)
    if root is None or wanted is None:
        return text
    text = _sorted(text, root, wanted)
    for part, order in OF_PART.items():
        root = _root(text)
        held = root.get(part) if root is not None else None
        if isinstance(held, Pairs):
            text = _sorted(text, held, order)
    return text


def _root(text: str) -> Pairs | None:
    found: Node | None = read("", text.encode(), Problems())
    return found if isinstance(found, Pairs) else None


def _sorted(text: str, mapping: Pairs, order: Sequence[str]) -> str:
    """The text with the lines of the mapping's keys moved, where each key begins a line of its own."""
    keys = [key for key, _ in mapping.pairs]
    ranks: list[int] = []
    for key in keys:
        ranks.append(order.index(key.text) if key.text in order else ranks[-1] if ranks else 0)
    lines = text.split("\n")
    if ranks == sorted(ranks) or not all(_begins(lines, key.position.line, key.position.column) for key in keys):
        return text
    texts = _texts(text)
    starts = [_with_comments(lines, key.position.line - 1, texts) for key in keys]
    starts[0] = keys[0].position.line - 1  # what stands above the first key is about the file
    ends = [*starts[1:], _end(lines, starts[-1] + 1, keys[0].position.column, texts)]
    parts = [lines[start:end] for start, end in zip(starts, ends, strict=True)]
    gaps = [False, *(_blank(lines, start) for start in starts[1:])]
    moved: list[str] = []
    for place in sorted(range(len(keys)), key=lambda one: ranks[one]):
        moved += [""] * (gaps[place] and bool(moved)) + _stripped(parts[place])
    after = lines[ends[-1] :]
    return "\n".join([*lines[: starts[0]], *moved, *([""] if after and _blank(lines, ends[-1]) else []), *after])


def _begins(lines: Sequence[str], line: int, column: int) -> bool:
    return not lines[line - 1][: column - 1].strip(" ")


def _texts(text: str) -> set[int]:
    """The lines below the first of every text that has several: a # there is no comment."""
    marks = [
        (token.start_mark, token.end_mark) for token in yaml.scan(text, Loader=Loader) if isinstance(token, yaml.ScalarToken)
    ]
    return {line for start, end in marks for line in range(start.line + 1, end.line + (end.column > 0))}


def _with_comments(lines: Sequence[str], start: int, texts: Collection[int]) -> int:
    """The line where the comments right above a key begin."""
    while start and lines[start - 1].lstrip().startswith("#") and start - 1 not in texts:
        start -= 1
    return start


def _end(lines: Sequence[str], start: int, column: int, texts: Collection[int]) -> int:
    """The first line below that belongs to something outside the mapping: less far in, and neither blank nor within it."""
    for place in range(start, len(lines)):
        line = lines[place]
        if line.strip() and len(line) - len(line.lstrip(" ")) < column - 1:
            return _with_comments(lines, place, texts)
    return len(lines)


def _blank(lines: Sequence[str], start: int) -> bool:
    return start > 0 and not lines[start - 1].strip()


def _stripped(part: Sequence[str]) -> list[str]:
    """The lines without blank ones at the end."""
    kept = list(part)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept
