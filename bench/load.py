"""The service under load: at half, once and twice what it can do, which is found first.

Calls leave by a fixed schedule, whether or not the ones before are answered, and each is timed from the moment at which it was to
leave: what waits, on either side, counts. Every answer is compared with the one that its story got while nothing else went on.
What is more than can be done has to be refused at once, with 503 and when to come back, so that what is answered is in time.
Exit code 1: the 99th percentile of what was answered is over the limit, or a call was not answered as it should be.

Run: python -m bench.load [--rate 200] [--seconds 20] [--workers 2]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import Any

import httpx
import orjson

from bench.servers import OURS, NotReady, served
from bench.stories import Story, gist, stories

LIMIT = 0.5
"""Seconds within which 99 of 100 calls that are answered have to be."""
PATIENCE = 30.0
JSON = {"Content-Type": "application/json"}
PERCENTILES = (50, 95, 99)
CONNECTIONS = 100
"""How many are kept to the server. A call that finds none free waits for one, and that counts."""
SHARES = (0.5, 1.0, 2.0)
"""Of what the service can do."""
AT_A_TIME, CALLS_TO_FIND = 8, 400
"""With how many calls in hand, and by how many, it is found what the service can do."""
Headers = Callable[[str], Mapping[str, str]]
"""Those of a call to a path."""


class Load:
    """Calls made on a server: how long each took, how many were shed, and what went wrong."""

    def __init__(self, client: httpx.AsyncClient, told: list[Story], headers: Headers = lambda _: JSON) -> None:
        self._client = client
        self._headers = headers
        self._told = told
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._expected: dict[str, Any] = {}
        self._number = 0
        self.forget()

    def forget(self) -> None:
        """Begins a new count."""
        self.seconds: list[float] = []
        self.shed: list[float] = []
        self.wrong: Counter[str] = Counter()

    async def learn(self) -> None:
        """Asks each story by itself, twice as often as there may be workers, so that none of them is new to it."""
        for number in range(4):
            for story in self._told:
                answer = await self._client.post(
                    story.path, content=story.of(f"before-{number}"), headers=self._headers(story.path)
                )
                if answer.status_code != 200:
                    raise NotReady(f"{story.name} was answered with {answer.status_code}")
                self._expected[story.name] = gist(orjson.loads(answer.content))

    async def capacity(self) -> float:
        """How many calls a second are answered where a few are always in hand."""
        calls = iter(list(islice(cycle(self._told), CALLS_TO_FIND)))

        async def one_after_another() -> None:
            for story in calls:
                await self._call(story, time.perf_counter())

        self.forget()
        started = time.perf_counter()
        await asyncio.gather(*(one_after_another() for _ in range(AT_A_TIME)))
        return len(self.seconds) / (time.perf_counter() - started)

    async def run(self, rate: float, seconds: int) -> None:
        """Makes the calls, and waits for the last answers."""
        self.forget()
        started = time.perf_counter() + 0.1
        async with asyncio.TaskGroup() as calls:
            for number, story in enumerate(islice(cycle(self._told), int(rate * seconds))):
                due = started + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                calls.create_task(self._call(story, due))

    async def _call(self, story: Story, due: float) -> None:
        self._number += 1
        headers = self._headers(story.path)
        try:
            async with self._free:
                answer = await self._client.post(story.path, content=story.of(f"patient-{self._number}"), headers=headers)
        except httpx.HTTPError as error:
            self.wrong[type(error).__name__] += 1
            return
        took = time.perf_counter() - due
        if answer.status_code == 503 and "retry-after" in answer.headers:
            self.shed.append(took)
            return
        self.seconds.append(took)
        if answer.status_code != 200:
            self.wrong[str(answer.status_code)] += 1
        elif gist(orjson.loads(answer.content)) != self._expected[story.name]:
            self.wrong[f"another answer: {story.name}"] += 1


def main() -> int:
    given = argparse.ArgumentParser()
    given.add_argument("--rate", type=float, help="Calls a second; else half, once and twice what is found.")
    given.add_argument("--seconds", type=int, default=20)
    given.add_argument("--workers", type=int, default=2)
    asked = given.parse_args()
    try:
        with served((*OURS[:2], "--workers", str(asked.workers), OURS[-1])) as (port, _):
            return asyncio.run(loaded(port, asked, told))
    except NotReady as error:
        print(error, file=sys.stderr)
        return 2


async def loaded(port: int, asked: argparse.Namespace, tell: Callable[[Load, float, int], bool]) -> int:
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=PATIENCE) as client:
        load = Load(client, stories(datetime.now(UTC).date()))
        await load.learn()
        found = asked.rate or await _found(load)
        rates = [found] if asked.rate else [share * found for share in SHARES]
        within = []
        for rate in rates:
            await load.run(rate, asked.seconds)
            within.append(tell(load, rate, asked.seconds))
        return 0 if all(within) else 1


async def _found(load: Load) -> float:
    found = await load.capacity()
    print(f"it can do {found:.0f} calls a second")
    return found


def told(load: Load, rate: float, seconds: int) -> bool:
    """Prints the figures of one rate, and tells whether they are as they should be."""
    found = sorted(load.seconds) or [float("inf")]
    percentiles = {each: found[min(len(found) - 1, len(found) * each // 100)] for each in PERCENTILES}
    print(f"{rate:.0f} calls a second for {seconds} s: {len(load.seconds)} answered, {len(load.shed)} shed")
    print("  " + ", ".join(f"p{each} {took * 1000:.1f} ms" for each, took in percentiles.items()), end="")
    longest = f", shed within {max(load.shed) * 1000:.1f} ms" if load.shed else ""
    print(f", longest {found[-1] * 1000:.1f} ms{longest}; wrong: {load.wrong.total()}")
    for what, times in load.wrong.most_common():
        print(f"  {what}: {times}")
    return not load.wrong and percentiles[99] < LIMIT


if __name__ == "__main__":
    sys.exit(main())
