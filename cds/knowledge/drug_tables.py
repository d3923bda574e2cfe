"""The drug tables and value sets, as their own readers bring them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds.core.kinetics import Kinetics, Refused
from cds.core.medication import Agent, Medication
from cds.core.tablets import Presentation
from cds.knowledge.files.adjuncts import Adjunct, adjuncts
from cds.knowledge.files.agents import default_sources
from cds.knowledge.files.dosing import Dosing, dosing
from cds.knowledge.files.drug_names import NO_STEMS, Stems
from cds.knowledge.files.drugs import drugs
from cds.knowledge.files.naloxone import Naloxone, naloxone
from cds.knowledge.files.pharmacokinetics import pharmacokinetics
from cds.knowledge.files.presentations import presentations
from cds.knowledge.files.published_tapers import PublishedTaper, published_tapers
from cds.knowledge.files.value_sets import value_sets
from cds.knowledge.model import CodedValue, Interaction
from cds.knowledge.problems import Problems


@dataclass(frozen=True)
class Tables:
    """Everything of the knowledge that is not a rule: see `Knowledge` for each part."""

    agents: Mapping[str, Agent] = field(default_factory=dict)
    equivalence_sources: tuple[str, ...] = ()
    medications: Mapping[tuple[str, str], Medication] = field(default_factory=dict)
    names: Mapping[str, Medication] = field(default_factory=dict)
    stems: Stems = NO_STEMS
    interactions: tuple[Interaction, ...] = ()
    value_sets: Mapping[str, tuple[CodedValue, ...]] = field(default_factory=dict)
    codes: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    dosing: Dosing = field(default_factory=lambda: Dosing({}))
    presentations: Mapping[str, tuple[Presentation, ...]] = field(default_factory=dict)
    taken_at_night: frozenset[str] = frozenset()
    naloxone: Naloxone | None = None
    adjuncts: tuple[Adjunct, ...] = ()
    published_tapers: tuple[PublishedTaper, ...] = ()
    pharmacokinetics: Mapping[str, Kinetics | Refused] = field(default_factory=dict)


def tables(files: Mapping[str, bytes], problems: Problems) -> Tables:
    """The tables under `drugs/` and `value-sets/`."""
    shelf = drugs(files, problems)
    sets = value_sets(files, problems)
    sold = presentations(files, shelf.agents, shelf.medications, problems)
    return Tables(
        agents=shelf.agents,
        equivalence_sources=default_sources(files),
        medications=shelf.medications,
        names=shelf.names,
        stems=shelf.stems,
        interactions=shelf.interactions,
        value_sets=sets.value_sets,
        codes=sets.codes,
        dosing=dosing(files, problems),
        presentations=sold.by_agent,
        taken_at_night=sold.at_night,
        naloxone=naloxone(files, problems),
        adjuncts=adjuncts(files, problems),
        published_tapers=published_tapers(files, shelf.agents, problems),
        pharmacokinetics=pharmacokinetics(files, shelf.agents, problems),
    )
