"""What an EHR can apply for a piece of advice: the orders of a plan ready to sign, its care plan, and naloxone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import orjson

from cds.core.facts import Known
from cds.core.medication import AgentKind
from cds.core.order_action import is_stop
from cds.core.quantity import exact
from cds.core.record import Order
from cds.core.taper_plan import NoPlan, Plan, PlanKind
from cds.decision.courses import begun, continued, running
from cds.decision.judge import Judgement
from cds.decision.offers import CONTINUE, NALOXONE
from cds.fhir.write.actions import create_action, end_action, replace_actions, update_action
from cds.fhir.write.care_plan import care_plan
from cds.fhir.write.naloxone_order import naloxone_request
from cds.fhir.write.requests import Course, Visit, carried, medication_requests
from cds.hooks.card_text import Wording
from cds.hooks.cards import Advice
from cds.knowledge.model import Knowledge

EMPTY = (b"null", b'""', b"{}", b"[]")
"""How what is empty looks in JSON; it may also stand within a text."""


def suggestion(
    label: str, actions: Iterable[Mapping[str, Any]], new_id: Callable[[], str], recommended: bool = False
) -> dict[str, Any]:
    """A CDS Hooks suggestion. Refuses: one without an action, which some clients can't take."""
    taken = list(actions)
    if not taken:
        raise ValueError(f"{label}: a suggestion without actions; seen none, expected at least one")
    return {"label": label, "uuid": new_id(), "isRecommended": recommended, "actions": taken}


def without_empty(value: Any) -> Any:
    """The value without empty members. A null in a list stays: FHIR uses it to keep two lists in step."""
    written = orjson.dumps(value)
    return _without_empty(value) if any(mark in written for mark in EMPTY) else value


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = ((name, _without_empty(member)) for name, member in value.items())
        return {name: member for name, member in kept if not _is_empty(member)}
    if isinstance(value, list | tuple):
        kept_items = (_without_empty(item) for item in value)
        return [item for item in kept_items if item is None or not _is_empty(item)]
    return value


def _is_empty(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, list | dict) and not value)


Json = Mapping[str, Any]
LABELS = {PlanKind.DIRECT: "label_taper", PlanKind.CROSSOVER: "label_crossover"}
"""Names of `rules/texts.yaml`, by the kind of plan that is begun."""
NOT_BEFORE_ASKED, FEWER_DAYS = "ask_first", "short_supply"
PRESCRIPTION = "MedicationRequest/"


@dataclass(frozen=True)
class Desktop:
    """What the orders are written from: the drafts as they came, by reference, the visit, and where ids come from.

    `valid` names the drafts that are known to be valid R4.
    """

    given: Mapping[str, Json]
    valid: Collection[str]
    visit: Visit
    knowledge: Knowledge
    new_id: Callable[[], str]
    _shared: dict[str, dict[str, Any]] = field(default_factory=dict, init=False)

    @cached_property
    def drafts(self) -> Mapping[str, Json]:
        """The drafts without what is empty in them, so that nothing in an action is."""
        return {name: without_empty(draft) for name, draft in self.given.items()}

    def shared(self, draft: str) -> dict[str, Any]:
        """What everything that is written takes over from a draft, worked out once a call."""
        if draft not in self._shared:
            self._shared[draft] = carried(self.drafts.get(draft), self.visit, draft in self.valid)
        return self._shared[draft]


def signable(judgement: Judgement, desktop: Desktop) -> tuple[Advice, ...]:
    """The judgement's advice, each with what can be applied for it, should it be shown."""
    return tuple(replace(advice, suggestions=partial(_suggestions, advice, judgement, desktop)) for advice in judgement.told)


def _suggestions(
    advice: Advice, judgement: Judgement, desktop: Desktop, names: Sequence[str]
) -> dict[str, tuple[dict[str, Any], ...]]:
    """What can be applied for each of the names, those of the first plan with its care plan. See `Advice.suggestions`."""
    found: dict[str, tuple[dict[str, Any], ...]] = {}
    plans = [name for name in names if isinstance(advice.plans.get(name), Plan)]
    for name in names:
        plan = advice.plans.get(name)
        if isinstance(plan, Plan):
            found[name] = _of_plan(plan, judgement, desktop, name == plans[0])
        elif name == CONTINUE and not any(_steps_down(advice.plans[other], judgement, desktop.knowledge) for other in plans):
            found[name] = _continued(judgement, desktop)
        elif name == NALOXONE and advice.wants_naloxone and desktop.knowledge.naloxone is not None:
            found[name] = (_naloxone(advice, desktop),)
    return found


def _label(name: str, desktop: Desktop, **values: str) -> str:
    """What a button says, by the name of its text."""
    facts = {each: Known(value) for each, value in values.items()}
    return Wording(facts, {}, desktop.knowledge, desktop.visit.day).line(desktop.knowledge.texts[name])


def _steps_down(plan: Plan | NoPlan, judgement: Judgement, knowledge: Knowledge) -> bool:
    """Whether a Z-drug at its label's dose goes down by strengths: nobody is asked to keep its dose first."""
    z_drug = judgement.case.agent_now.kind is AgentKind.Z_DRUG
    return z_drug and isinstance(plan, Plan) and knowledge.paces[plan.pace.pace].by_strengths


def _may_order(judgement: Judgement) -> bool:
    """Whether an order can take the place of what is taken.

    Not where one goes on that is not among the drafts: nothing here can end it, and both would be taken. Nor where it has to be
    asked first what is taken at all: the old dose could be too much.
    """
    return not judgement.case.situation.going_on and NOT_BEFORE_ASKED not in judgement.asks


def _days(judgement: Judgement) -> int:
    """For how many days is ordered at a time."""
    short = FEWER_DAYS in judgement.asks
    return int(judgement.case.amounts["supply_at_risk" if short else "dispensing_interval"])


def _continued(judgement: Judgement, desktop: Desktop) -> tuple[dict[str, Any], ...]:
    """Today's dose ordered again. None where it is as needed, or not known: there the words say to keep it."""
    takes, orders = judgement.start.takes, running(judgement.case.situation)
    as_needed = any(order.regimen is None or any(step.dose.as_needed for step in order.regimen.steps) for order in orders)
    if takes is None or as_needed or not _may_order(judgement):
        return ()
    course = continued(takes, orders, _days(judgement), desktop.knowledge, judgement.case.day)
    if course is None:
        return ()
    label = _label("label_continue", desktop, agent=takes.agent, button_dose=exact(takes.daily), button_days=str(course.days))
    return (_ordering(label, course, takes.agent, judgement, desktop, recommended=True),)


def _of_plan(plan: Plan, judgement: Judgement, desktop: Desktop, first: bool) -> tuple[dict[str, Any], ...]:
    """The plan's first order; of the first plan offered also the whole of it as a care plan."""
    course = begun(plan, _days(judgement), judgement.case.day) if _may_order(judgement) else None
    if course is None:
        return ()
    under_way = plan.kind is PlanKind.DIRECT and judgement.start.last_cut is not None
    label = _label(
        "label_next_step" if under_way else LABELS[plan.kind],
        desktop,
        agent=plan.agent,
        crossover_to=plan.target,
        button_days=str(course.days),
        button_dose=exact(course.steps[0].doses[0].daily),
    )
    agent = plan.agent if plan.kind is PlanKind.DIRECT else None
    orders = _ordering(label, course, agent, judgement, desktop)
    if not first:
        return (orders,)
    whole = care_plan(plan, desktop.shared(judgement.case.situation.request), desktop.visit)
    described = f"Add the plan of the whole taper, {len(plan.steps)} steps"
    return orders, suggestion(_label("label_care_plan", desktop), [create_action(whole, described)], desktop.new_id)


def _ordering(
    label: str, course: Course, agent: str | None, judgement: Judgement, desktop: Desktop, recommended: bool = False
) -> dict[str, Any]:
    """The suggestion that orders a course in the place of the draft; `agent` is set where it is of one agent alone."""
    situation = judgement.case.situation
    shared = desktop.shared(situation.request)
    requests = medication_requests(course, _following(shared, judgement), desktop.visit)
    actions = _actions(agent, judgement, desktop.drafts.get(situation.request), requests, desktop)
    return suggestion(label, actions, desktop.new_id, recommended)


def _following(shared: dict[str, Any], judgement: Judgement) -> dict[str, Any]:
    """What is taken over from the draft, with the one prescription that runs as the one that is followed, where none is named."""
    orders = [order.reference for order in running(judgement.case.situation) if order.reference.startswith(PRESCRIPTION)]
    if len(orders) != 1 or "priorPrescription" in shared:
        return shared
    return {**shared, "priorPrescription": {"reference": orders[0]}}


def _actions(
    agent: str | None, judgement: Judgement, draft: Json | None, requests: Sequence[dict[str, Any]], desktop: Desktop
) -> Iterable[dict[str, Any]]:
    """What is done to the drafts: the first is changed or replaced, the others that were judged with it are taken away.

    What runs on record and is changed by a draft is ended: the plan is of all that is taken.
    """
    situation = judgement.case.situation
    members = situation.members
    others = [*members[1:], *(member for one in situation.makes_way for member in one.members)]
    removals = [action for other in others if not is_stop(other) for action in _taken_away(other, judgement, desktop)]
    if members and draft is not None and _can_be_changed(members[0], agent):
        return [*update_action(draft, requests), *removals]
    on_record = draft is not None and _is_on_record(members, judgement)
    ended = [end_action(draft)] if draft is not None and on_record and not is_stop(members[0]) else []
    return [*ended, *replace_actions(draft, requests, on_record), *removals]


def _taken_away(other: Order, judgement: Judgement, desktop: Desktop) -> Sequence[dict[str, Any]]:
    draft = desktop.drafts.get(other.reference)
    if draft is None:
        return ()
    return (end_action(draft),) if _is_on_record((other,), judgement) else replace_actions(draft, ())


def _can_be_changed(draft: Order, agent: str | None) -> bool:
    """Whether the draft orders the agent of the course: a stop, or an order of another agent, must not be signed at all."""
    return not is_stop(draft) and draft.medication.agent == agent


def _is_on_record(members: Sequence[Order], judgement: Judgement) -> bool:
    """Whether the draft changes a prescription that runs already: its id is then the prescription's."""
    known = {order.reference for order in judgement.case.record.orders}
    return bool(members) and (members[0].reference in known or members[0].status not in {"draft", "active"})


def _naloxone(advice: Advice, desktop: Desktop) -> dict[str, Any]:
    product = desktop.knowledge.naloxone
    assert product is not None
    request = naloxone_request(product, desktop.visit, desktop.drafts.get(advice.order))
    label = _label("label_naloxone", desktop, button_product=product.name)
    return suggestion(label, [create_action(request)], desktop.new_id, recommended=True)
