"""Facts as a record keeps them, in JSON, and read back to the same facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from cds.core.facts import Fact, FactValue, Known, Unknown
from cds.records.pseudonyms import Pseudonyms

Json = dict[str, Any]


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
