"""Problems as text, as JSON, or as the annotations that GitHub shows beside a changed line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from cds.knowledge.problems import Problem, Severity

WITHIN = "rules/"
"""How the path of a rule file begins in a problem, wherever the folder is."""


class Format(StrEnum):
    """How a command prints what it lists."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def printed(problems: Sequence[Problem], form: Format, rules: str) -> str:
    """The problems in a format, their files named as they stand under the folder `rules`. Errors come first."""
    placed = [_placed(problem, rules) for problem in problems]
    if form is Format.JSON:
        return json.dumps([as_json(problem) for problem in placed], indent=2, ensure_ascii=False) + "\n"
    if form is Format.GITHUB:
        return "".join(f"{annotation(problem)}\n" for problem in placed)
    errors_first = sorted(placed, key=lambda problem: problem.severity is not Severity.ERROR)
    return "".join(f"{_as_text(problem)}\n" for problem in errors_first)


def as_json(problem: Problem) -> dict[str, object]:
    """The problem for machines."""
    return {
        "file": problem.position.file,
        "line": problem.position.line,
        "column": problem.position.column,
        "code": problem.code,
        "message": message(problem),
        "severity": problem.severity.value,
    }


def message(problem: Problem) -> str:
    """What was seen, what was expected, what to do."""
    return " ".join(part for part in (problem.seen, problem.expected, problem.do) if part)


def annotation(problem: Problem) -> str:
    """A workflow command of GitHub Actions."""
    at = problem.position
    where = f"file={_escaped(at.file)},line={at.line},col={at.column},title={_escaped(f'{problem.code} {problem.name}')}"
    return f"::{problem.severity} {where}::{_escaped(message(problem), of_property=False)}"


def errors(problems: Sequence[Problem]) -> int:
    """How many of the problems are errors."""
    return sum(problem.severity is Severity.ERROR for problem in problems)


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 error`, `2 errors`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


def _as_text(problem: Problem) -> str:
    return f"{problem}" if problem.severity is Severity.ERROR else f"{problem}".replace(": ", ": warning: ", 1)


def _placed(problem: Problem, rules: str) -> Problem:
    inside = problem.position.file.removeprefix(WITHIN)
    if inside == problem.position.file:
        return problem
    return replace(problem, position=replace(problem.position, file=f"{rules.rstrip('/')}/{inside}"))


def _escaped(text: str, of_property: bool = True) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace(":", "%3A").replace(",", "%2C") if of_property else escaped
