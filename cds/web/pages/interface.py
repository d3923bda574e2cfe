"""The HTTP interface as a page, from the OpenAPI document that the service serves; it loads nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

from cds.web.pages.asking import Answer, Asked, PageContext
from cds.web.pages.rendering import page


def reference(desk: PageContext, document: Callable[[], Mapping[str, Any]]) -> Answer:
    """The page of a document."""

    def show(asked: Asked) -> Response:
        found = document()
        operations = [
            {"method": method.upper(), "path": path, **_of(operation)}
            for path, methods in found["paths"].items()
            for method, operation in methods.items()
        ]
        return page("reference.html", **desk.told(asked, operations=operations, info=found["info"]))

    return show


def _of(operation: Mapping[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    return {
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "token": any(operation.get("security", ())),
        "body": next((_name(content["schema"]) for content in body.values()), ""),
        "answers": [
            (status, told["description"], ", ".join(_names(told.get("content", {}))))
            for status, told in operation["responses"].items()
        ],
    }


def _names(content: Mapping[str, Any]) -> list[str]:
    return [name for one in content.values() if (name := _name(one["schema"]))]


def _name(schema: Mapping[str, Any]) -> str:
    """The name of the message that a schema refers to; empty for one that has none."""
    return str(schema.get("$ref", "")).rpartition("/")[2]
