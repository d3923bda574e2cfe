"""Addresses that an operator writes down: of servers that may be read, and of web pages that may call."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from cds.fhir.client import AllowedAddress, may_connect

HTTPS = "Expected: an address such as https://ehr.example.org/fhir."
ORIGIN = "Expected: a scheme and a host, such as https://ehr.example.org, and no path."


def wrong_address(text: str) -> str | None:
    """What is wrong with an address that is to be read from or called, in words that follow it; None where nothing is."""
    place = AllowedAddress(text.rstrip("/"))
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no address."
    if not host or parts.scheme not in {"https", "http"} or parts.query or parts.fragment or not place.holds(place.base):
        return "is no address."
    if place.inside and host != "localhost" and not may_connect(host, inside=True):
        return "is an address that no server may have."
    if parts.scheme == "http" and not _is_loopback(host):
        return "is not encrypted; http is for this machine alone."
    return None


def wrong_origin(text: str) -> str | None:
    """What is wrong with a web origin, in words that follow it; None where nothing is."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return "is no origin."
    if parts.scheme not in {"https", "http"} or not host or text != f"{parts.scheme}://{parts.netloc}" or "*" in text:
        return "is no origin."
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
