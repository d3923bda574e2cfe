"""Work that a second processor does meanwhile, where the system can fork; else it is done when it is asked for."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")


def ahead(work: Callable[[], T]) -> Callable[[], T]:
    """Begins the work, and gives what waits for its result. What fails there is done again here, so that it is told of."""
    if "fork" not in multiprocessing.get_all_start_methods() or (os.cpu_count() or 1) < 2:
        return work
    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_do, args=(work, sending), daemon=True)
    process.start()
    sending.close()

    def wait() -> T:
        try:
            found: T = receiving.recv()
        except EOFError:
            return work()
        finally:
            receiving.close()
            process.join()
        return found

    return wait


def _do(work: Callable[[], Any], sending: Connection) -> None:
    try:
        sending.send(work())
    finally:
        sending.close()
