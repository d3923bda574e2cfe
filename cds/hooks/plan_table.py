"""A plan as a short table on a card, or why there is none, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from cds.core.cuts import PercentOf
from cds.core.period import shifted
from cds.core.quantity import exact, plain
from cds.core.regimen import DayTime, Dose, RegimenStep
from cds.core.taper_plan import NoPlan, Plan, PlanKind, PlanStep

WORDS = {
    PlanKind.DIRECT: "Taper of {agent}",
    PlanKind.CROSSOVER: "Crossover from {agent} to {target}",
}
BASES = {"current": "of the current dose", "original": "of the dose at the start"}


def plan_table(plan: Plan, ordered: Sequence[RegimenStep] | None, day: date, most: int) -> str:
    """The first steps, at most so many, as a table with the end in words; beside them what is ordered then, where given."""
    shown = plan.steps[:most] if len(plan.steps) > most + 1 else plan.steps
    cut = "Cut" if plan.pace.basis is PercentOf.CURRENT else "Cut, of the dose before"
    columns = ["From", *(["Ordered"] if ordered else []), "Advised", cut, "How"]
    rows = [_row(step, ordered, day) for step in shown]
    lines = [f"|{'|'.join(cells)}|" for cells in (columns, ["-"] * len(columns), *rows)]
    title = WORDS[plan.kind].format(agent=plan.agent, target=plan.target)
    heading = f"**{title}** ({plan.pace.pace} pace, % {BASES[plan.pace.basis.value]})"
    left = len(plan.steps) - len(shown)
    more = " more" if shown else ""
    rest = f"{left}{more} steps, the last to 0 on {written(plan.ends)}." if left else f"The dose is 0 on {written(plan.ends)}."
    table = [*lines, ""] if shown else []
    return "\n".join([heading, "", *table, " ".join([rest, *plan.notes])])


def _row(step: PlanStep, ordered: Sequence[RegimenStep] | None, day: date) -> list[str]:
    doses = " + ".join(
        f"{dose.agent} {exact(dose.daily)} mg" if len(step.doses) > 1 else f"{exact(dose.daily)} mg" for dose in step.doses
    )
    ordered_mg = [_in_short(_ordered_on(step.start, ordered, day))] if ordered else []
    small = " (small step)" if step.below_small_step_limit else ""
    return [written(step.start), *ordered_mg, doses, f"{plain(step.cut.quantize(Decimal('0.1')))}%{small}", _how(step)]


def _how(step: PlanStep) -> str:
    """What is taken when; of two agents, each by its name."""
    parts = [at_times(dose.times) for dose in step.doses]
    named = [f"{dose.agent} {part}" if len(parts) > 1 else part for dose, part in zip(step.doses, parts, strict=True) if part]
    return "; ".join(named) or "none"


def at_times(times: Mapping[DayTime, Decimal]) -> str:
    """What is taken when: `1 mg morning, 0.75 mg night`."""
    return ", ".join(f"{exact(mg)} mg {time.value}" for time in DayTime if (mg := times.get(time)))


def _in_short(dose: Dose) -> str:
    days = f" on {plain(dose.days_a_week)} days a week" if dose.intermittent else ""
    return f"{plain(dose.mg.high)} mg{days}"


def _ordered_on(on: date, ordered: Sequence[RegimenStep], day: date) -> Dose:
    """What the order gives on a day; its last step is taken to go on."""
    begins, current = day, ordered[0].dose
    for step in ordered:
        begins = step.start or begins
        if begins > on:
            break
        current = step.dose
        if step.days is None:
            break
        begins = shifted(begins, step.days)
    return current


def no_plan_text(refused: NoPlan) -> str:
    """Why there is no plan, and what to do instead, as a paragraph."""
    return " ".join([f"**No plan:** {refused.reason}", *(instead.says for instead in refused.instead)])


def written(day: date) -> str:
    """A day as a clinician writes it: `3 May 2027`."""
    return f"{day.day} {day:%b %Y}"
