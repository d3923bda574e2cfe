"""Below the small-step limit no tablet follows a pace: how far a dose may fall there, by the steps that a plan would take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from cds.core.equivalence import diazepam_equivalent
from cds.core.medication import Agent
from cds.core.quantity import exactly
from cds.core.tablets import Cabinet, Presentation, Tier, in_mg, ticks

Fall = Callable[[Decimal], Decimal]
"""By the dose before it, the fall that doesn't count, in mg of the agent."""
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class SmallSteps:
    """What counts as a small step. Units: mg diazepam, read at the high end of the range; `ceiling` in percent.

    `limit`: at or below it a step may be larger than a pace allows. `small`, `largest`: the step of published schedules, and the
    largest that one step of tablets may make in their place. `ceiling`: what no step above the limit may cut more than.
    """

    limit: Decimal
    small: Decimal
    largest: Decimal
    ceiling: Decimal

    @classmethod
    def of(cls, amounts: Mapping[str, Decimal]) -> SmallSteps:
        """The amounts among the parameters of a day."""
        names = ("small_step_limit", "small_step", "largest_small_step", "largest_cut_in_two_weeks")
        return cls(*(amounts[name] for name in names))


def of_a_stop(agent: Agent, steps: SmallSteps) -> Fall:
    """How little may be stopped at once: the smallest step of tablets where it is small, else a small step of schedules."""
    one = _high(agent)
    if one is None:
        return lambda before: Decimal(0)
    least = agent.smallest_solid_step or Decimal(0)
    fall = least if least * one <= steps.largest else steps.small / one
    return lambda before: fall


def of_a_taper(agent: Agent, presentations: Iterable[Presentation], steps: SmallSteps) -> Fall:
    """How far a step of a taper may fall whatever the pace.

    Above the limit the smallest step of tablets, under the ceiling. At or below it also a small step of published schedules,
    which lands on a whole number of such steps, and what tablets do from the very dose.
    """
    one = _high(agent)
    least = agent.smallest_solid_step or Decimal(0)
    if one is None:
        return lambda before: Decimal(0)
    highest, small = steps.limit / one, steps.small / one
    cabinet = Cabinet(presentations, Decimal(0))

    def fall(before: Decimal) -> Decimal:
        if before > highest:
            return least if least * 100 <= steps.ceiling * before else Decimal(0)
        landing = max(Decimal(0), (2 * before + small) // (2 * small) - 1) * small
        return max(least, before - landing, before - _next_lower(before, cabinet))

    return fall


def _high(agent: Agent) -> Decimal | None:
    """One mg of the agent in diazepam, at the high end; None where no source converts it."""
    found = diazepam_equivalent(exactly(ONE), agent)
    return found.high if found else None


def _next_lower(dose: Decimal, cabinet: Cabinet) -> Decimal:
    """The dose below this one that tablets deliver; the dose itself where there are none."""
    if not cabinet.has(Tier.SOLID):
        return dose
    at = int(dose * ticks(ONE))
    return in_mg(max((one for one in cabinet.reach(Tier.SOLID, at) if one < at), default=0))
