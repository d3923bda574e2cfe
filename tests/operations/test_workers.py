"""Several workers are one service: any of them tells the counters of all, and one that dies is replaced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import uvicorn
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from cds.cli import serve as several
from cds.web.shared_counters import SharedCounters
from tests.operations.served import CDS, PATIENCE, Service, served

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
    ready = [line for line in service.lines() if line["message"] == "ready"]
    assert len(ready) == 2


def test_a_worker_that_dies_is_replaced_and_what_it_counted_still_counts(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "2") as service:
        for _ in range(10):
            assert service.post()[0] == 200
        assert until(service, ANSWERED, 10) == 10
        os.kill(workers_of(service)[0], signal.SIGKILL)
        give_up = time.monotonic() + PATIENCE
        while len([line for line in service.lines() if line["message"] == "ready"]) < 3 and time.monotonic() < give_up:
            time.sleep(0.1)
        for _ in range(10):
            assert service.post()[0] == 200
        assert until(service, ANSWERED, 20) == 20
        assert len(workers_of(service)) == 2


def workers_of(service: Service) -> list[int]:
    """The processes that answer; the parent has another child, which tracks what they share."""
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
    return [int(child) for child in children if b"multiprocessing.spawn" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.parametrize("number", ["1", "2"])
@pytest.mark.parametrize(
    ("setting", "value"), [("CDS_DATABASE_URL", "nowhere"), ("CDS_RULES", "no-rules"), ("CDS_CLIENTS", "no-clients.yaml")]
)
def test_workers_that_can_not_start_say_why_and_the_service_ends(tmp_path: Path, number: str, setting: str, value: str) -> None:
    (tmp_path / "no-rules").mkdir()
    clean = {name: given for name, given in os.environ.items() if not name.startswith("CDS_")}
    ended = subprocess.run(
        [CDS, "serve", "--port", str(free_port()), "--workers", number],
        cwd=tmp_path, env={**clean, setting: value}, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ("RULE010" if setting == "CDS_RULES" else setting) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_workers_that_start_slowly_are_waited_for_and_not_killed(tmp_path: Path) -> None:
    """As on a machine that is busy: each worker stands still for longer than uvicorn waits by itself, before it has begun."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, time\nif '--multiprocessing-fork' in sys.argv: time.sleep(7)\n"  # the start itself is slow, nothing is timed
    )
    with served(tmp_path, "--workers", "2", PYTHONPATH=str(tmp_path)) as service:
        first = workers_of(service)
        assert service.post()[0] == 200 and workers_of(service) == first
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(PATIENCE)
    assert len([line for line in service.lines() if line["message"] == "ready"]) == 2


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_an_answer_does_not_wait_for_its_callers_acknowledgement(monkeypatch: pytest.MonkeyPatch) -> None:
    """What leaves in two parts leaves at once: connections to workers have TCP_NODELAY, as those to one process have."""
    seen: list[int] = []

    class Looked:
        """Takes the place of the processes: looks at a connection that the port accepts."""

        processes: tuple[()] = ()

        def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
            [self.listening] = sockets

        def run(self) -> None:
            self.listening.listen()
            with socket.create_connection(self.listening.getsockname()):
                taken, _ = self.listening.accept()
                seen.append(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                taken.close()
            self.listening.close()

    monkeypatch.setattr(several, "Workers", Looked)
    assert several.run_workers(uvicorn.Config("x:y", host="127.0.0.1", port=0, workers=2))
    assert seen == [1]


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
