"""What JSON schemas of rule files are put together from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from cds.knowledge.fields import DAY
from cds.knowledge.files.agents import ORIGINS
from cds.knowledge.files.parameters import bounds_in_words
from cds.knowledge.model import Knowledge
from cds.knowledge.model_parameters import Parameter

Schema = dict[str, Any]
NUMBER = r"-?\d+(\.\d+)?"
TEXT: Schema = {"type": "string", "minLength": 1}
ORIGIN: Schema = {"enum": [*ORIGINS]}
YES_NO: Schema = {"enum": ["yes", "no"]}
DATE: Schema = {"type": "string", "pattern": f"^{DAY.pattern}$", "description": "A day such as 2026-01-01"}


def cite(knowledge: Knowledge) -> Schema:
    return choice({source.id: f"{source.label}: {source.title} ({source.origin})" for source in knowledge.evidence.values()})


def document(title: str, parts: Schema) -> Schema:
    return {"title": title, **object_of(parts)}


def object_of(required: Schema, optional: Schema | None = None) -> Schema:
    """A mapping of these keys and no other."""
    whole: Schema = {"type": "object", "properties": {**required, **(optional or {})}, "additionalProperties": False}
    return whole | ({"required": [*required]} if required else {})


def map_of(entry: Schema) -> Schema:
    return {"type": "object", "additionalProperties": entry}


def list_of(entry: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": entry} | ({"minItems": least} if least else {})


def choice(meanings: Mapping[str, str]) -> Schema:
    return {"anyOf": constants(meanings)}


def constants(meanings: Mapping[str, str]) -> list[Schema]:
    return [{"const": name, "description": means} for name, means in meanings.items()]


def open_to(known: Collection[str] | Iterable[str]) -> Schema:
    """Any text; the known ones are offered."""
    return {"anyOf": [{"enum": [*known]}, TEXT]}


MOST_WHOLE = 100
"""Numbers between two bounds up to which an editor checks a text such as `20 percent` too; else only its unit."""


def within_bounds(parameter: Parameter) -> Schema:
    """A value that a site may give a parameter: one of its names, or a number inside its bounds, alone or with the unit."""
    described = {"description": f"In {parameter.unit}: {bounds_in_words(parameter)}"}
    if parameter.one_of:
        return {"enum": [*parameter.one_of], **described}
    least, most = parameter.at_least, parameter.at_most
    number: Schema = {"type": "number"}
    number |= {"minimum": float(least.value)} if least else {}
    number |= {"maximum": float(most.value)} if most else {}
    amount = _whole_between(least.value, most.value) if least and most else NUMBER
    return {"anyOf": [number, {"type": "string", "pattern": f"^{amount}( {parameter.unit})?$"}], **described}


def _whole_between(least: Decimal, most: Decimal) -> str:
    """A pattern of the numbers between two bounds, as far as their whole part tells; of any number where there are too many."""
    first, last = int(least), int(most)
    if least < 0 or last - first > MOST_WHOLE:
        return NUMBER
    below = [str(whole) for whole in range(first, last if most == last else last + 1)]
    parts = [rf"({'|'.join(below)})(\.\d+)?"] if below else []
    parts += [rf"{last}(\.0+)?"] if most == last else []
    return f"({'|'.join(parts)})"
