"""JSON Schemas of every message of CDS Hooks 2.0.1, and what of a message breaks the one that is for it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry, Resource

SHARED = "common"
ENDING = ".schema.json"


def names() -> list[str]:
    """The names of the messages: `hook-response`, `order-sign-request` and so on."""
    return sorted(name for name in every() if name != SHARED)


def schema(name: str) -> dict[str, Any]:
    """The schema of a message. Refuses: a name that there is not."""
    if name not in names():
        raise ValueError(f"There is no message {name}; there are {', '.join(names())}.")
    return every()[name]


def problems(name: str, message: Any) -> list[str]:
    """What of a message breaks its schema, each with its place and never with the value that stands there."""
    found = sorted(_validator(name).iter_errors(message), key=lambda error: [str(part) for part in error.absolute_path])
    return [f"{error.json_path}: breaks `{error.validator}` of the schema" for error in found]


@cache
def every() -> dict[str, dict[str, Any]]:
    """Every schema by its name, and the one of what several messages share."""
    folder = files("cds.hooks").joinpath("schemas")
    return {
        path.name.removesuffix(ENDING): orjson.loads(path.read_bytes()) for path in folder.iterdir() if path.name.endswith(ENDING)
    }


@cache
def _validator(name: str) -> Validator:
    registry = Registry().with_resources([(f"{each}{ENDING}", Resource.from_contents(one)) for each, one in every().items()])
    return Draft202012Validator(schema(name), registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)
