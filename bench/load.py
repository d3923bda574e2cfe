"""The service under a steady load: so many calls a second, each a story of a patient of its own.

Calls leave by a fixed schedule, whether or not the ones before are answered, and each is timed from the moment at which it was to
leave: what waits, on either side, counts. Every answer is compared with the one that its story got while nothing else went on.
Exit code 1: the 99th percentile is over the limit, or a call was not answered as it should be.

Run: python -m bench.load [--rate 200] [--seconds 60] [--workers 2]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import Any

import httpx
import orjson

from bench.servers import OURS, NotReady, served
from bench.stories import Story, gist, stories

LIMIT = 0.5
"""Seconds within which 99 of 100 calls have to be answered."""
PATIENCE = 30.0
JSON = {"Content-Type": "application/json"}
PERCENTILES = (50, 95, 99)
CONNECTIONS = 100
"""How many are kept to the server. A call that finds none free waits for one, and that counts."""


class Load:
    """Calls made on a server: how long each took, and what went wrong."""

    def __init__(self, client: httpx.AsyncClient, told: list[Story]) -> None:
        self._client = client
        self._told = told
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._expected: dict[str, Any] = {}
        self.seconds: list[float] = []
        self.wrong: Counter[str] = Counter()

    async def learn(self) -> None:
        """Asks each story by itself, twice as often as there may be workers, so that none of them is new to it."""
        for number in range(4):
            for story in self._told:
                answer = await self._client.post(story.path, content=story.of(f"before-{number}"), headers=JSON)
                if answer.status_code != 200:
                    raise NotReady(f"{story.name} was answered with {answer.status_code}")
                self._expected[story.name] = gist(orjson.loads(answer.content))

    async def run(self, rate: int, seconds: int) -> None:
        """Makes the calls, and waits for the last answers."""
        started = time.perf_counter() + 0.1
        async with asyncio.TaskGroup() as calls:
            for number, story in enumerate(islice(cycle(self._told), rate * seconds)):
                due = started + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                calls.create_task(self._call(story, number, due))

    async def _call(self, story: Story, number: int, due: float) -> None:
        try:
            async with self._free:
                answer = await self._client.post(story.path, content=story.of(f"patient-{number}"), headers=JSON)
        except httpx.HTTPError as error:
            self.wrong[type(error).__name__] += 1
            return
        self.seconds.append(time.perf_counter() - due)
        if answer.status_code != 200:
            self.wrong[str(answer.status_code)] += 1
        elif gist(orjson.loads(answer.content)) != self._expected[story.name]:
            self.wrong[f"another answer: {story.name}"] += 1


def main() -> int:
    given = argparse.ArgumentParser()
    given.add_argument("--rate", type=int, default=200)
    given.add_argument("--seconds", type=int, default=60)
    given.add_argument("--workers", type=int, default=2)
    asked = given.parse_args()
    try:
        with served((*OURS[:2], "--workers", str(asked.workers), OURS[-1])) as (port, _):
            load = asyncio.run(loaded(port, asked.rate, asked.seconds))
    except NotReady as error:
        print(error, file=sys.stderr)
        return 2
    return told(load, asked)


async def loaded(port: int, rate: int, seconds: int) -> Load:
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=PATIENCE) as client:
        load = Load(client, stories(datetime.now(UTC).date()))
        await load.learn()
        await load.run(rate, seconds)
        return load


def told(load: Load, asked: argparse.Namespace) -> int:
    """Prints the figures, and gives the exit code."""
    found = sorted(load.seconds) or [float("inf")]
    percentiles = {each: found[min(len(found) - 1, len(found) * each // 100)] for each in PERCENTILES}
    print(f"{asked.rate} calls a second for {asked.seconds} s, {asked.workers} workers: {len(load.seconds)} answered")
    print(", ".join(f"p{each} {seconds * 1000:.1f} ms" for each, seconds in percentiles.items()), end="")
    print(f", longest {found[-1] * 1000:.1f} ms; wrong: {load.wrong.total()}")
    for what, times in load.wrong.most_common():
        print(f"  {what}: {times}")
    return 1 if load.wrong or percentiles[99] >= LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
