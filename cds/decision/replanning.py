"""Going on with a taper under way: after a pause, or after steps that were not borne; and what that changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from cds.core.cuts import PercentOf
from cds.core.period import range_in_words, shifted, written
from cds.core.quantity import plain
from cds.core.taper_plan import NoPlan, Plan
from cds.decision.plans import CurrentDoses, direct_plan, taper_pace
from cds.knowledge.model import Knowledge


@dataclass(frozen=True, slots=True)
class Replanned:
    """How a taper goes on from a day. `until` is the day of the next step, None where none follows.

    `changed` says, in sentences, what differs from going straight on at the pace before.
    """

    takes: CurrentDoses
    since: date
    until: date | None
    pace_before: str
    pace: str
    plan: Plan | NoPlan
    changed: tuple[str, ...]


def replanned(
    knowledge: Knowledge,
    since: date,
    takes: CurrentDoses,
    pace: str,
    hold: int = 0,
    not_borne: int = 0,
    basis: PercentOf | None = None,
) -> Replanned:
    """The plan from `since` on: the dose of that day stays for `hold` days, then goes on down.

    `not_borne` counts the steps that were not borne. Each makes the pace stricter; the dose stays at least as long as the steps
    of that pace lie apart, and the steps that follow are no longer sized by the dose at the start.
    Units: days. `takes.original` is the dose before the taper began, where that is known.
    """
    after = _pace_after(knowledge, pace, not_borne)
    numbers = taper_pace(knowledge, after, since, PercentOf.CURRENT)
    stay = max(hold, numbers.interval if not_borne and numbers else 0)
    until = shifted(since, stay)
    goes_on = replace(takes, original=None) if not_borne else takes
    smaller = not_borne > 0
    plan = direct_plan(knowledge, since, goes_on, after, basis, until, finer=smaller, prepared=smaller)
    straight_on = direct_plan(knowledge, since, takes, pace, basis, since)
    changed = tuple(_changed(knowledge, takes, since, pace, after, not_borne, straight_on, plan))
    return Replanned(takes, since, until if isinstance(plan, Plan) else None, pace, after, plan, changed)


def _pace_after(knowledge: Knowledge, pace: str, not_borne: int) -> str:
    for _ in range(not_borne):
        pace = knowledge.paces[pace].if_not_borne or pace
    return pace


def _changed(
    knowledge: Knowledge,
    takes: CurrentDoses,
    since: date,
    pace: str,
    after: str,
    not_borne: int,
    before: Plan | NoPlan,
    plan: Plan | NoPlan,
) -> Iterator[str]:
    if not_borne:
        steps = "The last step was" if not_borne == 1 else f"{not_borne} steps were"
        yield f"{steps} not borne: no cut now. The last dose that was borne may be gone back to; give it as the dose then."
    if after != pace:
        yield f"The pace is {after} in place of {pace}."
    if isinstance(plan, NoPlan):
        return
    if plan.start > since:
        yield f"Stay at {plain(takes.daily)} mg a day until {written(plan.start)}."
    if isinstance(before, NoPlan):
        return
    if (plan.start, plan.steps[0].doses) != (before.start, before.steps[0].doses):
        yield f"The next step is {_first(plan)}; straight on it would be {_first(before)}."
    lengths = [_length(one, since) for one in (plan, before)]
    if lengths[0] != lengths[1]:
        yield f"From {written(since)} most need {lengths[0]}; straight on it would be {lengths[1]}."


def _first(plan: Plan) -> str:
    step = plan.steps[0]
    return f"{plain(step.daily)} mg a day on {written(step.start)}"


def _length(plan: Plan, since: date) -> str:
    waits = (plan.start - since).days
    least, most = plan.lengths
    return range_in_words(least + waits, most + waits)
