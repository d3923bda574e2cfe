"""The stories of `fhir_examples/`, and what of an answer is compared with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in (ROOT / "fhir_examples").glob("*/request.json"))


@dataclass(frozen=True)
class Story:
    """One folder of `fhir_examples/`."""

    name: str
    request: dict[str, Any]
    expected: dict[str, Any]

    @property
    def day(self) -> date:
        return date.fromisoformat(self.expected["day"])


def story(name: str) -> Story:
    folder = ROOT / "fhir_examples" / name
    return Story(name, json.loads((folder / "request.json").read_text()), json.loads((folder / "expected.json").read_text()))


STORIES = [story(folder.name) for folder in FOLDERS]


def own(answer: dict[str, Any]) -> dict[str, Any]:
    """What the answer carries for machines."""
    extension: dict[str, Any] = answer["extension"]["org.taper-cds"]
    return extension


def summary(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer as `expected.json` writes it: which cards, what each order comes to, which kinds of gap."""
    return {
        "cards": [_card(card) for card in answer["cards"]],
        "orders": [_order(order) for order in own(answer)["orders"]],
        "gaps": sorted({gap["kind"] for gap in own(answer)["gaps"]}),
    }


def _card(card: dict[str, Any]) -> dict[str, Any]:
    extension = card["extension"]["org.taper-cds"]
    named = {name: extension[name] for name in ("rule", "order")}
    return {**named, "indicator": card["indicator"], "alsoSays": extension.get("alsoSays", [])}


KEPT = ("request", "agent", "action", "dailyDoseMg", "takesNowMg", "diazepamEquivalentMg", "changePercent", "pace")


def _order(order: dict[str, Any]) -> dict[str, Any]:
    crossover = {name: value for name, value in order["crossover"].items() if name in ("advice", "to")}
    if "plan" in order["crossover"]:
        crossover["plan"] = _plan(order["crossover"]["plan"])
    plan = {"plan": _plan(order["plan"])} if "plan" in order else {}
    risks = sorted(risk["id"] for risk in order["riskFactors"])
    return {**{name: order[name] for name in KEPT if name in order}, "crossover": crossover, "riskFactors": risks, **plan}


def _plan(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan in short: its first step whole, how many there are, and its end."""
    return {
        "kind": plan["kind"],
        "basis": plan["basis"],
        "first": plan["steps"][0],
        "steps": len(plan["steps"]),
        "ends": plan["ends"],
    }
