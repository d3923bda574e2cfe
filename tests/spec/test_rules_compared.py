"""What two revisions of the rules say otherwise is told, whatever file it stands in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cds.cli.rules.changes import changes, told
from cds.knowledge.compared import documents
from cds.knowledge.loader import files_of
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar

FILES = files_of(Path(__file__).parents[2] / "rules")
WAYS = 3
"""A leaf of every so many is changed at once, so that some around it stay as they are."""
TEXTS = documents({name: content for name, content in FILES.items() if name.endswith(".yaml")})
TABLES = {name: content for name, content in FILES.items() if name.endswith(".csv")}


def marked(node: Node, which: int, count: Iterator[int], marks: list[str]) -> Node:
    """The tree with every so many leaves changed, each into a text of its own."""
    if isinstance(node, Items):
        return Items(tuple(marked(item, which, count, marks) for item in node.items), node.position)
    if isinstance(node, Pairs):
        pairs = tuple((key, marked(value, which, count, marks)) for key, value in node.pairs)
        return Pairs(pairs, node.position, {key.text: value for key, value in pairs})
    place = next(count)
    if place % WAYS != which:
        return node
    marks.append(f"mark{place}x")
    return Scalar(f"{node.text} {marks[-1]}", node.position)


def counter() -> Iterator[int]:
    yield from range(10**9)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("which", range(WAYS))
def test_every_leaf_of_every_file_that_is_changed_is_told(name: str, which: int) -> None:
    marks: list[str] = []
    after = marked(TEXTS[name], which, counter(), marks)
    says = " ".join(change.says for change in told({name: TEXTS[name]}, {name: after}))
    assert [mark for mark in marks if mark not in says] == []


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_every_table_that_is_changed_is_told_row_by_row(name: str) -> None:
    head, *rows = csv.reader(io.StringIO(TABLES[name].decode()))
    chosen = range(0, len(rows), 1 + len(rows) // 15)  # lost and new rows are told one by one up to a number
    for column, _ in enumerate(head):
        after = [list(row) for row in rows]
        for place in chosen:
            after[place][column] += f" mark{place}x"
        says = " ".join(change.says for change in changes({name: TABLES[name]}, {name: as_csv([head, *after])}))
        assert [place for place in chosen if f"mark{place}x" not in says] == []


def as_csv(rows: list[list[str]]) -> bytes:
    held = io.StringIO(newline="")
    csv.writer(held, lineterminator="\n").writerows(rows)
    return held.getvalue().encode()


def says(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    return [change.says for change in changes(before, after)]


def edited(name: str, old: str, new: str) -> list[str]:
    assert old in FILES[name].decode()
    return says(FILES, FILES | {name: FILES[name].decode().replace(old, new, 1).encode()})


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("drugs/agents.yaml", "strengths: [0.25, 0.5, 1, 2], scored: yes", "strengths: [0.25, 0.5, 1, 3], scored: yes",
         ["agent alprazolam: forms, tablet, strengths 2 to 3"]),
        ("drugs/agents.yaml", "typical: 11.2", "typical: 21.2", ["agent alprazolam: half life, parent, typical 11.2 to 21.2"]),
        ("risk/long-use.yaml", "A taper\n      is a decision", "A taper\n      is never a decision",
         ["risk long-use because, maust-2023, says `... summary. A taper is a decision, not a ...` to "
          "`... summary. A taper is never a decision, not a ...`"]),
        ("risk/long-use.yaml", "title: Frequent use", "title: Rare use",
         ["risk long-use title Frequent use for three months or more to Rare use for three months or more"]),
        ("sheet/en.yaml", 'week: 1 week', 'week: one week', ["patient's sheet en: texts, week 1 week to one week"]),
        ("declined.yaml", "disagree: declined_disagree", "disagree: declined_supervised",
         ["file declined.yaml: declined, reasons, disagree declined_disagree to declined_supervised"]),
        ("override-reasons.yaml", "Does not apply", "Applies",
         ["override reason not-applicable: display Does not apply to this patient to Applies to this patient"]),
        ("sites/example-site.yaml", "status: draft", "status: active", ["site example-site: status draft to active"]),
    ],
)  # fmt: skip
def test_a_change_is_one_sentence_in_clinical_words(name: str, old: str, new: str, expected: list[str]) -> None:
    assert edited(name, old, new) == expected


def test_a_file_of_a_new_kind_is_compared_from_its_first_day() -> None:
    kind = {"clinics/north.yaml": b"clinic: north\nbeds: 4\n"}
    assert says({}, kind) == ["file clinics/north.yaml is new"]
    assert says(kind, {"clinics/north.yaml": b"clinic: north\nbeds: 5\n"}) == ["file clinics/north.yaml: beds 4 to 5"]
    assert says(kind, {}) == ["file clinics/north.yaml is gone"]


def test_a_file_that_cannot_be_read_is_compared_by_its_lines() -> None:
    assert says({"texts.yaml": b"texts:\n  a: b\n"}, {"texts.yaml": b"texts: {\n"}) != []


def test_comments_layout_and_a_parameter_moved_to_another_file_are_no_difference() -> None:
    assert says({"texts.yaml": b"texts: {a: b}\n"}, {"texts.yaml": b"# why\ntexts:\n  a: b\n"}) == []
    number = b"x:\n  means: M\n  unit: days\n"
    assert says({"parameters/a.yaml": number}, {"parameters/b.yaml": number}) == []


def test_the_order_of_paces_and_of_cards_is_told() -> None:
    paces = [b"paces: {fast: {a: b}, slow: {a: c}}\n", b"paces: {slow: {a: c}, fast: {a: b}}\n"]
    assert len(says({"paces.yaml": paces[0]}, {"paces.yaml": paces[1]})) == 1
    assert says({"advice/order.yaml": b"order: [a, b]\n"}, {"advice/order.yaml": b"order: [b, a]\n"}) == [
        "cards stand in another order: b, a"
    ]
