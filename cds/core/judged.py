"""One order as it was judged: what an answer tells machines about it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from cds.core.gap import Gap
from cds.core.quantity import Range


@dataclass(frozen=True, slots=True)
class RiskFactor:
    """A true risk rule, in words with its evidence, and the resources that it rests on."""

    id: str
    because: str
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Crossover:
    """`advice` is favoured, against or not-relevant; `to` the longer-acting agent where favoured."""

    advice: str
    to: str | None = None
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgedOrder:
    """Units: doses in mg a day of the agent, the equivalent in mg of diazepam a day, the change in percent (a stop is -100)."""

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
