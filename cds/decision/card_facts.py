"""What a short card tells of one order: the drug and its dose, the danger that leads, why, what to take today, the first step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cds.core.cases import Case
from cds.core.cuts import TWO_WEEKS
from cds.core.facts import Fact, Facts, Known, Unknown
from cds.core.judged_order import RiskFactor
from cds.core.medication import AgentKind, Form
from cds.core.order_action import Action
from cds.core.period import range_in_words, written
from cds.core.quantity import plain
from cds.core.regimen import EVERY_DAY, DayTime
from cds.core.taper_plan import NoPlan, Plan, PlanStep
from cds.core.under_way import days_since, last_cut, taper_under_way
from cds.decision.offers import Offers
from cds.decision.plans import CurrentDoses
from cds.hooks.card_text import Wording
from cds.hooks.markdown import cut
from cds.hooks.plan_table import at_times
from cds.knowledge.model import Knowledge, Rule
from cds.knowledge.model_parameters import Pace

NO_CUT = {"specialist", "hold"}
OF_BUTTONS = ("button_dose", "button_days", "button_product")
"""What only the label of a button tells: each has its own."""
OF_THE_PATIENT = "patient"
OF_THE_DOSE = {"high-dose", "very-high-dose"}
IN_BRACKETS = re.compile(r"\s*\[[^\]]*\]")
"""The other names that a display gives in brackets."""
TOLD_BY_USE = "use_length"
FOR_INDICATIONS: Mapping[str, str] = {
    "ptsd_on_record": "for_post_traumatic_stress",
    "bipolar_or_psychosis_on_record": "for_bipolar_or_psychosis",
    "insomnia_on_record": "for_insomnia",
    "anxiety_on_record": "for_anxiety",
}
"""Of each indication on record the text that says what helps, the one that asks for most care first."""
OFTEN = {1: "once a day", 2: "twice a day", 3: "three times a day", 4: "four times a day"}
DATED = re.compile(r", \d{1,2} \w+ \d{4}$")
LONGEST_DISPLAY = 70
A_WEEK, A_MONTH = 7, Decimal("30.4375")
YEAR = Decimal("365.25")
LENGTHS = ((21, Decimal(1), "day"), (91, Decimal(7), "week"), (730, A_MONTH, "month"))
"""In what a length of fewer days than the first number is told."""
LONGEST_LIST = 200
"""Characters of what could not be read; the rest is counted."""


@dataclass(frozen=True, slots=True)
class FoundRisk:
    """A true risk with what it rests on."""

    rule: Rule
    factor: RiskFactor

    @property
    def crossover(self) -> str | None:
        return self.rule.outcome.crossover if self.rule.outcome else None


def card_facts(
    case: Case,
    known: Facts,
    found: Sequence[FoundRisk],
    takes: CurrentDoses | None,
    pace: Pace | None,
    drawn: Offers,
    gaps: Sequence[str],
    knowledge: Knowledge,
) -> dict[str, Fact]:
    """The facts that only the texts of cards hold; `found` are the true risks, those of the strictest pace first."""
    wording = Wording(known, {}, knowledge, case.day)
    ask_first = any(one.rule.outcome and one.rule.outcome.ask_first for one in found)
    several = known.get("benzodiazepines_taken")
    told: dict[str, str | None] = {
        "taken_in_short": taken_in_short(case),
        "ordered_in_short": ordered_in_short(case),
        "change_in_short": change_in_short(case),
        "cut_in_short": cut_in_short(case, known),
        "use_in_short": use_in_short(known),
        "regimen_now": None if takes is None or ask_first or _steps_down(case, pace, drawn) else regimen_in_words(takes),
        "why_in_short": why_in_short(known, found),
        "against_in_short": next(
            (DATED.sub("", _without_names(one.factor.shortest)) for one in found if one.crossover == "against"), None
        ),
        "for_indication": _for_indication(known, knowledge),
        "no_cut": wording.line(pace.says) if pace and pace.id in NO_CUT else None,
        "brief_taper": wording.line(pace.says) if pace and not pace.plan and pace.id not in NO_CUT else None,
        "review_in_short": wording.line(knowledge.texts[_review(case, pace)]),
        "several_named": several.because if isinstance(several, Known) else None,
        "low_end_means": low_end_means(case),
        "not_read": not_read(gaps),
        **_danger(found, wording),
        **_of_plans(drawn, takes),
        **dict.fromkeys(OF_BUTTONS),
    }
    if pace is None or not pace.plan:
        told["no_plan"] = None  # the pace's own words say what to do
    told |= _goes_on(case, told, drawn)
    told["do_now"] = _do_now(case, told, known, knowledge, _steps_down(case, pace, drawn))
    return _as_facts(told)


def _as_facts(told: Mapping[str, str | None]) -> dict[str, Fact]:
    return {name: Known(says) if says else Unknown("it is not known") for name, says in told.items()}


def _review(case: Case, pace: Pace | None) -> str:
    """The name of the text that says what there is to look at."""
    if pace and pace.id in NO_CUT:
        return "review_hold"
    return "review_taper" if taper_under_way(case) is None else "review_under_way"


def _goes_on(case: Case, told: Mapping[str, str | None], drawn: Offers) -> dict[str, str | None]:
    """What is said of a taper under way in place of how one begins."""
    taper, plan = taper_under_way(case), drawn.taper_plan
    if taper is None:
        return dict.fromkeys(("under_way_in_short", "next_step", "next_from"))
    since = f"{plain(taper.now.mg)} mg a day since {written(taper.now.since)}"
    return {
        "under_way_in_short": f"{plain(taper.first.mg)} mg before, {since}",
        "next_step": told["first_step"],
        "next_from": written(plan.start) if plan is not None and plan.start > case.day else None,
        "first_step": None,
    }


def _steps_down(case: Case, pace: Pace | None, drawn: Offers) -> bool:
    """Whether a Z-drug at its label's dose goes down by strengths: no alarm, so that nobody is told to keep the dose."""
    z_drug = case.agent_now.kind is AgentKind.Z_DRUG
    return z_drug and pace is not None and pace.by_strengths and drawn.taper_plan is not None


def _do_now(case: Case, told: Mapping[str, str | None], known: Facts, knowledge: Knowledge, steps_down: bool) -> str | None:
    """Keep the dose, or of a cut a smaller one; and what comes first: the danger, else a plan that both make."""
    under_way = told["under_way_in_short"] is not None
    step = told["first_step"] or (None if told["next_from"] else told["next_step"])
    wording = Wording({**known, **_as_facts({**told, "first_step": step})}, {}, knowledge, case.day)
    smaller = (steps_down or case.situation.action is Action.REDUCE) and not told["danger"]
    dose = next(filter(None, (wording.line(knowledge.texts[name]) for name in ("smaller_cut", "keep_dose")[not smaller :])), "")
    taper = (told["first_step"] or told["next_step"]) and not smaller
    agree = "go_on_with_taper" if under_way else "agree_on_taper"
    first = told["danger_first"] or (wording.line(knowledge.texts[agree]) if taper else "")
    says = "; ".join(filter(None, (dose, first)))
    return f"{says[:1].upper()}{says[1:]}." if says else None


# The drug and its use ----------------------------------------------------------------------------------------------------


def taken_in_short(case: Case) -> str:
    """`alprazolam 3 mg/day`; of a start what is ordered, and the drug alone where the dose is not known."""
    situation = case.situation
    takings = situation.switched_from or ((situation.taking,) if situation.taking else ())
    if not takings:
        return ordered_in_short(case)
    taking = next((one for one in takings if one.agent == situation.agent_now), takings[0])
    return taking.agent if not taking.mg else f"{taking.agent} {plain(taking.mg)} mg{_a_day(taking.days_a_week)}"


def ordered_in_short(case: Case) -> str:
    """What is ordered, likewise."""
    situation = case.situation
    if not situation.daily_dose:
        return situation.agent
    days = situation.dose.days_a_week if situation.dose else EVERY_DAY
    return f"{situation.agent} {plain(situation.daily_dose)} mg{_a_day(days)}"


def _a_day(days_a_week: Decimal) -> str:
    return "/day" if days_a_week >= EVERY_DAY else f" on {plain(days_a_week)} days a week"


def change_in_short(case: Case) -> str | None:
    """`alprazolam 3 to 1.5 mg/day`, of a switch `lorazepam 3 mg/day to diazepam 30 mg/day`; None where a dose is not known."""
    situation = case.situation
    if situation.action is Action.SWITCH:
        return f"{taken_in_short(case)} to {ordered_in_short(case)}"
    before, after = situation.takes_now, situation.daily_dose
    taking = situation.taking
    often = [taking.days_a_week if taking else EVERY_DAY, situation.dose.days_a_week if situation.dose else EVERY_DAY]
    if not before or not after:
        return None
    if min(often) < EVERY_DAY:
        return f"{taken_in_short(case)} to {plain(after)} mg{_a_day(often[1])}"
    return None if before == after else f"{situation.agent} {plain(before)} to {plain(after)} mg/day"


def cut_in_short(case: Case, known: Facts) -> str | None:
    """`alprazolam 3 to 1.5 mg/day (50%)` of an order that goes down too fast; None of any other."""
    exceeds, ordered = known.get("order_exceeds_pace"), known.get("order_cut")
    largest = case.amounts["largest_cut_in_two_weeks"]
    percent = ordered.value if isinstance(ordered, Known) and isinstance(ordered.value, Decimal) else Decimal(0)
    if case.situation.action is Action.START or not (_is_yes(exceeds) or percent > largest):
        return None
    if case.situation.action is Action.STOP:
        return f"A stop of {taken_in_short(case)}"
    change, before, after = change_in_short(case), case.situation.takes_now, case.situation.daily_dose
    if len(case.situation.steps or ()) > 1 and before and after and after < before:
        percent = (before - after) / before * 100
    soon = last_cut(case, TWO_WEEKS)
    if change is not None and soon is not None:
        return f"{change}, {days_since(soon, case)} days after the last cut,"
    if change is None:
        return f"The taper of {taken_in_short(case)}"
    return f"{change} ({plain(percent.quantize(Decimal(1)))}%)" if percent else change


def low_end_means(case: Case) -> str | None:
    """How far below the high end of the equivalents the low end is: `0 to 50 percent less, by the source`."""
    found = case.agent_now.equal_to_table_dose
    if found is None or found.low == found.high:
        return None
    least = (1 - found.low / found.high) * 100
    return f"0 to {plain(least.quantize(Decimal(1)))} percent less, by the source"


def use_in_short(known: Facts) -> str | None:
    """`daily for 6 months`, `on 3 days a week for 5 weeks`."""
    length, often = known.get("use_length"), known.get("days_a_week")
    if not isinstance(length, Known) or not isinstance(length.value, Decimal) or length.value <= 0:
        return None
    days = often.value if isinstance(often, Known) and isinstance(often.value, Decimal) else None
    says = "" if days is None else "daily " if days >= EVERY_DAY else f"on {plain(days)} days a week "
    return f"{says}for {length_in_words(int(length.value))}"


def length_in_words(days: int) -> str:
    """A length of use as a clinician says it: days, weeks, months, years; never longer than it is."""
    length, unit = next(((each, name) for most, each, name in LENGTHS if days < most), (YEAR, "year"))
    number = int(Decimal(days) / length)
    return f"{number} {unit}{'' if number == 1 else 's'}"


def regimen_in_words(takes: CurrentDoses) -> str:
    """`1 mg three times a day`; of unequal doses what is taken when, where that was said: else the dose of a day alone."""
    doses = {time: mg for time, mg in takes.times.items() if mg}
    if len(set(doses.values())) > 1 and not takes.stated:
        return f"{plain(takes.daily)} mg a day, split as now"
    if len(set(doses.values())) == 1:
        mg = plain(next(iter(doses.values())))
        if takes.stated and set(doses) == {DayTime.NIGHT}:
            return f"{mg} mg at night"
        return f"{mg} mg {OFTEN.get(len(doses), f'{len(doses)} times a day')}"
    return at_times(doses)


# Why -------------------------------------------------------------------------------------------------------------------


def _danger(found: Sequence[FoundRisk], wording: Wording) -> dict[str, str | None]:
    """What leads the summary, and what to do about it: of the first true risk that is a danger."""
    leads = [one.rule.outcome for one in found if one.rule.outcome and one.rule.outcome.danger]
    first = leads[0] if leads else None
    return {
        "danger": wording.line(first.danger) if first and first.danger else None,
        "danger_first": wording.line(first.first) if first and first.first else None,
    }


def why_in_short(known: Facts, found: Sequence[FoundRisk]) -> str | None:
    """Two facts of this record: the strongest risk of the patient's own, or else of the dose; and the use so far."""
    dangers = [one for one in found if one.rule.outcome and one.rule.outcome.danger and one.factor.evidence]
    own = [one for one in found if one.rule.about == OF_THE_PATIENT and one.factor.evidence]
    of_dose = [one for one in found if one.rule.about == "use" and one.rule.id in OF_THE_DOSE]
    says = [_told(one) for one in (*dangers, *own)] + [one.factor.says for one in of_dose]
    length = known.get(TOLD_BY_USE)
    if isinstance(length, Known) and length.because and length.value:
        says[1:1] = [length.because]
    facts = list(dict.fromkeys(says))[:2]
    return ". ".join(one[:1].upper() + one[1:] for one in facts) or None


def _told(found: FoundRisk) -> str:
    """The evidence of a risk; what the risk itself says where that is of the dose or only a number."""
    evidence = found.factor.evidence[0]
    if found.rule.about == "use" and found.rule.outcome and not found.rule.outcome.ask_first:
        return found.factor.says
    return found.factor.says if evidence[:1].isdigit() else _without_names(evidence)


def _without_names(evidence: str) -> str:
    """The evidence without what a display gives in brackets; of a long display the part before its first comma."""
    plainly = IN_BRACKETS.sub("", evidence)
    dated = DATED.search(plainly)
    display = plainly[: dated.start()] if dated else plainly
    return cut(display, LONGEST_DISPLAY) + (dated[0] if dated else "")


def _for_indication(known: Facts, knowledge: Knowledge) -> str | None:
    there = (text for fact, text in FOR_INDICATIONS.items() if _is_yes(known.get(fact)) and text in knowledge.texts)
    found = next(there, None)
    return knowledge.texts[found].strip() if found else None


def _is_yes(fact: Fact | None) -> bool:
    return isinstance(fact, Known) and fact.value is True


def not_read(says: Sequence[str]) -> str | None:
    """What could not be read, in one line; what finds no room is counted."""
    told: list[str] = []
    for one in says:
        if told and len(" ".join((*told, one))) > LONGEST_LIST:
            break
        told.append(one)
    more = len(says) - len(told)
    return " ".join((*told, *([f"And {more} more."] if more else []))) or None


# Plans -----------------------------------------------------------------------------------------------------------------


def _of_plans(drawn: Offers, takes: CurrentDoses | None) -> dict[str, str | None]:
    """The first step and the length of the taper; or why there is none, and what to do instead."""
    taper = drawn.taper
    across = drawn.crossover_plan
    told: dict[str, str | None] = dict.fromkeys(
        ("first_step", "step_wait", "next_dose", "taper_range", "made_of", "no_plan", "first_exchange")
    )
    if isinstance(taper, NoPlan):
        told["no_plan"] = " ".join([taper.reason, *(instead.says for instead in taper.instead[:1])])
    plan = taper if isinstance(taper, Plan) else across
    if plan is not None:
        told["taper_range"] = range_in_words(*plan.lengths)
    if isinstance(taper, Plan):
        told |= _first_steps(taper, takes)
    if across is not None:
        told["first_exchange"] = f"{plain(across.steps[0].doses[-1].daily)} mg"
    return told


def _first_steps(plan: Plan, takes: CurrentDoses | None) -> dict[str, str | None]:
    places = [place for place, step in enumerate(plan.steps) if step.cut > 0 and step.doses[0].times]
    if not places:
        return {"first_step": "0 mg"} if plan.steps[0].cut > 0 else {}
    first, later = plan.steps[places[0]], plan.steps[places[0] + 1 :]
    used = [one.presentation for step in plan.steps for dose in step.doses for one in dose.amounts]
    liquid = next((one for one in used if one.liquid), None)
    return {
        "first_step": _step_in_words(first, takes),
        "step_wait": _wait(first, plan.pace.longest_interval or plan.pace.interval),
        "next_dose": f"{plain(later[0].daily)} mg" if later and len(later[0].doses) == 1 else None,
        "made_of": "Later steps need a liquid"
        if liquid
        else "Tablets only"
        if all(one.form is Form.TABLET for one in used)
        else None,
    }


def _step_in_words(step: PlanStep, takes: CurrentDoses | None) -> str:
    """The daily dose, and what changes in the day: `2.75 mg a day (midday 0.75 mg)`."""
    times = step.doses[0].times
    before = takes.times if takes else {}
    changed = {time: times.get(time, Decimal(0)) for time in DayTime if times.get(time) != before.get(time)}
    daily = f"{plain(step.daily)} mg a day"
    if len(times) == 1:
        (time,) = times
        return f"{plain(step.daily)} mg at night" if time is DayTime.NIGHT else daily
    if not changed or len(changed) >= len(times):
        return f"{daily} ({at_times(times)})"
    parts = (f"{time.value} {f'{plain(mg)} mg' if mg else 'none'}" for time, mg in changed.items())
    return f"{daily} ({', '.join(parts)})"


def _wait(step: PlanStep, longest: int) -> str:
    least, most = step.days // A_WEEK, longest // A_WEEK
    return f"{least} to {most} weeks" if least < most else f"{least} weeks"
