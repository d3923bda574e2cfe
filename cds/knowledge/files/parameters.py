"""Reads `rules/parameters/*.yaml` and `rules/paces.yaml`: dated, cited numbers with a unit, and the paces that use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cds.core.quantity import Quantity
from cds.knowledge.fields import Fields, as_amount, as_day
from cds.knowledge.files.evidence import check_cite
from cds.knowledge.model_parameters import EvidenceSource, Pace, Parameter, ParameterEdition
from cds.knowledge.problems import Problems, listed, nearest
from cds.knowledge.yaml_text import Node, Pairs, Scalar

NAME = "name"
"""The unit of a parameter that holds a text."""


def parameters(
    documents: Iterable[Node | None], sources: Mapping[str, EvidenceSource], problems: Problems
) -> dict[str, Parameter]:
    """The parameters of all files, by name."""
    found: dict[str, Parameter] = {}
    for document in documents:
        if not isinstance(document, Pairs):
            continue
        for key, node in document.pairs:
            if key.text in found:
                problems.add("RULE025", key.position, f"{key.text} is also defined at {found[key.text].position}.", "Keep one.")
            else:
                found[key.text] = _parameter(key, node, sources, problems)
    return found


def _parameter(key: Scalar, node: Node, sources: Mapping[str, EvidenceSource], problems: Problems) -> Parameter:
    fields = Fields(node, problems, ["means", "unit", "values"], ["site_may_change"])
    unit = fields.text("unit")
    bounds: dict[str, Quantity | None] = {}
    choices: tuple[str, ...] = ()
    if fields.node("site_may_change") is not None:
        limits = Fields(fields.node("site_may_change"), problems, [], ["one_of"] if unit == NAME else ["at_least", "at_most"])
        choices = limits.texts("one_of")
        for bound in ("at_least", "at_most"):
            value = value_of(limits, bound, unit) if limits.node(bound) is not None else None
            bounds[bound] = value if isinstance(value, Quantity) else None
    editions = _editions(fields, unit, sources)
    found = Parameter(
        key.text, fields.text("means"), unit, editions, bounds.get("at_least"), bounds.get("at_most"), key.position, choices
    )
    for edition in editions:
        if not inside(edition.value, found):
            seen = f"{edition.value} is outside the bounds that a site has to keep."
            problems.add("RULE115", key.position, seen, f"Bounds: {bounds_in_words(found)}.")
    return found


def bounds_in_words(parameter: Parameter) -> str:
    """What a site may choose: `5 percent to 25 percent`, or the names."""
    return listed(parameter.one_of) if parameter.one_of else f"{parameter.at_least or '-'} to {parameter.at_most or '-'}"


def inside(value: Quantity | str, parameter: Parameter) -> bool:
    """Whether the value keeps the bounds that the parameter sets for sites."""
    if isinstance(value, str):
        return not parameter.one_of or value in parameter.one_of
    above = parameter.at_least is None or parameter.at_least.value <= value.value
    return above and (parameter.at_most is None or value.value <= parameter.at_most.value)


def _editions(fields: Fields, unit: str, sources: Mapping[str, EvidenceSource]) -> tuple[ParameterEdition, ...]:
    values, problems = fields.node("values"), fields.problems
    if not isinstance(values, Pairs) or not values.pairs:
        problems.add("RULE022", fields.at("values"), "no dated value stands here.", "Expected: a day, then {value, cite, says}.")
        return ()
    editions = []
    for key, node in values.pairs:
        edition = Fields(node, problems, ["value", "cite"], ["says"])
        since = as_day(key.text, key.position, problems)
        value = value_of(edition, "value", unit) if edition.node("value") is not None else None
        check_cite(edition.text("cite"), edition.at("cite"), sources, problems)
        if since and value is not None:
            editions.append(ParameterEdition(since, value, edition.text("cite"), edition.optional_text("says")))
    return tuple(sorted(editions, key=lambda edition: edition.since, reverse=True))


def value_of(fields: Fields, key: str, unit: str) -> Quantity | str | None:
    """The amount, or of unit `name` the text, that stands under the key; None where it is neither."""
    text = fields.text(key)
    if unit == NAME:
        return text or None
    amount = as_amount(text)
    if amount is None:
        fields.problems.add("RULE023", fields.at(key), f"`{text}` is no number.", f"Expected: a number in {unit}.")
        return None
    if amount[1] not in (None, unit):
        fields.problems.add("RULE112", fields.at(key), f"`{text}` is in {amount[1]}.", f"The parameter is in {unit}.")
        return None
    return Quantity(amount[0], unit)


NUMBERS = {
    "cut": "percent", "first_cut": "percent", "cut_of_start": "percent", "longer_above": "percent",
    "interval": "days", "longer_interval": "days", "longest_interval": "days",
}  # fmt: skip
"""The parameters that a pace names, with their unit."""
REQUIRED = ("cut", "interval")
CHOICES = ("by_strengths", "compounded")


def paces(
    document: Node | None, known: Mapping[str, Parameter], sources: Mapping[str, EvidenceSource], problems: Problems
) -> dict[str, Pace]:
    """The paces by id, ranked in the order written."""
    node = Fields(document, problems, ["paces"]).node("paces")
    if not isinstance(node, Pairs):
        return {}
    found = {key.text: _pace(rank, key, entry, known, sources, problems) for rank, (key, entry) in enumerate(node.pairs)}
    for key, _ in node.pairs:
        after = found[key.text].if_not_borne
        if after is not None and not (after in found and found[after].plan and found[after].rank > found[key.text].rank):
            stricter = listed(one.id for one in found.values() if one.plan and one.rank > found[key.text].rank)
            problems.add(
                "RULE110", key.position, f"`if_not_borne: {after}` is no stricter pace with a plan.", f"Expected: {stricter}."
            )
    return found


def _pace(
    rank: int, key: Scalar, node: Node, known: Mapping[str, Parameter], sources: Mapping[str, EvidenceSource], problems: Problems
) -> Pace:
    fields = Fields(
        node, problems, ["says", "plan", "cite"], [*NUMBERS, *CHOICES, "after_short_use", "if_not_borne", "says_where_moved"]
    )
    plan = fields.yes_no("plan")
    check_cite(fields.text("cite"), fields.at("cite"), sources, problems)
    for part, unit in NUMBERS.items():
        name = fields.optional_text(part)
        if plan and name is None and part in REQUIRED:
            problems.add("RULE021", key.position, f"{key.text} has a plan and no {part}.", "", f"Add `{part}:`.")
        elif name is not None and name not in known:
            problems.add("RULE110", fields.at(part), f"`{name}` is no parameter.", nearest(name, known))
        elif name is not None and known[name].unit != unit:
            same = listed(p.name for p in known.values() if p.unit == unit)
            problems.add("RULE112", fields.at(part), f"{name} is in {known[name].unit}.", f"Parameters in {unit}: {same}.")
    parts: dict[str, Any] = {part: fields.optional_text(part) for part in NUMBERS}
    parts["if_not_borne"] = fields.optional_text("if_not_borne")
    parts |= {part: fields.optional_text(part) is not None and fields.yes_no(part) for part in CHOICES}
    says, brief = fields.text("says"), fields.optional_text("after_short_use")
    moved = fields.optional_text("says_where_moved")
    return Pace(key.text, rank, says, brief, plan, cite=fields.text("cite"), says_where_moved=moved, **parts)
