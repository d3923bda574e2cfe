"""One order as it was judged: what an answer tells machines about it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from cds.core.gap import Gap
from cds.core.quantity import Range
from cds.core.taper_plan import Plan


@dataclass(frozen=True, slots=True)
class RiskFactor:
    """A true risk rule: what it says, the evidence in the record in words, and the resources that it rests on."""

    id: str
    says: str
    evidence: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()

    @property
    def shortest(self) -> str:
        """The evidence alone where there is some, else what it says."""
        return self.evidence[0] if self.evidence else self.says

    @property
    def because(self) -> str:
        """What it says, with its evidence."""
        return f"{self.says} ({'; '.join(self.evidence)})" if self.evidence else self.says


@dataclass(frozen=True, slots=True)
class Crossover:
    """`advice` is favoured, against or not-relevant; `to` the longer-acting agent where favoured; its `plan` where asked for."""

    advice: str
    to: str | None = None
    because: tuple[str, ...] = ()
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class JudgedOrder:
    """Units: doses in mg a day of the agent, the equivalent in mg of diazepam a day, the change in percent (a stop is -100).

    A dose that is not taken every day is its average; the ordered one then says on how many `days_a_week` it is taken.
    """

    request: str
    agent: str
    action: str | None
    daily_dose: Decimal | None
    takes_now: Decimal | None
    equivalent: Range | None
    change_percent: Decimal | None
    gaps: tuple[Gap, ...]
    risk_factors: tuple[RiskFactor, ...]
    pace: str | None
    crossover: Crossover
    plan: Plan | None = None
    days_a_week: Decimal | None = None
