"""The JWT of a caller: verified by CDS Hooks' rules, or refused for a reason that only our own log tells; and one to try with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import jwt
from jwt.types import Options

from cds.trust.client_registry import Client, TrustedClients
from cds.trust.keys import ALGORITHMS, KeySets, algorithm_of
from cds.trust.used_tokens import SeenTokens, fingerprint

LEEWAY_SECONDS = 60
LONGEST_LIFE_SECONDS = 3600
LONGEST_TOKEN, LONGEST_ID = 8192, 512
SMALLEST_RSA_KEY = 2048
REQUIRED = ["iss", "aud", "exp", "iat", "jti"]
UNVERIFIED: Options = {"verify_signature": False, "verify_exp": False, "verify_aud": False, "verify_iss": False,
                       "verify_nbf": False, "verify_iat": False, "verify_jti": False, "verify_sub": False}  # fmt: skip


class UntrustedReason(StrEnum):
    """Why a caller is not trusted. Told to our log and counted; never to the caller."""

    NO_TOKEN = "no-token"
    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    ISSUER = "issuer"
    JKU = "jku"
    KEY = "key"
    SIGNATURE = "signature"
    AUDIENCE = "audience"
    TIME = "time"
    """Expired, from the future, or valid for too long."""
    CLAIMS = "claims"
    """A claim is missing or of the wrong type."""
    TENANT = "tenant"
    REPLAY = "replay"
    FAULT = "fault"
    """Verifying it went wrong on our side."""


class Untrusted(Exception):
    """A caller that did not prove who it is. `client` is who it says it is, `seen` a part of a token whose signature holds."""

    def __init__(self, doubt: UntrustedReason, client: str | None = None, seen: str | None = None) -> None:
        self.doubt, self.client, self.seen = doubt, client, seen
        super().__init__(doubt.value)


class Verifier:
    """Tells who calls, by the token that a call shows. `clients` gives those that are trusted now."""

    def __init__(self, clients: Callable[[], TrustedClients], keys: KeySets, seen: SeenTokens) -> None:
        self._clients = clients
        self._keys = keys
        self._seen = seen

    async def caller(self, token: str, called: Sequence[str], admitted: Callable[[Client], None] = lambda client: None) -> Client:
        """The client that signed the token for one of the addresses `called`, now, and for the first time. Raises Untrusted.

        `admitted` may refuse the client by raising; then its token counts as unused, and it may show it again.
        """
        header, issuer = _unverified(token)
        client = self._clients().by_issuer.get(issuer)
        if client is None:
            raise Untrusted(UntrustedReason.ISSUER)
        key = await self._key(client, header)
        claims = _verified(token, key, client, [*called, *client.audiences])
        tenant = claims.get("tenant")
        if client.tenants and not (isinstance(tenant, str) and tenant in client.tenants):
            raise Untrusted(UntrustedReason.TENANT, client.id)
        admitted(client)
        until = float(claims["exp"]) + LEEWAY_SECONDS
        if not await self._seen.first_use(fingerprint(issuer, claims["jti"]), until, client.id):
            raise Untrusted(UntrustedReason.REPLAY, client.id)
        now = self._clients().by_issuer.get(issuer)  # keys and used tokens were waited for, and its entry may have changed
        if now is None:
            raise Untrusted(UntrustedReason.ISSUER, client.id)
        return now

    async def _key(self, client: Client, header: Mapping[str, Any]) -> jwt.PyJWK:
        """The key that the header names, from where the client's entry says. Keys that a token brings itself count nothing."""
        algorithm, id, jku = header.get("alg"), header.get("kid"), header.get("jku")
        if algorithm not in client.algorithms:
            raise Untrusted(UntrustedReason.ALGORITHM, client.id)
        if client.jku and jku is not None and jku not in client.jku:
            raise Untrusted(UntrustedReason.JKU, client.id)
        source = jku if client.jku and jku is not None else client.keys or client.jku[0]
        found = await self._keys.at(source).key(id) if isinstance(id, str) and len(id) <= LONGEST_ID else None
        if found is None or algorithm_of(found) != algorithm:
            raise Untrusted(UntrustedReason.KEY, client.id)
        try:
            key = jwt.PyJWK(dict(found), algorithm=algorithm)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Untrusted(UntrustedReason.KEY, client.id) from error
        if algorithm == "RS384" and key.key.key_size < SMALLEST_RSA_KEY:
            raise Untrusted(UntrustedReason.KEY, client.id)
        return key


def _unverified(token: str) -> tuple[Mapping[str, Any], str]:
    """The header of a token, and the issuer that it claims: only to know whose keys to look for."""
    if len(token) > LONGEST_TOKEN:
        raise Untrusted(UntrustedReason.MALFORMED)
    try:
        whole = jwt.decode_complete(token, options=UNVERIFIED)
    except Exception as error:  # whatever a hostile token makes of the parsers
        raise Untrusted(UntrustedReason.MALFORMED) from error
    header, issuer = whole["header"], whole["payload"].get("iss")
    if header.get("alg") not in ALGORITHMS:
        raise Untrusted(UntrustedReason.ALGORITHM)
    if "crit" in header or str(header.get("typ", "JWT")).upper() != "JWT" or not isinstance(issuer, str):
        raise Untrusted(UntrustedReason.MALFORMED)
    return header, issuer


def _verified(token: str, key: jwt.PyJWK, client: Client, audiences: list[str]) -> Mapping[str, Any]:
    """The claims of a token whose signature, audience and times hold."""
    try:
        claims = jwt.decode(
            token,
            key=key,
            algorithms=[str(key.algorithm_name)],
            audience=audiences,
            issuer=client.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED},
        )
    except jwt.InvalidAudienceError:
        raise Untrusted(UntrustedReason.AUDIENCE, client.id, _audience(token)) from None
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        raise Untrusted(UntrustedReason.TIME, client.id) from None
    except jwt.InvalidSignatureError:
        raise Untrusted(UntrustedReason.SIGNATURE, client.id) from None
    except Exception as error:  # whatever is left is a claim that PyJWT, or its arithmetic, can't take
        raise Untrusted(UntrustedReason.CLAIMS, client.id) from error
    times = [claims["exp"], claims["iat"]]
    if (
        not all(isinstance(one, int | float) and not isinstance(one, bool) for one in times)
        or not 0 < len(claims["jti"]) <= LONGEST_ID
    ):
        raise Untrusted(UntrustedReason.CLAIMS, client.id)
    if not 0 < claims["exp"] - claims["iat"] <= LONGEST_LIFE_SECONDS:
        raise Untrusted(UntrustedReason.TIME, client.id)
    return claims


def _audience(token: str) -> str:
    return str(jwt.decode(token, options=UNVERIFIED).get("aud"))[:LONGEST_ID]


def signed(issuer: str, jwk: Mapping[str, Any], audience: str, now: int, seconds: int, id: str) -> str:
    """A token for an address, signed by a client's private key, to try a registration. Units: seconds, `now` since 1970."""
    key = jwt.PyJWK(dict(jwk))
    claims = {"iss": issuer, "aud": audience, "iat": now, "exp": now + seconds, "jti": id}
    return jwt.encode(claims, key.key, algorithm=key.algorithm_name, headers={"kid": jwk["kid"], "typ": "JWT"})
