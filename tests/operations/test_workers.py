"""Several workers are one service: any of them tells the counters of all, and one that dies is replaced."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from cds.web.shared_counters import SharedCounters
from tests.operations.served import PATIENCE, Service, served

ANSWERED = 'cds_calls_total{service="taper-order-sign",status="200"}'


def until(service: Service, name: str, value: float) -> float:
    """The counter once it has that value; what it has when patience ends."""
    give_up = time.monotonic() + PATIENCE
    while (seen := service.counted(name)) != value and time.monotonic() < give_up:
        time.sleep(0.1)
    return seen


def test_any_worker_tells_the_counters_of_all(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "2") as service:
        for _ in range(20):
            assert service.post()[0] == 200
        assert until(service, ANSWERED, 20) == 20
        assert {service.counted("cds_rules_stale") for _ in range(5)} == {0}
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(PATIENCE)
    ready = [line for line in service.lines() if line["says"] == "ready"]
    assert len(ready) == 2


# The sum ----------------------------------------------------------------------------------------------------------------


class Worker:
    """The counters of one worker, written down under a number of its own."""

    def __init__(self, folder: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.registry = CollectorRegistry()
        self.calls = Counter("calls", "Calls", ["service"], registry=self.registry)
        self.seconds = Histogram("seconds", "Time", buckets=(1, 2), registry=self.registry)
        self.stale = Gauge("stale", "Stale", registry=self.registry)
        with monkeypatch.context() as patched:
            patched.setattr("os.getpid", lambda: number)
            self.shared = SharedCounters(folder, self.registry)


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Worker]:
    monkeypatch.setattr("cds.web.shared_counters.is_alive", lambda number: number != 3)
    return [Worker(tmp_path, number, monkeypatch) for number in (1, 2, 3)]


def told(workers: list[Worker]) -> list[str]:
    texts = [worker.shared.text().decode() for worker in workers]
    return [line for line in texts[-1].splitlines() if not line.startswith("#") and "_created" not in line]


def test_counters_and_histograms_are_summed_also_of_what_has_ended(workers: list[Worker]) -> None:
    for number, worker in enumerate(workers, 1):
        worker.calls.labels("a").inc(number)
        worker.seconds.observe(number)
    workers[1].calls.labels("b").inc()
    assert {'calls_total{service="a"} 6.0', 'calls_total{service="b"} 1.0'} <= set(told(workers))
    assert {'seconds_bucket{le="1.0"} 1.0', 'seconds_bucket{le="+Inf"} 3.0', "seconds_count 3.0", "seconds_sum 6.0"} <= set(
        told(workers)
    )


def test_a_gauge_is_the_highest_of_those_that_live(workers: list[Worker]) -> None:
    assert "stale 0.0" in told(workers)
    workers[0].stale.set(1)
    workers[2].stale.set(5)
    assert "stale 1.0" in told(workers)


def test_asking_again_counts_nothing_twice(workers: list[Worker]) -> None:
    workers[0].calls.labels("a").inc()
    assert told(workers) == told(workers)
