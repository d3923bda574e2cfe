"""The spool: a file of JSON lines that takes decisions while the database can't."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NEWLINE = b"\n"
LONG_LINE = 32 * 1024
"""Bytes: more than a decision with two plans."""


class Spool:
    """Lines that were appended and are still to be stored. Several processes may share one.

    A line that was appended is on disk (fsync) before `append` comes back. Lines are taken over in whole files: the one that is
    appended to is set aside under a number first, so that nobody waits for the database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, line: bytes) -> None:
        """Adds one line. Refuses: what the disk doesn't take (OSError); then nothing is left of it that would be read."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone(), _appending(self.path) as file:
            size = os.fstat(file).st_size
            torn = size > 0 and os.pread(file, 1, size - 1) != NEWLINE
            told = (NEWLINE if torn else b"") + line + NEWLINE
            try:
                if os.write(file, told) != len(told):
                    raise OSError(f"{self.path}: only part of a line could be written")
                os.fsync(file)
                if size == 0:
                    _sync_folder(self.path.parent)
            except OSError:
                os.ftruncate(file, size)
                raise

    def usable(self) -> bool:
        """Whether a line could be appended now: another file beside it takes as much, and is emptied again."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._alone(), _appending(self.path), _appending(self._lock("probe")) as probe:
                written = os.write(probe, b" " * LONG_LINE)
                os.fsync(probe)
                os.ftruncate(probe, 0)
                return written == LONG_LINE
        except OSError:
            return False

    def waiting(self) -> bool:
        """Whether anything is still to be stored."""
        return (self.path.exists() and self.path.stat().st_size > 0) or bool(self._aside())

    def lines(self) -> list[bytes]:
        """What is still to be stored, oldest first; it stays."""
        whole = b"".join(path.read_bytes() for path in (*self._aside(), self.path) if path.exists())
        return [line for line in whole.split(NEWLINE) if line]

    def batches(self, most: int = 200) -> Generator[Sequence[bytes], None, None]:
        """The lines, at most so many at a time; each file is removed once its last batch has been taken without an error.

        Nothing comes while another process is at it. A line that a crash cut short is among them.
        """
        with self._taking_over() as alone:
            if not alone:
                return
            self._set_aside()
            for path in self._aside():
                lines = [line for line in path.read_bytes().split(NEWLINE) if line]
                for start in range(0, len(lines), most):
                    yield lines[start : start + most]
                path.unlink()

    def _aside(self) -> list[Path]:
        return sorted(self.path.parent.glob(f"{self.path.name}.[0-9]*"))

    def _set_aside(self) -> None:
        with self._alone():
            if self.path.exists():
                last = self._aside()[-1:]
                number = int(last[0].suffix[1:]) + 1 if last else 1
                self.path.rename(self.path.with_name(f"{self.path.name}.{number:09d}"))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock("lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _taking_over(self) -> Iterator[bool]:
        if not self.path.parent.exists():
            yield False
            return
        with self._lock("taking-over.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def _lock(self, name: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{name}")


@contextmanager
def _appending(path: Path) -> Iterator[int]:
    """The descriptor of a file that is made where there is none, readable by its owner alone."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Brings the names in a folder to disk, so that a new file is found after a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
