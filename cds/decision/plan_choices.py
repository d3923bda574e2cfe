"""What a prescriber may choose of a plan, why not the rest, and the plan as it was chosen beside the one that is advised."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from cds.core.cuts import PercentOf
from cds.core.facts import Fact, Facts, Known
from cds.core.period import DAYS_A_WEEK, range_in_words, shifted, written
from cds.core.quantity import plain
from cds.core.tablets import Presentation
from cds.core.taper_plan import NoPlan, Plan, PlanKind, PlanStep
from cds.decision.offers import PlanStart, not_for_this_patient
from cds.decision.plans import CurrentDoses, crossover_plan, direct_plan, taper_pace
from cds.decision.replanning import Replanned, replanned
from cds.knowledge.model import Knowledge

AGAINST, FAVOURED = "against", "favoured"
INTERVALS = (14, 21, 28)
"""How far apart steps may be, in days."""
LATEST = 365
"""A plan starts within so many days."""


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice; `why_not` says why it can't be taken, and is empty where it can."""

    value: str
    says: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen. `products` are the names of what the pharmacy has, None where nothing was said of it.

    `not_borne` counts the step from 1; with `back` the dose before it is gone back to.
    """

    pace: str | None = None
    interval: int | None = None
    basis: PercentOf | None = None
    start: date | None = None
    crossover: bool = False
    products: frozenset[str] | None = None
    not_borne: int | None = None
    back: bool = False


@dataclass(frozen=True, slots=True)
class PlanSituation:
    """What a plan is drawn up from, without a patient in it: what is taken, what of it is known, and the day."""

    begin: PlanStart
    facts: Facts
    day: date
    risks: frozenset[str] = frozenset()
    """The risks that are true, by their ids."""

    def named(self, name: str) -> str | None:
        fact: Fact | None = self.facts.get(name)
        return str(fact.value) if isinstance(fact, Known) else None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The plan as chosen, and the advised one. `again` is set where a step was not borne; `original` has the other basis."""

    plan: Plan | NoPlan
    advised: Plan | NoPlan
    other_basis: Plan | NoPlan | None
    takes: CurrentDoses
    again: Replanned | None = None
    changed: tuple[str, ...] = ()


def paces(situation: PlanSituation, knowledge: Knowledge) -> list[Option]:
    """Every pace that has steps, those that the risks do not allow with the reason."""
    asked = knowledge.paces.get(situation.named("pace") or "")
    found = []
    for pace in knowledge.paces.values():
        if not pace.plan:
            continue
        why_not = ""
        if asked is None:
            why_not = "No pace could be told for this order."
        elif not asked.plan:
            why_not = f"The risks ask for {asked.id}: no plan is drawn up."
        elif pace.rank < asked.rank:
            why_not = f"Faster than {asked.id}, which {_who_asks(asked.id, situation, knowledge)}."
        found.append(Option(pace.id, _says(pace.id, situation.day, knowledge), why_not))
    return found


def _who_asks(pace: str, situation: PlanSituation, knowledge: Knowledge) -> str:
    """The risks that ask for the pace, by their titles."""
    there = (rule for rule in knowledge.risks() if rule.id in situation.risks and rule.outcome)
    asking = [rule.title for rule in there if rule.outcome and rule.outcome.pace == pace]
    return f"these risks ask for: {'; '.join(asking)}" if asking else "suits the use so far"


def _says(pace: str, day: date, knowledge: Knowledge) -> str:
    numbers = taper_pace(knowledge, pace, day, PercentOf.CURRENT)
    return f"about {plain(numbers.cut)}% every {numbers.interval // DAYS_A_WEEK} weeks" if numbers else ""


def intervals(pace: str, situation: PlanSituation, knowledge: Knowledge) -> list[Option]:
    """How far apart steps may be at a pace."""
    numbers = taper_pace(knowledge, pace, situation.day, PercentOf.CURRENT)
    least = numbers.interval if numbers else 0
    sooner = f"The {pace} pace waits {least // DAYS_A_WEEK} weeks."
    return [Option(str(days), f"{days // DAYS_A_WEEK} weeks", sooner if days < least else "") for days in INTERVALS]


def crossover(situation: PlanSituation, knowledge: Knowledge) -> Option:
    """The exchange for a longer-acting agent, and what speaks against it."""
    target = situation.named("crossover_to") or knowledge.named("crossover_target", situation.day)
    takes = situation.begin.takes
    why_not = ""
    if situation.named("crossover") == AGAINST:
        why_not = "A risk speaks against it."
    elif takes is not None and (takes.agent == target or knowledge.agents[takes.agent].long_acting):
        why_not = f"{takes.agent[:1].upper()}{takes.agent[1:]} is long-acting itself."
    return Option("crossover", f"Crossover to {target}, then taper", why_not)


def products(situation: PlanSituation, target: str | None, knowledge: Knowledge) -> tuple[Presentation, ...]:
    """What can be dispensed of the agents of a plan."""
    takes = situation.begin.takes
    agents = dict.fromkeys(one for one in (takes.agent if takes else None, target) if one)
    return tuple(product for agent in agents for product in knowledge.presentations.get(agent, ()))


def drawn(situation: PlanSituation, chosen: Choices, knowledge: Knowledge) -> Drawn | NoPlan:
    """The plan as chosen. Where nothing can be drawn up at all, the reason."""
    takes, pace = situation.begin.takes, situation.named("pace")
    refused = not_for_this_patient(situation.begin, situation.facts, knowledge, situation.day)
    if refused is not None:
        return refused
    if takes is None:
        return NoPlan("A plan starts from a known dose of one agent on every day, and that is not known here.", ())
    if pace is None:
        return NoPlan("No risk that is known asks for a taper of this order.", ())
    advised = _plan(situation, Choices(crossover=False), knowledge, takes)
    stocked = _stocked(knowledge, chosen.products)
    plan = _plan(situation, chosen, stocked, takes)
    again = None
    if chosen.not_borne is not None and isinstance(plan, Plan):
        again = _again(situation, chosen, stocked, plan, takes)
        plan = again.plan if again else plan
    other = None
    if again is None and isinstance(plan, Plan) and plan.kind is PlanKind.DIRECT:
        basis = PercentOf.ORIGINAL if plan.pace.basis is PercentOf.CURRENT else PercentOf.CURRENT
        other = _plan(situation, replace(chosen, basis=basis), stocked, takes)
    changed = again.changed if again else tuple(_changed(advised, plan, chosen))
    return Drawn(plan, advised, other, takes, again, changed)


def _plan(situation: PlanSituation, chosen: Choices, knowledge: Knowledge, takes: CurrentDoses) -> Plan | NoPlan:
    """The plan as chosen, drawn up once for all who take the same."""
    pace, to = chosen.pace or situation.named("pace") or "", situation.named("crossover_to")
    times = (takes.agent, tuple(takes.times.items()), takes.extended_release, takes.original)
    question = (_plan, situation.day, times, pace, to, replace(chosen, products=None, not_borne=None, back=False))
    return knowledge.remembered.recall(question, lambda: _drawn_up(situation, chosen, knowledge, takes, pace))


def _drawn_up(situation: PlanSituation, chosen: Choices, knowledge: Knowledge, takes: CurrentDoses, pace: str) -> Plan | NoPlan:
    day, start = situation.day, chosen.start or situation.day
    if chosen.crossover:
        return crossover_plan(
            knowledge, day, takes, pace, situation.named("crossover_to"), chosen.basis, start, interval=chosen.interval
        )
    return direct_plan(knowledge, day, takes, pace, chosen.basis, start, interval=chosen.interval)


def _stocked(knowledge: Knowledge, names: Collection[str] | None) -> Knowledge:
    """The knowledge with what the pharmacy has alone; of an agent of which it has nothing, nothing."""
    if names is None:
        return knowledge
    held: Mapping[str, tuple[Presentation, ...]] = {
        agent: tuple(one for one in sold if one.name in names) for agent, sold in knowledge.presentations.items()
    }
    return replace(knowledge, presentations=held)


def _again(situation: PlanSituation, chosen: Choices, knowledge: Knowledge, plan: Plan, takes: CurrentDoses) -> Replanned | None:
    """How the taper goes on from a step that was not borne; None while two agents are taken."""
    place = min(max(chosen.not_borne or 1, 1), len(plan.steps) - 1) - 1
    step = plan.steps[place]
    held: PlanStep | None = plan.steps[place - 1] if chosen.back and place else None
    doses = (held or step).doses
    if len(doses) != 1 or not doses[0].times:
        return None
    times = takes.times if chosen.back and not place else doses[0].times
    extended = any(amount.presentation.extended_release for amount in doses[0].amounts)
    now = CurrentDoses(doses[0].agent, times, extended, takes.daily if doses[0].agent == takes.agent else None)
    since = shifted(step.start, min(step.days, DAYS_A_WEEK))
    return replanned(knowledge, since, now, plan.pace.pace, 0, 1, chosen.basis)


def _changed(advised: Plan | NoPlan, plan: Plan | NoPlan, chosen: Choices) -> Iterator[str]:
    """What differs from the plan that is advised, in sentences."""
    if chosen == Choices():
        return
    if isinstance(plan, NoPlan):
        yield f"No plan as chosen: {plan.reason}"
        return
    if isinstance(advised, NoPlan):
        yield "There was no plan as advised; as chosen there is one."
        return
    if (plan.start, plan.steps[0].doses) != (advised.start, advised.steps[0].doses):
        yield f"The first step is {_first(plan)}; as advised it is {_first(advised)}."
    if plan.lengths != advised.lengths or plan.ends != advised.ends:
        ends = f"as advised on {written(advised.ends)} after {len(advised.steps)}"
        yield f"It ends on {written(plan.ends)} after {len(plan.steps)} steps; {ends}."
        yield f"Most need {range_in_words(*plan.lengths)}; as advised {range_in_words(*advised.lengths)}."
    elif plan.steps != advised.steps:
        yield "Steps or tablets in between differ; first step and end stay."
    else:
        yield "Nothing differs from the plan as advised."


def _first(plan: Plan) -> str:
    doses = " + ".join(f"{dose.agent} {plain(dose.daily)} mg" for dose in plan.steps[0].doses)
    return f"{doses} a day on {written(plan.start)}"


def latest_end(plan: Plan) -> date:
    """The last day by which most have ended, by the longest interval that a patient may choose."""
    return plan.start + timedelta(days=plan.lengths[1])
