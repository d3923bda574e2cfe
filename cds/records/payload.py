"""What plans start from, as a record keeps it in JSON, and read back to the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from cds.core.quantity import Range
from cds.core.regimen import EVERY_DAY, DayTime, Dose, Step
from cds.decision.offers import Start
from cds.decision.plans import Taken

Json = dict[str, Any]


def start_json(start: Start) -> Json:
    """What is taken and every agent of its kind, as JSON; amounts are written out, so that none is rounded."""
    return {"agents": list(start.agents), **({"takes": _taken_json(start.takes)} if start.takes else {})}


def _taken_json(takes: Taken) -> Json:
    return {
        "agent": takes.agent,
        "times": {time.value: str(mg) for time, mg in takes.times.items()},
        "extendedRelease": takes.extended_release,
        "stated": takes.stated,
        **({"original": str(takes.original)} if takes.original is not None else {}),
    }


def start(told: Mapping[str, Any]) -> Start:
    """What was written."""
    takes = told.get("takes")
    return Start(_taken(takes) if takes else None, tuple(told["agents"]))


def _taken(told: Mapping[str, Any]) -> Taken:
    return Taken(
        agent=told["agent"],
        times={DayTime(time): Decimal(mg) for time, mg in told["times"].items()},
        extended_release=told["extendedRelease"],
        original=Decimal(told["original"]) if "original" in told else None,
        stated=told["stated"],
    )


def steps_json(steps: Iterable[Step]) -> list[Json]:
    """The ordered doses, each with the day on which it starts and for how many days it is taken where that is stated."""
    return [
        {
            "low": str(step.dose.mg.low),
            "high": str(step.dose.mg.high),
            **({"daysAWeek": str(step.dose.days_a_week)} if step.dose.intermittent else {}),
            **({"start": step.start.isoformat()} if step.start else {}),
            **({"days": step.days} if step.days is not None else {}),
        }
        for step in steps
    ]


def steps(told: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    """What was written: of each step the dose and when it is taken."""
    return tuple(
        Step(
            Dose(Range(Decimal(step["low"]), Decimal(step["high"])), Decimal(step.get("daysAWeek", EVERY_DAY))),
            date.fromisoformat(step["start"]) if "start" in step else None,
            step.get("days"),
        )
        for step in told
    )
