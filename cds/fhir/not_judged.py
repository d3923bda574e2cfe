"""Drafts that are not judged though they may be of a benzodiazepine or Z-drug: each is a gap that a card tells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cds.core.gap import Gap, GapKind, Reading
from cds.core.medication import Certainty
from cds.core.record import Order
from cds.fhir import json_access as views
from cds.fhir.drug_words import LONGEST_TEXT, words
from cds.fhir.json_access import Json
from cds.fhir.medications import says_unknown, unresolved
from cds.fhir.reader import ReadingContext
from cds.knowledge.files.drug_names import UNLISTED

NOT_FOUND = "Its medication stands in a resource that was not sent or could not be found, so it was not checked."
SAID_UNKNOWN = "Its medication is said to be unknown, so it was not checked."
IN_WORDS = (
    "Which drug is meant could not be told, but its words name a benzodiazepine or Z-drug, so it may be one that was not checked."
)
TEXTS = frozenset({"text", "display", "div", "patientInstruction", "description", "title", "valueString", "value"})
NOT_ABOUT = frozenset(
    {"reason", "reasonCode", "reasonReference", "priorPrescription", "detectedIssue", "subject", "requester", "recorder"}
    | {"performer", "encounter", "identifier", "meta", "insurance", "eventHistory"}
)
"""Elements whose words tell of something else than what is ordered."""
DIRECTIONS = ("dosageInstruction", "dosage")
"""Where an order that names a medicine of its own would name another only by mistake, or since it is that one."""
MOST_VALUES = 500
"""Values of one draft that are looked at for words."""
MOST_TEXT = 4000
TAG = re.compile(r"<[^<>]{0,200}>")


def not_judged(resource: Json, reading: Reading[Order], desk: ReadingContext) -> Gap | None:
    """The gap of a draft that was not judged and may be of a benzodiazepine or Z-drug, None for any other."""
    order, reference = reading.value, views.reference(resource)
    if order is None:
        if any(gap.kind is GapKind.CONTRADICTION for gap in reading.gaps):
            return None
        if unresolved(resource, desk.library):
            return Gap(GapKind.NOT_JUDGED, NOT_FOUND, reference)
        if _words_name_one(resource, desk):
            return Gap(GapKind.NOT_JUDGED, IN_WORDS, reference)
        return Gap(GapKind.NOT_JUDGED, SAID_UNKNOWN, reference) if says_unknown(resource, desk.library) else None
    drug = order.medication
    if drug.agent is not None or drug.out_of_scope:
        return None
    if UNLISTED in drug.groups:
        return next(
            (Gap(GapKind.NOT_JUDGED, gap.says, reference) for gap in reading.gaps if gap.kind is GapKind.MEDICATION), None
        )
    untold = not drug.ingredients and drug.certainty is Certainty.WORDS
    directions = {name: resource[name] for name in DIRECTIONS if name in resource}
    return Gap(GapKind.NOT_JUDGED, IN_WORDS, reference) if untold and _words_name_one(directions, desk) else None


def _words_name_one(resource: Json, desk: ReadingContext) -> bool:
    for text in _texts(resource):
        plain = TAG.sub(" ", text[:MOST_TEXT])
        for start in range(0, len(plain), LONGEST_TEXT):
            said = words(plain[start : start + LONGEST_TEXT], desk.knowledge.names, desk.knowledge.stems)
            if any(drug.agent or UNLISTED in drug.groups for drug in said.drugs):
                return True
    return False


def _texts(resource: Json) -> Iterator[str]:
    """The texts of a resource that may tell what is ordered."""
    waiting: list[tuple[str, object]] = [(name, value) for name, value in resource.items() if name not in NOT_ABOUT]
    for _ in range(MOST_VALUES):
        if not waiting:
            return
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((inner, member) for inner, member in value.items() if inner not in NOT_ABOUT)
        elif isinstance(value, list):
            waiting.extend((name, item) for item in value[:MOST_VALUES])
        elif isinstance(value, str) and name in TEXTS:
            yield value
