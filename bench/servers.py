"""Server processes of a measurement: started on a free port of this machine, waited for, and stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

OURS = (str(Path(sys.executable).with_name("cds")), "serve", "--port")
BARE = (sys.executable, "-m", "bench.bare")
PATIENCE = 120.0
"""Seconds before a server is given up. An idle machine needs one or two; a busy one is waited for."""


class NotReady(Exception):
    """A server that ended, or did not get ready in time."""


@contextmanager
def served(command: Sequence[str], **settings: str) -> Iterator[tuple[int, float]]:
    """A running server's port, and the seconds from its process start to its first ready answer. Stops it in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    records = tempfile.TemporaryDirectory()
    environment |= {"CDS_DATABASE_URL": f"sqlite:///{records.name}/records.sqlite", **settings}
    started = time.perf_counter()
    process = subprocess.Popen([*command, str(port)], stdout=subprocess.DEVNULL, env=environment)
    try:
        while not is_ready(port):
            if process.poll() is not None:
                raise NotReady(f"{' '.join(command)} ended with exit code {process.returncode} before it was ready")
            if time.perf_counter() - started > PATIENCE:
                raise NotReady(f"{' '.join(command)} was not ready within {PATIENCE:.0f} seconds")
            time.sleep(0.01)
        yield port, time.perf_counter() - started
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
        records.cleanup()


def is_ready(port: int) -> bool:
    """Whether the server on a port of this machine answers that it is ready."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
