"""Problems in rule files: where, what was seen, what was expected, what to do; each with a code that never changes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
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
    "RULE028": "unread-file",
    "RULE029": "rule-gone",
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
    "RULE125": "number-in-words",
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
    "RULE214": "far-from-its-neighbours",
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
        """Every problem once: what may be the cause of others first, then in the order of files and lines.

        Where a file that others build on can't be read, what those others miss is not told: it may all stand in that file.
        """
        blind = {one.position.file for one in self.found if _unread(one)}
        shared = any(_others_build_on(file) for file in blind)
        left = [one for one in self.found if not blind or _own(one, blind, shared)]
        by_cause = sorted(left, key=lambda one: (_rank(one, blind), *_place(one.position), one.code))
        return tuple(dict.fromkeys(by_cause))

    def raise_any(self) -> None:
        """Raises BadKnowledge with every problem, causes first, if there is an error."""
        if any(one.severity is Severity.ERROR for one in self.found):
            raise BadKnowledge(self.in_order())


UNREAD = ("RULE001", "RULE003", "RULE028", "RULE029")
MISSING, EMPTY = "the file is missing.", "the file is empty."
OF_ITS_OWN = ("RULE002", "RULE004", "RULE011", "RULE020", "RULE021", "RULE022", "RULE024", "RULE105", "RULE106")
"""Problems of one file alone, whatever the others hold."""
SHAPES = (*OF_ITS_OWN, "RULE023", "RULE025", "RULE115")
OF_RULES = ("RULE027", "RULE107")
"""What is told of a rule that is not there."""
ON_TOP = ("rules/risk/", "rules/advice/", "rules/sites/", "rules/sheet/", "rules/declined.yaml", "rules/schema/")
"""Where files stand that use the others; the others build on none of these."""
ORDER = "rules/advice/order.yaml"
"""On which every advice rule builds."""


def _others_build_on(file: str) -> bool:
    return file == ORDER or (file.startswith("rules/") and not file.startswith(ON_TOP))


def _unread(one: Problem) -> bool:
    return one.severity is Severity.ERROR and (one.code in UNREAD or one.seen in (MISSING, EMPTY))


def _own(one: Problem, blind: Collection[str], shared: bool) -> bool:
    """Whether the problem can't come from the files that could not be read."""
    if one.position.file in blind:
        return _unread(one)
    return one.code in OF_ITS_OWN if shared else one.code not in OF_RULES


def _rank(one: Problem, blind: Collection[str]) -> int:
    if one.position.file in blind:
        return 0
    return 1 if one.code in SHAPES and one.severity is Severity.ERROR and _others_build_on(one.position.file) else 2


def _place(at: Position) -> tuple[str, int, int]:
    return at.file, at.line, at.column


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
