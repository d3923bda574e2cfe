"""JSON read over HTTP, from allowed addresses alone, bounded in time and in size: FHIR resources, and the keys of callers.

Redirects are not followed, nothing is cached, and a name is connected to at the very address that was checked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import httpx
import orjson

from cds.fhir import json_access as views
from cds.fhir.json_access import Json
from cds.fhir.names import Names, is_number

LARGEST_ANSWER = 5 * 1024 * 1024
MOST_PARTS = 100_000
"""Objects and lists in what is read for one call: each costs far more memory than the two bytes that it may be sent in."""
MOST_CONNECTIONS, KEPT, KEPT_SECONDS = 100, 10, 30
"""To one server: at a time, kept open when idle, and for how long."""
MOST_ADDRESSES = 3
"""How many addresses of one name are tried."""
ACCEPTED = "application/fhir+json, application/json"
FORM = re.compile(r"[\x21-\x7e]+")
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Why(StrEnum):
    """Why something was not read; counted in metrics."""

    OUTSIDE = "outside"
    """The address is not one that may be read."""
    ADDRESS = "address"
    """The name stands for an address inside our own network."""
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    DENIED = "denied"
    """401 or 403."""
    ABSENT = "absent"
    """404 or 410."""
    STATUS = "status"
    """Any other status but 200, redirects included."""
    SIZE = "size"
    GARBAGE = "garbage"
    """No JSON object."""


class NotRead(Exception):
    """Something was not read. Tells nothing of what was asked or answered."""

    def __init__(self, why: Why) -> None:
        self.why = why
        super().__init__(why.value)


@dataclass(frozen=True, slots=True)
class AllowedAddress:
    """A base address under which may be read. `private` is the word that it lies inside our own network.

    An address written as a number, or as localhost, says that itself.
    """

    base: str
    private: bool = False

    @property
    def inside(self) -> bool:
        """Whether an address of our own network is meant."""
        host = urlsplit(self.base).hostname or ""
        return self.private or host == "localhost" or is_number(host)

    def holds(self, url: str) -> bool:
        """Whether an address is the base, or lies under it."""
        if FORM.fullmatch(url) is None or "\\" in url or "#" in url or "@" in url.partition("?")[0]:
            return False
        path = unquote(unquote(url.partition("?")[0]))
        if ".." in path.split("/") or "." in path.split("/"):
            return False
        return url == self.base or url.startswith((f"{self.base}/", f"{self.base}?"))


@dataclass(slots=True)
class Parts:
    """How many objects and lists may still be read for one call, by all its reads together."""

    left: int = MOST_PARTS

    def take(self, content: bytes | bytearray) -> None:
        """Counts those in an answer, before it is parsed. Refuses: more than are left (NotRead)."""
        self.left -= content.count(b"{") + content.count(b"[")
        if self.left < 0:
            raise NotRead(Why.SIZE)


class FhirClient:
    """Reads. One for each process; its connections are kept, a pool for each server."""

    def __init__(self, seconds_a_read: float, largest: int = LARGEST_ANSWER) -> None:
        self._seconds = seconds_a_read
        self._largest = largest
        self._pools: dict[str, httpx.AsyncClient] = {}
        self._trusted: ssl.SSLContext | None = None
        self._names = Names()

    async def read(self, place: AllowedAddress, url: str, token: str | None = None, parts: Parts | None = None) -> Any:
        """The JSON object at an address under the place. `token` is shown as a Bearer token, and kept nowhere.

        `parts` is what may still be read for the call; without it this is the only read.

        Refuses with NotRead: everything else, in a sentence of one word.
        """
        if not place.holds(url) or (token is not None and FORM.fullmatch(token) is None):
            raise NotRead(Why.OUTSIDE)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._answer(place, url, token, parts or Parts())
        except TimeoutError:
            raise NotRead(Why.TIMEOUT) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError, ValueError):
            raise NotRead(Why.UNREACHABLE) from None

    async def close(self) -> None:
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()

    async def _answer(self, place: AllowedAddress, url: str, token: str | None, parts: Parts) -> Any:
        asked = httpx.URL(url)
        name = asked.raw_host.decode()
        found = await self._names.addresses(name, asked.port or (443 if asked.scheme == "https" else 80))
        addresses = _allowed(found, place.inside)
        headers = {"Host": asked.netloc.decode(), "Accept": ACCEPTED, "Accept-Encoding": "identity"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        response = await self._sent(asked, addresses, headers, name)
        try:
            return await self._parsed(response, parts)
        finally:
            await response.aclose()

    async def _sent(self, asked: httpx.URL, addresses: Sequence[str], headers: Mapping[str, str], name: str) -> httpx.Response:
        """The answer of the first address that can be connected to, shown the name that was asked for."""
        pool = self._pool(f"{asked.scheme}://{asked.netloc.decode()}")
        for address in addresses:
            url = asked.copy_with(host=address)
            try:
                return await pool.send(
                    pool.build_request("GET", url, headers=headers, extensions={"sni_hostname": name}), stream=True
                )
            except httpx.ConnectError:
                continue
        raise NotRead(Why.UNREACHABLE)

    async def _parsed(self, response: httpx.Response, parts: Parts) -> Any:
        if response.status_code != httpx.codes.OK:
            raise NotRead(STATUSES.get(response.status_code, Why.STATUS))
        if response.headers.get("content-encoding", "identity") != "identity":
            raise NotRead(Why.GARBAGE)
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > self._largest:
                raise NotRead(Why.SIZE)
        parts.take(content)
        try:
            found = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise NotRead(Why.GARBAGE) from None
        if not isinstance(found, dict):
            raise NotRead(Why.GARBAGE)
        return found

    def _pool(self, origin: str) -> httpx.AsyncClient:
        """The connections to one server: sharing them between names would let one name's certificate stand for another."""
        if origin not in self._pools:
            limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=KEPT, keepalive_expiry=KEPT_SECONDS)
            self._trusted = self._trusted or ssl.create_default_context()
            self._pools[origin] = httpx.AsyncClient(
                verify=self._trusted, trust_env=False, follow_redirects=False, limits=limits, timeout=None
            )
        return self._pools[origin]


STATUSES: Mapping[int, Why] = {401: Why.DENIED, 403: Why.DENIED, 404: Why.ABSENT, 410: Why.ABSENT}


def may_connect(address: str, inside: bool) -> bool:
    """Whether an address may be connected to. Addresses of our own network only where that is meant; of the link never."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.version == 6 and ip in NAT64):
        return False
    return ip.is_global or inside


def _allowed(addresses: Sequence[str], inside: bool) -> Sequence[str]:
    """Some of the addresses that a name stands for. Refuses a name of which any may not be connected to."""
    if not all(may_connect(address, inside) for address in addresses):
        raise NotRead(Why.ADDRESS)
    return addresses[:MOST_ADDRESSES]


MOST_PAGES = 20
"""How many pages of one search are read; what lies beyond is told as unread."""


def next_page(bundle: object) -> str | None:
    """The address of the page that follows, or None where the Bundle is the last or is no Bundle."""
    if views.text(bundle, "resourceType") != "Bundle":
        return None
    return next((views.text(link, "url") for link in views.objects(bundle, "link") if link.get("relation") == "next"), None)


async def read_on(read: Callable[[str], Awaitable[Any]], place: AllowedAddress, bundle: Json) -> AsyncIterator[dict[str, Any]]:
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


def _resolved(place: AllowedAddress, link: str) -> str:
    try:
        return urljoin(f"{place.base}/", link)
    except ValueError:
        raise NotRead(Why.OUTSIDE) from None


def _entries(bundle: Json) -> list[Any]:
    entries = bundle.get("entry")
    return entries if isinstance(entries, list) else []
