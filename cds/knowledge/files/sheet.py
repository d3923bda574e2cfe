"""Reads the texts of the patient's sheet from `rules/sheet/`: one file a language, all with the keys of the English one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from cds.core.patient_sheet import SheetTexts
from cds.core.placeholder import PLACEHOLDER
from cds.knowledge.fields import Fields
from cds.knowledge.files.evidence import check_cite
from cds.knowledge.model_parameters import EvidenceSource
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed, nearest
from cds.knowledge.yaml_text import Node, Pairs

FOLDER = "sheet/"
REFERENCE = "en"
KEYS = ("language", "cite", "months", "weekdays", "texts", "lists")
MONTHS, WEEKDAYS = 12, 7


def sheets(documents: Mapping[str, Node], sources: Mapping[str, EvidenceSource], problems: Problems) -> dict[str, SheetTexts]:
    """The texts by language. A language that lacks a key or a value of the English texts, or has one more, is a problem."""
    found = {}
    for name, node in documents.items():
        if name.startswith(FOLDER):
            words = _words(node, sources, problems)
            stem = PurePosixPath(name).stem
            if words.language != stem:
                seen = f"the language is `{words.language}` and the file is named `{stem}`."
                problems.add("RULE024", node.position, seen, "Expected: the same.")
            found[stem] = words
    english = found.get(REFERENCE)
    for language, words in found.items():
        position = Position(f"rules/{FOLDER}{language}.yaml")
        if english is None:
            problems.add(
                "RULE010", position, f"rules/{FOLDER}{REFERENCE}.yaml is missing.", "", "Add it: its keys are the standard."
            )
            break
        _compare(_values(words), _values(english), position, problems)
    return found


def _words(node: Node, sources: Mapping[str, EvidenceSource], problems: Problems) -> SheetTexts:
    fields = Fields(node, problems, KEYS)
    for cite in fields.texts("cite"):
        check_cite(cite, fields.at("cite"), sources, problems)
    texts, lists = fields.node("texts"), fields.node("lists")
    return SheetTexts(
        language=fields.text("language"),
        texts=_texts(texts, problems),
        lists=_lists(lists, problems),
        months=_named(fields, "months", MONTHS, problems),
        weekdays=_named(fields, "weekdays", WEEKDAYS, problems),
    )


def _texts(node: Node | None, problems: Problems) -> dict[str, str]:
    if not isinstance(node, Pairs):
        return {}
    fields = Fields(node, problems, [key.text for key, _ in node.pairs])
    return {key.text: fields.text(key.text) for key, _ in node.pairs}


def _lists(node: Node | None, problems: Problems) -> dict[str, tuple[str, ...]]:
    if not isinstance(node, Pairs):
        return {}
    fields = Fields(node, problems, [key.text for key, _ in node.pairs])
    return {key.text: fields.texts(key.text) for key, _ in node.pairs}


def _named(fields: Fields, key: str, many: int, problems: Problems) -> tuple[str, ...]:
    names = fields.texts(key)
    if len(names) == many:
        return names
    problems.add("RULE023", fields.at(key), f"`{key}` has {len(names)} names.", f"Expected: {many}.")
    return (*names, *[""] * many)[:many]


def _values(words: SheetTexts) -> dict[str, frozenset[str]]:
    """The values that stand in each text, and in each list as a whole."""
    texts = {f"texts.{key}": text for key, text in words.texts.items()}
    lists = {f"lists.{key}": " ".join(items) for key, items in words.lists.items()}
    return {key: frozenset(PLACEHOLDER.findall(text)) for key, text in (texts | lists).items()}


def _compare(
    seen: Mapping[str, frozenset[str]], expected: Mapping[str, frozenset[str]], position: Position, problems: Problems
) -> None:
    for key in expected.keys() - seen.keys():
        problems.add("RULE021", position, f"`{key}` is missing.", "", "Add it, as in the English file.")
    for key in seen.keys() - expected.keys():
        problems.add("RULE020", position, f"`{key}` is no text of the sheet.", "", nearest(key, expected))
    for key in sorted(seen.keys() & expected.keys()):
        if seen[key] != expected[key]:
            says = f"`{key}` has the values {listed(sorted(seen[key]))}."
            problems.add("RULE023", position, says, f"Expected: {listed(sorted(expected[key]))}.")
