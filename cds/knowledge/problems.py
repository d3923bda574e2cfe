"""Problems in rule files: where, what was seen, what was expected, what to do; each with a code that never changes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from enum import StrEnum

from cds.errors import BadKnowledge
from cds.knowledge.position import Position

CODES = {
    "RULE001": "not-yaml",
    "RULE002": "duplicate-key",
    "RULE003": "tab",
    "RULE004": "yaml-feature",
    "RULE010": "missing-file",
    "RULE011": "bad-table",
    "RULE020": "unknown-key",
    "RULE021": "missing-key",
    "RULE022": "wrong-shape",
    "RULE023": "wrong-value",
    "RULE024": "file-name",
    "RULE025": "duplicate-id",
    "RULE026": "name-collision",
    "RULE027": "order",
    "RULE101": "unknown-fact",
    "RULE102": "operator-type",
    "RULE103": "unknown-choice",
    "RULE104": "not-askable",
    "RULE105": "asks-nothing",
    "RULE106": "nested-too-deep",
    "RULE107": "not-released",
    "RULE110": "unknown-parameter",
    "RULE111": "parameter-not-in-force",
    "RULE112": "unit-mismatch",
    "RULE113": "no-unit",
    "RULE114": "unknown-unit",
    "RULE115": "empty-range",
    "RULE116": "needed-by-the-program",
    "RULE120": "unknown-source",
    "RULE121": "unknown-template-fact",
    "RULE122": "bad-template",
    "RULE123": "summary-too-long",
    "RULE124": "unknown-override-reason",
    "RULE130": "examples-missing",
    "RULE131": "example-differs",
    "RULE132": "evaluators-differ",
    "RULE133": "too-many-alternatives",
    "RULE134": "too-many-facts",
    "RULE135": "undecided-condition",
    "RULE136": "silent-for-another-reason",
    "RULE137": "decision-differs",
    "RULE138": "differs-at-a-site",
    "RULE139": "story-differs-at-a-site",
    "RULE140": "value-set-missing",
    "RULE141": "drug-group-missing",
    "RULE142": "fact-without-answer",
    "RULE150": "stale-schema",
    "RULE151": "no-schema-line",
    "RULE152": "not-formatted",
    "RULE153": "cannot-be-formatted",
    "RULE160": "not-for-sites",
    "RULE161": "out-of-bounds",
    "RULE162": "review-due",
    "RULE163": "unknown-rule",
    "RULE164": "nothing-to-sign-off",
    "RULE165": "other-than-signed-off",
    "RULE166": "no-such-site",
    "RULE201": "unused-source",
    "RULE202": "version-not-raised",
    "RULE203": "edited-in-place",
    "RULE210": "never-fires",
    "RULE211": "duplicate-rule",
    "RULE212": "shadowed-rule",
    "RULE213": "indicators-differ",
}
"""The name of each code. A code is never used for anything else once it was released."""


CLOSE = 5
"""So many names are compared word by word."""
PARTS = re.compile(r"[^a-z0-9]+")


class Severity(StrEnum):
    """Whether a problem stops the load."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"
    """No problem: something to read beside a line."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a rule file. `seen`, `expected` and `do` are sentences, the last two may be empty."""

    code: str
    name: str
    position: Position
    seen: str
    expected: str = ""
    do: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        advice = " ".join(part for part in (self.expected, self.do) if part)
        lines = [f"{self.position}: {self.seen}", advice, f"{self.code} {self.name}: cds rules explain {self.code}"]
        return "\n  ".join(line for line in lines if line)


class Problems:
    """The problems met so far, so that all are told at once."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, code: str, position: Position, seen: str, expected: str = "", do: str = "") -> None:
        self.found.append(Problem(code, CODES[code], position, seen, expected, do))

    def warn(self, code: str, position: Position, seen: str, expected: str = "", do: str = "") -> None:
        """Adds what does not stop the load."""
        self.found.append(Problem(code, CODES[code], position, seen, expected, do, Severity.WARNING))

    def in_order(self) -> tuple[Problem, ...]:
        """Every problem once, in the order of files and lines."""
        by_place = sorted(self.found, key=lambda one: (one.position.file, one.position.line, one.position.column, one.code))
        return tuple(dict.fromkeys(by_place))

    def raise_any(self) -> None:
        """Raises BadKnowledge with every problem, in the order of files and lines, if there is an error."""
        if any(one.severity is Severity.ERROR for one in self.found):
            raise BadKnowledge(self.in_order())


def nearest(word: str, words: Iterable[str]) -> str:
    """A sentence that names the nearest right word, or the empty text where none is near.

    Of names that are about as near, the one that shares more whole words is meant.

    >>> nearest("order_cutt", ["order_cut", "age"])
    'Did you mean order_cut?'
    >>> nearest("falls_on_record", ["ptsd_on_record", "falls_or_frailty_on_record"])
    'Did you mean falls_or_frailty_on_record?'
    """
    close = get_close_matches(word, list(words), n=CLOSE, cutoff=0.6)
    own = set(PARTS.split(word))
    ratios = {other: SequenceMatcher(None, word, other).ratio() + len(own & set(PARTS.split(other))) / 10 for other in close}
    return f"Did you mean {max(ratios, key=lambda other: ratios[other])}?" if close else ""


def listed(words: Iterable[str]) -> str:
    """The words with commas between, or `none`."""
    return ", ".join(words) or "none"
