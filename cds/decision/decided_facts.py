"""By whom an agent is converted to diazepam where none of the sources that are read first lists it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cds.core.medication import Agent
from cds.knowledge.model import Knowledge

NAMED = 3
"""So many sources are named one by one."""


def converted_by(agents: Iterable[Agent], knowledge: Knowledge) -> str | None:
    """A sentence for each agent that another source converted, with the reason; None where there is none."""
    first = knowledge.equivalence_sources
    told = [_told(agent, first, knowledge) for agent in agents if _by_others(agent, first)]
    return " ".join(told) or None


def _by_others(agent: Agent, first: Sequence[str]) -> bool:
    return bool(first) and bool(agent.equivalents) and not any(row.source in first for row in agent.equivalents)


def _told(agent: Agent, first: Sequence[str], knowledge: Knowledge) -> str:
    used = _listed(list(dict.fromkeys(knowledge.evidence[row.source].label for row in agent.equivalents)))
    labels = [knowledge.evidence[source].label for source in first]
    if len(labels) > NAMED:
        labels = [*labels[: NAMED - 1], "the other sources that are read first"]
    does = "does" if len(labels) == 1 else "do"
    return f"{agent.name[:1].upper()}{agent.name[1:]} is converted by {used}, because {_listed(labels)} {does} not list it."


def _listed(labels: Sequence[str]) -> str:
    return " and ".join([", ".join(labels[:-1]), labels[-1]]) if len(labels) > 1 else labels[0]
