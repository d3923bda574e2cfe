"""Reads `rules/drugs/published-tapers.yaml`: tapers as guidance publishes them, beside which our own totals are set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from cds.knowledge.fields import Fields
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, nearest
from cds.knowledge.yaml_text import Node, Pairs, read

FILE = "drugs/published-tapers.yaml"
WEEKS = re.compile(r"([0-9]+) to ([0-9]+)")


@dataclass(frozen=True, slots=True)
class PublishedTaper:
    """One taper with what a source says of its length.

    Units: `mg` a day; `weeks` from the first cut to 0, None where no source gives any.
    """

    agent: str
    mg: Decimal
    pace: str
    at_night: bool
    weeks: tuple[int, int] | None
    cite: str
    position: Position


def published_tapers(files: Mapping[str, bytes], agents: Mapping[str, object], problems: Problems) -> tuple[PublishedTaper, ...]:
    """The tapers, in the order of the file; none where there is no such file."""
    if FILE not in files:
        return ()
    document = Fields(read(f"rules/{FILE}", files[FILE], problems), problems, ["tapers"]).node("tapers")
    found = (_taper(node, agents, problems) for _, node in document.pairs) if isinstance(document, Pairs) else ()
    return tuple(one for one in found if one is not None)


def _taper(node: Node, agents: Mapping[str, object], problems: Problems) -> PublishedTaper | None:
    fields = Fields(node, problems, ["agent", "mg", "pace", "cite"], ["at_night", "weeks"])
    agent, said = fields.text("agent"), fields.optional_text("weeks")
    if agent not in agents:
        problems.add("RULE110", fields.at("agent"), f"`{agent}` is no agent.", nearest(agent, agents))
        return None
    mg, weeks = _mg(fields.text("mg")), WEEKS.fullmatch(said) if said is not None else None
    if mg is None:
        problems.add("RULE023", fields.at("mg"), f"`{fields.text('mg')}` is no dose.", "Expected: mg a day, more than 0.")
        return None
    if said is not None and weeks is None:
        problems.add("RULE023", fields.at("weeks"), f"`{said}` is no range of weeks.", "Expected: such as `30 to 60`.")
    return PublishedTaper(
        agent=agent,
        mg=mg,
        pace=fields.text("pace"),
        at_night=fields.optional_text("at_night") is not None and fields.yes_no("at_night"),
        weeks=(int(weeks[1]), int(weeks[2])) if weeks else None,
        cite=fields.text("cite"),
        position=fields.at("cite"),
    )


def _mg(text: str) -> Decimal | None:
    try:
        mg = Decimal(text)
    except InvalidOperation:
        return None
    return mg if mg.is_finite() and mg > 0 else None
