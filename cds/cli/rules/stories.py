"""Stories told under two revisions of the rules: what changes in each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import count
from typing import Any

from cds.cli.asked_on_a_day import service_of
from cds.cli.rules.folder import engine_of
from cds.cli.rules.story import PLAN, StoryChange, StoryRequest
from cds.core.judged_order import JudgedOrder
from cds.decision.decide import Decision, decide
from cds.engine.engine import Engine
from cds.errors import RefusedCall
from cds.hooks.messages import EXTENSION, hook_call
from cds.knowledge.model import Knowledge


def story_changes(stories: Iterable[StoryRequest], before: Knowledge, after: Knowledge, on: date | None) -> list[StoryChange]:
    """What changes in each story; a story that stays as it is has no entry."""
    engines = engine_of(before), engine_of(after)
    try:
        found = (_change(story, engines[0], engines[1], on) for story in stories)
        return [one for one in found if one is not None]
    finally:
        for engine in engines:
            engine.close()


def _change(story: StoryRequest, before: Engine, after: Engine, on: date | None) -> StoryChange | None:
    old, new = _decision(story, before, on), _decision(story, after, on)
    if isinstance(old, str) or isinstance(new, str):
        told = [one if isinstance(one, str) else "answered" for one in (old, new)]
        return None if told[0] == told[1] else StoryChange(story.name, (), (), (f"{told[0]} before, {told[1]} now",), ())
    was, now = _cards(old), _cards(new)
    appear = tuple(f"{rule} ({now[rule, order]})" for rule, order in now if (rule, order) not in was)
    disappear = tuple(f"{rule} ({was[rule, order]})" for rule, order in was if (rule, order) not in now)
    other, wording = tuple(dict.fromkeys((*_indicators(was, now), *_orders(old, new)))), tuple(dict.fromkeys(_wording(old, new)))
    found = StoryChange(story.name, appear, disappear, other, wording)
    return found if wording or not found.in_words_alone else None


def _decision(story: StoryRequest, engine: Engine, on: date | None) -> Decision | str:
    numbers = count()
    body = story.body(on)
    try:
        call = hook_call(service_of(body), body)
        return decide(call, engine.knowledge, engine, story.day(on), "diff", lambda: str(next(numbers)))
    except RefusedCall as refused:
        return f"refused: {refused}"


def _cards(decision: Decision) -> dict[tuple[str, str], str]:
    """How each advice is shown, by rule and order: its indicator, or that another card also says it."""
    shown: dict[tuple[str, str], str] = {}
    for card in decision.answer["cards"]:
        own = card["extension"][EXTENSION]
        shown[own["rule"], own["order"]] = card["indicator"]
        for also in own.get("alsoSays", ()):
            shown.setdefault((also, own["order"]), f"also said by {own['rule']}")
    return shown


def _indicators(was: dict[tuple[str, str], str], now: dict[tuple[str, str], str]) -> Iterator[str]:
    for key in was.keys() & now.keys():
        if was[key] != now[key]:
            yield f"{key[0]}: {was[key]} to {now[key]}"


def _orders(old: Decision, new: Decision) -> Iterator[str]:
    """What changes of each order: its pace, its risks, what is said of a crossover."""
    earlier = {order.request: order for order in old.judged}
    for order in new.judged:
        was = earlier.get(order.request)
        if was is None:
            continue
        if was.pace != order.pace:
            yield f"pace {was.pace or 'none'} to {order.pace or 'none'}"
        if was.crossover.advice != order.crossover.advice:
            yield f"crossover {was.crossover.advice} to {order.crossover.advice}"
        if was.plan != order.plan or was.crossover.plan != order.crossover.plan:
            before, now = _plans(was), _plans(order)
            yield f"{PLAN} {before} to {now}" if before != now else f"{PLAN} {now}, with other doses"
        risks, earlier_risks = ([risk.id for risk in each.risk_factors] for each in (order, was))
        yield from (f"{risk} is a risk now" for risk in risks if risk not in earlier_risks)
        yield from (f"{risk} is no risk any more" for risk in earlier_risks if risk not in risks)


def _plans(order: JudgedOrder) -> str:
    """The plans of an order, each by its steps and its end."""
    plans = [plan for plan in (order.plan, order.crossover.plan) if plan]
    return ", ".join(f"{plan.kind} in {len(plan.steps)} steps until {plan.ends.isoformat()}" for plan in plans) or "none"


def _wording(old: Decision, new: Decision) -> Iterator[str]:
    """The cards that say something else than before."""
    texts = [{_key(card): (card["summary"], card.get("detail")) for card in each.answer["cards"]} for each in (old, new)]
    for key in texts[0].keys() & texts[1].keys():
        if texts[0][key] != texts[1][key]:
            yield key[0]


def _key(card: Any) -> tuple[str, str]:
    own = card["extension"][EXTENSION]
    return own["rule"], own["order"]
