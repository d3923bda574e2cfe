"""Reads `rules/declined.yaml`: after which reasons a declined card comes back as one line, and what brings it back in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cds.core.fact_comparison import FactComparison, Worse
from cds.knowledge.fields import Fields
from cds.knowledge.files.evidence import check_cite
from cds.knowledge.model import FactDefinition, FactType
from cds.knowledge.model_parameters import EvidenceSource, Parameter
from cds.knowledge.model_sites import Declining
from cds.knowledge.problems import Problems, listed, nearest
from cds.knowledge.yaml_text import Node, Pairs

FILE = "declined.yaml"
DAYS = "days"
RANKED, YES_NO = (FactType.QUANTITY, FactType.CHOICE), (FactType.YES_NO,)
COMPARED = {Worse.HIGHER: RANKED, Worse.LOWER: RANKED, Worse.NEWLY_YES: YES_NO, Worse.NEWLY_NO: YES_NO}
"""What is worse of a fact, and the types of fact of which that can be said."""


def declining(
    document: Node | None,
    words: Mapping[str, FactDefinition],
    reasons: Mapping[str, object],
    numbers: Mapping[str, Parameter],
    sources: Mapping[str, EvidenceSource],
    problems: Problems,
) -> Declining | None:
    """What the file says, None where there is none: then no card is ever short. All that is wrong is among the problems."""
    if document is None:
        return None
    whole = Fields(document, problems, ["declined"])
    parts = ["cite", "says", "reasons", "left", "worse_when", "must_be_known", "not_compared"]
    fields = Fields(whole.node("declined"), problems, parts)
    fields.text("says")
    check_cite(fields.text("cite"), fields.at("cite"), sources, problems)
    return Declining(dict(_days(fields, reasons, numbers)), _left(fields, numbers), _ways(fields, words))


def _left(fields: Fields, numbers: Mapping[str, Parameter]) -> str | None:
    """The parameter of what was left without an answer."""
    return _parameter(fields, "left", numbers) if "left" in fields.keys else None


def _parameter(given: Fields, key: str, numbers: Mapping[str, Parameter]) -> str | None:
    """The name of a parameter in days; None, with a problem, where there is none of that name or it is in another unit."""
    name = given.text(key)
    same_unit = [each for each, one in numbers.items() if one.unit == DAYS]
    if name in same_unit:
        return name
    if name in numbers:
        seen = f"{name} is in {numbers[name].unit}."
        given.problems.add("RULE112", given.at(key), seen, f"Expected: a parameter in {DAYS}.")
    else:
        given.problems.add("RULE110", given.at(key), f"`{name}` is no parameter.", "", nearest(name, same_unit))
    return None


def _days(fields: Fields, reasons: Mapping[str, object], numbers: Mapping[str, Parameter]) -> Iterator[tuple[str, str]]:
    """Each reason with its parameter."""
    node, problems = fields.node("reasons"), fields.problems
    given = Fields(node, problems, (), [key.text for key, _ in node.pairs] if isinstance(node, Pairs) else ())
    for reason, position in given.keys.items():
        if reason not in reasons:
            expected = f"Expected one of: {listed(reasons)}."
            problems.add("RULE124", position, f"`{reason}` is no override reason.", expected, nearest(reason, reasons))
            continue
        name = _parameter(given, reason, numbers)
        if name is not None:
            yield reason, name


def _ways(fields: Fields, words: Mapping[str, FactDefinition]) -> dict[str, FactComparison]:
    """How each fact that the lists name is compared. Reports a fact that is in two of them."""
    lists = Fields(fields.node("worse_when"), fields.problems, [worse.value for worse in COMPARED])
    needed = set(fields.each_of("must_be_known", words, "RULE101"))
    found: dict[str, FactComparison] = {}
    for worse, at in (*((worse, lists) for worse in COMPARED), (Worse.NOT_COMPARED, fields)):
        fitting = [name for name, word in words.items() if worse not in COMPARED or word.type in COMPARED[worse]]
        for name in at.each_of(worse.value, fitting, "RULE101"):
            if name in found:
                seen = f"{name} stands in {worse.value} and in {found[name].worse.value}."
                fields.problems.add("RULE025", at.at(worse.value), seen, "", "Keep one.")
            found[name] = FactComparison(worse, words[name].choices, name in needed)
    return {name: FactComparison(must_be_known=True) for name in needed} | found
