"""Reads `rules/drugs/pharmacokinetics.yaml`: how agents are taken up and cleared, for the illustration of plasma levels."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cds.core.kinetics import Kinetics, Metabolite, Refused
from cds.knowledge.fields import Fields, as_amount
from cds.knowledge.files.agents import ORIGINS
from cds.knowledge.problems import Problems, nearest
from cds.knowledge.yaml_text import Node, Pairs, read

FILE = "drugs/pharmacokinetics.yaml"
EXTENDED = " extended release"
NUMBERS = ("bioavailability", "absorption", "lag", "volume", "clearance")


def pharmacokinetics(files: Mapping[str, bytes], agents: Collection[str], problems: Problems) -> dict[str, Kinetics | Refused]:
    """The kinetics by agent, or why no curve is drawn. An agent that is not in the file is in neither way known."""
    node = Fields(read(f"rules/{FILE}", files.get(FILE, b""), problems), problems, ["agents"]).node("agents")
    pairs = node.pairs if isinstance(node, Pairs) else ()
    found = {key.text: _agent(key.text, entry, problems) for key, entry in pairs}
    metabolites = {one.metabolite.agent for one in found.values() if isinstance(one, Kinetics) and one.metabolite}
    known = {*agents, *metabolites}
    for key, _ in pairs:
        if key.text.removesuffix(EXTENDED) not in known:
            seen = f"`{key.text}` is no agent of agents.yaml and no metabolite that another one names here."
            problems.add("RULE023", key.position, seen, "", nearest(key.text, known))
    return found


def _agent(name: str, node: Node, problems: Problems) -> Kinetics | Refused:
    if isinstance(node, Pairs) and node.get("refused") is not None:
        return Refused(name, Fields(node, problems, ["refused"]).text("refused"))
    fields = Fields(node, problems, [*NUMBERS, "cite", "origin"], ["level_of", "metabolite", "says"])
    found = {key: _number(fields, key, problems) for key in NUMBERS}
    metabolite = fields.node("metabolite")
    return Kinetics(
        agent=name,
        level_of=fields.optional_text("level_of") or name.partition(" ")[0],
        metabolite=_metabolite(metabolite, problems) if metabolite else None,
        sources=fields.texts("cite"),
        origin=fields.one_of("origin", ORIGINS) or "",
        **found,
    )


def _metabolite(node: Node, problems: Problems) -> Metabolite:
    fields = Fields(node, problems, ["agent", "mg_for_mg", "volume", "clearance", "cite"])
    found = {key: _number(fields, key, problems) for key in ("mg_for_mg", "volume", "clearance")}
    return Metabolite(agent=fields.text("agent"), **found)


def _number(fields: Fields, key: str, problems: Problems) -> float:
    text = fields.text(key, "1")
    amount = as_amount(text)
    if amount is None or amount[1] is not None or amount[0] < 0 or (amount[0] == 0 and key != "lag"):
        problems.add("RULE023", fields.at(key), f"`{key}` is `{text}`.", "Expected: a number above 0; a lag may be 0.")
        return 1.0
    return float(amount[0])
