"""The hook calls of one patient: each day's orders as the order-sign call that they would have been, and opened charts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

import orjson

from cds.core.record import RecordPart
from cds.fhir.json_access import Json, child, local_reference, text
from cds.hooks.messages import HookCall
from cds.population.known import (
    as_known,
    draft_of,
    ended_by_hand,
    follows,
    is_order,
    known_on,
    order_as_known,
    signed_on,
)

SIGN, VIEW = "order-sign", "patient-view"
SERVICES = {SIGN: "taper-order-sign", VIEW: "taper-patient-view"}
PARTS = {
    "MedicationRequest": RecordPart.REQUESTS,
    "MedicationDispense": RecordPart.DISPENSES,
    "MedicationStatement": RecordPart.STATEMENTS,
    "Condition": RecordPart.CONDITIONS,
    "Observation": RecordPart.OBSERVATIONS,
}
MOST = {RecordPart.OBSERVATIONS: 50}
MOST_OF_OTHERS = 250
"""As many of each part, the newest, as the services' prefetch templates ask for."""
HOOK_INSTANCE = "00000000-0000-4000-8000-000000000000"
NEXT_PAGE = [{"relation": "next", "url": "urn:more"}]


@dataclass(frozen=True, slots=True)
class Stored:
    """One resource of an export: of which type, in which file and line, and its JSON."""

    type: str
    id: str
    file: str
    line: int
    resource: Json

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class ReplayPeriod:
    """The days whose orders are replayed, both included, and the days on which charts are opened."""

    first: date = date.min
    last: date = date.max
    views: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Replayed:
    """One call: its hook and day, the orders that were signed or ended with it, and the call itself."""

    hook: str
    day: date
    orders: tuple[Stored, ...]
    call: HookCall


@dataclass(slots=True)
class Untold:
    """How many of a patient's resources were left out, by type: no day on record says when they were known."""

    undated: dict[str, int] = field(default_factory=dict)
    stops: int = 0
    """Orders that were stopped on a day that is not on record."""
    versions: int = 0
    """Lines that held another version of the same resource."""

    def count(self, type: str) -> None:
        self.undated[type] = self.undated.get(type, 0) + 1


class History:
    """The resources of one patient, each version once, and what of them was known on which day.

    `given` are the types that the export holds at all: a type that it doesn't was not asked, which is not the word that there
    is none. `shared` are medications and encounters' like by reference.
    """

    def __init__(
        self, patient: str, stored: Iterable[Stored], given: frozenset[str], shared: Mapping[str, Json], untold: Untold
    ) -> None:
        self.patient, self._given, self._shared = patient, given, shared
        by_type: dict[str, list[Stored]] = {}
        for each in _newest_versions(stored, untold):
            by_type.setdefault(each.type, []).append(each)
        self.person: Json | None = next((each.resource for each in by_type.get("Patient", ())), None)
        self._encounters = {each.reference: each.resource for each in by_type.get("Encounter", ())}
        self._orders: list[tuple[date, Stored]] = []
        for each in by_type.get("MedicationRequest", ()):
            if not is_order(each.resource):
                continue
            signed = signed_on(each.resource)
            if signed is None:
                untold.count(each.type)
            else:
                self._orders.append((signed, each))
            status = (text(each.resource, "status") or "").lower()
            untold.stops += status in {"stopped", "cancelled"} and ended_by_hand(each.resource) is None
        self._orders.sort(key=lambda each: (each[0], each[1].id))
        self._followers: dict[str, list[date]] = {}
        for signed, order in self._orders:
            if before := follows(order.resource):
                self._followers.setdefault(before, []).append(signed)
        self._others: list[tuple[date, Stored]] = []
        self._given |= by_type.keys()
        for type in PARTS:
            for each in by_type.get(type, ()) if type != "MedicationRequest" else ():
                since = known_on(each.resource, type)
                if since is None:
                    untold.count(type)
                else:
                    self._others.append((since, each))
        self._others.sort(key=lambda each: (each[0], each[1].reference))

    def calls(self, period: ReplayPeriod, concerns: frozenset[str]) -> Iterator[Replayed]:
        """The calls within the period, by day. `concerns` are the ids of the orders that the rules are about."""
        by_day: dict[date, list[Stored]] = {}
        for signed, order in self._orders:
            by_day.setdefault(signed, []).append(order)
            ended = ended_by_hand(order.resource)
            if ended is not None and ended > signed:
                by_day.setdefault(ended, []).append(order)
        days = {day for day, orders in by_day.items() if any(order.id in concerns for order in orders)}
        for day in sorted({*days, *period.views}):
            if day in days and period.first <= day <= period.last:
                yield self._signing(day, by_day[day])
            if day in period.views:
                yield self._opening(day)

    def orders(self) -> Iterator[Stored]:
        """Every order that was signed on a day that is known."""
        return (order for _, order in self._orders)

    def _signing(self, day: date, orders: Sequence[Stored]) -> Replayed:
        entries = [{"resource": draft_of(order.resource, day)} for order in orders]
        encounter = next((link for order in orders if (link := _encounter(order.resource))), None)
        call = self._call(SIGN, day, encounter, tuple((None, entry["resource"]) for entry in entries))
        return Replayed(SIGN, day, tuple(orders), call)

    def _opening(self, day: date) -> Replayed:
        return Replayed(VIEW, day, (), self._call(VIEW, day, None, ()))

    def _call(self, hook: str, day: date, encounter: str | None, drafts: tuple[tuple[None, Json], ...]) -> HookCall:
        return HookCall(
            service=SERVICES[hook],
            hook=hook,
            hook_instance=HOOK_INSTANCE,
            patient_id=self.patient,
            encounter_id=encounter.rpartition("/")[2] if encounter else None,
            drafts=drafts,
            prefetch=self._prefetch(day, encounter),
        )

    def _prefetch(self, day: date, encounter: str | None) -> dict[str, Any]:
        known: dict[RecordPart, list[Json]] = {part: [] for type, part in PARTS.items() if type in self._given}
        known.setdefault(RecordPart.REQUESTS, [])
        for signed, order in self._orders:
            if signed >= day:
                break
            followed = min((each for each in self._followers.get(order.reference, ()) if each < day), default=None)
            known[RecordPart.REQUESTS].append(order_as_known(order.resource, day, followed))
        for since, each in self._others:
            if since >= day:
                break
            known[PARTS[each.type]].append(as_known(each.resource, each.type, day))
        prefetch: dict[str, Any] = {part.value: self._bundle(part, found) for part, found in known.items()}
        if self.person is not None:
            prefetch[RecordPart.PATIENT.value] = self.person
        if encounter in self._encounters:
            prefetch[RecordPart.ENCOUNTER.value] = self._encounters[encounter]
        return prefetch

    def _bundle(self, part: RecordPart, known: list[Json]) -> dict[str, Any]:
        most = MOST.get(part, MOST_OF_OTHERS)
        newest = known[-most:]
        links = dict.fromkeys(link for each in newest if (link := medication_reference(each)))
        along = [self._shared[link] for link in links if link in self._shared]
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
        bundle["entry"] = [{"resource": each} for each in (*reversed(newest), *along)]
        return bundle if len(known) <= most else bundle | {"link": NEXT_PAGE}


def medication_reference(resource: Json) -> str | None:
    """`Medication/id` that an order or supply refers to."""
    named = text(child(resource, "medicationReference"), "reference")
    return local_reference(named) if named and not named.startswith("#") else None


def _encounter(order: Json) -> str | None:
    named = text(child(order, "encounter"), "reference")
    return local_reference(named) if named else None


def _newest_versions(stored: Iterable[Stored], untold: Untold) -> list[Stored]:
    """Each resource once, in an order that doesn't depend on the files': of several versions the one that was updated last."""
    newest: dict[str, tuple[tuple[str, bytes], Stored]] = {}
    for each in stored:
        content = orjson.dumps(each.resource, option=orjson.OPT_SORT_KEYS)
        rank = (text(child(each.resource, "meta"), "lastUpdated") or "", sha256(content).digest())
        before = newest.get(each.reference)
        untold.versions += before is not None
        if (
            before is None
            or rank > before[0]
            or (rank == before[0] and (each.file, each.line) < (before[1].file, before[1].line))
        ):
            newest[each.reference] = (rank, each)
    return [each for _, (_, each) in sorted(newest.items())]
