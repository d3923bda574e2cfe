"""`cds rules format` lays a rule file out, and changes nothing that it says: not a key, not a value, not a comment."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cds.knowledge.format.layout import formatted
from cds.knowledge.loader import files_of
from cds.knowledge.problems import Problems

FILES = {name: content for name, content in files_of(Path(__file__).parents[2] / "rules").items() if name.endswith(".yaml")}
COMMENT = re.compile(r"# remark \d+")

LAID_OUT = [
    ("two spaces a level, and a list inside its key", "when:\n    all:\n    - age: {is: 1}\n",
     "when:\n  all:\n    - age: {is: 1}\n"),
    ("one space between words", "given: { age:   78 years ,lactating: no }\n", "given: {age: 78 years, lactating: no}\n"),
    ("spaces within a text are its own", "title: two  blanks\n", "title: two  blanks\n"),
    ("two spaces before a remark", "version: 1 # first\n", "version: 1  # first\n"),
    ("a remark stays with what it stands beside",
     "a:\n   b: 1\n   # of a\n# of c\nc: 2\n", "a:\n  b: 1\n  # of a\n# of c\nc: 2\n"),
    ("no blank line first or last, and never two", "\n\na: 1\n\n\n\nb: 2\n\n", "a: 1\n\nb: 2\n"),
    ("no space at the end of a line", "a: 1   \nb:   \n  - 2\n", "a: 1\nb:\n  - 2\n"),
    ("double quotes", "a: 'it''s'\nb: 'a \"word\"'\n", "a: \"it's\"\nb: 'a \"word\"'\n"),
    ("a text of several lines below its key", "a: |\n      one\n\n\n        two\nb: long\n text\n",
     "a: |\n  one\n\n\n    two\nb: long\n  text\n"),
    ("a list goes on two spaces in", "a: [one,\n        two]\n", "a: [one,\n  two]\n"),
    ("ends of lines as everywhere", "a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
    ("the keys of a rule in their order", "# about the file\n\nstatus: draft\n# about the risk\nrisk: x\ntitle: X\n",
     "# about the file\n\n# about the risk\nrisk: x\ntitle: X\nstatus: draft\n"),
    ("the keys of a card in their order",
     "advice: x\ncard:\n  detail: |\n    # a heading\n  indicator: info\n  # why\n  summary: S\n",
     "advice: x\ncard:\n  indicator: info\n  # why\n  summary: S\n  detail: |\n    # a heading\n"),
    ("a key that is not known stays behind its neighbour", "risk: x\nversion: 1\nmore: 2\ntitle: X\n",
     "risk: x\ntitle: X\nversion: 1\nmore: 2\n"),
    ("the keys of other files as their authors wrote them", "unit: days\nmeans: it\n", "unit: days\nmeans: it\n"),
]  # fmt: skip

LEFT = [
    ("no YAML", "a: [1\n", "RULE001"),
    ("a key twice", "a: 1\na: 2\n", "RULE002"),
    ("a tab", "a:\t1\n", "RULE003"),
    ("an anchor", "a: &b 1\n", "RULE004"),
    ("no UTF-8", b"a: \xff\n", "RULE001"),
    ("a text that says itself how far in it begins", "a:\n   b: |2\n        one\n       two\n", "RULE153"),
]  # fmt: skip


def laid_out(content: str | bytes) -> str:
    made = formatted("rules/x.yaml", content.encode() if isinstance(content, str) else content, Problems())
    assert made is not None
    return made.decode()


@pytest.mark.parametrize("name", FILES)
def test_every_shipped_file_goes_through_unchanged(name: str) -> None:
    assert laid_out(FILES[name]) == FILES[name].decode()


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in LAID_OUT], ids=[case[0] for case in LAID_OUT])
def test_a_file_is_laid_out(before: str, after: str) -> None:
    assert laid_out(before) == after
    assert laid_out(after) == after


@pytest.mark.parametrize(("content", "code"), [case[1:] for case in LEFT], ids=[case[0] for case in LEFT])
def test_what_can_not_be_laid_out_is_told_and_nothing_is_made_of_it(content: str | bytes, code: str) -> None:
    problems = Problems()
    assert formatted("rules/x.yaml", content.encode() if isinstance(content, str) else content, problems) is None
    assert code in {problem.code for problem in problems.found}


def test_a_long_list_goes_over_several_lines_broken_outside_inner_brackets() -> None:
    words = ", ".join(f"word {number}" for number in range(14))
    made = laid_out(f"a: {{b: 1, c: [{words}], d: 2}}\ne: [{words}, {words},\n  more]\n")
    assert made.splitlines() == [
        f"a: {{b: 1, c: [{words}],",
        "  d: 2}",
        f"e: [{words}, word 0,",
        f"  {words.removeprefix('word 0, ')}, more]",
    ]


def test_a_long_text_is_not_folded() -> None:
    assert laid_out(f"a: {'word ' * 60}end\n").count("\n") == 1


def spaced(line: str, by: int) -> str:
    return line.replace(": ", ":" + " " * (by + 1), 1)


MUTATIONS: list[Callable[[list[str], int, int], None]] = [
    lambda lines, at, by: lines.insert(at, " " * by),
    lambda lines, at, by: lines.insert(at, f"{' ' * by}# remark {at}"),
    lambda lines, at, by: lines.__setitem__(at, f"{lines[at]}  # remark {at}"),
    lambda lines, at, by: lines.__setitem__(at, f"{lines[at]}{' ' * by}"),
    lambda lines, at, by: lines.__setitem__(at, spaced(lines[at], by)),
    lambda lines, at, by: lines.__setitem__(at, lines[at].replace(", ", f"{' ' * by},   ")),
    lambda lines, at, by: lines.__setitem__(at, lines[at].replace(", ", f",\n{' ' * by}", 1)),
    lambda lines, at, by: lines.__setitem__(at, lines[at].replace(" ", f"\n{' ' * by}", 1)),
    lambda lines, at, by: lines.__setitem__(at, lines[at].replace('"', "'")),
    lambda lines, at, by: lines.__setitem__(at, lines[at].replace("{", "{ ").replace("}", " }")),
    lambda lines, at, by: lines.__setitem__(slice(None), [re.sub(r"^ +", lambda found: found[0] * 2, line) for line in lines]),
    lambda lines, at, by: lines.__setitem__(slice(None), [re.sub(r"^  ( *- )", r"\1", line) for line in lines]),
    lambda lines, at, by: lines.__setitem__(slice(at, at + by), reversed(lines[at : at + by])),
]  # fmt: skip
"""Ways to write a file otherwise. Many break it or change what it says, and then the property is about what it says now."""


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([content.decode() for name, content in FILES.items() if name != "drugs/dosing.yaml"]),
    st.lists(st.tuples(st.sampled_from(MUTATIONS), st.integers(0, 10_000), st.integers(0, 9)), max_size=6),
)
def test_whatever_was_done_to_a_file_its_layout_changes_nothing_that_it_says(text: str, mutations: list) -> None:
    lines = text.split("\n")
    for mutation, at, by in mutations:
        mutation(lines, at % len(lines), by)
    written = "\n".join(lines)
    problems = Problems()
    made = formatted("rules/x.yaml", written.encode(), problems)
    if made is None:
        assert {problem.code for problem in problems.found} <= {"RULE001", "RULE002", "RULE004"}
        return
    assert yaml.load(made, yaml.BaseLoader) == yaml.load(written, yaml.BaseLoader)
    assert sorted(COMMENT.findall(made.decode())) == sorted(COMMENT.findall(written))
    assert formatted("rules/x.yaml", made, Problems()) == made
