"""Reads `rules/drugs/agents.yaml` and `equivalents.yaml`: the benzodiazepines and Z-drugs, and what of each equals diazepam."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from cds.core.medication import Agent, AgentKind, DoseBands, DurationClass, Equivalent, LabelLimit
from cds.knowledge.fields import Fields, as_amount, as_quantity
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, nearest
from cds.knowledge.yaml_text import Node, Pairs, read

AGENTS = "drugs/agents.yaml"
EQUIVALENTS = "drugs/equivalents.yaml"
REQUIRED = ("kind", "duration", "high_potency", "glucuronidated_only", "enzymes", "half_life", "cite", "verified")
OPTIONAL = (
    "label_limits",
    "dose_bands",
    "antiseizure",
    "smallest_solid_step",
    "smallest_liquid_step",
    "highest_labelled_daily_dose",
    "forms",
)
Converted = tuple[tuple[Equivalent, ...], tuple[Equivalent, ...], Equivalent | None]
"""The rows of an agent that are read, those that are not, and the one by which its dose is banded."""
ORIGINS = ("read", "read in a transcription", "general knowledge", "calculated", "our proposal")


def agents(files: Mapping[str, bytes], problems: Problems) -> dict[str, Agent]:
    """The agents by name. Every agent has equivalents, or states that it is not converted; one that has neither is a problem."""
    document = Fields(read(f"rules/{AGENTS}", files.get(AGENTS, b""), problems), problems, ["agents"]).node("agents")
    pairs = document.pairs if isinstance(document, Pairs) else ()
    converted = _equivalents(files, [key.text for key, _ in pairs], problems)
    return {key.text: _agent(key.text, node, converted.get(key.text, ((), (), None)), problems) for key, node in pairs}


def _agent(name: str, node: Node, equivalents: Converted, problems: Problems) -> Agent:
    fields = Fields(node, problems, REQUIRED, OPTIONAL)
    half_life = Fields(fields.node("half_life"), problems, [], ["parent", "metabolites"])
    for key in half_life.keys:
        Fields(half_life.node(key), problems, [], ["low", "typical", "high"])
    kind = fields.one_of("kind", tuple(AgentKind))
    duration = fields.one_of("duration", tuple(DurationClass))
    return Agent(
        name=name,
        kind=AgentKind(kind or AgentKind.BENZODIAZEPINE),
        duration=DurationClass(duration or DurationClass.SHORT),
        high_potency=fields.yes_no("high_potency"),
        glucuronidated_only=fields.yes_no("glucuronidated_only"),
        enzymes=frozenset(fields.texts("enzymes")),
        equivalents=equivalents[0],
        other_equivalents=equivalents[1],
        smallest_solid_step=_mg(fields, "smallest_solid_step", problems),
        smallest_liquid_step=_mg(fields, "smallest_liquid_step", problems),
        highest_labelled_daily_dose=_mg(fields, "highest_labelled_daily_dose", problems),
        label_limits=tuple(_label_limit(entry, problems) for entry in fields.items("label_limits")),
        bands=_bands(fields, problems),
        guideline_equivalent=equivalents[2],
        antiseizure=fields.optional_text("antiseizure") is not None and fields.yes_no("antiseizure"),
    )


def _label_limit(node: Node, problems: Problems) -> LabelLimit:
    fields = Fields(node, problems, ["mg", "cite"], ["extended_release_mg", "sex", "from_age"])
    given = {key: _number(fields, key, problems) for key in ("extended_release_mg", "from_age") if fields.node(key) is not None}
    return LabelLimit(
        mg=_number(fields, "mg", problems),
        extended_release_mg=given.get("extended_release_mg"),
        sex=fields.one_of("sex", ("female", "male")) if fields.node("sex") is not None else None,
        from_age=given.get("from_age"),
        cite=fields.text("cite"),
    )


def _bands(fields: Fields, problems: Problems) -> DoseBands | None:
    if fields.node("dose_bands") is None:
        return None
    bands = Fields(fields.node("dose_bands"), problems, ["low_up_to", "high_above", "cite"])
    low, high = _mg(bands, "low_up_to", problems), _mg(bands, "high_above", problems)
    if low is None or high is None:
        return None
    if low > high:
        seen = f"low reaches up to {low} mg, high begins above {high} mg."
        problems.add("RULE115", bands.at("low_up_to"), seen, "Expected: low_up_to at most high_above.")
        return None
    return DoseBands(low, high, bands.text("cite"))


def _mg(fields: Fields, key: str, problems: Problems) -> Decimal | None:
    text = fields.optional_text(key)
    if text is None:
        return None
    amount = as_quantity(text)
    if amount is None or amount.unit != "mg" or amount.value <= 0:
        problems.add("RULE023", fields.at(key), f"`{key}` is `{text}`.", "Expected: an amount above 0 in mg, such as 0.5 mg.")
        return None
    return amount.value


def default_sources(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The sources of equivalents that are read first."""
    root = read(f"rules/{EQUIVALENTS}", files.get(EQUIVALENTS, b""), Problems())
    return Fields(root, Problems(), ["default_sources"], ["guideline_source", "agents"]).texts("default_sources")


def _equivalents(files: Mapping[str, bytes], names: Collection[str], problems: Problems) -> dict[str, Converted]:
    """The rows that apply to each agent, and the rest.

    Those of the default sources apply, or, where none converts it, those of the others.
    """
    document = read(f"rules/{EQUIVALENTS}", files.get(EQUIVALENTS, b""), problems)
    root = Fields(document, problems, ["default_sources", "guideline_source", "agents"])
    first = (root.text("guideline_source"), *root.texts("default_sources"))
    defaults = frozenset(root.texts("default_sources"))
    table = root.node("agents")
    index = table.index if isinstance(table, Pairs) else {}
    for name, node in index.items():
        if name not in names:
            problems.add("RULE023", node.position, f"`{name}` is no agent of agents.yaml.", "", nearest(name, names))
    found = {}
    for name in names:
        if name not in index:
            seen, expected = f"the agent {name} has no equivalent.", "Expected: rows, or `not_converted` and why."
            problems.add("RULE021", Position(f"rules/{EQUIVALENTS}"), seen, expected, f"Add `{name}:`.")
            continue
        rows = _rows(index[name], problems)
        used = tuple(row for row in rows if row.source in defaults) or rows
        found[name] = used, tuple(row for row in rows if row not in used), _first_listed(rows, first)
    return found


def _first_listed(rows: Collection[Equivalent], sources: Collection[str]) -> Equivalent | None:
    """The row of the first of the sources that lists the agent, else its first row; None where there is none."""
    by_source = {row.source: row for row in reversed(list(rows))}
    return next((by_source[source] for source in sources if source in by_source), next(iter(rows), None))


def _rows(node: Node, problems: Problems) -> tuple[Equivalent, ...]:
    fields = Fields(node, problems, [], ["rows", "not_converted"])
    rows = tuple(_row(entry, problems) for entry in fields.items("rows"))
    if bool(rows) == (fields.optional_text("not_converted") is not None):
        seen = "this agent has both, or neither, of `rows` and `not_converted`."
        problems.add("RULE022", node.position, seen, "Expected: one of the two.")
    return rows


def _row(node: Node, problems: Problems) -> Equivalent:
    fields = Fields(node, problems, ["source", "low", "high", "origin"], ["says"])
    low, high = _number(fields, "low", problems), _number(fields, "high", problems)
    if low > high:
        problems.add("RULE115", node.position, f"the range runs from {low} to {high}.", "Expected: low at most high.")
        low = high
    return Equivalent(fields.text("source"), low, high, fields.one_of("origin", ORIGINS) or "")


def _number(fields: Fields, key: str, problems: Problems) -> Decimal:
    text = fields.text(key)
    amount = as_amount(text)
    if amount is None or amount[1] is not None or amount[0] <= 0:
        problems.add("RULE023", fields.at(key), f"`{key}` is `{text}`.", "Expected: a number of mg above 0.")
        return Decimal(1)
    return amount[0]
