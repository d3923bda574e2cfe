"""YAML is read as text, with positions; what rule files don't use is refused."""

from __future__ import annotations

import pytest

from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar, read


def parsed(text: str) -> tuple[Node | None, list[str]]:
    problems = Problems()
    node = read("rules/x.yaml", text.encode(), problems)
    return node, [f"{problem.position} {problem.code}" for problem in problems.found]


@pytest.mark.parametrize("text", ["yes", "no", "0.150", "2026-01-01", "1e3", "0x1F", "12:30:00", "null", "~", "007"])
def test_a_value_stays_as_it_is_written(text: str) -> None:
    node, problems = parsed(f"key: {text}\n")
    assert isinstance(node, Pairs)
    value = node.get("key")
    assert isinstance(value, Scalar)
    assert (value.text, problems) == (text, [])


def test_every_value_has_its_line_and_column() -> None:
    node, _ = parsed("a: 1\nb:\n  - x\n  - {c: yes}\n")
    assert isinstance(node, Pairs)
    items = node.get("b")
    assert isinstance(items, Items)
    assert [str(item.position) for item in items.items] == ["rules/x.yaml:3:5", "rules/x.yaml:4:5"]
    inner = items.items[1]
    assert isinstance(inner, Pairs)
    assert str(inner.pairs[0][1].position) == "rules/x.yaml:4:9"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "rules/x.yaml:3:1 RULE002"),
        ("a:\n  b: 1\n  b: 1\n", "rules/x.yaml:3:3 RULE002"),
        ("a:\tb\n", "rules/x.yaml:1:3 RULE003"),
        ("a: &x 1\n", "rules/x.yaml:1:4 RULE004"),
        ("a: *x\n", "rules/x.yaml:1:4 RULE004"),
        ("a: !!int 1\n", "rules/x.yaml:1:4 RULE004"),
        ("a: 1\n---\nb: 2\n", "rules/x.yaml:2:1 RULE004"),
        ("? [a]\n: 1\n", "rules/x.yaml:1:3 RULE004"),
        ("a: [1, 2\n", "rules/x.yaml:2:1 RULE001"),
        ("a: b: c\n", "rules/x.yaml:1:5 RULE001"),
    ],
)
def test_what_is_refused_is_told_with_its_place(text: str, expected: str) -> None:
    assert parsed(text)[1] == [expected]


def test_a_file_that_is_not_utf_8_is_refused() -> None:
    problems = Problems()
    assert read("rules/x.yaml", b"a: 1\nb: \xe9\n", problems) is None
    assert str(problems.found[0].position) == "rules/x.yaml:2:1"


def test_an_empty_file_holds_nothing() -> None:
    assert parsed("# only a comment\n") == (None, [])
