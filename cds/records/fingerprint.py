"""How bad a situation was when a card was shown, so that a later one can be told to be no worse."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cds.core.judged_order import JudgedOrder
from cds.hooks.cards import INDICATORS


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Units: the equivalent in mg of diazepam a day (the high end), the change of the daily dose in percent; None: not known.

    `shortened` tells that the card was one line, since it had been declined before.
    """

    indicator: str
    equivalent: Decimal | None
    change: Decimal | None
    risks: frozenset[str]
    shortened: bool = False

    def worse_than(self, then: Fingerprint) -> bool:
        """Whether anything is worse than it was then. What can't be compared counts as worse: unknown is never "no"."""
        if INDICATORS.index(self.indicator) < INDICATORS.index(then.indicator) or self.risks - then.risks:
            return True
        if self.equivalent is None or then.equivalent is None or self.equivalent > then.equivalent:
            return True
        return self._changes_more(then)

    def _changes_more(self, then: Fingerprint) -> bool:
        """Whether the dose goes further up, or further down. Where neither order changes a dose, there is nothing to compare."""
        if self.change is None or then.change is None:
            return self.change is not then.change
        return self.change * then.change < 0 or abs(self.change) > abs(then.change)

    def json(self) -> dict[str, Any]:
        members = {"equivalent": self.equivalent, "change": self.change}
        known = {name: str(value) for name, value in members.items() if value is not None}
        line = {"shortened": True} if self.shortened else {}
        return {"indicator": self.indicator, **known, "risks": sorted(self.risks), **line}


def fingerprint(indicator: str, judged: JudgedOrder | None) -> Fingerprint:
    """The fingerprint of a card about an order; of one about no judged order, nothing but the indicator is known."""
    if judged is None:
        return Fingerprint(indicator, None, None, frozenset())
    equivalent = judged.equivalent.high if judged.equivalent else None
    return Fingerprint(indicator, equivalent, judged.change_percent, frozenset(risk.id for risk in judged.risk_factors))


def from_json(told: dict[str, Any]) -> Fingerprint:
    """The fingerprint that was written."""
    amounts = {name: Decimal(told[name]) if name in told else None for name in ("equivalent", "change")}
    return Fingerprint(told["indicator"], risks=frozenset(told["risks"]), shortened=told.get("shortened", False), **amounts)
