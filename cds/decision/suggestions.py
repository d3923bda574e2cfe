"""What an EHR can apply for a piece of advice: the orders of a plan ready to sign, its care plan, and naloxone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import orjson

from cds.core.facts import Known
from cds.core.order_action import is_stop
from cds.core.period import in_words
from cds.core.plan import Plan, PlanKind
from cds.core.record import Order
from cds.decision.judge import Judgement
from cds.decision.offers import CROSSOVER, NALOXONE, TAPER
from cds.fhir.write.actions import create_action, end_action, replace_actions, update_action
from cds.fhir.write.care_plan import care_plan
from cds.fhir.write.dosages import last_day, ordered_steps
from cds.fhir.write.naloxone import naloxone_request
from cds.fhir.write.requests import Visit, carried, medication_requests
from cds.hooks.cards import Advice
from cds.hooks.plan_table import written
from cds.knowledge.model import Knowledge

EMPTY = (b"null", b'""', b"{}", b"[]")
"""How what is empty looks in JSON; it may also stand within a text."""


def suggestion(
    label: str, actions: Iterable[Mapping[str, Any]], new_id: Callable[[], str], recommended: bool = False
) -> dict[str, Any]:
    """A CDS Hooks suggestion. `isRecommended` stands there only where true.

    Several recommended suggestions on one card need the selection behavior `any`.
    """
    members = {
        "label": label,
        "uuid": new_id(),
        "isRecommended": recommended or None,
        "actions": list(actions),
    }
    return {name: value for name, value in members.items() if value}


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
LABELS = {
    PlanKind.DIRECT: "Order this taper of {agent}, {pace} pace, to 0 on {ends}",
    PlanKind.CROSSOVER: "order this crossover from {agent} to {target}, then its taper to 0 on {ends}",
}
FIRST_PART = {
    PlanKind.DIRECT: "Order the first {length} of this taper of {agent}, {pace} pace",
    PlanKind.CROSSOVER: "order the first {length} of this crossover from {agent} to {target} and its taper",
}
"""Where the orders do not reach to the end of the plan."""


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


def _suggestions(advice: Advice, judgement: Judgement, desktop: Desktop) -> dict[str, tuple[dict[str, Any], ...]]:
    found: dict[str, tuple[dict[str, Any], ...]] = {}
    for name in advice.card.suggest:
        plan = advice.plans.get(name)
        if isinstance(plan, Plan):
            found[name] = _of_plan(plan, judgement, desktop, _is_first_choice(name, advice, judgement))
        elif name == NALOXONE and _needs_naloxone(advice) and desktop.knowledge.naloxone is not None:
            found[name] = (_naloxone(advice, desktop),)
    return found


def _is_first_choice(name: str, advice: Advice, judgement: Judgement) -> bool:
    """Whether the plan is the only one offered for the order, or the taper on a card of its own beside a crossover."""
    return _plans_of(judgement) == 1 or (name == TAPER and _plans_of_card(advice) == 1)


def _plans_of(judgement: Judgement) -> int:
    """How many plans the cards about the order offer in all."""
    return len({name for advice in judgement.told for name in advice.card.suggest if isinstance(advice.plans.get(name), Plan)})


def _plans_of_card(advice: Advice) -> int:
    return sum(isinstance(advice.plans.get(name), Plan) for name in (TAPER, CROSSOVER) if name in advice.card.suggest)


def _of_plan(plan: Plan, judgement: Judgement, desktop: Desktop, first: bool) -> tuple[dict[str, Any], ...]:
    """The plan's orders; of the first choice also its care plan. Any other plan is offered in its place, never beside it.

    None where an order of the agent goes on that is not among the drafts: nothing here can end it, and both would be taken.
    """
    if judgement.case.situation.going_on:
        return ()
    draft = desktop.drafts.get(judgement.case.situation.request)
    amounts = judgement.case.amounts
    interval, reach = int(amounts["dispensing_interval"]), int(amounts["order_reach"])
    shared = desktop.shared(judgement.case.situation.request)
    requests = medication_requests(plan, shared, desktop.visit, interval, reach)
    instead = "" if first or plan.kind is PlanKind.DIRECT else "Instead of the taper: "
    words = plan.once(_label, reach)
    label = f"{instead}{words}" if instead else words[:1].upper() + words[1:]
    orders = suggestion(label, _actions(plan, judgement, draft, requests, desktop), desktop.new_id, recommended=first)
    if not first:
        return (orders,)
    whole = care_plan(plan, shared, desktop.visit)
    described = f"Add the plan of the whole taper: {len(plan.steps)} steps from {written(plan.start)} to {written(plan.ends)}"
    return orders, suggestion("Add the whole taper as a care plan", [create_action(whole, described)], desktop.new_id)


def _label(plan: Plan, reach: int) -> str:
    steps = ordered_steps(plan, reach)
    length = in_words((last_day(steps[-1]) - plan.start).days + 1)
    labels = LABELS if len(steps) == len(plan.steps) else FIRST_PART
    return labels[plan.kind].format(
        agent=plan.agent, target=plan.target, pace=plan.pace.pace, ends=written(plan.ends), length=length
    )


def _actions(
    plan: Plan, judgement: Judgement, draft: Json | None, requests: Sequence[dict[str, Any]], desktop: Desktop
) -> Iterable[dict[str, Any]]:
    """What is done to the drafts: the first is changed or replaced, the others that were judged with it are taken away.

    What runs on record and is changed by a draft is ended: the plan is of all that is taken.
    """
    situation = judgement.case.situation
    members = situation.members
    others = [*members[1:], *(member for one in situation.makes_way for member in one.members)]
    removals = [action for other in others if not is_stop(other) for action in _taken_away(other, judgement, desktop)]
    if members and draft is not None and _can_be_changed(members[0], plan):
        return [*update_action(draft, requests), *removals]
    on_record = draft is not None and _is_on_record(members, judgement)
    ended = [end_action(draft)] if draft is not None and on_record and not is_stop(members[0]) else []
    return [*ended, *replace_actions(draft, requests, on_record), *removals]


def _taken_away(other: Order, judgement: Judgement, desktop: Desktop) -> Sequence[dict[str, Any]]:
    draft = desktop.drafts.get(other.reference)
    if draft is None:
        return ()
    return (end_action(draft),) if _is_on_record((other,), judgement) else replace_actions(draft, ())


def _can_be_changed(draft: Order, plan: Plan) -> bool:
    """Whether the draft orders what the plan lowers: a stop, or an order of another agent, must not be signed at all."""
    return not is_stop(draft) and plan.kind is PlanKind.DIRECT and draft.medication.agent == plan.agent


def _is_on_record(members: Sequence[Order], judgement: Judgement) -> bool:
    """Whether the draft changes a prescription that runs already: its id is then the prescription's."""
    known = {order.reference for order in judgement.case.record.orders}
    return bool(members) and (members[0].reference in known or members[0].status not in {"draft", "active"})


def _needs_naloxone(advice: Advice) -> bool:
    known = advice.facts.get("naloxone_on_record")
    return not (isinstance(known, Known) and known.value is True)


def _naloxone(advice: Advice, desktop: Desktop) -> dict[str, Any]:
    product = desktop.knowledge.naloxone
    assert product is not None
    request = naloxone_request(product, desktop.visit, desktop.drafts.get(advice.order))
    return suggestion(f"Order {product.name}, to have at hand", [create_action(request)], desktop.new_id, recommended=True)
