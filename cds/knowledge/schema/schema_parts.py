"""What JSON schemas of rule files are put together from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cds.knowledge.fields import DAY
from cds.knowledge.files.agents import ORIGINS
from cds.knowledge.model import Knowledge

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
