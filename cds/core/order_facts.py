"""Facts about what the order does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from cds.core.cases import Case
from cds.core.current_use import CurrentUse
from cds.core.cuts import (
    TWO_WEEKS,
    Exempt,
    PaceLimits,
    PercentOf,
    Steps,
    TooFast,
    first_too_fast,
    largest_cut_in_two_weeks,
)
from cds.core.equivalence import diazepam_equivalent, dose_sum, equivalent_sum
from cds.core.facts import Fact, Known, Unknown
from cds.core.medication import Agent, DurationClass
from cds.core.order_action import Action, is_stop
from cds.core.period import shifted, written
from cds.core.quantity import Range, exactly, plain
from cds.core.record import Completeness, OrderState, RecordPart
from cds.core.regimen import EVERY_DAY, Basis, Dose
from cds.core.small_steps import SmallSteps, of_a_stop, of_a_taper
from cds.core.supplies import DISPENSE
from cds.core.switch import exchanged
from cds.core.under_way import days_since, last_cut

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


NOT_READ = "the daily dose of the order could not be read"
OF_ALL = " of all that is taken of its kind"
TAKEN_NOT_READ = "the daily dose that is taken now could not be read"


def action(case: Case) -> Fact:
    """What the order does, or why that can't be told."""
    situation = case.situation
    if situation.action is None:
        return Unknown(TAKEN_NOT_READ if situation.takes_now is None else NOT_READ, (situation.request,))
    return Known(situation.action.value, "", (situation.request,))


def amount(value: Decimal | None, reason: str, resources: tuple[str, ...]) -> Fact:
    """A daily dose, or why it is not known."""
    return Unknown(reason, resources) if value is None else Known(value, "", resources)


def equivalent(case: Case) -> Range | None:
    """The larger of what is taken and what is ordered, in mg of diazepam a day. None where a dose is unread or not converted.

    Where the order can't be read, what is taken, if anything is; None where that can't. Of a switch, the larger of what is given
    up and what is ordered.
    """
    ordered = _in_diazepam(case.situation.daily_dose, case.agent)
    taken = _taken_in_diazepam(case)
    if taken is None or (ordered is None and taken.high == 0):
        return None
    found = [each for each in (ordered, taken) if each is not None]
    return max(found, key=lambda each: each.high, default=None)


def _in_diazepam(mg: Decimal | None, agent: Agent) -> Range | None:
    return None if mg is None else diazepam_equivalent(exactly(mg), agent)


def _taken_in_diazepam(case: Case) -> Range | None:
    if case.situation.switched_from:
        total = equivalent_sum(
            (case.agents[t.agent], None if t.mg is None else exactly(t.mg)) for t in case.situation.switched_from
        )
        return None if total.at_least else total.mg
    return _in_diazepam(case.situation.takes_now, case.agent)


def equivalents(case: Case) -> tuple[Fact, Fact]:
    """The low and the high end of the equivalent, as facts."""
    found = equivalent(case)
    sources = (case.situation.request, *(case.situation.taking.sources if case.situation.taking else ()))
    if found is None:
        reason = TAKEN_NOT_READ if case.agent.equivalents else "no source converts it"
        return Unknown(reason, sources), Unknown(reason, sources)
    said = "" if found.low == found.high else f"{found} mg by the sources"
    return Known(found.low, said, sources), Known(found.high, said, sources)


def doses(case: Case) -> tuple[Decimal, Steps, bool] | None:
    """What is taken now, the ordered steps, and whether taking ends after them. None where unread.

    Units: mg of the agent a day, on average where it is not taken on every day; of a switch, mg of diazepam, with what remains of
    the agents that are given up.
    """
    situation = case.situation
    if situation.action is Action.SWITCH and situation.switched_from:
        return exchanged(situation, case.agents, case.day, case.amounts["crossover_rounding"])
    if situation.steps is None or situation.takes_now is None:
        return None
    before = situation.taking.average if situation.taking else None
    steps = [(step.days, step.dose.average) for step in situation.steps]
    return situation.takes_now if before is None else before, steps, situation.ends


def cut(case: Case) -> Fact:
    """The largest fall within any two weeks of the order, in percent; a stop of a dose that could not be read is 100."""
    situation = case.situation
    if situation.action is Action.STOP and situation.takes_now is None:
        return Known(Decimal(100), "a stop", (situation.request,))
    found = doses(case)
    if found is None:
        return Unknown(NOT_READ if situation.steps is None else TAKEN_NOT_READ, (situation.request,))
    either = (found, after_last_cut(case, found))
    largest = max(largest_cut_in_two_weeks(*covered(each, cover(case)), _exempt(case)) for each in either)
    return Known(largest, "", (situation.request,))


def after_last_cut(case: Case, found: Doses, within: int = TWO_WEEKS) -> Doses:
    """The doses after the last cut of a taper under way, where that was so recent that the next one comes too soon."""
    taper = last_cut(case, within)
    if taper is None:
        return found
    _, steps, ends = found
    return taper.before.mg, [(days_since(taper, case), taper.now.mg), *steps], ends


def too_fast(case: Case, pace: PaceLimits | None, basis: PercentOf) -> tuple[Fact, TooFast | None]:
    """Whether some step of the order goes faster than the pace, and the first that does.

    A pace without limits (hold, specialist) measures no cut: there the advice is not to cut alone.
    """
    situation = case.situation
    found = doses(case)
    if found is None:
        if situation.action is Action.STOP:
            return Unknown(TAKEN_NOT_READ, (situation.request,)), None
        return Unknown(NOT_READ if situation.steps is None else TAKEN_NOT_READ, (situation.request,)), None
    if pace is None:
        return Known(False, "the pace has no limits"), None
    beside = cover(case)
    first = first_too_fast(*covered(found, beside), pace, _exempt(case, pace.ceiling), basis)
    if first is None and last_cut(case, pace.interval_days) is not None:
        whole = covered(after_last_cut(case, found, pace.interval_days), beside)
        soon = first_too_fast(*whole, pace, _exempt(case, pace.ceiling), basis, already=1)
        first = replace(soon, step=soon.step - 1) if soon else None
    own = replace(first, before=first.before - beside, after=first.after - beside) if first else None
    return Known(first is not None, "", (situation.request,)), own


def too_fast_in_words(first: TooFast, pace: PaceLimits, case: Case, basis: PercentOf) -> str:
    """The first step that goes too fast, beside what the pace allows. Of a switch the doses are in diazepam."""
    unit = "mg of diazepam a day" if case.situation.switched_from else "mg a day"
    steps = case.situation.steps or ()
    taking = case.situation.taking
    if any(step.dose.intermittent for step in steps) or (taking and taking.days_a_week < EVERY_DAY):
        unit += " on average"
    step = (
        "" if len(steps) < 2 else "At the end, the order" if first.step >= len(steps) else f"Step {first.step + 1} of the order"
    )
    percent = first.percent.quantize(Decimal(1))
    soon = f", {first.days} days after the cut before" if first.days is not None else ""
    most = case.amounts["largest_cut_in_two_weeks"]
    at_start = basis is PercentOf.ORIGINAL
    often = pace.interval_days < TWO_WEEKS and 2 * pace.cut_percent > most and not at_start
    of = " of the dose at the start" if at_start else OF_ALL if cover(case) else ""
    allowed, days = (most, TWO_WEEKS) if often else (pace.cut_percent, pace.interval_days)
    return (
        f"{step or 'The order'} goes from {plain(first.before)} to {plain(first.after)} {unit} "
        f"({percent}%{of}{soon}); this pace allows {plain(allowed)}%{' of it' * at_start} in {days} days."
    )


def _exempt(case: Case, ceiling: Decimal | None = None) -> Exempt:
    """The falls that never count: the small steps that a plan takes too. `ceiling`: see `PaceLimits`.

    Of a switch they are in diazepam, as its doses are.
    """
    situation, agent, small = case.situation, case.agent, SmallSteps.of(case.amounts)
    small = small if ceiling is None else replace(small, ceiling=min(ceiling, small.ceiling))
    lowered = situation.steps is not None and situation.steps[0].dose.mg.high < (situation.takes_now or 0)
    tapers = situation.steps is not None and (lowered or len(situation.steps) > 1 or not situation.ends)
    if situation.action is Action.STOP or not tapers:
        falls = of_a_stop(agent, small)
    else:
        falls = of_a_taper(agent, case.presentations, small)
    one = diazepam_equivalent(exactly(Decimal(1)), agent)
    if situation.action is not Action.SWITCH or not situation.switched_from or one is None:
        return falls
    return lambda before: falls(before / one.high) * one.high


def ends_without_taper(case: Case) -> Fact:
    """Whether the order itself ends taking after one unchanged dose."""
    situation = case.situation
    if situation.steps is None or not situation.members:
        return Known(False, "") if not situation.members else Unknown(NOT_READ, (situation.request,))
    ends = situation.action is not Action.STOP and situation.ends and len(situation.steps) == 1
    return Known(ends, "the order states its end" if ends else "", (situation.request,))


def supply(case: Case) -> Fact:
    """For how many days the order allows the drug to be supplied, refills included."""
    orders = [order for order in case.situation.members if not is_stop(order)]
    stated = [order.days * (order.supplies or 1) for order in orders if order.days is not None]
    if not orders or not stated:
        return Unknown("the order does not say for how many days it supplies", (case.situation.request,))
    return Known(max(stated), "", (case.situation.request,))


def taper_length(case: Case) -> Fact:
    """How many days the taper in the order takes; 0 where it holds none. Where nothing is ordered, that in what is taken."""
    situation = case.situation
    if situation.members or situation.taking is None:
        found = [situation.steps]
    else:
        found = [order.regimen.steps for order in situation.taking.orders if order.regimen is not None]
    if None in found:
        return Unknown(NOT_READ, (situation.request,))
    tapers = [steps for steps in found if steps is not None and len(steps) > 1]
    return Known(Decimal(max((sum(step.days or 0 for step in steps) for steps in tapers), default=0)), "", (situation.request,))


def switches_to_long_acting(case: Case) -> Fact:
    """Whether the order switches from a shorter-acting agent to a long-acting one."""
    situation = case.situation
    long = {DurationClass.LONG, DurationClass.INTERMEDIATE_LONG}
    to_long = situation.action is Action.SWITCH and case.agent.duration in long and case.agent_now.duration not in long
    return Known(to_long, "", (situation.request,))


def at_once(case: Case) -> Fact:
    """How many benzodiazepines and Z-drugs the patient takes at once with this order."""
    drafted = {draft.medication.agent for draft in case.drafts if draft.medication.agent and not is_stop(draft)}
    stopped = {draft.medication.agent for draft in case.drafts if draft.medication.agent and is_stop(draft)} - drafted
    given_up = {taking.agent for taking in case.situation.switched_from} - {case.situation.agent}
    names = sorted((set(case.takings) | drafted) - stopped - given_up)
    sources = tuple(source for name in names if name in case.takings for source in case.takings[name].sources)
    if len(names) < case.amounts["several_at_once"] and case.record.has(RecordPart.REQUESTS) is not Completeness.COMPLETE:
        return Unknown("the medication requests were not given in full", sources)
    return Known(Decimal(len(names)), ", ".join(names), sources)


def readable(case: Case) -> tuple[Fact, Fact]:
    """Whether the dose of the order, and the dose that is taken now, could be read."""
    situation = case.situation
    order = situation.daily_dose is not None or situation.action is Action.STOP
    taken = situation.takes_now is not None and all(taking.mg is not None for taking in situation.switched_from)
    return Known(order, "", (situation.request,)), Known(taken, "", (situation.request,))


def order_in_short(case: Case, largest: Fact, first: TooFast | None) -> str:
    """What the order does and how far it cuts, to begin a sentence with: "This cut of alprazolam (50% in two weeks)"."""
    if case.situation.action is Action.SWITCH and case.situation.from_agent:
        said = f"The cut in switching {case.agent_now.name} to {case.agent.name}"
    else:
        tapers = len(case.situation.steps or ()) > 1
        what = "stop" if case.situation.action is Action.STOP else "taper" if tapers else "cut"
        said = f"This {what} of {case.agent.name}"
    of_all = OF_ALL if cover(case) else ""
    if isinstance(largest, Known) and largest.value and (most := _most_of_a_switch(case)) is not None:
        return f"{said} ({_percent(Decimal(str(largest.value)))} to {_percent(most)}, by the source)"
    if isinstance(largest, Known) and largest.value:
        return f"{said} ({_percent(Decimal(str(largest.value)))}{of_all} in two weeks)"
    if first is None:
        return said
    soon = "" if first.days is None else f", {first.days} days after the one before"
    return f"{said} ({_percent(first.percent)}{of_all}{soon})"


def _most_of_a_switch(case: Case) -> Decimal | None:
    """How far a switch at once cuts by the sources that make it largest, in percent; None where it is no such switch."""
    situation = case.situation
    if situation.action is not Action.SWITCH or situation.daily_dose is None or len(situation.steps or ()) != 1:
        return None
    before = equivalent_sum((case.agents[t.agent], exactly(t.mg) if t.mg is not None else None) for t in situation.switched_from)
    after = diazepam_equivalent(exactly(situation.daily_dose), case.agent)
    if before.mg is None or before.at_least or after is None or not before.mg.high or after.low >= before.mg.high:
        return None
    return (before.mg.high - after.low) * 100 / before.mg.high


def _percent(value: Decimal) -> str:
    return plain(value.quantize(Decimal("0.1"), ROUND_HALF_UP)) + "%"


def sum_in_words(case: Case) -> str:
    """What is taken and what the order makes of it, as sums that a clinician can check."""
    situation = case.situation
    taken = " and ".join(_taken_sum(case, taking) for taking in situation.switched_from or _only(situation.taking))
    ordered = _ordered_sum(case)
    if situation.action is Action.START:
        return f"Ordered: {ordered}."
    if situation.action is Action.STOP:
        return f"Taken now: {taken}. The order stops it."
    if situation.action is Action.CONTINUE or not situation.members:
        return f"Taken now: {taken}."
    return f"Taken now: {taken}. Ordered: {ordered}." if taken else f"Ordered: {ordered}."


def _only(taking: CurrentUse | None) -> Sequence[CurrentUse]:
    return (taking,) if taking else ()


def _taken_sum(case: Case, taking: CurrentUse) -> str:
    agent = case.agents[taking.agent]
    if taking.mg is None:
        return f"{agent.name} at a dose that could not be read"
    return dose_sum(Dose(exactly(taking.mg), taking.days_a_week, says=taking.says), agent)


def _ordered_sum(case: Case) -> str:
    situation = case.situation
    if situation.daily_dose is None:
        return f"{case.agent.name} at a dose that could not be read"
    dose = situation.dose or Dose(exactly(situation.daily_dose))
    counted = Dose(exactly(situation.daily_dose), dose.days_a_week, dose.as_needed, says=dose.says)
    steps = f", in {len(situation.steps)} steps" if situation.steps and len(situation.steps) > 1 else ""
    marked = " (counted from the quantity supplied)" if dose.basis is Basis.SUPPLY else ""
    return f"{dose_sum(counted, case.agent)}{steps}{marked}"


def change_percent(case: Case) -> Decimal | None:
    """The change of the daily dose in percent, a stop is -100; None where a dose is unread, none was taken, or agents differ."""
    situation = case.situation
    if situation.action is Action.STOP:
        return Decimal(-100)
    found = None if situation.switched_from else doses(case)
    if found is None or found[0] == 0 or not found[1]:
        return None
    return (found[1][0][1] - found[0]) * 100 / found[0]


def without_supply(case: Case) -> Fact:
    """Days since the last stated supply of what is listed as taken, or was taken of late, ran out; 0 while it lasts."""
    taking = case.situation.taking
    if taking is None and _given_again(case):
        return _since_the_last(case, case.exposure.sources)
    if taking is None or not any(order.state is OrderState.RUNNING for order in taking.orders):
        return Known(Decimal(0), "nothing is listed as taken")
    return _since_the_last(case, taking.sources)


def _given_again(case: Case) -> bool:
    """Whether an order is of a drug that was taken of late and is not listed now: a late renewal, by whatever record."""
    return case.situation.action is Action.INCREASE and case.situation.agent in case.exposure.highest


def _since_the_last(case: Case, sources: tuple[str, ...]) -> Fact:
    ends = case.exposure.last_supply_end
    if ends is None:
        return Unknown("no supply is on record", sources)
    days = max((case.day - ends).days, 0)
    return Known(Decimal(days), f"the last supply on record ran out on {written(ends)}" if days else "", sources)
