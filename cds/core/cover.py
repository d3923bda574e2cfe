"""Cover: what an agent that is cut leaves behind of its kind, since other agents that act like it are taken on."""

from __future__ import annotations

from decimal import Decimal

from cds.core.case import Case
from cds.core.cuts import Steps
from cds.core.equivalence import diazepam_equivalent
from cds.core.order_action import Action
from cds.core.period import shifted
from cds.core.quantity import exactly
from cds.core.supplies import DISPENSE

Doses = tuple[Decimal, Steps, bool]
"""What is taken now, the ordered steps, and whether taking ends after them."""


def cover(case: Case) -> Decimal:
    """What goes on of other agents, as mg of this one a day; 0 where there is none, or an order of this call is about them.

    The others count at the low end of their range, this agent at the high end: so no source makes the cut larger than it is read.
    What is taken as needed covers nothing, nor what was last dispensed for a time that ended more than an episode's gap ago.
    """
    situation = case.situation
    one = diazepam_equivalent(exactly(Decimal(1)), case.agent)
    if one is None or situation.action is Action.SWITCH or case.agent is not case.agent_now:
        return Decimal(0)
    drafted = {draft.medication.agent for draft in case.drafts}
    going_on = [name for name in case.takings if name not in {case.agent.name, *drafted} and not _may_be_idle(name, case)]
    mg = {name: case.takings[name].average for name in going_on if case.agents[name].kind.covers(case.agent.kind)}
    found = [diazepam_equivalent(exactly(dose), case.agents[name]) for name, dose in mg.items() if dose is not None]
    return sum((each.low for each in found if each), Decimal(0)) / one.high


def covered(doses: Doses, mg: Decimal) -> Doses:
    """The doses with so many mg a day that go on throughout."""
    before, steps, ends = doses
    if not mg:
        return doses
    raised = [(days, dose + mg) for days, dose in steps]
    return before + mg, [*raised, (None, mg)] if ends else raised, False


def _may_be_idle(name: str, case: Case) -> bool:
    taking = case.takings[name]
    if any(order.regimen is None or order.regimen.first.as_needed for order in taking.orders):
        return True
    dispensed = [one for one in case.record.supplies if one.agent == name and one.kind == DISPENSE and one.days is not None]
    ends = [shifted(one.start, int(one.days or 0)) for one in dispensed]
    return bool(ends) and shifted(max(ends), int(case.amounts["episode_gap"])) < case.day
