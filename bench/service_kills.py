"""The whole service, ended by kill -9 while it is called. Exit code 1: something that it answered for is lost.

With several workers, each of them in turn is also killed alone, while the others go on.

Run: python -m bench.service_kills [--kills 50] [--workers 2] [--store postgresql://...]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from bench.calls import hook_call
from bench.servers import OURS, PATIENCE, NotReady, is_ready
from cds.records.hashes import keyed
from cds.records.store import Store

CALLERS = 3
LONGEST = 0.6
"""Seconds that a service lives after it has answered, since its start or since one of its workers was killed."""
PATH = "/cds-services/taper-order-sign"
KEY = "the key of a measurement, of enough characters"


class Answered:
    """What callers were given an answer for: decisions by their id, and feedback by the uuid of its card."""

    def __init__(self) -> None:
        self.decisions: set[str] = set()
        self.cards: set[str] = set()
        self.shed = 0
        self.wrong: list[str] = []


def main() -> int:
    given = argparse.ArgumentParser()
    given.add_argument("--kills", type=int, default=50)
    given.add_argument("--workers", type=int, default=1)
    given.add_argument("--store")
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        address, spool = asked.store or f"sqlite:///{folder}/var/records.sqlite", Path(folder) / "var/decisions.spool"
        answered, kills = Answered(), 0
        while kills < asked.kills:
            kills += killed(address, Path(folder), asked.workers, answered)
        lost = lost_from(address, spool, answered)
    told = f"{len(answered.decisions)} decisions and {len(answered.cards)} feedback events answered for"
    print(f"{kills} kills, {told}; wrong answers: {len(answered.wrong)}; lost: {len(lost)}")
    for what in sorted(set(answered.wrong)):
        print(f"  {what}")
    return 1 if lost or answered.wrong or not (answered.decisions and answered.cards) else 0


def killed(address: str, folder: Path, workers: int, answered: Answered) -> int:
    """How often something was killed: starts the service, calls it from several sides, and kills it meanwhile."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    set_to = {"CDS_DATABASE_URL": address, "CDS_LOG_LEVEL": "error", "CDS_PATIENT_HASH_KEY": KEY}
    command = [*OURS, str(port), "--workers", str(workers)]
    service = subprocess.Popen(command, env=kept | set_to, cwd=folder, stderr=subprocess.DEVNULL, start_new_session=True)
    gone = threading.Event()
    callers = [threading.Thread(target=call, args=(port, answered, gone)) for _ in range(CALLERS)]
    kills = 1
    try:
        end = time.monotonic() + PATIENCE
        while not is_ready(port):
            if service.poll() is not None or time.monotonic() > end:
                raise NotReady("the service did not get ready")
            time.sleep(0.02)
        for caller in callers:
            caller.start()
        answers_for_a_while(answered)
        if workers > 1:
            os.kill(random.choice(workers_of(service)), signal.SIGKILL)
            kills += 1
            answers_for_a_while(answered)
    finally:
        gone.set()
        os.killpg(service.pid, signal.SIGKILL)
        service.wait()
    for caller in callers:
        caller.join()
    return kills


def answers_for_a_while(answered: Answered) -> None:
    """Waits for an answer to a call and to feedback, however long a busy machine takes, and then for no certain time."""
    before, end = (len(answered.decisions), len(answered.cards)), time.monotonic() + PATIENCE
    while (len(answered.decisions) == before[0] or len(answered.cards) == before[1]) and not answered.wrong:
        if time.monotonic() > end:
            raise NotReady("nothing was answered")
        time.sleep(0.005)
    time.sleep(random.uniform(0, LONGEST))


def workers_of(service: subprocess.Popen[bytes]) -> list[int]:
    """The processes that answer, among the children of the one that was started."""
    children = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
    return [int(child) for child in children if b"multiprocessing.spawn" in Path(f"/proc/{child}/cmdline").read_bytes()]


def call(port: int, answered: Answered, gone: threading.Event) -> None:
    """Calls, and reports what became of the first card, until the service is gone. What came back whole was answered."""
    body = hook_call(12, datetime.now(UTC).date())
    while not gone.is_set():
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            while not gone.is_set():
                answer = asked(connection, PATH, body, answered, gone)
                answered.decisions.add(answer["extension"]["org.taper-cds"]["decision"])
                card = answer["cards"][0]["uuid"]
                moment = datetime.now(UTC).isoformat()
                report = {"card": card, "outcome": "overridden", "outcomeTimestamp": moment}
                asked(connection, f"{PATH}/feedback", json.dumps({"feedback": [report]}).encode(), answered, gone)
                answered.cards.add(card)
        except Stopped:
            return
        except (OSError, HTTPException):
            time.sleep(0.01)
        except NotReady as wrong:
            answered.wrong.append(str(wrong))
            return
        finally:
            connection.close()


class Stopped(Exception):
    """Nobody waits for the answer any more."""


def asked(connection: HTTPConnection, path: str, body: bytes, answered: Answered, gone: threading.Event) -> Any:
    """The answer, once there is one: what a busy service sheds was not answered for, and is asked again."""
    while True:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 503 or answer.getheader("Retry-After") is None:
            break
        answered.shed += 1
        if gone.wait(0.05):
            raise Stopped
    if answer.status != 200:
        raise NotReady(f"{path} was answered with {answer.status}")
    return json.loads(content)


def lost_from(address: str, spool: Path, answered: Answered) -> set[str]:
    """What was answered for and is not in the store."""
    store = Store(address, spool)
    store.start()
    lines = list(store.export())
    store.close()
    hashes = keyed(KEY)
    decisions = {line["decision"]["id"] for line in lines if "decision" in line}
    cards = {line["feedback"]["card"] for line in lines if "feedback" in line}
    return (answered.decisions - decisions) | {card for card in answered.cards if hashes.card(card) not in cards}


if __name__ == "__main__":
    sys.exit(main())
