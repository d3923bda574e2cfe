"""What can be offered for one judged order: a direct taper, a crossover, or why there is neither."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from cds.core.cases import Case
from cds.core.crossover import settle_on_one
from cds.core.current_use import CurrentUse
from cds.core.cuts import PercentOf
from cds.core.facts import Facts, Known
from cds.core.order_action import Situation
from cds.core.period import in_words, shifted
from cds.core.quantity import plain
from cds.core.tablets import countable
from cds.core.taper_plan import Instead, InsteadKind, NoPlan, Plan
from cds.core.under_way import taper_under_way
from cds.decision.plans import SPECIALIST, CurrentDoses, crossover_plan, direct_plan, taken, taper_pace
from cds.knowledge.model import Knowledge

CONTINUE, TAPER, CROSSOVER, NALOXONE = "continue_dose", "taper_plan", "crossover_plan", "naloxone"
EVERY_DAY = Decimal(7)


@dataclass(frozen=True, slots=True)
class Offers:
    """The plans for one order; a NoPlan says why and what to do instead, None that no advice asks for one."""

    taper: Plan | NoPlan | None = None
    crossover: Plan | NoPlan | None = None

    @property
    def taper_plan(self) -> Plan | None:
        return self.taper if isinstance(self.taper, Plan) else None

    @property
    def crossover_plan(self) -> Plan | None:
        return self.crossover if isinstance(self.crossover, Plan) else None


@dataclass(frozen=True, slots=True)
class PlanStart:
    """What the plans for an order start from: what is taken, and every agent of its kind that is.

    `takes` is None where what is taken is unread, is nothing, or is not taken every day: there a plan would have to guess.
    """

    takes: CurrentDoses | None
    agents: tuple[str, ...] = ()
    last_cut: date | None = None
    """Of a taper under way; the next step waits for the interval of the pace."""


def start(case: Case, knowledge: Knowledge) -> PlanStart:
    """What the plans for a case start from."""
    kind = case.agent_now.kind
    agents = tuple(name for name in case.takings if case.agents[name].kind is kind)
    takes, taper = _takes(case, knowledge), taper_under_way(case)
    if takes is None or taper is None:
        return PlanStart(takes, agents)
    return PlanStart(replace(takes, original=taper.first.mg), agents, taper.now.since)


def due(begin: PlanStart, pace: str, knowledge: Knowledge, day: date) -> date:
    """The first day of the plan: today, or, of a taper under way, when its last step has lasted as long as the pace wants."""
    numbers = taper_pace(knowledge, pace, day, PercentOf.CURRENT)
    if begin.last_cut is None or numbers is None:
        return day
    return max(day, shifted(begin.last_cut, numbers.interval))


def offers(start: PlanStart, known: Facts, asked: Collection[str], knowledge: Knowledge, day: date) -> Offers:
    """The plans that the advice asks for (`asked`: names of suggestions), by what is `known` of the order and the patient."""
    pace, to = _named(known, "pace"), _named(known, "crossover_to")
    if pace is None or not {TAPER, CROSSOVER} & set(asked):
        return Offers()
    refused = not_for_this_patient(start, known, knowledge, day) or _not_from_this(start, known)
    if refused is not None or start.takes is None:
        return Offers(*(refused if name in asked else None for name in (TAPER, CROSSOVER)))
    finer = bool(_amount(known, "steps_not_borne"))
    first = due(start, pace, knowledge, day)
    taper = _fitting(
        _drawn(direct_plan, knowledge, day, start.takes, pace, None, first, SPECIALIST, finer), known, knowledge, day
    )
    across = _drawn(crossover_plan, knowledge, day, start.takes, pace, to) if CROSSOVER in asked and to is not None else None
    return Offers(taper, across)


def _named(known: Facts, name: str) -> str | None:
    fact = known.get(name)
    return str(fact.value) if isinstance(fact, Known) else None


def _amount(known: Facts, name: str) -> Decimal | None:
    fact = known.get(name)
    return fact.value if isinstance(fact, Known) and isinstance(fact.value, Decimal) else None


def not_for_this_patient(start: PlanStart, known: Facts, knowledge: Knowledge, day: date) -> NoPlan | None:
    """Why there is no plan whatever the dose is: several agents are taken, or the patient is a child. Else None."""
    return settle_on_one(start.agents) or not_for_a_child(known, knowledge, day)


def not_for_a_child(known: Facts, knowledge: Knowledge, day: date) -> NoPlan | None:
    """Why there is no plan for one as young as this; None for an adult, and where the age is not known."""
    age = _amount(known, "age")
    if age is None or age >= knowledge.value("plan_from_age", day):
        return None
    says = "Involve a paediatrician before any cut. Until then keep the dose as it is: don't cut it, don't stop it."
    return NoPlan(f"Plans are for adults; the patient is {plain(age)} years old.", (Instead(InsteadKind.SPECIALIST, says),))


def _not_from_this(start: PlanStart, known: Facts) -> NoPlan | None:
    """Why nothing starts from what is taken: it is not known, or not the same on each day."""
    if start.takes is not None:
        return None
    read = known.get("taking_now_readable")
    unread = isinstance(read, Known) and read.value is False
    uneven = "it is not taken every day, or in doses finer than a plan counts"
    why = "how much is taken now could not be read" if unread else uneven
    says = "Agree on one daily dose first, without a cut; then draw up the taper of that."
    return NoPlan(f"A plan starts from a known dose on every day; {why}.", (Instead(InsteadKind.SETTLE, says),))


def _fitting(plan: Plan | NoPlan, known: Facts, knowledge: Knowledge, day: date) -> Plan | NoPlan:
    """The plan where it is in proportion to the use so far; where there is none, no crossover instead that a risk is against."""
    if isinstance(plan, NoPlan):
        against = _named(known, "crossover") == "against"
        kept = tuple(each for each in plan.instead if not (against and each.kind is InsteadKind.CROSSOVER))
        return replace(plan, instead=kept)
    likely = known.get("dependence_likely")
    length = (plan.ends - plan.start).days
    if not (isinstance(likely, Known) and likely.value is False) or length <= knowledge.value("longest_after_short_use", day):
        return plan
    reason = f"At this pace a plan would take {in_words(length)}, out of proportion to use as short as this."
    says = (
        "Agree on a taper of days to weeks, and see the patient soon after each step; where symptoms are significant, go slower."
    )
    return NoPlan(reason, (Instead(InsteadKind.BRIEF, says),))


def _drawn(
    draw: Callable[..., Plan | NoPlan], knowledge: Knowledge, day: date, takes: CurrentDoses, *how: str | date | bool | None
) -> Plan | NoPlan:
    """The plan. It is drawn up once a day for all who take the same."""
    question = (draw, day, takes.agent, tuple(takes.times.items()), takes.extended_release, takes.original, how)
    return knowledge.remembered.recall(question, lambda: draw(knowledge, day, takes, *how))


def _takes(case: Case, knowledge: Knowledge) -> CurrentDoses | None:
    taking = _taking(case.situation)
    if taking is None or not taking.mg or taking.days_a_week < EVERY_DAY or not countable(taking.mg):
        return None
    extended = bool(taking.orders) and all(order.medication.extended_release for order in taking.orders)
    doses_a_day = taking.dose.doses_a_day if taking.dose else None
    return taken(knowledge, case.day, taking.agent, taking.mg, taking.times, doses_a_day, extended)


def _taking(situation: Situation) -> CurrentUse | None:
    """What the plan starts from: of a switch, the one agent that is given up."""
    if situation.switched_from:
        return situation.switched_from[0] if len(situation.switched_from) == 1 else None
    return situation.taking
