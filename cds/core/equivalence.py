"""Doses in diazepam: always a range, because the sources disagree up to three-fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from cds.core.medication import Agent, Equivalent
from cds.core.quantity import Range, plain
from cds.core.regimen import Dose

TABLE_DOSE = Decimal(10)
"""The dose of oral diazepam, in mg, that every row of the equivalents table is equal to."""


@dataclass(frozen=True, slots=True)
class EquivalentSum:
    """Several agents' doses in diazepam. `mg` is None where none could be converted, `at_least` tells that one was left out."""

    mg: Range | None
    at_least: bool


def diazepam_equivalent(dose: Range, agent: Agent) -> Range | None:
    """The daily dose in diazepam, from the lowest that a source gives to the highest; None where no source converts the agent.

    Units: dose in mg of the agent a day; answer in mg of oral diazepam a day.
    Source: the agent's own `equivalents`, each with its source.

    >>> from cds.core.medication import AgentKind, DurationClass
    >>> from cds.core.quantity import exactly
    >>> rows = (Equivalent("a", Decimal("0.5"), Decimal("0.5"), "R"), Equivalent("b", Decimal(1), Decimal(1), "R"))
    >>> kind, duration = AgentKind.BENZODIAZEPINE, DurationClass.SHORT
    >>> alprazolam = Agent("alprazolam", kind, duration, True, False, frozenset(), rows, None, None)
    >>> str(diazepam_equivalent(exactly(Decimal(3)), alprazolam))
    '30 to 60'
    """
    equal = agent.equal_to_table_dose
    return None if equal is None else Range(dose.low * TABLE_DOSE / equal.high, dose.high * TABLE_DOSE / equal.low)


def equivalent_sum(doses: Iterable[tuple[Agent, Range | None]]) -> EquivalentSum:
    """The doses of several agents, in diazepam, added. A dose of None is one that could not be read.

    Units: doses in mg of the agent a day; answer in mg of oral diazepam a day.
    """
    total: Range | None = None
    at_least = False
    for agent, dose in doses:
        equivalent = None if dose is None else diazepam_equivalent(dose, agent)
        if equivalent is None:
            at_least = True
        else:
            total = equivalent if total is None else total + equivalent
    return EquivalentSum(total, at_least)


def dose_sum(dose: Dose, agent: Agent) -> str:
    """The dose as a sum that a clinician can check: "alprazolam 1 mg x 3 = 3 mg a day, 30 to 60 mg diazepam equivalent"."""
    return f"{agent.name} {_daily(dose)}{_in_diazepam(dose.mg, agent)}"


def sources(agent: Agent, labels: Mapping[str, str]) -> str:
    """Which sources give the low end of the range and which the high: text for the basis of a card.

    `labels` are the short names of sources by id; a source without one is named by its id.
    """
    if agent.equal_to_table_dose is None:
        return f"no source gives a diazepam equivalent for {agent.name}"
    least, most = agent.equal_to_table_dose.low, agent.equal_to_table_dose.high
    high = _holders((each for each in agent.equivalents if each.low == least), labels)
    if most == least:
        return f"diazepam 10 mg = {agent.name} {plain(least)} mg ({high})"
    low = _holders((each for each in agent.equivalents if each.high == most), labels)
    return f"diazepam 10 mg = {agent.name} {plain(most)} mg ({low}) for the low end, {plain(least)} mg ({high}) for the high end"


def _holders(equivalents: Iterable[Equivalent], labels: Mapping[str, str]) -> str:
    return ", ".join(dict.fromkeys(labels.get(each.source, each.source) for each in equivalents))


def _daily(dose: Dose) -> str:
    total = f"{dose.mg} mg"
    terms = f"{dose.says} = {total}" if dose.says and dose.says != total else total
    often = f" on {plain(dose.days_a_week)} days a week" if dose.intermittent else " a day"
    most = " at most" if dose.as_needed else ""
    return f"{terms}{often}{most}"


def _in_diazepam(mg: Range, agent: Agent) -> str:
    equivalent = diazepam_equivalent(mg, agent)
    if equivalent is None:
        return ", no diazepam equivalent known"
    if agent.name == "diazepam":
        return ""
    return f", {equivalent} mg diazepam equivalent"
