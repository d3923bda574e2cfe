"""One patient's calls decided by the decision function, unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count

from cds.core.cases import concerns_agents
from cds.core.record import Order
from cds.decision.decide import decide
from cds.engine.engine import Engine
from cds.errors import RefusedCall
from cds.fhir.dosage.dosage import reading_limits
from cds.fhir.json_access import Json, earliest_day, mapping
from cds.fhir.reader import ReadingContext
from cds.fhir.reading import draft_orders
from cds.fhir.references import Library
from cds.knowledge.model import Knowledge
from cds.knowledge.model_parameters import Parameter
from cds.population.calls import History, ReplayPeriod, Stored, Untold
from cds.population.known import signed_on
from cds.population.order_rows import Row, rows


@dataclass(slots=True)
class Tally:
    """What was met while patients were replayed, besides their rows."""

    patients: int = 0
    orders: int = 0
    """Orders of any drug that were signed on a known day."""
    calls: int = 0
    refused: int = 0
    """Calls that the decision function refused."""
    too_early: int = 0
    """Calls of days on which the rules were not in force yet, so that they were not decided."""
    undated: dict[str, int] = field(default_factory=dict)
    stops: int = 0
    versions: int = 0

    def add(self, other: Tally) -> None:
        for name in ("patients", "orders", "calls", "refused", "too_early", "stops", "versions"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for type, number in other.undated.items():
            self.undated[type] = self.undated.get(type, 0) + number


def replay_patient(
    patient: str,
    stored: Iterable[Stored],
    given: frozenset[str],
    shared: Mapping[str, Json],
    engine: Engine,
    period: ReplayPeriod,
    tally: Tally,
) -> list[Row]:
    """The rows of one patient, by day."""
    knowledge, untold = engine.knowledge, Untold()
    history = History(patient, stored, given, shared, untold)
    orders = list(history.orders())
    tally.patients += 1
    tally.orders += len(orders)
    tally.stops += untold.stops
    tally.versions += untold.versions
    for type, number in untold.undated.items():
        tally.undated[type] = tally.undated.get(type, 0) + number
    found: list[Row] = []
    begins = in_force_since(knowledge)
    concerns = _concerned(orders, history.person, shared, knowledge)
    for replayed in history.calls(period if concerns else replace(period, views=()), concerns):
        if replayed.day < begins:
            tally.too_early += 1
            continue
        tally.calls += 1
        numbers = count()
        try:
            decision = decide(replayed.call, knowledge, engine, replayed.day, "replay", lambda: str(next(numbers)))  # noqa: B023
        except RefusedCall:
            tally.refused += 1
            continue
        found += rows(replayed, decision, knowledge, history.person, shared)
    return found


def _concerned(orders: Iterable[Stored], person: Json | None, shared: Mapping[str, Json], knowledge: Knowledge) -> frozenset[str]:
    """The ids of the orders that the rules are about, or may be.

    An order of another drug that acts on an agent counts only with a patient of whom an agent, or what may be one, was ordered.
    """
    born = earliest_day(mapping(person).get("birthDate"))
    library = Library([(None, each) for each in shared.values()])
    own, acting = set(), set()
    begins = in_force_since(knowledge)
    for stored in orders:
        day = max(signed_on(stored.resource) or begins, begins)
        desk = ReadingContext(knowledge, reading_limits(knowledge, day), library, day, born)
        read, unclear = draft_orders({stored.reference: stored.resource}, desk)
        if unclear or any(_is_of_agent(order) for order in read):
            own.add(stored.id)
        elif concerns_agents(read, knowledge.drugs):
            acting.add(stored.id)
    return frozenset(own | acting) if own else frozenset()


def _is_of_agent(order: Order) -> bool:
    return order.medication.agent is not None


def in_force_since(knowledge: Knowledge) -> date:
    """The first day on which every number of the rules has an edition in force: before it nothing can be decided."""
    return max(min(edition.since for edition in parameter.editions) for parameter in knowledge.parameters.values())


def as_of(knowledge: Knowledge, day: date) -> Knowledge:
    """The knowledge as it is in force on a day, for every day: its rules and numbers, whenever an order was signed.

    Its examples are left out: they were weighed with the editions of other days.
    """
    running = (rule for rule in knowledge.rules if rule.in_force(day))
    rules = tuple(replace(rule, in_force_from=date.min, in_force_to=None, examples=()) for rule in running)
    parameters = {name: _always(parameter, day) for name, parameter in knowledge.parameters.items()}
    return replace(knowledge, revision=f"{knowledge.revision}@{day}", rules=rules, parameters=parameters)


def _always(parameter: Parameter, day: date) -> Parameter:
    edition = parameter.on(day)
    return replace(parameter, editions=(replace(edition, since=date.min),) if edition else ())
