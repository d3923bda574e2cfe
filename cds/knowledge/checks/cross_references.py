"""Checks across files: what one file of the rule book says about another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cds.core.kinetics import Kinetics
from cds.knowledge.drug_tables import Tables
from cds.knowledge.files.evidence import check_cite
from cds.knowledge.files.examples import conditions_of
from cds.knowledge.files.vocabulary import risk_fact
from cds.knowledge.model import FactDefinition, FactType, Rule, RuleKind, Status
from cds.knowledge.model_parameters import EvidenceSource, Parameter
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed, nearest


def check_released(rules: Sequence[Rule], problems: Problems) -> None:
    """Reports a released advice rule that asks about a risk rule that is not: its answer would not be there."""
    shown = {Status.ACTIVE: (Status.ACTIVE,), Status.SILENT: (Status.ACTIVE, Status.SILENT)}
    risks = {risk_fact(one.id): one for one in rules if one.kind is RuleKind.RISK}
    for one in rules:
        if one.card is None or one.status not in shown:
            continue
        raising = conditions_of(one.card.raise_when) if one.card.raise_when else iter(())
        for condition in (*conditions_of(one.when), *raising):
            risk = risks.get(condition.fact)
            if risk is not None and risk.status not in shown[one.status]:
                seen = f"{one.id} is {one.status} and asks about {risk.id}, which is {risk.status}."
                problems.add("RULE107", condition.position, seen, "", "Release the risk rule first, or don't ask about it.")


def check_words(words: Iterable[FactDefinition], numbers: Mapping[str, Parameter], shelves: Tables, problems: Problems) -> None:
    """Reports a fact whose evidence may be as old as no parameter in days says, or that no drug of the tables can answer."""
    drugs = (*shelves.medications.values(), *shelves.names.values())
    groups = {group for drug in drugs for group in drug.groups}
    for word in words:
        if word.within is not None and (word.within not in numbers or numbers[word.within].unit != "days"):
            fitting = listed(name for name, parameter in numbers.items() if parameter.unit == "days")
            seen = f"{word.name} is looked for within `{word.within}`, which is no parameter in days."
            problems.add("RULE110", word.position, seen, f"Parameters in days: {fitting}.", nearest(word.within, numbers))
        counted = word.type is FactType.QUANTITY and (word.value_sets or word.drug_groups)
        if counted and word.drug_groups and word.unit != "drugs":
            seen = f"{word.name} counts drugs, and is in {word.unit}."
            problems.add("RULE112", word.position, seen, "Expected: `unit: drugs`.")
        elif counted and word.unit == "times" and not {"conditions", "observations"} & {*word.needs}:
            seen = f"{word.name} counts what is on record, and does not say of which part of it."
            expected = "Expected: `needs: [conditions]`, `needs: [observations]` or both."
            problems.add("RULE021", word.position, seen, expected, "Where that part was not given in full, the count is unknown.")
        for group in word.drug_groups:
            if group not in groups:
                seen = f"{word.name} asks for drugs of the group `{group}`, and no drug is in it."
                problems.add("RULE141", word.position, seen, f"There are: {listed(sorted(groups))}.", nearest(group, groups))


def check_table_cites(shelves: Tables, sources: Mapping[str, EvidenceSource], problems: Problems) -> None:
    """Reports a source of the drug tables that `evidence.yaml` does not hold, once a table."""
    for source in sorted({row.source for agent in shelves.agents.values() for row in agent.equivalents}):
        check_cite(source, Position("rules/drugs/equivalents.yaml"), sources, problems)
    for source in sorted({interaction.cite for interaction in shelves.interactions}):
        check_cite(source, Position("rules/drugs/interactions.yaml"), sources, problems)
    for source in sorted(
        {source for one in shelves.pharmacokinetics.values() if isinstance(one, Kinetics) for source in one.sources}
    ):
        check_cite(source, Position("rules/drugs/pharmacokinetics.yaml"), sources, problems)
    for source in shelves.naloxone.cites if shelves.naloxone else ():
        check_cite(source, Position("rules/drugs/naloxone.yaml"), sources, problems)
    for adjunct in shelves.adjuncts:
        check_cite(adjunct.cite, adjunct.position, sources, problems)
    for taper in shelves.published_tapers:
        check_cite(taper.cite, taper.position, sources, problems)
