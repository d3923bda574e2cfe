"""`cds serve`: the service, listening."""

from __future__ import annotations

import ipaddress
import os
import resource
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from cds.cli.failing import fail
from cds.errors import CdsError
from cds.settings import settings
from cds.trust.client_registry import trusted_clients

A_LOOK = 0.2
SECONDS_TO_ANSWER = 60
"""Within which a worker has to say that it lives. A busy machine may need more than uvicorn's 5 seconds to start one, which would
be killed and started again for ever."""


class Worker(Process):
    """A process that answers calls. One that has ended is not waited for."""

    def is_alive(self, timeout: float = SECONDS_TO_ANSWER) -> bool:
        give_up = time.monotonic() + timeout
        while self.process.is_alive() and time.monotonic() < give_up:
            if self.ping(A_LOOK):
                return True
        return False


class Workers(Multiprocess):
    """The processes. One that dies is replaced; one that could not start ends all."""

    def init_processes(self) -> None:
        for _ in range(self.processes_num):
            self.processes.append(self._started())

    def keep_subprocess_alive(self) -> None:
        for number, worker in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if worker.is_alive(SECONDS_TO_ANSWER):
                continue
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:
                self.should_exit.set()
            else:
                self.processes[number] = self._started()

    def _started(self) -> Worker:
        worker = Worker(self.config, self.sockets)
        worker.start()
        return worker


def run_workers(config: uvicorn.Config) -> bool:
    """Whether all could start, once all have ended. One that dies later on is replaced; one that can't start ends the others."""
    listening = config.bind_socket()
    # What listens hands this on to each connection. Without it an answer whose head and body leave one after the other waits
    # some 40 ms for the caller's acknowledgement; asyncio sets it by itself only where it has made the socket.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    workers = Workers(config, sockets=[listening])
    workers.run()
    return all(process.exitcode != STARTUP_FAILURE for process in workers.processes)


APPLICATION, OF_A_WORKER = "cds.web.factory:served", "cds.web.factory:served_by_a_worker"
PROTOCOL = "cds.web.header_timeout:HeaderTimeoutProtocol"
METRICS_FOLDER = "CDS_METRICS_FOLDER"
LAST_CALLS = 20
"""Seconds that calls under way are given to end, once the service was told to stop."""
KEPT_OPEN = 75
"""Seconds that a connection is kept for its next call: longer than proxies and clients keep one, so that none ends in a call."""


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8000,
    rules: Annotated[Path | None, typer.Option(help="The folder of rule files, or a rule pack; like CDS_RULES.")] = None,
    workers: Annotated[int, typer.Option(help="How many processes answer calls.", min=1, max=64)] = 1,
) -> None:
    """Starts the service, by default for this machine alone."""
    if rules is not None:
        os.environ["CDS_RULES"] = str(rules)
    try:
        configured = settings(os.environ)
        if configured.sandbox and not is_this_machine(host):
            fail(f"--host: seen {host}, which other machines can reach. CDS_SANDBOX=yes is for 127.0.0.1 alone.")
        if configured.clients:
            trusted_clients(configured.clients)
        elif not is_this_machine(host) and not configured.allow_unauthenticated:
            fail(
                f"--host: seen {host}, which other machines can reach. Name the clients that may call in CDS_CLIENTS; without it "
                "only this machine (127.0.0.1) is served. If something in front of the service verifies callers, set "
                "CDS_ALLOW_UNAUTHENTICATED=yes."
            )
        typer.echo(f"Starting on http://{host}:{port} (services: /cds-services). Ctrl-C stops it.", err=True)
        as_many_connections_as_the_system_allows()
        told: dict[str, Any] = {
            "factory": True,
            "http": PROTOCOL,
            "host": host,
            "port": port,
            "log_level": "warning",
            "access_log": False,
            "server_header": False,
            "proxy_headers": False,  # who is believed to pass on whom is told by our own settings
            "timeout_keep_alive": KEPT_OPEN,
            "timeout_graceful_shutdown": LAST_CALLS,
        }
        if workers == 1:
            uvicorn.run(APPLICATION, **told)
            return
        with counters_shared():
            if not run_workers(uvicorn.Config(OF_A_WORKER, workers=workers, **told)):
                raise typer.Exit(2)
    except CdsError as error:
        fail(error)


def as_many_connections_as_the_system_allows() -> None:
    """Raises the number of open files to what is allowed: the usual 1,024 is less than the calls that are taken on."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems name no number that they would take
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def counters_shared() -> Iterator[None]:
    """While it is open, several workers have a folder in which they share their counters."""
    if METRICS_FOLDER in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="taper-cds-") as folder:
        os.environ[METRICS_FOLDER] = folder
        yield


def is_this_machine(host: str) -> bool:
    """Whether only this machine can reach an address. A name other than localhost may be anything."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
