"""The clients that are trusted now: swapped whole for what stands in their file, and kept where that can't be used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from cds.trust.client_registry import TrustedClients, trusted_clients
from cds.web.file_watch import Reloads, Result, watch
from cds.web.live_rules import LiveRules


class LiveClients:
    """The clients of a file, or none where there is no file.

    Refuses, when made: a file that can't be used, and a client whose site can't be served (BadClients).
    """

    def __init__(self, file: Path | None, live: LiveRules, today: Callable[[], date]) -> None:
        self.reloads = Reloads("clients", "cds clients check")
        self.now = TrustedClients()
        self.origins: tuple[str, ...] = ()
        self._file = file
        self._live = live
        self._today = today
        self._content = b""
        self._tried: tuple[bytes, str] | None = None
        if file is not None:
            self._serve(file)

    def reload(self) -> Result:
        """What became of the file as it stands now. Never raises: what can't be used is logged, and nothing else changes."""
        if self._file is None:
            return Result.UNCHANGED
        content = _content(self._file)
        if content == self._content:
            self._tried = None
            return self.reloads.unchanged()
        try:
            self._serve(self._file)
        except Exception as error:
            tried, self._tried = self._tried, (content, self.reloads.told(error))
            return Result.UNCHANGED if tried == self._tried else self.reloads.refused(error, clients=len(self.now))
        return self.reloads.served(clients=len(self.now))

    async def watch(self) -> None:
        """Reloads after every change of the file, until it is cancelled.

        A refused file is tried again every second: the site or the keys that it lacked may have come.
        """
        if self._file is not None:
            await watch(self._file, self.reload, lambda: self.reloads.problem is not None)

    def _serve(self, file: Path) -> None:
        content, found = _content(file), trusted_clients(file)
        with self._live.serving(found, self._today()):
            self.now, self.origins, self._content, self._tried = found, found.origins(), content, None


def _content(file: Path) -> bytes:
    """What stands in the file; nothing where it can't be read, which reading it as clients tells."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
