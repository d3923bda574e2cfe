"""A registration tried as its client would call: discovery, a hook call, feedback; each with a word on what came back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from cds.hooks.messages import EXTENSION
from cds.hooks.sample_call import SERVICE, stop
from cds.trust.tokens import signed

SECONDS = 10.0
TOKEN_SECONDS = 120


@dataclass(frozen=True, slots=True)
class TriedStep:
    """One thing that was tried: what, whether it went as it should, and what was seen."""

    what: str
    right: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Signer:
    """What signs as a client: its issuer, and its private key as a JWK."""

    issuer: str
    jwk: dict[str, Any]

    def headers(self, address: str) -> dict[str, str]:
        token = signed(self.issuer, self.jwk, address, int(time.time()), TOKEN_SECONDS, str(uuid4()))
        return {"Authorization": f"Bearer {token}"}


def signer(issuer: str, file: Path) -> Signer:
    """The signer with the key in a file. Refuses with ValueError: what is no private JWK."""
    jwk = json.loads(file.read_text())
    if not isinstance(jwk, dict) or "d" not in jwk or "kid" not in jwk or "alg" not in jwk:
        raise ValueError(f"{file}: expected one private key as a JWK, with `kid` and `alg`.")
    return Signer(issuer, jwk)


def tried(base: str, day: date, signs: Signer | None, caller: httpx.Client) -> Iterator[TriedStep]:
    """Each step in turn; nothing after one without which the next makes no sense."""
    base = base.rstrip("/").removesuffix("/cds-services")
    service = f"{base}/cds-services/{SERVICE}"
    try:
        found = caller.get(f"{base}/cds-services")
        yield _discovery(found)
        call = stop(day)
        answer = caller.post(service, json=call, headers=signs.headers(service) if signs else {})
        yield _answered(answer)
        if answer.status_code != httpx.codes.OK:
            return
        body = answer.json()
        yield _prefetch(body)
        yield from _cards(body)
        cards = [card["uuid"] for card in body["cards"] if "uuid" in card]
        if cards:
            address = f"{service}/feedback"
            said = {"card": cards[0], "outcome": "overridden", "outcomeTimestamp": f"{day.isoformat()}T00:00:00Z"}
            told = caller.post(address, json={"feedback": [said]}, headers=signs.headers(address) if signs else {})
            yield TriedStep("feedback", told.status_code == httpx.codes.OK, _status(told))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield TriedStep("connection", False, f"{base} can't be reached: {type(error).__name__}")


def _discovery(found: httpx.Response) -> TriedStep:
    services = found.json().get("services", []) if found.status_code == httpx.codes.OK else []
    named = ", ".join(service["id"] for service in services)
    return TriedStep("discovery", any(service["id"] == SERVICE for service in services), named or _status(found))


def _answered(answer: httpx.Response) -> TriedStep:
    refused = answer.status_code == httpx.codes.UNAUTHORIZED
    hint = " The token is not taken: the log line `token_refused` of the service says why." if refused else ""
    return TriedStep("token and hook call", answer.status_code == httpx.codes.OK, f"{_status(answer)}{hint}")


def _prefetch(body: Any) -> TriedStep:
    missing = [gap["says"] for gap in body["extension"][EXTENSION]["gaps"] if gap["kind"] == "missing"]
    return TriedStep("prefetch", True, f"not given in this call: {len(missing)}" if missing else "all that was given was read")


def _cards(body: Any) -> Iterator[TriedStep]:
    orders, cards = body["extension"][EXTENSION]["orders"], body["cards"]
    yield TriedStep("drafts", len(orders) == 1, f"{len(orders)} order judged, {len(cards)} cards")


def _status(answer: httpx.Response) -> str:
    return f"status {answer.status_code}"
