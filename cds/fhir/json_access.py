"""Small typed views of FHIR JSON: each answers what it finds, or None for what is absent or of the wrong type.

Nothing here raises on any JSON value, so that garbage in one resource costs that resource only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any

import orjson

Json = Mapping[str, Any]
BILLION = Decimal("1e9")
"""No amount in a record is near it."""
SMALLEST = -9
"""The power of ten of the smallest amount that is one: a smaller one could come to nothing in a sum."""
LONGEST_NUMBER = 40
"""Characters of a number."""


def mapping(value: object) -> Json:
    """The object itself, or an empty one."""
    return value if isinstance(value, dict) else {}


def child(value: object, *path: str) -> Json:
    """The object at the end of the path, or an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def objects(value: object, name: str) -> list[Json]:
    """The objects of a list member; a single object counts as a list of one, as some clients write it."""
    member = value.get(name) if isinstance(value, dict) else None
    if isinstance(member, dict):
        return [member]
    return [item for item in member if isinstance(item, dict)] if isinstance(member, list) else []


def text(value: object, name: str) -> str | None:
    """A text member without surrounding space, None where it is empty or no text."""
    member = value.get(name) if isinstance(value, dict) else None
    return (member.strip() or None) if isinstance(member, str) else None


def number(value: object) -> Decimal | None:
    """A finite number, from a JSON number or a text that holds one."""
    amount: Decimal | None
    if type(value) is int:
        amount = Decimal(value)
    elif isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    else:
        said = str(value).strip()
        try:
            amount = Decimal(said) if len(said) <= LONGEST_NUMBER else None
        except InvalidOperation:
            return None
    if amount is None or not amount.is_finite() or not -BILLION < amount < BILLION:
        return None
    return amount if amount == 0 or amount.adjusted() >= SMALLEST else None


def is_absent(value: object, name: str) -> bool:
    """Whether a member is said to be unknown: there is none, and beside it stands why (`_name`)."""
    return mapping(value).get(name) is None and bool(child(value, f"_{name}"))


def codings(concept: object) -> Iterator[tuple[str, str, str | None]]:
    """(system, code, display) of each coding of a CodeableConcept; a bare Coding counts too. A number counts as a code."""
    for coding in objects(concept, "coding") or ([mapping(concept)] if "code" in mapping(concept) else []):
        code = coding.get("code")
        if type(code) is int:
            code = str(code)
        if isinstance(code, str) and (code := code.strip()):
            yield text(coding, "system") or "", code, text(coding, "display")


def code_of(concept: object) -> str | None:
    """The code of a CodeableConcept's first coding, or the text itself where an older version has a plain code."""
    if isinstance(concept, str):
        return concept.strip().lower() or None
    return next((code.lower() for _, code, _ in codings(concept)), None)


def day(value: object) -> date | None:
    """The day of a FHIR date, dateTime or instant as written, in its own offset. None for a partial date or none."""
    if not isinstance(value, str) or len(value) < 10:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def earliest_day(value: object) -> date | None:
    """The first day that a FHIR date may mean: `1956` is 1 January 1956."""
    if not isinstance(value, str):
        return None
    return day((value.strip() + "-01-01")[:10] if len(value.strip()) in {4, 7} else value.strip())


def reference(resource: Json) -> str:
    """`Type/id` of a resource, as answers and gaps name it; `Type` alone where it has no id."""
    kind = text(resource, "resourceType") or "Resource"
    identity = text(resource, "id")
    return f"{kind}/{identity}" if identity else kind


def local_reference(value: str) -> str:
    """`Type/id` of an absolute or relative reference, without version."""
    parts = value.split("/_history/")[0].rstrip("/").split("/")
    return "/".join(parts[-2:])


def days_of(duration: object) -> Decimal | None:
    """The length of a FHIR Duration in days. Hours and shorter are parts of a day; None where its unit is not one of time.

    A unit that is not there is days; one that is said to be unknown is none.
    """
    amount = number(mapping(duration).get("value"))
    usual = "" if is_absent(duration, "unit") or is_absent(duration, "code") else "d"
    unit = (text(duration, "code") or text(duration, "unit") or usual).lower()
    factor = DURATION_UNITS.get(unit)
    if amount is None or factor is None or amount < 0:
        return None
    return amount * factor


_HOUR = Decimal(1) / Decimal(24)
DURATION_UNITS = {
    **dict.fromkeys(("d", "day", "days"), Decimal(1)),
    **dict.fromkeys(("wk", "week", "weeks"), Decimal(7)),
    **dict.fromkeys(("mo", "month", "months"), Decimal(30)),
    **dict.fromkeys(("a", "year", "years"), Decimal(365)),
    **dict.fromkeys(("h", "hour", "hours"), _HOUR),
    **dict.fromkeys(("min", "minute", "minutes"), _HOUR / 60),
}


def fingerprint(json: object) -> bytes | None:
    """A digest of a piece of JSON, the same for the same piece only; None for what is no strict JSON."""
    try:
        return blake2b(orjson.dumps(json), digest_size=32).digest()
    except orjson.JSONEncodeError:
        return None


def inclusive_days(start: date, end: date) -> int:
    """Days from start to end, both counted."""
    return (end - start) // timedelta(days=1) + 1


def absent(element: Json, name: str) -> bool:
    """Whether a primitive is said to have no value: no value, or none at a place of a list, and an extension that says why."""
    values, shadows = element.get(name), element.get(f"_{name}")
    values = [*values] if isinstance(values, list) else [values]
    shadows = shadows if isinstance(shadows, list) else [shadows]
    values += [None] * (len(shadows) - len(values))
    return any(
        value is None and isinstance(shadow, Mapping) and bool(shadow.get("extension"))
        for value, shadow in zip(values, shadows, strict=False)
    )


def any_absent(element: Json) -> bool:
    """Whether any member of an element is said to have no value."""
    return any(absent(element, name[1:]) for name in element if name.startswith("_"))
