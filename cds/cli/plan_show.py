"""A plan in the terminal: a title, a line with a bar for each step, what to dispense first, and what to know."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from rich import box
from rich.bar import Bar
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from cds.core.period import range_in_words
from cds.core.quantity import exact, plain
from cds.core.regimen import DayTime, Dose
from cds.core.taper_plan import AgentDose, NoPlan, Plan, PlanKind, PlanStep
from cds.decision.plan_files import lines, product
from cds.decision.plans import CurrentDoses
from cds.decision.replanning import Replanned
from cds.knowledge.model import Knowledge

BAR, WIDE_BAR = 8, 16
WIDE = 120
"""Columns of a terminal in which doses and tablets stand side by side."""
SMALL = "*"
NOTHING = "nothing"
TENTH = Decimal("0.1")


def show_plan(
    plan: Plan, takes: CurrentDoses, dose: Dose, rules: Knowledge, console: Console, again: Replanned | None = None
) -> None:
    """Prints the plan; of one that goes on, first what changed."""
    console.print(Text(title(plan, takes), style="bold"))
    for line in again.changed if again else ():
        console.print(Text(f"- {line}", style="yellow"))
    for line in told_lengths(plan, rules):
        console.print(Text(line))
    console.print(Text(_pace(plan), style="dim"))
    if not takes.stated:
        console.print(Text(_assumed(takes, dose), style="yellow"))
    wide = console.width >= WIDE
    console.print(steps_table(plan, with_tablets=wide))
    if any(step.below_small_step_limit for step in plan.steps):
        limit = rules.parameters["small_step_limit"].on(plan.start)
        console.print(
            f"{SMALL} from {limit.value if limit else ''} a day down: a small step, in percent larger than others", style="dim"
        )
    if not wide:
        console.print(tablets_table(plan))
    for line in _supply(plan.steps[0]):
        console.print(Text(line))
    for note in plan.notes:
        console.print(Text(f"- {note}"))
    if "not_reviewed" in rules.texts:
        console.print(Markdown(rules.texts["not_reviewed"]))


def show_no_plan(found: NoPlan, takes: CurrentDoses, console: Console) -> None:
    """Prints why there is no plan, and what to do instead."""
    console.print(Text(f"No plan for {takes.agent}, {exact(takes.daily)} mg a day.", style="bold"))
    console.print(Text(found.reason))
    for instead in found.instead:
        console.print(Text.assemble("Instead, ", (instead.kind.value, "bold"), f": {instead.says}"))


def title(plan: Plan, takes: CurrentDoses) -> str:
    """What is lowered, from how much, and when it ends."""
    what = f"{takes.agent} {exact(takes.daily)} mg a day"
    if plan.kind is PlanKind.DIRECT:
        does = f"Taper of {what} to 0"
    elif plan.agent == plan.target:
        does = f"{what}: from extended to immediate release, then to 0"
    else:
        does = f"Crossover from {what} to {plan.target}, then to 0"
    steps = f"{len(plan.steps)} step{'' if len(plan.steps) == 1 else 's'}"
    return f"{does}: {steps} from {plan.start.isoformat()} on, most need {range_in_words(*plan.lengths)}"


def told_lengths(plan: Plan, rules: Knowledge) -> Iterable[str]:
    """When to look at the plan anew, and that a lower dose is a fair end."""
    reviews = plan.reviews(int(rules.value("plan_review", plan.start)))
    if reviews:
        yield f"Look at the whole plan anew on {', '.join(day.isoformat() for day in reviews)}. A lower dose is a fair end."


def _pace(plan: Plan) -> str:
    pace = plan.pace
    most = f"about {plain(pace.cut)}% of the {pace.basis.value} dose at a time"
    return f"{pace.pace} pace: {most}, at least {pace.interval} days apart; doses in mg"


def _assumed(takes: CurrentDoses, dose: Dose) -> str:
    times = ", ".join(f"{exact(mg)} mg {time.value}" for time, mg in takes.times.items())
    return f"The times of day were not stated ({dose.says}); counted as {times}."


def steps_table(plan: Plan, with_tablets: bool) -> Table:
    """A line for each step and agent; columns, in mg, for the times of day at which anything is taken."""
    bar = WIDE_BAR if with_tablets else BAR
    times = [time for time in DayTime if any(time in dose.times for step in plan.steps for dose in step.doses)]
    several = plan.agent != plan.target
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("from", "days", *(["agent"] if several else [])):
        table.add_column(name, no_wrap=True)
    for name in (*(time.value for time in times), "a day", "cut"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", width=bar)
    if with_tablets:
        table.add_column("take", overflow="fold")
    most = max(step.equivalent.low for step in plan.steps)
    for step in plan.steps:
        for at, dose in enumerate(step.doses):
            take = ["; ".join(lines(dose)) or NOTHING] if with_tablets else []
            table.add_row(*_cells(step, dose, times, several, at == 0), _bar(step, most, bar) if at == 0 else "", *take)
    return table


def tablets_table(plan: Plan) -> Table:
    """What is taken in each step: for a terminal too narrow to show it beside the doses."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("from", no_wrap=True)
    table.add_column("take", overflow="fold")
    several = plan.agent != plan.target
    for step in plan.steps:
        table.add_row(step.start.isoformat(), "\n".join(line for dose in step.doses for line in lines(dose, several)) or NOTHING)
    return table


def _cells(step: PlanStep, dose: AgentDose, times: Iterable[DayTime], several: bool, first: bool) -> list[str]:
    cut = f"{plain(step.cut.quantize(TENTH, ROUND_HALF_UP))}%{SMALL if step.below_small_step_limit else ''}"
    return [
        *([step.start.isoformat(), str(step.days)] if first else ["", ""]),
        *([dose.agent] if several else []),
        *(exact(dose.times[time]) if time in dose.times else "" for time in times),
        exact(dose.daily),
        cut if first else "",
    ]


def _bar(step: PlanStep, most: Decimal, width: int) -> Bar:
    """As long as the step's equivalent."""
    return Bar(float(most), 0, float(step.equivalent.low), width=width, color="cyan")


def _supply(step: PlanStep) -> Iterable[str]:
    for supply in step.supplies[:1]:
        items = ", ".join(
            f"{exact(count)} {'mL' if one.liquid else 'x'} {one.agent} {product(one)}" for one, count in supply.items
        )
        yield f"Dispense first: {items}, for {supply.days} days from {supply.start.isoformat()}."
