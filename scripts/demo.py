"""Starts the service, asks it about one example as an EHR would, shows the cards, and stays up until Ctrl-C."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

HOST = "127.0.0.1"
CDS = Path(sys.executable).with_name("cds")
LOG = Path("var/demo.log")
START_LIMIT = 60
"""Seconds; the service needs about one, and a busy machine many."""


def main(story: Path, port: int) -> int:
    """The exit status: 0 once the cards were shown and the service was stopped by hand."""
    base = f"http://{HOST}:{port}"
    if taken(port):
        return fault(f"Port {port} is in use on this machine. Stop what listens there, or: make demo PORT={port + 1}")
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("wb") as log:
        service = subprocess.Popen([CDS, "serve", "--port", str(port)], stdout=log, stderr=log)
        try:
            if not ready(base, service):
                return fault(f"The service did not get ready. It said ({LOG}):\n{LOG.read_text()}")
            sys.stdout.write(f"Open {base}/ in a browser: what this is, and where to go.\n\n")
            sys.stdout.flush()
            asked = subprocess.run([CDS, "ask", "--server", base, story]).returncode
            if asked:
                return asked
            sys.stdout.write(f"\nThe service is up at {base} (services: {base}/cds-services; log: {LOG}). Ctrl-C stops it.\n")
            sys.stdout.flush()
            return service.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            service.terminate()
            service.wait()


def taken(port: int) -> bool:
    """Whether something on this machine listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def ready(base: str, service: subprocess.Popen[bytes]) -> bool:
    """Whether `/ready` answered 200 before the limit, with the service alive."""
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit and service.poll() is None:
        try:
            with urllib.request.urlopen(f"{base}/ready", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def fault(says: str) -> int:
    sys.stderr.write(says + "\n")
    return 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
