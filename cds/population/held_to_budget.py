"""A replay held against the alert budget of the rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cds.knowledge.files.alert_budget import AlertBudget
from cds.population.report.intervals import wilson
from cds.population.results import Results

OWN = "hook = 'order-sign' AND agent <> 'other drug'"


@dataclass(frozen=True, slots=True)
class Held:
    """One line of the budget: what was counted, of how many, and the most for every 100 of them."""

    what: str
    count: int
    of: int
    most: float

    @property
    def for_each_100(self) -> float:
        return 100 * self.count / self.of if self.of else 0.0

    @property
    def exceeded(self) -> bool:
        return self.for_each_100 > self.most

    @property
    def surely(self) -> bool:
        """Whether the whole interval lies above the most."""
        return self.of > 0 and 100 * wilson(min(self.count, self.of), self.of)[0] > self.most


def held(results: Results, budget: AlertBudget) -> Iterator[Held]:
    """Each line of the budget with what the replay counted."""
    orders, cards = results.all(f"SELECT count(*), coalesce(sum(len(shown)), 0) FROM orders WHERE {OWN}")[0]
    critical = results.all(f"SELECT count(*) FROM (SELECT unnest(indicators) AS i FROM orders WHERE {OWN}) WHERE i = 'critical'")
    yield Held("cards in all", int(cards), int(orders), float(budget.cards))
    yield Held("critical cards among the cards", int(critical[0][0]), int(cards), float(budget.critical_share))
    counted = dict(results.all(f"SELECT rule, count(*) FROM (SELECT unnest(shown) AS rule FROM orders WHERE {OWN}) GROUP BY 1"))
    for rule, most in budget.by_rule.items():
        yield Held(rule, int(counted.get(rule, 0)), int(orders), float(most))
