"""What the prefetch of a hook call brought: for each part of the record, data, the word that there is none, or nothing.

A missing key was not looked up; null and an empty Bundle mean that there is no data; an error, a further page or a wrong
type means that something is missing. Missing is never read as "none".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from cds.core.record import NOT_GIVEN, Completeness, Delivery, RecordPart, Resource

WITH_MEDICATION = ("Medication",)
EXPECTED: Mapping[RecordPart, tuple[str, ...]] = {
    RecordPart.PATIENT: ("Patient",),
    RecordPart.REQUESTS: ("MedicationRequest", *WITH_MEDICATION),
    RecordPart.DISPENSES: ("MedicationDispense", *WITH_MEDICATION),
    RecordPart.STATEMENTS: ("MedicationStatement", *WITH_MEDICATION),
    RecordPart.CONDITIONS: ("Condition",),
    RecordPart.OBSERVATIONS: ("Observation",),
    RecordPart.ENCOUNTER: ("Encounter",),
}
"""The resource types that each key may bring; the Medication that an order refers to may come along."""
HARMLESS = {"warning", "information", "success"}
NOTHING = Delivery(Completeness.COMPLETE)
NO_FURTHER_PAGES = "further pages were not read"
NOT_ALL = "fewer entries were sent than were found"
ERROR = "the EHR reported an error"
UNREADABLE = "a part of it could not be read"
TWO_VERSIONS = "one resource came in two versions"
WRONG_TYPE = "it was of a wrong type"


def deliveries(prefetch: Mapping[str, Any]) -> dict[RecordPart, Delivery]:
    """What came of each part of the record. Keys that are not ours are passed over."""
    return {part: _delivery(part, prefetch[part.value]) if part.value in prefetch else NOT_GIVEN for part in RecordPart}


def full_urls(prefetch: Mapping[str, Any]) -> tuple[tuple[str | None, Resource], ...]:
    """Every resource of the prefetch, whatever its key, with the fullUrl by which a Bundle names it, where it has one."""
    found: list[tuple[str | None, Resource]] = []
    for value in map(_unwrapped, prefetch.values()):
        if not isinstance(value, dict):
            continue
        if value.get("resourceType") != "Bundle":
            found.append((None, value))
            continue
        for entry in _list(value.get("entry")):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(resource, dict):
                full_url = entry.get("fullUrl")
                found.append((full_url if isinstance(full_url, str) else None, resource))
    return tuple(found)


def _delivery(part: RecordPart, value: object) -> Delivery:
    if _failed(value):
        return Delivery(Completeness.MISSING, said=ERROR)
    value = _unwrapped(value)
    if value is None:
        return NOTHING
    if not isinstance(value, dict):
        return Delivery(Completeness.MISSING, said=WRONG_TYPE)
    type = value.get("resourceType")
    if type == "OperationOutcome":
        return Delivery(Completeness.MISSING, said=ERROR)
    if type == "Bundle":
        return _of_bundle(part, value)
    if type in EXPECTED[part]:
        return Delivery(Completeness.COMPLETE, (value,))
    return Delivery(Completeness.MISSING, said=WRONG_TYPE)


def _of_bundle(part: RecordPart, bundle: Mapping[str, Any]) -> Delivery:
    """The resources of a Bundle that are of the part's types, each once, and whether that is all there is."""
    entries = bundle.get("entry") or []
    if not isinstance(entries, list):
        return Delivery(Completeness.MISSING, said=UNREADABLE)
    faults = list(_faults(bundle))
    given = [entry["resource"] for entry in entries if _holds_resource(entry)]
    wanted = [resource for resource in given if resource.get("resourceType") in EXPECTED[part]]
    resources, conflicting = _each_once(wanted)
    if conflicting:
        faults.append(TWO_VERSIONS)
    if not resources and (faults or given):
        return Delivery(Completeness.MISSING, said=faults[0] if faults else WRONG_TYPE)
    if faults:
        return Delivery(Completeness.PARTIAL, resources, "; ".join(dict.fromkeys(faults)))
    return Delivery(Completeness.COMPLETE, resources)


def _faults(bundle: Mapping[str, Any]) -> Iterator[str]:
    """Why a Bundle is not all there is, in words."""
    found = 0
    for entry in _list(bundle.get("entry")):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            yield ERROR if _failed(entry) else UNREADABLE
        elif resource.get("resourceType") == "OperationOutcome":
            if not _harmless(resource):
                yield ERROR
        elif not isinstance(resource.get("resourceType"), str):
            yield UNREADABLE
        elif _mode(entry) != "include":
            found += 1
    if any(isinstance(link, dict) and link.get("relation") == "next" for link in _list(bundle.get("link"))):
        yield NO_FURTHER_PAGES
    total = bundle.get("total")
    if type(total) is int and total > found:
        yield NOT_ALL


def _each_once(resources: Iterable[Resource]) -> tuple[tuple[Resource, ...], bool]:
    """The resources with repeats left out, and whether one came in two versions: of those neither is kept."""
    kept: dict[object, Resource] = {}
    conflicting = set()
    for resource in resources:
        id = resource.get("id")
        key = (resource.get("resourceType"), id) if isinstance(id, str) and id else len(kept)
        first = kept.setdefault(key, resource)
        if first is not resource and first != resource:
            conflicting.add(key)
    return tuple(resource for key, resource in kept.items() if key not in conflicting), bool(conflicting)


def _holds_resource(entry: object) -> bool:
    """Whether an entry holds a resource that is data, not a message about the search."""
    if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
        return False
    return entry["resource"].get("resourceType") != "OperationOutcome" and _mode(entry) != "outcome"


def _mode(entry: Mapping[str, Any]) -> object:
    search = entry.get("search")
    return search.get("mode") if isinstance(search, dict) else None


def _harmless(outcome: Mapping[str, Any]) -> bool:
    """Whether an OperationOutcome only warns or informs; some servers send one with every empty search."""
    issues = _list(outcome.get("issue"))
    return bool(issues) and all(isinstance(issue, dict) and issue.get("severity") in HARMLESS for issue in issues)


def _unwrapped(value: object) -> Any:
    """The resource in `{response, resource}`, as clients of the first drafts of CDS Hooks wrap it; else the value itself."""
    if isinstance(value, dict) and "resourceType" not in value and "response" in value:
        return value.get("resource")
    return value


def _failed(value: object) -> bool:
    """Whether a wrapped value or a Bundle entry says that its request failed."""
    response = value.get("response") if isinstance(value, dict) and "resourceType" not in value else None
    status = response.get("status") if isinstance(response, dict) else None
    return status is not None and not str(status).startswith("2")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


class PrefetchState(StrEnum):
    """What became of one prefetch key."""

    SENT = "sent"
    NULL = "null"
    """The client looked, and there is none."""
    MISSING = "missing"
    """Not sent, and not read: there was no need, or no way."""
    FETCHED = "fetched"
    """Not sent, and read from the client's FHIR server."""
    FAILED = "failed"
    """The client sent an error, or reading it failed."""


Ledger = Mapping[RecordPart, PrefetchState]


def ledger(prefetch: Mapping[str, Any]) -> dict[RecordPart, PrefetchState]:
    """The ledger of a call as it came in."""
    return {part: _state(prefetch[part.value]) if part.value in prefetch else PrefetchState.MISSING for part in RecordPart}


def _state(value: object) -> PrefetchState:
    if value is None:
        return PrefetchState.NULL
    kind = value.get("resourceType") if isinstance(value, dict) else None
    if kind == "OperationOutcome":
        return PrefetchState.FAILED
    return PrefetchState.NULL if kind == "Bundle" and isinstance(value, dict) and not value.get("entry") else PrefetchState.SENT
