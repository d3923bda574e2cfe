"""What plans are drawn up from in the specification: a few agents as they are sold, and the limits as they are published."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from cds.core.crossover import CrossoverLimits, Side
from cds.core.cuts import PercentOf
from cds.core.medication import Form
from cds.core.quantity import Range
from cds.core.regimen import DayTime
from cds.core.tablets import Presentation
from cds.core.taper_plan import Plan, PlanLimits, PlanStep, TaperPace

START = date(2026, 11, 23)
LIMITS = PlanLimits(
    ends_from=Decimal(5),
    largest_cut_in_two_weeks=Decimal(25),
    free_cut=Decimal("12.5"),
    small_step_limit=Decimal(10),
    small_step=Decimal(1),
    no_plan_above=Decimal(120),
    dispensing_interval=28,
    longest_plan=731,
    second_strength_saves=Decimal(3),
    most_tablets=Decimal(4),
    twice_a_day_from=Decimal(15),
    once_at_night_from=Decimal(5),
)
SYRINGES = tuple((Decimal(holds), Decimal(marks)) for holds, marks in (("1", "0.05"), ("3", "0.1"), ("6", "0.2"), ("12", "0.5")))
CROSSOVER = CrossoverLimits(least_days=14, rung=7, wait=14, review=5, highest=Decimal(40), up=Decimal(2), rounding=Decimal(5))
SHORT = TaperPace("short", Decimal(25), 7, longest_interval=14)
HYPNOTIC = TaperPace(
    "hypnotic", Decimal(25), 14, longer_above=Decimal(25), longer_interval=28, longest_interval=28, by_strengths=True
)
STANDARD = TaperPace(
    "standard",
    Decimal(10),
    14,
    cut_of_start=Decimal(5),
    longer_above=Decimal("12.5"),
    longer_interval=28,
    longest_interval=28,
)
SLOWER = TaperPace("slower", Decimal(10), 28, first_cut=Decimal(5), cut_of_start=Decimal(5))
VERY_SLOW = TaperPace("very-slow", Decimal(5), 28, longest_interval=56, compounded=True)


def of_original(pace: TaperPace) -> TaperPace:
    return replace(pace, basis=PercentOf.ORIGINAL)


def solids(agent: str, strengths: str, scored: str = "", form: Form = Form.TABLET, er: bool = False) -> tuple[Presentation, ...]:
    """Tablets or the like of these strengths, those of `scored` in halves too."""
    return tuple(
        Presentation(agent, form, Decimal(mg), f"{agent} {mg} mg {form}", halves=mg in scored.split(), extended_release=er)
        for mg in strengths.split()
    )


def liquid(agent: str, mg: str, smallest_volume: str, compounded: bool = False) -> tuple[Presentation, ...]:
    """A liquid of so many mg in one mL, measured as finely as that."""
    name, volume = f"{agent} {mg} mg/mL", Decimal(smallest_volume)
    return (
        Presentation(
            agent,
            Form.LIQUID,
            Decimal(mg),
            name,
            compounded=compounded,
            smallest_volume=volume,
            least_volume=Decimal("0.2"),
            syringes=SYRINGES,
        ),
    )


def side(agent: str, low: str, high: str, *presentations: tuple[Presentation, ...]) -> Side:
    """An agent with the mg of it that equal 10 mg of diazepam at the low and at the high end."""
    equivalent = Range(Decimal(10) / Decimal(high), Decimal(10) / Decimal(low))
    return Side(agent, equivalent, tuple(one for group in presentations for one in group))


AGENTS = {
    one.agent: one
    for one in (
        side(
            "alprazolam",
            "0.5",
            "1.6",
            solids("alprazolam", "0.25 0.5 1 2", "0.25 0.5 1 2"),
            solids("alprazolam", "0.5 1 2 3", er=True),
            liquid("alprazolam", "1", "0.05"),
            liquid("alprazolam", "0.1", "0.05", compounded=True),
        ),
        side("chlordiazepoxide", "20", "50", solids("chlordiazepoxide", "5 10 25", form=Form.CAPSULE)),
        side("clobazam", "20", "20", solids("clobazam", "10 20", "10 20"), liquid("clobazam", "2.5", "0.1")),
        side(
            "clonazepam",
            "0.5",
            "1",
            solids("clonazepam", "0.5 1 2", "0.5"),
            solids("clonazepam", "0.125 0.25 0.5 1 2", form=Form.ODT),
            liquid("clonazepam", "0.1", "0.05", compounded=True),
        ),
        side("clorazepate", "15", "15", solids("clorazepate", "3.75 7.5 15", "3.75 7.5 15")),
        side("diazepam", "10", "10", solids("diazepam", "2 5 10", "2 5 10"), liquid("diazepam", "1", "0.1")),
        side("estazolam", "1", "4", solids("estazolam", "1 2", "1 2")),
        side("eszopiclone", "3", "5", solids("eszopiclone", "1 2 3")),
        side("flurazepam", "15", "30", solids("flurazepam", "15 30", form=Form.CAPSULE)),
        side(
            "lorazepam",
            "1",
            "2.4",
            solids("lorazepam", "0.5 1 2", "0.5 1 2"),
            liquid("lorazepam", "2", "0.05"),
            liquid("lorazepam", "0.1", "0.05", compounded=True),
        ),
        side("oxazepam", "20", "30", solids("oxazepam", "10 15 30", form=Form.CAPSULE)),
        side("temazepam", "15", "20", solids("temazepam", "7.5 15 22.5 30", form=Form.CAPSULE)),
        side("triazolam", "0.25", "0.5", solids("triazolam", "0.125 0.25", "0.25")),
        side("zolpidem", "20", "20", solids("zolpidem", "5 10"), solids("zolpidem", "7.5", form=Form.CAPSULE)),
    )
}


def takes(**times: str) -> dict[DayTime, Decimal]:
    """mg by time of day: `takes(morning="1", night="1")`."""
    return {DayTime(time): Decimal(mg) for time, mg in times.items()}


def daily(plan: Plan) -> list[str]:
    """The daily doses of a direct plan, written plainly."""
    return [f"{step.daily.normalize():f}" for step in plan.steps]


def bottle(step: PlanStep) -> list[str]:
    """What is taken, as a line for each time and strength."""
    return [f"{a.time} {a.count:f} x {a.presentation.name}" for dose in step.doses for a in dose.amounts]
