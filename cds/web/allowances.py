"""What each client may still spend: counted in this process, or in a folder that several workers share."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ENDING = ".allowance"
FORM = struct.Struct("dd")


@dataclass(slots=True)
class Allowance:
    """How many calls are left, and when that was told. Units: seconds of the machine's clock since it was started."""

    left: float
    at: float


class Allowances(Protocol):
    """The allowances of clients, by their id."""

    def held(self, client: str, first: Allowance) -> AbstractContextManager[Allowance]:
        """The allowance of a client, to be changed while it is held; `first` is that of one that was not seen before."""
        ...


class Here:
    """Those that this process alone has counted."""

    def __init__(self) -> None:
        self._by_client: dict[str, Allowance] = {}

    @contextmanager
    def held(self, client: str, first: Allowance) -> Iterator[Allowance]:
        yield self._by_client.setdefault(client, first)


class Shared:
    """Those in a folder, each in a file that is locked while it is changed. Where that fails, this process counts for itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._here = Here()

    @contextmanager
    def held(self, client: str, first: Allowance) -> Iterator[Allowance]:
        try:
            file = os.open(self._folder / f"{client}{ENDING}", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            with self._here.held(client, first) as own:
                yield own
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            told = os.pread(file, FORM.size, 0)
            own = Allowance(*FORM.unpack(told)) if len(told) == FORM.size else first
            yield own
            with suppress(OSError):
                os.pwrite(file, FORM.pack(own.left, own.at), 0)
        finally:
            os.close(file)
