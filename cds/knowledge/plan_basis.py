"""What a plan rests on: its pace and the numbers that went into it, each with its source, for cards and for sign-offs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from cds.knowledge.files.parameters import NUMBERS
from cds.knowledge.model import Because, Knowledge, Rule
from cds.knowledge.model_parameters import Pace
from cds.knowledge.site_overlay import is_local

TAPER, CROSSOVER = "taper_plan", "crossover_plan"
EVERY_PLAN = (
    "dispensing_interval", "ends_from", "free_cut", "largest_cut_in_two_weeks", "longest_plan", "most_tablets_in_a_dose",
    "no_plan_above", "once_at_night_from", "second_strength_saves", "small_step", "small_step_limit", "taper_basis",
    "twice_a_day_from",
)  # fmt: skip
"""The parameters that every plan counts with, whatever its pace."""
OF_A_CROSSOVER = (
    "crossover_highest", "crossover_review", "crossover_rounding", "crossover_rung", "crossover_target", "crossover_up",
    "crossover_usual", "crossover_wait",
)  # fmt: skip


def gives_a_plan(rule: Rule) -> bool:
    """Whether the rule's card may offer a taper or a crossover."""
    return rule.card is not None and not {TAPER, CROSSOVER}.isdisjoint(rule.card.suggest)


def plan_numbers(offered: Collection[str], paces: Iterable[Pace]) -> tuple[str, ...]:
    """The parameters of plans at these paces, by the names of what is offered."""
    own = (name for pace in paces if pace.plan for part in NUMBERS if (name := getattr(pace, part)))
    every = {TAPER: EVERY_PLAN, CROSSOVER: (*EVERY_PLAN, *OF_A_CROSSOVER)}
    return tuple(dict.fromkeys([*own, *(name for one in offered for name in every.get(one, ()))]))


def of_its_plans(rule: Rule, knowledge: Knowledge) -> tuple[str, ...]:
    """The parameters of the plans that a rule's card may offer, at any pace."""
    if rule.card is None or not gives_a_plan(rule):
        return ()
    return plan_numbers(rule.card.suggest, knowledge.paces.values())


def local_numbers(rule: Rule, asked: Iterable[str], knowledge: Knowledge, day: date) -> tuple[str, ...]:
    """Of the parameters that a rule asks about and those of its plans, the ones that no guideline supports on the day."""
    names = dict.fromkeys([*asked, *of_its_plans(rule, knowledge)])
    return tuple(name for name in names if is_local(_cite(name, knowledge, day), knowledge))


def plan_basis(offered: Collection[str], pace: str, knowledge: Knowledge, day: date) -> tuple[Because, ...]:
    """What plans at a pace rest on that day, by source, the source of the pace itself first.

    The numbers of the pace have their values. Of the others only those are named that no guideline supports, so that
    the plan itself has room beside them; `cds rules parameters` tells all.
    """
    held = knowledge.paces.get(pace)
    if held is None or not held.plan:
        return ()
    by_cite: dict[str, list[str]] = {held.cite: [f"the pace {held.id}"]}
    own = plan_numbers((), [held])
    for name in own:
        by_cite.setdefault(_cite(name, knowledge, day), []).append(_in_words(name, knowledge, day))
    for name in plan_numbers(offered, ()):
        cite = _cite(name, knowledge, day)
        if name not in own and is_local(cite, knowledge):
            by_cite.setdefault(cite, []).append(name.replace("_", " "))
    return tuple(Because(cite, f"in the plan, {', '.join(said)}") for cite, said in by_cite.items() if cite)


def _cite(name: str, knowledge: Knowledge, day: date) -> str:
    parameter = knowledge.parameters.get(name)
    edition = parameter.on(day) if parameter else None
    return edition.cite if edition else ""


def _in_words(name: str, knowledge: Knowledge, day: date) -> str:
    edition = knowledge.parameters[name].on(day)
    value = edition.value if edition else ""
    return f"{name.replace('_', ' ')} {value}"
