"""Reads `rules/drugs/naloxone.yaml`: the naloxone that is offered where an opioid is taken too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cds.knowledge.fields import Fields, as_quantity
from cds.knowledge.files.agents import ORIGINS
from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import read

FILE = "drugs/naloxone.yaml"


@dataclass(frozen=True, slots=True)
class Naloxone:
    """A single-dose nasal spray. Units: mg in one device; minutes until it may be given again; devices to dispense."""

    system: str
    code: str
    display: str
    name: str
    mg: Decimal
    again_from: int
    again_to: int
    devices: int
    cites: tuple[str, ...]


def naloxone(files: Mapping[str, bytes], problems: Problems) -> Naloxone:
    """The product with its dose and supply."""
    document = Fields(read(f"rules/{FILE}", files.get(FILE, b""), problems), problems, ["product", "dose", "supply"])
    product = Fields(document.node("product"), problems, ["system", "code", "display", "name", "cite", "origin"], ["says"])
    dose = Fields(document.node("dose"), problems, ["mg", "repeat_after", "cite", "origin"], ["says"])
    again = Fields(dose.node("repeat_after"), problems, ["from", "to"])
    supply = Fields(document.node("supply"), problems, ["devices", "cite", "origin"], ["says"])
    parts = (product, dose, supply)
    for part in parts:
        part.one_of("origin", ORIGINS)
    return Naloxone(
        system=product.text("system"),
        code=product.text("code"),
        display=product.text("display"),
        name=product.text("name"),
        mg=Decimal(dose.whole("mg")),
        again_from=_minutes(again, "from", problems),
        again_to=_minutes(again, "to", problems),
        devices=supply.whole("devices"),
        cites=tuple(dict.fromkeys(cite for part in parts for cite in part.texts("cite"))),
    )


def _minutes(fields: Fields, key: str, problems: Problems) -> int:
    text = fields.text(key, "1 minutes")
    amount = as_quantity(text)
    if amount is None or amount.unit != "minutes" or amount.value <= 0 or amount.value % 1:
        problems.add("RULE023", fields.at(key), f"`{key}` is `{text}`.", "Expected: whole minutes, such as `2 minutes`.")
        return 1
    return int(amount.value)
