"""The distributions of invented exports, as `distributions.yaml` holds them, with the codes of the rule book."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

from cds.knowledge.model import Knowledge

FILE = Path(__file__).with_name("distributions.yaml")
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CLINICAL_DRUG, INGREDIENT = "SCD", "IN"


@dataclass(frozen=True, slots=True)
class Product:
    """A tablet or capsule of one agent."""

    code: str
    display: str
    agent: str
    strength: float
    form: str


@dataclass(frozen=True, slots=True)
class Coded:
    """A code with its display."""

    system: str
    code: str
    display: str


class Distributions:
    """What is drawn from."""

    def __init__(self, knowledge: Knowledge, rules: Path) -> None:
        self._told: dict[str, Any] = {name: entry["value"] for name, entry in yaml.safe_load(FILE.read_text()).items()}
        self.products = {(one.agent, one.strength): one for one in _products(rules)}
        self.at_night = knowledge.taken_at_night
        self.conditions = {name: _common(name, knowledge) for name in self["conditions"]}
        self.other_drugs = _other_drugs(rules)

    def __getitem__(self, name: str) -> Any:
        return self._told[name]

    def drawn(self, name: str, random: Random) -> Any:
        """One of the values of a distribution, by its weights."""
        return weighted(self[name], random)

    def dose(self, agent: str, random: Random) -> tuple[Product, int, int]:
        """A product of an agent, how often a day and how many at a time."""
        known = [each for each in self["doses"][agent] if (agent, each[0]) in self.products]
        strength, times, at_a_time, _ = random.choices(known, [each[3] for each in known])[0]
        return self.products[agent, strength], times, at_a_time

    def beside(self, product: Product, larger: bool) -> Product:
        """The next strength of the same agent up or down; the same where there is none."""
        strengths = sorted(strength for agent, strength in self.products if agent == product.agent)
        others = [each for each in strengths if (each > product.strength) is larger and each != product.strength]
        return self.products[product.agent, min(others, key=lambda each: abs(each - product.strength))] if others else product

    def unrelated(self, code: str, display: str) -> Coded:
        """A drug that no rule asks about."""
        return Coded(RXNORM, code, display)


def weighted(weights: Mapping[Any, float], random: Random) -> Any:
    return random.choices(list(weights), list(weights.values()))[0]


def _products(rules: Path) -> Iterator[Product]:
    """The plain tablets and capsules of one agent, of each strength the first, tablets before capsules."""
    with (rules / "drugs/products.csv").open(newline="") as table:
        rows = [
            row for row in csv.DictReader(table) if row["tty"] == CLINICAL_DRUG and row["strength_mg"] and not row["partners"]
        ]
    plain = [row for row in rows if row["form"] in {"capsule", "tablet"} and not row["extended_release"]]
    for row in sorted(plain, key=lambda row: row["form"]):
        yield Product(row["code"], row["display"], row["agent"], float(row["strength_mg"]), row["form"])


def _common(value_set: str, knowledge: Knowledge) -> Sequence[Coded]:
    return [Coded(each.system, each.code, each.display) for each in knowledge.value_sets[value_set][:8]]


def _other_drugs(rules: Path) -> dict[str, list[Coded]]:
    """By group, the drugs of it that stand in the tables as an ingredient or a product of one."""
    found: dict[str, list[Coded]] = {}
    with (rules / "drugs/other-drugs.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            if row["tty"] == INGREDIENT and row["system"] == RXNORM:
                for group in row["groups"].split(";"):
                    found.setdefault(group.strip(), []).append(Coded(row["system"], row["code"], row["display"]))
    return found
