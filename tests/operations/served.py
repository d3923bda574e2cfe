"""The service as an operator starts it: `cds serve` in a process of its own, on a free port of this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CDS = str(Path(sys.executable).with_name("cds"))
SIGN = "/cds-services/taper-order-sign"
PATIENCE = 120
"""Seconds before something is given up. An idle machine needs one or two; a busy one is waited for."""
CALL = json.dumps(
    {
        **json.loads((ROOT / "fhir_examples/abrupt-stop-alprazolam/request.json").read_text()),
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    }
).encode()


class Service:
    """A service that runs. `lines` are what it has logged, once it has ended."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def get(self, path: str) -> str:
        """The body of an answer, asked over a connection of its own, so that any worker may take it."""
        asked = self.connection()
        asked.request("GET", path)
        body = asked.getresponse().read().decode()
        asked.close()
        return body

    def post(self, path: str = SIGN, body: bytes = CALL) -> tuple[int, Any]:
        asked = self.connection()
        asked.request("POST", path, body, {"Content-Type": "application/json"})
        answer = asked.getresponse()
        told = answer.status, json.loads(answer.read())
        asked.close()
        return told

    def counted(self, name: str) -> float:
        """The counter of that name and labels, 0 where there is none yet."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics"), re.MULTILINE)
        return float(found[1]) if found else 0.0

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@contextmanager
def served(folder: Path, *options: str, **environment: str) -> Iterator[Service]:
    """A service that is ready, stopped in the end if it was not before. What it keeps lies in the folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CDS_", "OTEL_"))}
    log = folder / "log"
    with log.open("wb") as output, (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [CDS, "serve", "--port", str(port), *options],
            cwd=folder,
            env={**clean, **environment},
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        service = Service(process, port, log)
        try:
            wait_until_ready(service, folder / "errors")
            yield service
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(PATIENCE)


def wait_until_ready(service: Service, errors: Path) -> None:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        assert service.process.poll() is None, errors.read_text()
        try:
            if '"ready"' in service.get("/ready"):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"not ready: {errors.read_text()}")
