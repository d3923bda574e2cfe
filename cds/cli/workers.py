"""Several processes that answer calls behind one port."""

from __future__ import annotations

import socket

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess


def run_workers(config: uvicorn.Config) -> bool:
    """Whether all could start, once all have ended. One that dies later on is replaced; one that can't start ends the others."""
    listening = config.bind_socket()
    # What listens hands this on to each connection. Without it an answer whose head and body leave one after the other waits
    # some 40 ms for the caller's acknowledgement; asyncio sets it by itself only where it has made the socket.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    workers = Multiprocess(config, sockets=[listening])
    workers.run()
    return all(process.exitcode != STARTUP_FAILURE for process in workers.processes)
