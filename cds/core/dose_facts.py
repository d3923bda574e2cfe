"""Facts about a dose as such: its band, what tablets can't deliver, a hypnotic's strength, an increase, an overnight switch."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cds.core.cases import Case
from cds.core.equivalence import TABLE_DOSE
from cds.core.facts import Fact, Known, Unknown
from cds.core.medication import Agent, AgentKind, Form, LabelLimit
from cds.core.order_action import Action, is_stop
from cds.core.order_facts import without_supply
from cds.core.patient_facts import age
from cds.core.period import last_days
from cds.core.quantity import plain
from cds.core.record import Order
from cds.core.regimen import Dose
from cds.core.under_way import went_back_up

LOW, MODERATE, HIGH = "low", "moderate", "high"
BANDS = (LOW, MODERATE, HIGH)
WHOLE_ONLY = {Form.CAPSULE, Form.ODT, Form.FILM, Form.SUBLINGUAL}
"""The forms that can't be divided; nor can extended release."""
NOT_READ = "a daily dose could not be read"


def dose_band(case: Case) -> Fact:
    """The band of the larger of what is taken and what is ordered: the guideline's own of the agent, else by its equivalence.

    Of a switch that of what is given up, or of what is ordered where that is higher.
    """
    doses = list(_doses(case))
    if not doses or None in [mg for _, mg in doses[:1]]:
        return Unknown(NOT_READ, (case.situation.request,))
    bands = [_band(agent, mg, case) for agent, mg in doses if mg is not None]
    known = [band for band in bands if band is not None]
    if not known or (len(known) < len(bands) and HIGH not in known):
        return Unknown("no source converts it", (case.situation.request,))
    return Known(max(known, key=BANDS.index), "", (case.situation.request,))


def _doses(case: Case) -> Iterator[tuple[Agent, Decimal | None]]:
    """What is taken, then what is ordered, where it could be read."""
    situation = case.situation
    if situation.switched_from:
        yield from ((case.agents[taking.agent], taking.mg) for taking in situation.switched_from)
    else:
        yield case.agent_now, situation.takes_now
    if situation.daily_dose is not None:
        yield case.agent, situation.daily_dose


def _band(agent: Agent, mg: Decimal, case: Case) -> str | None:
    if mg == 0:
        return LOW
    if agent.bands is not None:
        low, high = agent.bands.low_up_to, agent.bands.high_above
        return LOW if mg <= low else HIGH if mg > high else MODERATE
    if agent.guideline_equivalent is None:
        return None
    diazepam = mg * TABLE_DOSE / agent.guideline_equivalent.low
    return LOW if diazepam <= case.amounts["low_dose"] else HIGH if diazepam > case.amounts["high_dose"] else MODERATE


def increase(case: Case) -> Fact:
    """By how much the order raises the daily dose, in percent of what is taken; 0 where it does not."""
    situation = case.situation
    taken = situation.taking.average if situation.taking else None
    if situation.action is not Action.INCREASE or not taken or not situation.steps:
        unread = situation.action is None
        return Unknown(NOT_READ, (situation.request,)) if unread else Known(Decimal(0), "", (situation.request,))
    rise = situation.steps[0].dose.average - taken
    return Known(max(rise, Decimal(0)) * 100 / taken, "", (situation.request,))


def goes_back_up(case: Case) -> Fact:
    """Whether an increase only goes back to a dose that was taken a short while ago, as when a step of a taper was not borne.

    Or did so within the last weeks, and goes on: there is no new cut yet.
    """
    situation = case.situation
    if situation.action is Action.CONTINUE and went_back_up(case):
        return Known(True, "it was raised back to that dose not long ago", case.exposure.sources)
    if situation.action is not Action.INCREASE or situation.daily_dose is None:
        return Known(False, "", (situation.request,))
    window = last_days(case.day, int(case.amounts["went_down_within"]))
    held = [
        dose.mg[situation.agent]
        for episode in case.exposure.episodes
        for dose in episode.doses
        if dose.period.until > window.start and situation.agent in dose.mg
    ]
    back = any(mg is not None and mg.high >= situation.daily_dose for mg in held)
    return Known(back, "that dose was taken not long ago" if back else "", case.exposure.sources if back else ())


def long_without_supply(case: Case) -> Fact:
    """Whether the last stated supply ran out so long ago that tolerance may be lost; no where none is stated."""
    days = without_supply(case)
    if isinstance(days, Unknown):
        return Known(False, days.reason, days.resources)
    return Known(Decimal(str(days.value)) > case.amounts["tolerance_lost"], days.because, days.resources)


def supply_at_once(case: Case) -> Fact:
    """For how many days the order dispenses at one time."""
    orders = [order for order in case.situation.members if not is_stop(order)]
    stated = [order.days for order in orders if order.days is not None]
    if not stated:
        return Unknown("the order does not say for how many days it supplies", (case.situation.request,))
    return Known(max(stated), "", (case.situation.request,))


def above_label(case: Case) -> tuple[Fact, Fact]:
    """Whether a start or an increase goes above what the label gives this patient, and how much that is.

    A limit for a sex or an age counts where the record says that it is this patient's.
    """
    situation = case.situation
    rises = situation.action in {Action.START, Action.INCREASE}
    drugs = [order.medication for order in situation.members if not is_stop(order)]
    extended = bool(drugs) and all(drug.extended_release for drug in drugs)
    found = [
        limit.extended_release_mg if extended and limit.extended_release_mg else limit.mg
        for limit in case.agent.label_limits
        if _is_for(limit, case)
    ]
    if not rises or not found or situation.daily_dose is None:
        return Known(False, "", (situation.request,)), Unknown("the label sets none")
    return Known(situation.daily_dose > min(found), "", (situation.request,)), Known(min(found))


def _is_for(limit: LabelLimit, case: Case) -> bool:
    years = age(case.record, case.day)
    old = limit.from_age is None or (isinstance(years, Known) and Decimal(str(years.value)) >= limit.from_age)
    return old and limit.sex in (None, case.record.sex)


def at_label_strength(case: Case) -> Fact:
    """Whether what is taken is one night dose of a hypnotic, no higher than its label allows."""
    taking, most = case.situation.taking, case.agent_now.highest_labelled_daily_dose
    if not case.taken_at_night or taking is None or taking.mg is None or most is None:
        return Known(False, "", (case.situation.request,))
    once = taking.dose is None or taking.dose.doses_a_day in (None, 1)
    return Known(once and taking.mg <= most, "", taking.sources)


def to_next_strength(case: Case) -> Fact:
    """Whether the order lowers a hypnotic's night dose at label strength to the next lower one that is sold, and no further.

    Of a Z-drug also to a strength that is half of it: some countries sell one between.
    """
    situation = case.situation
    at_label = at_label_strength(case)
    lowers = situation.action is Action.REDUCE and situation.steps is not None and len(situation.steps) == 1
    if not lowers or not isinstance(at_label, Known) or not at_label.value or situation.takes_now is None:
        return Known(False, "", (situation.request,))
    drugs = [order.medication for order in situation.members if not is_stop(order)]
    forms = {(drug.form or Form.TABLET, drug.extended_release) for drug in drugs}
    sold = [each for each in case.presentations if (each.form, each.extended_release) in forms]
    doses = {each.mg for each in sold} | {each.mg / 2 for each in sold if each.halves}
    below = [mg for mg in doses if mg < situation.takes_now]
    left = situation.daily_dose
    if left is None or not below:
        return Known(False, "", (situation.request,))
    half = case.agent.kind is AgentKind.Z_DRUG and left in doses and left * 2 >= situation.takes_now
    return Known(left >= max(below) or half, "", (situation.request,))


def switched_at_once(case: Case) -> Fact:
    """Whether a switch between benzodiazepines ends the old agent on the day on which the new one begins."""
    situation = case.situation
    switch = situation.action is Action.SWITCH and situation.from_agent not in (None, situation.agent)
    if not switch or case.agent_now.kind is not AgentKind.BENZODIAZEPINE:
        return Known(False, "", (situation.request,))
    left = [one for one in situation.makes_way if one.steps is None or any(step.dose.mg.high for step in one.steps)]
    return Known(not left, "", (situation.request,))


def undeliverable(case: Case) -> tuple[Fact, Fact]:
    """Whether the order holds a dose that its product can't give, and which, in words."""
    for order in case.situation.members:
        said = None if is_stop(order) else _in_pieces(order)
        if said:
            return Known(True, said, (order.reference,)), Known(said, "", (order.reference,))
    return Known(False, "", (case.situation.request,)), Unknown("there is none")


def _in_pieces(order: Order) -> str | None:
    drug = order.medication
    whole = drug.extended_release or drug.form in WHOLE_ONLY
    if not whole or drug.strength is None or order.regimen is None:
        return None
    for step in order.regimen.steps:
        for mg in _amounts(step.dose):
            if mg % drug.strength:
                part = "half" if mg % drug.strength * 2 == drug.strength else "a part"
                form = drug.form.value if drug.form else "tablet"
                kind = f"extended-release {form}" if drug.extended_release else form
                return f"{part} of {'an' if kind[0] in 'aeiou' else 'a'} {kind} of {plain(drug.strength)} mg {drug.agent}"
    return None


def _amounts(dose: Dose) -> tuple[Decimal, ...]:
    """What is taken at one time, as far as the order says."""
    if dose.times:
        return tuple(mg for _, mg in dose.times)
    return (dose.mg.high / dose.doses_a_day,) if dose.doses_a_day else (dose.mg.high,)
