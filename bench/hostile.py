"""Honest calls beside one hostile client, both with tokens of their own: what the honest ones wait.

The hostile client keeps many calls in hand, of the costliest bodies (`bench.extremes`), and calls again as soon as it is answered
or refused. Exit code 1: the 99th percentile of what honest callers were answered is over the limit, or an answer was wrong.

Run: python -m bench.hostile [--rate 200] [--seconds 20] [--workers 2] [--alone]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from bench.extremes import PATH, large, small
from bench.load import CONNECTIONS, JSON, PATIENCE, Headers, Load, told
from bench.servers import OURS, NotReady, served
from bench.stories import stories

PUBLIC = "https://cds.example.org"
AT_A_TIME = 50
"""Calls that the hostile client keeps in hand."""
CLIENT = """  {id}:
    issuer: https://{id}.example.org
    keys: keys.json
    calls_a_minute: 600000
"""


def main() -> int:
    given = argparse.ArgumentParser()
    given.add_argument("--rate", type=float, default=200.0, help="Honest calls a second.")
    given.add_argument("--seconds", type=int, default=20)
    given.add_argument("--workers", type=int, default=2)
    given.add_argument("--alone", action="store_true", help="Without the hostile client, to compare with.")
    asked = given.parse_args()
    key = ec.generate_private_key(ec.SECP256R1())
    with tempfile.TemporaryDirectory() as folder:
        public = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(key.public_key()))
        (Path(folder) / "keys.json").write_text(json.dumps({"keys": [{**public, "kid": "k", "use": "sig"}]}))
        clients = Path(folder) / "clients.yaml"
        clients.write_text("clients:\n" + "".join(CLIENT.format(id=id) for id in ("honest", "hostile")))
        settings = {"CDS_CLIENTS": str(clients), "CDS_PUBLIC_URL": PUBLIC}
        try:
            with served((*OURS[:2], "--workers", str(asked.workers), OURS[-1]), **settings) as (port, _):
                return asyncio.run(beside(port, asked, key))
        except NotReady as error:
            print(error, file=sys.stderr)
            return 2


async def beside(port: int, asked: argparse.Namespace, key: ec.EllipticCurvePrivateKey) -> int:
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    day = datetime.now(UTC).date()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=PATIENCE) as client:
        load = Load(client, stories(day), tokens("honest", key))
        await load.learn()
        attack = asyncio.create_task(hostile(port, tokens("hostile", key), day)) if not asked.alone else None
        await load.run(asked.rate, asked.seconds)
        within = told(load, asked.rate, asked.seconds)
        if attack:
            attack.cancel()
            statuses = await attack
            print(
                "  the hostile client was answered "
                + ", ".join(f"{status}: {times}" for status, times in sorted(statuses.items()))
            )
    return 0 if within else 1


def tokens(client: str, key: ec.EllipticCurvePrivateKey) -> Headers:
    """The headers of a client's calls, each with a token of its own."""

    def headers(path: str) -> dict[str, str]:
        now = int(time.time())
        claims = {"iss": f"https://{client}.example.org", "aud": PUBLIC + path, "iat": now, "exp": now + 300, "jti": str(uuid4())}
        token = jwt.encode(claims, key, algorithm="ES256", headers={"kid": "k", "typ": "JWT"})
        return {**JSON, "Authorization": f"Bearer {token}"}

    return headers


async def hostile(port: int, headers: Headers, day: date) -> Counter[int]:
    """Calls without end, until it is cancelled; then how often it was answered with which status."""
    bodies = [body for _, body in (*small(day), *large(day))]
    statuses: Counter[int] = Counter()

    async def again(client: httpx.AsyncClient, number: int) -> None:
        while True:
            try:
                answer = await client.post(PATH, content=bodies[number % len(bodies)], headers=headers(PATH))
                statuses[answer.status_code] += 1
            except httpx.HTTPError:
                statuses[0] += 1
            number += 1

    limits = httpx.Limits(max_connections=AT_A_TIME)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=PATIENCE) as client:
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*(again(client, number) for number in range(AT_A_TIME)))
    return statuses


if __name__ == "__main__":
    sys.exit(main())
