"""Keys of clients, and the tokens that they sign."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

DAY = date(2026, 11, 23)
ISSUER = "https://ehr.example.org/fhir"
PUBLIC = "https://cds.example.org/taper"
SIGN = "/cds-services/taper-order-sign"
CALL = {"hook": "order-sign", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": {"patientId": "p"}}
"""A call that needs nothing of a record, and gets no card."""


@dataclass(frozen=True)
class Key:
    """A key pair: `algorithm` is what it signs by."""

    id: str
    algorithm: str
    private: Any

    def public(self, **more: Any) -> dict[str, Any]:
        """Its public half as a JWK."""
        kind = jwt.get_algorithm_by_name(self.algorithm)
        return {**json.loads(kind.to_jwk(self.private.public_key())), "kid": self.id, "use": "sig", **more}  # type: ignore[attr-defined]

    def token(self, path: str = SIGN, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token for an address of the service. A claim or a header of None is left out."""
        now = int(time.time())
        all_claims = {"iss": ISSUER, "aud": PUBLIC + path, "iat": now, "exp": now + 300, "jti": str(uuid4()), **claims}
        headers = {"typ": "JWT", "kid": self.id, **(header or {})}
        return jwt.encode(
            {name: value for name, value in all_claims.items() if value is not None},
            self.private,
            algorithm=self.algorithm,
            headers={name: value for name, value in headers.items() if value is not None},
        )


def ec_key(id: str, curve: ec.EllipticCurve | None = None, algorithm: str = "ES384") -> Key:
    return Key(id, algorithm, ec.generate_private_key(curve or ec.SECP384R1()))


def rsa_key(id: str, bits: int = 2048, algorithm: str = "RS384") -> Key:
    return Key(id, algorithm, rsa.generate_private_key(65537, bits))


def shown(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def encoded(part: Any) -> str:
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
