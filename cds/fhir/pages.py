"""The pages of a search: a Bundle and the ones that follow it, joined."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urljoin

from cds.fhir import json_access as views
from cds.fhir.client import NotRead, Place, Why
from cds.fhir.json_access import Json

MOST_PAGES = 20
"""How many pages of one search are read; what lies beyond is told as unread."""


def next_page(bundle: object) -> str | None:
    """The address of the page that follows, or None where the Bundle is the last or is no Bundle."""
    if views.text(bundle, "resourceType") != "Bundle":
        return None
    return next((views.text(link, "url") for link in views.objects(bundle, "link") if link.get("relation") == "next"), None)


async def read_on(read: Callable[[str], Awaitable[Any]], place: Place, bundle: Json) -> AsyncIterator[dict[str, Any]]:
    """The Bundle joined with each further page in turn; its `next` link stays for as long as pages are missing.

    Refuses with NotRead: a page that can't be read, lies outside the place, or was read before.
    """
    joined = dict(bundle)
    seen: set[str] = set()
    while (link := next_page(joined)) is not None and len(seen) < MOST_PAGES:
        url = _resolved(place, link)
        if url in seen:
            raise NotRead(Why.GARBAGE)
        seen.add(url)
        page = await read(url)
        if views.text(page, "resourceType") != "Bundle":
            raise NotRead(Why.GARBAGE)
        joined = {**joined, "entry": [*_entries(joined), *_entries(page)], "link": views.objects(page, "link")}
        yield joined


def _resolved(place: Place, link: str) -> str:
    try:
        return urljoin(f"{place.base}/", link)
    except ValueError:
        raise NotRead(Why.OUTSIDE) from None


def _entries(bundle: Json) -> list[Any]:
    entries = bundle.get("entry")
    return entries if isinstance(entries, list) else []
