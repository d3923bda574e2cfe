"""Conditions and observations: what of them a fact may need, with clinical and verification status honoured."""

from __future__ import annotations

from decimal import Decimal

from cds.core.gap import Gap, GapKind, Reading
from cds.core.record import Measurement, RecordedCondition
from cds.fhir import json_access as views
from cds.fhir.json_access import Json
from cds.fhir.orders import sets_of
from cds.knowledge.files.value_sets import OTHER_NAMES
from cds.knowledge.model import Knowledge

NEVER_COUNTS = {"refuted", "entered-in-error"}
NO_LONGER = {"inactive", "remission", "resolved"}
NOT_OBSERVED = {"entered-in-error", "cancelled", "registered", "unknown"}


def condition(resource: Json, knowledge: Knowledge) -> Reading[RecordedCondition]:
    """A condition whose code is in a value set. None without a gap where it is refuted, in error, or no fact asks for it."""
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
    return Reading(
        RecordedCondition(
            reference=reference,
            display=_display(concept, knowledge) or words or "condition on record",
            value_sets=sets,
            active=_is_active(resource),
            onset=views.day(resource.get("onsetDateTime")) or views.day(resource.get("recordedDate")),
        )
    )


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


def measurements(resource: Json, knowledge: Knowledge) -> Reading[tuple[Measurement, ...]]:
    """The values in an observation and its components that a fact asks for; empty where none is."""
    if (views.text(resource, "status") or "final").lower() in NOT_OBSERVED:
        return Reading(())
    if not any(True for _ in views.codings(resource.get("code"))):
        return Reading((), (Gap(GapKind.RESOURCE, "An observation has no code that could be read.", views.reference(resource)),))
    read = [_measurement(resource, part, knowledge) for part in (resource, *views.objects(resource, "component"))]
    found = tuple(reading.value for reading in read if reading.value is not None)
    return Reading(found, tuple(gap for reading in read for gap in reading.gaps))


def _measurement(resource: Json, part: Json, knowledge: Knowledge) -> Reading[Measurement]:
    sets = sets_of(part.get("code"), knowledge)
    if not sets:
        return Reading(None)
    reference = views.reference(resource)
    quantity = views.child(part, "valueQuantity")
    value = views.number(quantity.get("value")) if quantity else views.number(part.get("valueInteger"))
    answer = sets_of(part.get("valueCodeableConcept"), knowledge)
    value = _points(answer) if value is None else value
    taken = views.day(resource.get("effectiveDateTime")) or views.day(views.child(resource, "effectivePeriod").get("start"))
    gaps = []
    if value is None and not answer and any(name.startswith("value") for name in part):
        gaps.append(Gap(GapKind.RESOURCE, "A measurement has no value that could be read.", reference))
    if taken is None and (value is not None or answer):
        gaps.append(Gap(GapKind.DATE, "A measurement has no date and was not used.", reference))
    return Reading(
        Measurement(
            reference=reference,
            display=_display(part.get("code"), knowledge) or "measurement on record",
            value_sets=sets,
            value=value,
            unit=views.text(quantity, "code") or views.text(quantity, "unit"),
            taken=taken,
            upper_limit=_upper_limit(part),
            answer=answer,
        ),
        tuple(gaps),
    )


def _points(answer: frozenset[str]) -> Decimal | None:
    """The points of a coded answer, by the set that it is in: `phq9-answer-2` is worth 2."""
    points = [name.rpartition("-answer-")[2] for name in answer if "-answer-" in name]
    return Decimal(points[0]) if len(points) == 1 else None


def _upper_limit(part: Json) -> Decimal | None:
    limits = [views.number(views.child(item, "high").get("value")) for item in views.objects(part, "referenceRange")]
    known = [limit for limit in limits if limit is not None and limit > 0]
    return max(known) if known else None
