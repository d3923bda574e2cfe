"""Conditions and observations: what of them a fact may need, with clinical and verification status honoured."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cds.core.gap import Gap, GapKind, Reading
from cds.core.record import Measurement, RecordedCondition
from cds.fhir import json_access as views
from cds.fhir.dates import Dated, first_known, happened
from cds.fhir.json_access import Json
from cds.fhir.orders import sets_of
from cds.fhir.reader import ReadingContext
from cds.knowledge.files.value_sets import OTHER_NAMES
from cds.knowledge.model import Knowledge

NEVER_COUNTS = {"refuted", "entered-in-error"}
NO_LONGER = {"inactive", "remission", "resolved"}
NOT_DATED = "A measurement has no date and was not used."
MONTH_ONLY = "A measurement's date names a month or year only; it was weighed as of the last day of it."
EFFECTIVE = ("effectiveDateTime", "effectiveInstant")
NOT_OBSERVED = {"entered-in-error", "cancelled", "registered", "unknown"}


def condition(resource: Json, desk: ReadingContext) -> Reading[RecordedCondition]:
    """A condition whose code is in a value set. None without a gap where it is refuted, in error, or no fact asks for it."""
    knowledge = desk.knowledge
    concept = resource.get("code")
    coded = list(views.codings(concept))
    sets = frozenset[str]().union(*(knowledge.codes.get((system, code), ()) for system, code, _ in coded))
    if coded and not sets:
        return Reading(None)
    if views.code_of(resource.get("verificationStatus")) in NEVER_COUNTS:
        return Reading(None)
    reference = views.reference(resource)
    words = views.text(views.mapping(concept), "text")
    if not coded:
        said = (
            "A condition is given in words only and was not weighed." if words else "A condition has no code that could be read."
        )
        return Reading(None, (Gap(GapKind.RESOURCE, said, reference),))
    began = first_known(happened(date, desk.day, desk.born) for date in _dates(resource))
    fault = f"A condition's date {began.fault}, so it was not used." if began.fault else ""
    return Reading(
        RecordedCondition(
            reference=reference,
            display=_display(concept, knowledge) or words or "condition on record",
            value_sets=sets,
            active=_is_active(resource),
            onset=began.day,
            onset_earlier=began.latest,
        ),
        (Gap(GapKind.DATE, fault, reference),) if fault else (),
    )


def _dates(resource: Json) -> Iterator[object]:
    """The dates of a condition, the nearest to its begin first."""
    yield resource.get("onsetDateTime")
    yield views.child(resource, "onsetPeriod").get("start")
    yield from (resource.get(name) for name in ("recordedDate", "assertedDate", "dateRecorded"))


def _display(concept: object, knowledge: Knowledge) -> str | None:
    """The display of our own value set, never the client's text: of the first set by name, the first of its rows."""
    shown = knowledge.remembered.recall(_displays, lambda: _displays(knowledge))
    coded = [(system, code) for system, code, _ in views.codings(concept)]
    return min((shown[each] for each in coded if each in shown), default=(None,))[-1]


def _displays(knowledge: Knowledge) -> dict[tuple[str, str], tuple[str, int, str]]:
    """By system and code, the value set of the first name that holds it, the place of its row, and the display."""
    found: dict[tuple[str, str], tuple[str, int, str]] = {}
    for name in sorted(knowledge.value_sets):
        for place, row in enumerate(knowledge.value_sets[name]):
            for system in (row.system, OTHER_NAMES.get(row.system, row.system)):
                found.setdefault((system, row.code), (name, place, row.display))
    return found


def _is_active(resource: Json) -> bool:
    if views.code_of(resource.get("clinicalStatus")) in NO_LONGER:
        return False
    stated = views.code_of(resource.get("clinicalStatus")) is not None
    return stated or not any(name.startswith("abatement") and resource[name] for name in resource)


def measurements(resource: Json, desk: ReadingContext) -> Reading[tuple[Measurement, ...]]:
    """The values in an observation and its components that a fact asks for; empty where none is."""
    if (views.text(resource, "status") or "final").lower() in NOT_OBSERVED:
        return Reading(())
    if not any(True for _ in views.codings(resource.get("code"))):
        return Reading((), (Gap(GapKind.RESOURCE, "An observation has no code that could be read.", views.reference(resource)),))
    read = [_measurement(resource, part, desk) for part in (resource, *views.objects(resource, "component"))]
    found = tuple(reading.value for reading in read if reading.value is not None)
    return Reading(found, tuple(gap for reading in read for gap in reading.gaps))


def _measurement(resource: Json, part: Json, desk: ReadingContext) -> Reading[Measurement]:
    knowledge = desk.knowledge
    sets = sets_of(part.get("code"), knowledge)
    if not sets:
        return Reading(None)
    reference = views.reference(resource)
    quantity = views.child(part, "valueQuantity")
    value = views.number(quantity.get("value")) if quantity else views.number(part.get("valueInteger"))
    answer = sets_of(part.get("valueCodeableConcept"), knowledge)
    value = _points(answer) if value is None else value
    taken = _taken(resource, desk)
    gaps = []
    if value is None and not answer and any(name.startswith("value") for name in part):
        gaps.append(Gap(GapKind.RESOURCE, "A measurement has no value that could be read.", reference))
    if taken.day is None and (value is not None or answer):
        says = f"A measurement's date {taken.fault}, so it was not used." if taken.fault else NOT_DATED
        gaps.append(Gap(GapKind.DATE, says, reference))
    if taken.latest and (value is not None or answer):
        gaps.append(Gap(GapKind.DATE, MONTH_ONLY, reference))
    return Reading(
        Measurement(
            reference=reference,
            display=_display(part.get("code"), knowledge) or "measurement on record",
            value_sets=sets,
            value=value,
            unit=views.text(quantity, "code") or views.text(quantity, "unit"),
            taken=taken.day,
            taken_since=views.earliest_day(_effective(resource)) if taken.latest else None,
            upper_limit=_upper_limit(part),
            answer=answer,
        ),
        tuple(gaps),
    )


def _effective(resource: Json) -> object:
    """The date of an observation as it stands there."""
    period = views.child(resource, "effectivePeriod")
    return next((date for date in (*map(resource.get, EFFECTIVE), period.get("start")) if date is not None), None)


def _taken(resource: Json, desk: ReadingContext) -> Dated:
    return happened(_effective(resource), desk.day, desk.born)


def _points(answer: frozenset[str]) -> Decimal | None:
    """The points of a coded answer, by the set that it is in: `phq9-answer-2` is worth 2."""
    points = [name.rpartition("-answer-")[2] for name in answer if "-answer-" in name]
    return Decimal(points[0]) if len(points) == 1 else None


def _upper_limit(part: Json) -> Decimal | None:
    limits = [views.number(views.child(item, "high").get("value")) for item in views.objects(part, "referenceRange")]
    known = [limit for limit in limits if limit is not None and limit > 0]
    return max(known) if known else None
