"""A message with one of its members changed."""

from __future__ import annotations

import copy
from typing import Any

GONE = object()


def changed(body: Any, path: str, value: Any) -> Any:
    """The body with one member set, or taken out."""
    body = copy.deepcopy(body)
    *parents, name = path.split(".")
    at = body
    for parent in parents:
        at = at[int(parent) if parent.isdigit() else parent]
    if value is GONE:
        del at[name]
    else:
        at[name] = value
    return body
