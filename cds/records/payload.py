"""What plans start from, as a record keeps it in JSON, and read back to the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from cds.core.facts import Fact, FactValue, Known, Unknown
from cds.core.quantity import Range
from cds.core.regimen import EVERY_DAY, DayTime, Dose, RegimenStep
from cds.decision.declined_cards import Json
from cds.decision.offers import PlanStart
from cds.decision.plans import CurrentDoses
from cds.records.pseudonyms import Pseudonyms


def start_json(start: PlanStart) -> Json:
    """What is taken and every agent of its kind, as JSON; amounts are written out, so that none is rounded."""
    return {
        "agents": list(start.agents),
        **({"takes": _taken_json(start.takes)} if start.takes else {}),
        **({"lastCut": start.last_cut.isoformat()} if start.last_cut else {}),
    }


def _taken_json(takes: CurrentDoses) -> Json:
    return {
        "agent": takes.agent,
        "times": {time.value: str(mg) for time, mg in takes.times.items()},
        "extendedRelease": takes.extended_release,
        "stated": takes.stated,
        **({"original": str(takes.original)} if takes.original is not None else {}),
    }


def start(told: Mapping[str, Any]) -> PlanStart:
    """What was written."""
    takes = told.get("takes")
    last_cut = date.fromisoformat(told["lastCut"]) if "lastCut" in told else None
    return PlanStart(_taken(takes) if takes else None, tuple(told["agents"]), last_cut)


def _taken(told: Mapping[str, Any]) -> CurrentDoses:
    return CurrentDoses(
        agent=told["agent"],
        times={DayTime(time): Decimal(mg) for time, mg in told["times"].items()},
        extended_release=told["extendedRelease"],
        original=Decimal(told["original"]) if "original" in told else None,
        stated=told["stated"],
    )


def steps(told: Iterable[Mapping[str, Any]]) -> tuple[RegimenStep, ...]:
    """What was written: of each step the dose and when it is taken."""
    return tuple(
        RegimenStep(
            Dose(Range(Decimal(step["low"]), Decimal(step["high"])), Decimal(step.get("daysAWeek", EVERY_DAY))),
            date.fromisoformat(step["start"]) if "start" in step else None,
            step.get("days"),
        )
        for step in told
    )


def fact_json(fact: Fact, names: Pseudonyms) -> Json:
    """The fact as `{"number": "3"}`, `{"yes": true}`, `{"date": …}`, `{"text": …}` or `{"unknown": reason}`, and its basis."""
    if isinstance(fact, Known):
        told = _value(fact.value)
        if fact.because:
            told["because"] = fact.because
    else:
        told = {"unknown": fact.reason}
    if fact.resources:
        told["resources"] = names.all(fact.resources)
    return told


def _value(value: FactValue) -> Json:
    if isinstance(value, bool):
        return {"yes": value}
    if isinstance(value, Decimal):
        return {"number": str(value)}
    return {"date": value.isoformat()} if isinstance(value, date) else {"text": value}


def fact(told: Mapping[str, Any]) -> Fact:
    """The fact that was written. Its resources are the names that the record gave them."""
    resources = tuple(told.get("resources", ()))
    if "unknown" in told:
        return Unknown(told["unknown"], resources)
    return Known(_read(told), told.get("because", ""), resources)


def _read(told: Mapping[str, Any]) -> FactValue:
    if "number" in told:
        return Decimal(told["number"])
    if "yes" in told:
        return bool(told["yes"])
    return date.fromisoformat(told["date"]) if "date" in told else str(told["text"])
