"""The whole service, ended by kill -9 while it is called. Exit code 1: something that it answered for is lost.

Run: python -m bench.service_kills [--kills 50]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import Any

from bench.calls import hook_call
from bench.servers import OURS, PATIENCE, NotReady, is_ready
from cds.records.keyed import kept_in
from cds.records.places import key_of, spool_of
from cds.records.store import Store

CALLERS = 3
LONGEST = 0.6
"""Seconds that a service lives after it is ready."""
PATH = "/cds-services/taper-order-sign"


class Answered:
    """What callers were given an answer for: decisions by their id, and feedback by the uuid of its card."""

    def __init__(self) -> None:
        self.decisions: set[str] = set()
        self.cards: set[str] = set()


def main() -> int:
    given = argparse.ArgumentParser()
    given.add_argument("--kills", type=int, default=50)
    kills = given.parse_args().kills
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{folder}/records.sqlite"
        answered = Answered()
        for _ in range(kills):
            killed(address, answered)
        lost = lost_from(address, answered)
    told = f"{len(answered.decisions)} decisions and {len(answered.cards)} feedback events answered for"
    print(f"{kills} kills, {told}; lost: {len(lost)}")
    return 1 if lost or not (answered.decisions and answered.cards) else 0


def killed(address: str, answered: Answered) -> None:
    """Starts the service, calls it from several sides, and kills it meanwhile."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    environment = kept | {"CDS_DATABASE_URL": address, "CDS_LOG_LEVEL": "error"}
    service = subprocess.Popen([*OURS, str(port)], env=environment, stderr=subprocess.DEVNULL)
    callers = [threading.Thread(target=call, args=(port, answered)) for _ in range(CALLERS)]
    try:
        end = time.monotonic() + PATIENCE
        while not is_ready(port):
            if service.poll() is not None or time.monotonic() > end:
                raise NotReady("the service did not get ready")
            time.sleep(0.02)
        for caller in callers:
            caller.start()
        time.sleep(random.uniform(0.05, LONGEST))
    finally:
        service.kill()
        service.wait()
    for caller in callers:
        caller.join()


def call(port: int, answered: Answered) -> None:
    """Calls, and reports what became of the first card, until the service is gone. What came back whole was answered."""
    body = hook_call(12, datetime.now(UTC).date())
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        while True:
            answer = asked(connection, PATH, body)
            answered.decisions.add(answer["extension"]["org.taper-cds"]["decision"])
            card = answer["cards"][0]["uuid"]
            moment = datetime.now(UTC).isoformat()
            report = {"card": card, "outcome": "overridden", "outcomeTimestamp": moment}
            asked(connection, f"{PATH}/feedback", json.dumps({"feedback": [report]}).encode())
            answered.cards.add(card)
    except (OSError, HTTPException):
        return
    finally:
        connection.close()


def asked(connection: HTTPConnection, path: str, body: bytes) -> Any:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise NotReady(f"{path} was answered with {answer.status}")
    return json.loads(content)


def lost_from(address: str, answered: Answered) -> set[str]:
    """What was answered for and is not in the store."""
    store = Store(address, spool_of(address))
    store.start()
    lines = list(store.export())
    store.close()
    hashes = kept_in(key_of(address))
    decisions = {line["decision"]["id"] for line in lines if "decision" in line}
    cards = {line["feedback"]["card"] for line in lines if "feedback" in line}
    return (answered.decisions - decisions) | {card for card in answered.cards if hashes.card(card) not in cards}


if __name__ == "__main__":
    sys.exit(main())
