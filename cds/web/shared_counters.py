"""The counters of several workers: each writes its own down, and whichever is asked tells the sum of all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

SECONDS_BETWEEN = 1.0
"""How old what another worker wrote may be."""
ENDING = ".prom"
Key = tuple[str, tuple[tuple[str, str], ...]]


class SharedCounters:
    """The counters in a registry, and those of the other workers that write to the same folder."""

    def __init__(self, folder: Path, registry: CollectorRegistry) -> None:
        self._folder = folder
        self._registry = registry
        self._own = folder / f"{os.getpid()}{ENDING}"

    def text(self) -> bytes:
        """The counters of all workers, for Prometheus. One that has ended goes on counting, but shows no gauge any more."""
        self._write()
        told = [(is_alive(int(path.stem)), path.read_text()) for path in sorted(self._folder.glob(f"*{ENDING}"))]
        together = CollectorRegistry()
        together.register(_Together(told))
        return generate_latest(together)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the worker runs, what it counts is written down; the last time when it ends."""
        task = asyncio.create_task(self._writing())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            self._write()

    async def _writing(self) -> None:
        while True:
            self._write()
            await asyncio.sleep(SECONDS_BETWEEN)

    def _write(self) -> None:
        new = self._own.with_suffix(".new")
        new.write_bytes(generate_latest(self._registry))
        new.replace(self._own)


class _Together(Collector):
    """Counters and histograms summed, gauges at their highest."""

    def __init__(self, told: Iterable[tuple[bool, str]]) -> None:
        self._told = list(told)

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        values: dict[str, dict[Key, float]] = {}
        for alive, text in self._told:
            for family in text_string_to_metric_families(text):
                families.setdefault(family.name, family)
                summed = values.setdefault(family.name, {})
                for sample in family.samples:
                    key = sample.name, tuple(sorted(sample.labels.items()))
                    if family.type != "gauge":
                        summed[key] = summed.get(key, 0.0) + sample.value
                    elif alive:
                        summed[key] = max(summed.get(key, sample.value), sample.value)
        for name, family in families.items():
            told = Metric(name, family.documentation, family.type)
            for (sample_name, labels), value in values[name].items():
                told.add_sample(sample_name, dict(labels), value)
            yield told


def is_alive(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
