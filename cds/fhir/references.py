"""Resolves FHIR references among the resources of one hook call."""

from __future__ import annotations

from collections.abc import Iterable

from cds.fhir import json_access as views
from cds.fhir.json_access import Json


class Library:
    """The resources that a reference may name: draft bundle entries and prefetched ones.

    Where two resources have one name, the first that was given counts: so give the drafts first.
    """

    def __init__(self, entries: Iterable[tuple[object, object]] = ()) -> None:
        """Takes (fullUrl, resource) pairs; a fullUrl may be None."""
        self._entries = entries
        self._by_url: dict[str, Json] = {}
        self._by_name: dict[str, tuple[Json, str | None]] = {}

    @classmethod
    def of(cls, *resources: object) -> Library:
        """A library of bundles and single resources; anything else is left out."""
        return cls(entry for resource in resources for entry in _entries(resource))

    def _catalogue(self) -> None:
        """Takes the resources in, when the first reference is looked up: most calls look up none."""
        entries, self._entries = self._entries, ()
        for url, resource in entries:
            self._add(url, resource)

    def _add(self, url: object, resource: object) -> None:
        if not isinstance(resource, dict):
            return
        full = url.strip() if isinstance(url, str) and url.strip() else None
        if full:
            self._by_url.setdefault(full, resource)
        if views.text(resource, "resourceType") and views.text(resource, "id"):
            self._by_name.setdefault(views.reference(resource), (resource, full))

    def find(self, reference: object, within: object = None) -> Json | None:
        """The resource that a Reference, or its text, names; `within` is the resource that it stands in. None where it dangles.

        `#id` is looked up among the contained resources. An absolute URL means that very fullUrl, or a resource of that type and
        id that was given without one of its own. Never raises.
        """
        text = reference.strip() if isinstance(reference, str) else views.text(reference, "reference")
        if not text:
            return None
        if text.startswith("#"):
            contained = views.objects(within, "contained")
            return next((item for item in contained if views.text(item, "id") in {text, text[1:]}), None)
        self._catalogue()
        unversioned = text.split("/_history/")[0]
        if text in self._by_url or unversioned in self._by_url:
            return self._by_url.get(text) or self._by_url[unversioned]
        found, full = self._by_name.get(views.local_reference(text), (None, None))
        absolute = "://" in text
        elsewhere = absolute and full is not None and full != unversioned
        return None if text.startswith("urn:") or elsewhere else found


def _entries(resource: object) -> Iterable[tuple[object, object]]:
    if views.text(resource, "resourceType") != "Bundle":
        yield None, resource
        return
    for entry in views.objects(resource, "entry"):
        inner = entry.get("resource")
        if views.text(inner, "resourceType") == "Bundle":
            yield from _entries(inner)
        else:
            yield entry.get("fullUrl"), inner
