"""The keys that the tables of dosages may have. One that is misspelt would be a word that no longer counts as it should."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cds.knowledge.fields import Fields
from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import Items, Node, Pairs

MEASURES = ("product", "mg", "mL", "refused")
OF_ENTRY = {
    "time_units": (("seconds", "words"), ()),
    "dose_units": (("measures", "words", "codes"), ("of_one",)),
    "when": (("doses",), ("part", "any", "single")),
    "frequencies": (("phrases",), ("doses", "most", "days")),
}
"""Of tables with an entry for each word: the keys that each entry has, and those that it may have."""
PARTS = ("morning", "midday", "evening", "night")
OF_TABLE = {
    "parts_from_hour": PARTS,
    "parts": PARTS,
    "weekdays": ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    "meals": ("doses", "phrases"),
    "frequency_phrases": ("times", "times_a_day", "times_a_week", "days_a_week", "every", "every_hours", "every_days"),
    "sig": (
        "number", "one", "as_needed", "if", "up_to", "most", "total", "then", "stop", "lasts", "step_label", "doses_in_all",
        "single", "procedure", "offset", "repeat", "rate", "changes", "reason", "and", "or", "of", "x", "equals", "as_directed",
        "ignore",
    ),
}  # fmt: skip
"""Of tables that are one mapping: its keys."""


def check_shape(root: Pairs, problems: Problems) -> None:
    """Reports a key of the tables that is missing, or that nothing reads, and a unit that is counted in no known way."""
    for table, keys in OF_TABLE.items():
        Fields(root.get(table), problems, keys)
    for table, (required, optional) in OF_ENTRY.items():
        for entry in _entries(root.get(table)):
            fields = Fields(entry, problems, required, optional)
            if table == "dose_units":
                _check_unit(fields, problems)
            if table == "frequencies" and not fields.keys.keys() & {"doses", "days"}:
                seen = "it is not said how often this is: neither `doses` nor `days` stands here."
                problems.add("RULE021", fields.position, seen, "", "Add `doses:` a day, or every how many `days:`.")


def _check_unit(fields: Fields, problems: Problems) -> None:
    measures = fields.one_of("measures", MEASURES)
    counted: Collection[str | None] = ("mg", "mL")
    if measures in counted and fields.node("of_one") is None:
        seen = f"it is not said how many {measures} one of this unit is."
        problems.add("RULE021", fields.position, seen, "", "Add `of_one:`.")


def _entries(node: Node | None) -> Iterator[Node]:
    if isinstance(node, Pairs):
        yield from (value for _, value in node.pairs)
    elif isinstance(node, Items):
        yield from node.items
