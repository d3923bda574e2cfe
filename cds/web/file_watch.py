"""Watches a folder or a file, and tells what became of what was read again: served, refused or unchanged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from watchfiles import awatch

from cds.web.logs import LOG, place_of

QUIET_FOR, AT_MOST = 50, 400
"""Milliseconds without a further change after which an edit counts as done, and the longest that is waited for them."""
LOOK_AGAIN = 1000
"""Milliseconds after which is looked whether the place itself was replaced, which no change inside it tells."""
MOST_PROBLEMS = 5
"""How many problems of a refused edit are told; a command tells all."""


class Result(StrEnum):
    """What became of a reload."""

    SERVED = "served"
    REFUSED = "refused"
    UNCHANGED = "unchanged"


class Reloads:
    """What became of the reloads of one thing. `problem` says why what stands there is not served, where it is not."""

    def __init__(self, what: str, check: str) -> None:
        """`what` the log calls it, and `check` the command that tells every problem."""
        self.problem: str | None = None
        self.counts = {Result.SERVED: 0, Result.REFUSED: 0}
        self._what = what
        self._check = check

    def served(self, level: int = logging.INFO, **fields: object) -> Result:
        self.problem = None
        LOG.log(level, self._what, extra={"fields": {"result": Result.SERVED, **fields}})
        self.counts[Result.SERVED] += 1
        return Result.SERVED

    def unchanged(self) -> Result:
        """What stands there is what is served."""
        self.problem = None
        return Result.UNCHANGED

    def refused(self, error: Exception, **fields: object) -> Result:
        """Counts and logs a reload that was refused; what is served stays. A problem is logged once, however often it is met."""
        told = self.told(error)
        if told != self.problem:
            LOG.error(self._what, extra={"fields": {"result": Result.REFUSED, "problem": told, **fields}})
        self.problem = told
        self.counts[Result.REFUSED] += 1
        return Result.REFUSED

    def told(self, error: Exception) -> str:
        """Why something was refused: the first problems, and how many more there are."""
        problems = getattr(error, "problems", None)
        if isinstance(problems, tuple):
            told = [str(problem) for problem in problems[:MOST_PROBLEMS]]
            more = len(problems) - len(told)
            return "\n".join([*told, *([f"and {more} more: {self._check}"] if more else [])])
        return str(error) or f"{type(error).__name__} at {place_of(error)}"


async def watch(place: Path, reload: Callable[[], object], again: Callable[[], bool] = lambda: False) -> None:
    """Reloads after every change of the place, until it is cancelled, and every second while `again` holds.

    Loading runs beside the calls, not between them.
    """
    while True:
        await asyncio.to_thread(reload)
        try:
            await _watch_until_replaced(place, reload, again)
        except Exception as error:
            LOG.warning("watch_failed", extra={"fields": {"error": type(error).__name__, "place": place_of(error)}})
            await asyncio.sleep(LOOK_AGAIN / 1000)


async def _watch_until_replaced(place: Path, reload: Callable[[], object], again: Callable[[], bool]) -> None:
    """Returns when another folder has come in place of the one that is watched. A file is expected to be replaced."""
    which, folder, looked = _identity(place), place.is_dir(), False
    watched = place if folder else place.parent
    changes = awatch(watched, step=QUIET_FOR, debounce=AT_MOST, rust_timeout=LOOK_AGAIN, yield_on_timeout=True, recursive=folder)
    async for change in changes:
        if change or not looked or again():  # what changed before the watch began brings no change of its own
            looked = True
            await asyncio.to_thread(reload)
        if which != _identity(place) and (folder or place.is_dir()):
            return


def _identity(place: Path) -> tuple[int, int] | None:
    try:
        found = place.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
