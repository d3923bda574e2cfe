"""What the program itself asks the rule book for, by name: without it no call could be answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from cds.core.medication import Agent
from cds.knowledge.files.parameters import NAME
from cds.knowledge.files.rules import INDICATORS
from cds.knowledge.model import Rule, Status
from cds.knowledge.model_parameters import Parameter
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed, nearest

PARAMETERS = {
    "cards": ("most_cards",),
    "steps": ("steps_on_a_card",),
    "days": (
        "abrupt_stop_use", "crossover_review", "crossover_rung", "crossover_shortest", "crossover_usual", "crossover_wait",
        "curve_days", "dispensing_interval", "episode_gap", "first_month", "held_after_going_back", "last_supply", "long_use",
        "longest_after_short_use", "longest_dosing_interval", "longest_plan", "most_stockpile", "ordered_ahead", "plan_review",
        "start_lookback", "supply_at_risk", "taper_before_stop", "tolerance_lost", "unstated_supply", "went_down_within",
    ),
    "times": ("abrupt_stops_many", "fewest_fills", "most_doses_a_day", "procedural_doses"),
    "doses": ("doses_a_day_long", "doses_a_day_short"),
    "drugs": ("other_sedatives_many", "several_at_once"),
    "hour of the day": ("morning_hour", "midday_hour", "evening_hour", "night_hour"),
    "mg": ("most_mg_in_a_day",),
    "mg diazepam": (
        "crossover_highest", "crossover_up", "ends_from", "high_dose", "largest_small_step", "low_dose", "no_plan_above",
        "once_at_night_from", "small_step", "small_step_limit", "twice_a_day_from",
    ),
    "percent": (
        "crossover_rounding", "free_cut", "largest_cut_in_two_weeks", "sparse_cover",
    ),
    "tablets": ("most_tablets_in_a_dose", "second_strength_saves"),
    "units": ("most_units_in_a_dose",),
    "years": ("plan_from_age",),
    NAME: ("card_detail", "crossover_target", "declined_up_to", "taper_basis"),
}  # fmt: skip
"""By their unit."""
TEXTS = (
    "agree_on_taper", "declined_no_worse", "declined_returns", "declined_unchanged",
    "fluoroquinolone_started", "for_anxiety", "for_bipolar_or_psychosis", "for_insomnia", "for_post_traumatic_stress",
    "go_on_with_taper", "inducer_started", "inducer_stopped", "inhibitor_started", "inhibitor_stopped",
    "keep_dose", "label_care_plan", "label_continue", "label_crossover", "label_naloxone", "label_next_step", "label_taper",
    "not_reviewed", "not_reviewed_short", "onset_long", "onset_short", "review_hold", "review_taper",
    "review_under_way", "smaller_cut", "takes_the_place",
)  # fmt: skip
BASES = ("current", "original")
LENGTHS = ("short", "full")


def check_needed(
    numbers: Mapping[str, Parameter],
    texts: Mapping[str, str],
    agents: Mapping[str, Agent],
    rules: Sequence[Rule],
    problems: Problems,
) -> None:
    """Reports a parameter or a text that the program counts on and that is not there, in another unit, or not yet in force."""
    first = min((one.in_force_from for one in rules if one.status is Status.ACTIVE), default=date.max)
    for unit, names in PARAMETERS.items():
        for name in names:
            if name in numbers:
                _check_number(numbers[name], unit, first, problems)
            else:
                others = [other for other in numbers if all(other not in held for held in PARAMETERS.values())]
                _missing("parameter", name, f"in {unit}", "rules/parameters", nearest(name, others), problems)
    for name in TEXTS:
        if name not in texts:
            _missing("text", name, "a paragraph", "rules/texts.yaml", nearest(name, set(texts) - set(TEXTS)), problems)
    for name, allowed in (
        ("crossover_target", agents),
        ("declined_up_to", INDICATORS),
        ("taper_basis", BASES),
        ("card_detail", LENGTHS),
    ):
        if name in numbers:
            _check_name(numbers[name], allowed, problems)


def _missing(what: str, name: str, expected: str, where: str, near: str, problems: Problems) -> None:
    seen = f"the {what} {name} is not there, and the program counts on it."
    do = near.replace("Did you mean ", "Was it renamed to ") or f"Put it back: `{name}:`."
    problems.add("RULE116", Position(where), seen, f"Expected: {name}, {expected}.", do)


def _check_number(parameter: Parameter, unit: str, first: date, problems: Problems) -> None:
    if parameter.unit != unit:
        seen = f"{parameter.name} is in {parameter.unit}, and the program counts with it in {unit}."
        problems.add("RULE112", parameter.position, seen, f"Expected: {unit}.", "Put the unit back.")
    elif first != date.max and parameter.editions and parameter.on(first) is None:
        since = parameter.editions[-1].since.isoformat()
        seen = f"{parameter.name} has no value on {first.isoformat()}, when rules are in force; its first is of {since}."
        problems.add("RULE111", parameter.position, seen, "", "Add an earlier value with its source.")


def _check_name(parameter: Parameter, allowed: Mapping[str, object] | Sequence[str], problems: Problems) -> None:
    for edition in parameter.editions:
        if edition.value not in allowed and parameter.unit == NAME:
            seen = f"{parameter.name} is `{edition.value}`, which is none of its choices."
            near = nearest(str(edition.value), allowed)
            problems.add("RULE103", parameter.position, seen, f"Choices: {listed(sorted(allowed))}.", near)
