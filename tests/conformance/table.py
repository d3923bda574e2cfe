"""docs/conformance.md: of each row of CDS Hooks whether it is met, how, by which tests; else why not.

Written by `make conformance`. A test belongs to a row by its name (`test_card_2_...`, `test_fhir_12_and_13_...`,
`test_pref_1_to_6_...`) or by `@pytest.mark.row("CARD-2")`.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
ROWS = Path(__file__).with_name("rows.yaml")
PAGE = ROOT / "docs/conformance.md"
STATES = {"met": "met", "not met": "not met", "not ours": "does not apply"}
NOT_SHOWN = "not yet shown by a test"
AS_ASKED = "As asked."
BINDING = ("MUST", "SHOULD")
HEAD = """# Conformance

What CDS Hooks 2.0.1 asks of a service, and what of 3.0, 1.0, the CRD guide and known clients bears on one; each row with an id.
**MUST** and **SHOULD** are the specification's words to a service, *client* its words to the caller, which a service has to read
or survive; *guide* and *vendor* bind some; *ours* is our choice where the specification is silent. This page is written by
`make conformance` from `tests/conformance/rows.yaml` and from the tests, which name the rows that they hold; a test fails while
it is not up to date.
"""


@dataclass(frozen=True)
class Row:
    """One row. `state` is met, not met or not ours; `says` how, or why not; `by` names evidence that is no test."""

    id: str
    area: str
    level: str
    asks: str
    state: str
    says: str
    by: tuple[str, ...] = ()


def rows() -> list[Row]:
    return list(_rows(yaml.safe_load(ROWS.read_text())))


def _rows(areas: dict[str, dict[int, dict[str, object]]]) -> Iterator[Row]:
    for area, numbered in areas.items():
        prefix, _, title = area.partition(" ")
        for number, row in numbered.items():
            (state,) = [state for state in STATES if state in row]
            by = row.get("by", [])
            assert isinstance(by, list)
            yield Row(
                f"{prefix}-{number}", title, str(row["level"]), str(row["asks"]), state, str(row[state]), tuple(map(str, by))
            )


def evidence() -> dict[str, list[tuple[Path, str]]]:
    """The tests of each row, as file and name. Read without being imported."""
    areas = "|".join(sorted({row.id.partition("-")[0].lower() for row in rows()}))
    named = re.compile(rf"test_({areas})_(\d+)((?:_(?:to|and)_\d+)*)_")
    found: dict[str, list[tuple[Path, str]]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text())
        constants = dict(_constants(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                ids = {*_by_name(named, node.name), *_by_mark(node, constants)}
                for id in ids:
                    found[id].append((path.relative_to(ROOT / "tests"), node.name))
    return found


def _by_name(named: re.Pattern[str], name: str) -> Iterator[str]:
    match = named.match(name)
    if match is None:
        return
    area, first = match[1].upper(), int(match[2])
    numbers = {first}
    for word, other in re.findall(r"(to|and)_(\d+)", match[3]):
        numbers |= set(range(first, int(other) + 1)) if word == "to" else {int(other)}
    yield from (f"{area}-{number}" for number in sorted(numbers))


def _by_mark(test: ast.FunctionDef | ast.AsyncFunctionDef, constants: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.row":
            for argument in decorator.args:
                yield from constants[argument.value.id] if _is_starred_name(argument) else [ast.literal_eval(argument)]  # type: ignore[attr-defined]


def _is_starred_name(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Starred) and isinstance(argument.value, ast.Name)


def _constants(tree: ast.Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The module's tuples of texts, for marks that name one."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Name):
            texts = tuple(
                one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )
            yield node.targets[0].id, texts


def page() -> str:
    known, held = rows(), evidence()
    parts = [HEAD, _counts(known)]
    for area in dict.fromkeys(row.area for row in known):
        parts.append(f"## {area}\n\n| row | level | asks | | how, or why not |\n|---|---|---|---|---|")
        parts[-1] += "".join(f"\n{_line(row, held.get(row.id, []))}" for row in known if row.area == area) + "\n"
    return "\n".join(parts)


def _counts(known: list[Row]) -> str:
    lines = ["| | all rows | MUST | SHOULD |", "|---|---|---|---|"]
    for state, says in STATES.items():
        levels = Counter(row.level for row in known if row.state == state)
        lines.append(f"| {says} | {levels.total()} | {levels['MUST']} | {levels['SHOULD']} |")
    return "\n".join(lines) + "\n"


def _line(row: Row, held: list[tuple[Path, str]]) -> str:
    level = row.level if row.level in BINDING else row.level.lower()
    asks = row.asks.replace("{", "\\{").replace("|", "\\|")
    evidence = [f"[{Path(name).name}](../{name})" for name in row.by] + [_tests(path, held) for path in _files(held)]
    says = " ".join(filter(None, (row.says.removeprefix(AS_ASKED), "; ".join(evidence))))
    state = NOT_SHOWN if row.state == "met" and not evidence else STATES[row.state]
    return f"| {row.id} | {level} | {asks} | {state} | {says} |"


def _files(held: list[tuple[Path, str]]) -> list[Path]:
    return list(dict.fromkeys(path for path, _ in held))


def _tests(path: Path, held: list[tuple[Path, str]]) -> str:
    names = [name.removeprefix("test_").replace("_", " ") for file, name in held if file == path]
    return f"[{path.parent.name}/{path.stem.removeprefix('test_')}](../tests/{path}): *{', '.join(names)}*"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"{PAGE.relative_to(ROOT)} is written: {len(rows())} rows")
