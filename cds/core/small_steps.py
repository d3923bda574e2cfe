"""Below the small-step limit no tablet follows a pace: how far a dose may fall there, by the steps that a plan would take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from cds.core.equivalence import diazepam_equivalent
from cds.core.medication import Agent
from cds.core.quantity import exactly
from cds.core.tablets import Cabinet, Presentation, Tier, in_mg, ticks

ONE = Decimal(1)


def smallest_step(agent: Agent) -> Decimal:
    """The least that tablets of the agent can take away, in mg; 0 where none is known."""
    return agent.smallest_solid_step or Decimal(0)


def allowed_falls(
    agent: Agent, presentations: Iterable[Presentation], limit: Decimal, small_step: Decimal
) -> Callable[[Decimal], Decimal]:
    """By the dose before it, how far a step of a taper may fall whatever the pace.

    The smallest step of tablets always; at or below the limit also a small step of published schedules, which lands on a whole
    number of such steps, and what tablets do from the very dose. Units: doses in mg of the agent, `limit` and `small_step` in mg
    diazepam, read at the high end of the range.
    """
    least = smallest_step(agent)
    one = diazepam_equivalent(exactly(ONE), agent)
    if one is None:
        return lambda before: least
    highest, small = limit / one.high, small_step / one.high
    cabinet = Cabinet(presentations, Decimal(0))

    def fall(before: Decimal) -> Decimal:
        if before > highest:
            return least
        landing = max(Decimal(0), (2 * before + small) // (2 * small) - 1) * small
        return max(least, before - landing, before - _next_lower(before, cabinet))

    return fall


def _next_lower(dose: Decimal, cabinet: Cabinet) -> Decimal:
    """The dose below this one that tablets deliver; the dose itself where there are none."""
    if not cabinet.has(Tier.SOLID):
        return dose
    at = int(dose * ticks(ONE))
    return in_mg(max((one for one in cabinet.reach(Tier.SOLID, at) if one < at), default=0))
