"""What a call did not bring, read from the client's FHIR server: in parallel, inside a time budget, by the call's own token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import quote

from cds.core.record import RecordPart
from cds.decision.decide import needs_record
from cds.fhir import json_access as views
from cds.fhir.client import MOST_PARTS, AllowedAddress, FhirClient, NotRead, Parts, Why, next_page, read_on
from cds.fhir.references import Library
from cds.hooks.messages import FhirAccess, HookCall, fhir_access, operation_outcome, refuse_other_patients
from cds.hooks.prefetch import Ledger, PrefetchState, full_urls, ledger
from cds.hooks.services import templates
from cds.knowledge.model import Knowledge
from cds.trust.client_registry import Client

NOT_READ = operation_outcome("incomplete", "It could not be read.")
MEDICATIONS = "org.taper-cds.medications"
"""The key under which the Medications that orders refer to join the prefetch."""
MOST_MEDICATIONS = 25
READ = "read"
NOT_ALLOWED = "fhirServer is none of the servers that may be read for this client (docs/integration.md)"

Counted = Callable[[str, float], None]
"""Told of each read: `read` or why not, and the seconds that it took."""


class Fetcher:
    """Reads what calls did not bring. One for each process."""

    def __init__(self, client: FhirClient, seconds: float, counted: Counted) -> None:
        self._client = client
        self._seconds = seconds
        self._counted = counted

    async def filled(
        self, call: HookCall, body: Mapping[str, Any], client: Client, knowledge: Knowledge, day: date
    ) -> tuple[HookCall, Ledger, int]:
        """The call with what could be read, where each part of the record came from, and how many objects and lists were read.

        A part that could not be read holds an error in place of data, so that it is never taken for "none". Refuses: a call that
        mixes patients (OtherPatient), before anything is read.
        """
        known = ledger(call.prefetch)
        queries = _queries(call, knowledge, [part for part, state in known.items() if state is PrefetchState.MISSING])
        pages = [part for part in RecordPart if next_page(call.prefetch.get(part.value))]
        if not queries and not pages and not _unresolved(_drafts(call), call):
            return call, known, 0
        access = fhir_access(body, client.subject)
        if isinstance(access, str):
            return replace(call, not_read=f"nothing was read: {access}"), known, 0
        place = client.server(access.server)
        if place is None:
            return replace(call, not_read=f"nothing was read: {NOT_ALLOWED}"), known, 0
        refuse_other_patients(call)
        visit = _Visit(self._client, place, access, self._counted, dict(call.prefetch))
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._seconds, access.seconds or self._seconds)):
                await visit.medications(_drafts(call), call)
                if not needs_record(visit.into(call), knowledge, day):
                    return visit.into(call), known, visit.read
                await visit.parts(queries, pages)
                await visit.medications(_history(visit.found), visit.into(call))
        states = visit.states(queries)
        return visit.into(call), {**known, **states}, visit.read


@dataclass
class _Visit:
    """The reads of one call. `found` is the prefetch as it fills."""

    client: FhirClient
    place: AllowedAddress
    access: FhirAccess
    counted: Counted
    found: dict[str, Any]
    fetched: set[RecordPart] = field(default_factory=set)
    left: Parts = field(default_factory=Parts)
    asked: bool = False
    failed: dict[RecordPart, Why] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """How many objects and lists were read."""
        return MOST_PARTS - self.left.left

    def into(self, call: HookCall) -> HookCall:
        return replace(call, prefetch=self.found, not_read=self._not_read())

    def states(self, queries: Iterable[RecordPart]) -> dict[RecordPart, PrefetchState]:
        """What became of the parts that were to be read; those that were not are marked as an error."""
        missed = [part for part in queries if part not in self.fetched] if self.asked else []
        self.found.update({part.value: NOT_READ for part in missed if part.value not in self.found})
        self.failed |= {part: Why.TIMEOUT for part in missed if part not in self.failed}
        return dict.fromkeys(self.fetched, PrefetchState.FETCHED) | dict.fromkeys(missed, PrefetchState.FAILED)

    async def parts(self, queries: Mapping[RecordPart, str], pages: Iterable[RecordPart]) -> None:
        """Reads each part, and the further pages of those that were sent."""
        self.asked = True
        reads = [self._part(part, query) for part, query in queries.items()]
        await asyncio.gather(*reads, *(self._pages(part) for part in pages))

    async def medications(self, resources: Iterable[views.Json], call: HookCall) -> None:
        """Reads the Medications that these resources refer to, where nothing that was sent holds them."""
        links = [link for link in _unresolved(resources, call) if "://" not in link or self.place.holds(link)]
        reads = [self._read(link if "://" in link else f"{self.place.base}/{link}") for link in links[:MOST_MEDICATIONS]]
        if not reads:
            return
        outcomes = await asyncio.gather(*reads, return_exceptions=True)
        entries = [{"resource": found} for found in outcomes if isinstance(found, dict)]
        before = views.objects(self.found.get(MEDICATIONS), "entry")
        self.found[MEDICATIONS] = {"resourceType": "Bundle", "entry": [*before, *entries]}

    async def _part(self, part: RecordPart, query: str) -> None:
        try:
            self.found[part.value] = await self._read(f"{self.place.base}/{query}")
        except NotRead as error:
            if error.why is not Why.ABSENT or "?" in query:
                self.failed[part] = error.why
                return
            self.found[part.value] = None
        self.fetched.add(part)
        await self._pages(part)

    async def _pages(self, part: RecordPart) -> None:
        """Joins the further pages; where one can't be read, its link stays, and says that something is missing."""
        first = self.found[part.value]
        if next_page(first) is None:
            return
        with suppress(NotRead):
            async for joined in read_on(self._read, self.place, first):
                self.found[part.value] = joined

    def _not_read(self) -> str:
        failed = ", ".join(f"{part.value} {self.failed[part].value}" for part in RecordPart if part in self.failed)
        return f"reading failed: {failed}" if failed else ""

    async def _read(self, url: str) -> Any:
        started, outcome = time.perf_counter(), Why.TIMEOUT.value
        try:
            found = await self.client.read(self.place, url, self.access.token, self.left)
            outcome = READ
            return found
        except NotRead as error:
            outcome = error.why.value
            raise
        finally:
            self.counted(outcome, time.perf_counter() - started)


def renamed(call: HookCall, names: Mapping[str, str]) -> HookCall:
    """The call with the prefetch keys of its client under our names."""
    return replace(call, prefetch={names.get(key, key): value for key, value in call.prefetch.items()}) if names else call


def _queries(call: HookCall, knowledge: Knowledge, parts: Iterable[RecordPart]) -> dict[RecordPart, str]:
    """What to ask for the parts of the record: our own templates, filled. A part of an encounter that is not named is none."""
    wanted = [part for part in parts if part is not RecordPart.ENCOUNTER or call.encounter_id]
    if not wanted:
        return {}
    offered = templates(knowledge)
    filled = {part: _filled(offered[part.value], call) for part in wanted}
    dstu2 = any(views.text(resource, "resourceType") == "MedicationOrder" for resource in _drafts(call))
    return {part: _of_dstu2(query) for part, query in filled.items()} if dstu2 else filled


def _filled(template: str, call: HookCall) -> str:
    """The template as an address. Strict servers refuse a bare `|`."""
    query = template.replace("{{context.patientId}}", quote(call.patient_id, safe=""))
    return query.replace("{{context.encounterId}}", quote(call.encounter_id or "", safe="")).replace("|", "%7C")


def _of_dstu2(query: str) -> str:
    """The query in the words of DSTU2, which has other names to sort by."""
    kept = "&".join(part for part in query.split("&") if not part.startswith("_sort="))
    return kept.replace("MedicationRequest?", "MedicationOrder?")


def _drafts(call: HookCall) -> list[views.Json]:
    return [resource for _, resource in call.drafts]


def _history(prefetch: Mapping[str, Any]) -> list[views.Json]:
    """The medication resources of the record that don't say in words which drug they are about."""
    keys = (RecordPart.REQUESTS, RecordPart.DISPENSES, RecordPart.STATEMENTS)
    entries = [entry for part in keys for entry in views.objects(prefetch.get(part.value), "entry")]
    resources = [views.child(entry, "resource") for entry in entries]
    return [one for one in resources if not views.text(views.child(one, "medicationReference"), "display")]


def _unresolved(resources: Iterable[views.Json], call: HookCall) -> list[str]:
    """The references to Medications that nothing which was sent resolves, each once."""
    linked = [(views.text(views.child(one, "medicationReference"), "reference"), one) for one in resources]
    links = [(link, one) for link, one in linked if link and not link.startswith(("#", "urn:"))]
    if not links:
        return []
    library = Library((*call.drafts, *full_urls(call.prefetch)))
    open_links = [link for link, one in links if library.find(link, one) is None]
    return list(dict.fromkeys(link for link in open_links if views.local_reference(link).startswith("Medication/")))
