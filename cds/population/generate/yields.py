"""How often each rule is true of the orders of invented patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cds.engine.engine import Engine
from cds.knowledge.model import Knowledge, RuleKind
from cds.population.bulk_export import SHARED
from cds.population.calls import ReplayPeriod, Stored
from cds.population.generate.distributions import Distributions
from cds.population.generate.invented_export import Span, patient, prescribers
from cds.population.patient_replay import Tally, as_of, replay_patient
from cds.population.staging import by_reference


@dataclass(frozen=True, slots=True)
class Yield:
    """Orders that were judged, and of how many each rule was true."""

    orders: int
    rules: Mapping[tuple[RuleKind, str], int]


def yields(
    knowledge: Knowledge, told: Distributions, span: Span, seed: int, patients: int, measured: int, progress: Callable[[int], Any]
) -> Yield:
    """The yield of each rule over the first patients of an export, by the rules in force on its last day."""
    roles = prescribers(seed, patients, told)
    shared = by_reference((role["practitioner"]["reference"], role["resourceType"], role) for role in roles)
    rules: Counter[tuple[RuleKind, str]] = Counter()
    orders = 0
    in_force = Engine(as_of(knowledge, span.last))
    given = frozenset({"MedicationRequest", "MedicationDispense", "Condition"})
    for number in range(measured):
        resources = patient(number, seed, told, span, len(roles))
        stored = [
            Stored(each["resourceType"], each["id"], "", 0, each) for each in resources if each["resourceType"] not in SHARED
        ]
        for row in replay_patient(f"p{number}", stored, given, shared, in_force, ReplayPeriod(), Tally()):
            orders += 1
            rules.update((RuleKind.ADVICE, id) for id in row["advice"])
            rules.update((RuleKind.RISK, id) for id in row["risks"])
        progress(number + 1)
    in_force.close()
    return Yield(orders, rules)
