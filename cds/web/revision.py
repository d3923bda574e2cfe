"""The live revision: what is served, swapped whole for what stands under the rules, and kept where that can't be served."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from watchfiles import awatch

from cds.engine.engine import Engine
from cds.errors import BadKnowledge
from cds.knowledge.model import Knowledge
from cds.knowledge.pack import files_at
from cds.knowledge.reading import from_files, revision
from cds.knowledge.sites import overlaid, site
from cds.web.logs import LOG, place_of

QUIET_FOR, AT_MOST = 50, 400
"""Milliseconds without a further change after which an edit counts as done, and the longest that is waited for them."""
LOOK_AGAIN = 1000
"""Milliseconds after which is looked whether the place itself was replaced, which no change inside it tells."""
MOST_PROBLEMS = 5
"""How many problems of a refused edit are told; `cds rules check` tells all."""


class Result(StrEnum):
    """What became of a reload."""

    SERVED = "served"
    REFUSED = "refused"
    UNCHANGED = "unchanged"


class Revision:
    """One revision as it serves: the knowledge and the engine that weighs it, counted by the calls that are on it."""

    def __init__(self, knowledge: Knowledge, engine: Engine, book: Knowledge | None = None, site: str | None = None) -> None:
        self.id = knowledge.revision
        self.engine = engine
        self.calls = 0
        self.retired = False
        self._book, self._site = book, site
        self._on: tuple[date | None, Knowledge] = (None, knowledge)

    def on(self, day: date) -> Knowledge:
        """The knowledge of a day: a site may keep a rule silent until one."""
        if self._book is None or self._site is None:
            return self._on[1]
        if self._on[0] != day:
            self._on = (day, overlaid(self._book, self._book.sites[self._site], day))
        return self._on[1]

    def due(self, day: date) -> str | None:
        """What of the site is past its review, in words."""
        if self._book is None or self._site is None:
            return None
        try:
            site(self._book, self._site, day)
        except BadKnowledge as refused:
            return in_short(refused)
        return None


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rules stand: a folder, or a pack with the key that must have signed it; and the site that they are for."""

    place: Path
    today: Callable[[], date]
    key: Path | None = None
    site: str | None = None

    def files(self) -> Mapping[str, bytes]:
        return files_at(self.place, self.key)

    def revision(self, files: Mapping[str, bytes]) -> Revision:
        """A revision ready to serve. Refuses: rules that can't be loaded, and examples that come out otherwise."""
        book = from_files(files)
        engine = Engine(book)  # with every example: those of a rule that a site moved are decided with the book's own numbers
        if self.site is None:
            engine.warm(self.today())
            return Revision(book, engine)
        engine.close()
        own = site(book, self.site, self.today())
        engine = Engine(own)
        engine.warm(self.today())
        return Revision(own, engine, book, self.site)

    def served(self) -> Revision:
        return self.revision(self.files())


class Live:
    """The revision that is served now. `problem` says why what stands under the rules is not, where it is not."""

    def __init__(self, revision: Revision, source: Source | None = None) -> None:
        self.problem: str | None = None
        self.reloads = {Result.SERVED: 0, Result.REFUSED: 0}
        self._now = revision
        self._source = source
        self._tried: str | None = None
        self._before = {"disagreements": 0, "failures": 0}
        self._lock = threading.Lock()

    @property
    def now(self) -> Revision:
        return self._now

    @contextmanager
    def held(self) -> Iterator[Revision]:
        """The revision for one call, kept until the call is done, whatever is swapped in meanwhile."""
        with self._lock:
            mine = self._now
            mine.calls += 1
        try:
            yield mine
        finally:
            with self._lock:
                mine.calls -= 1
                done = mine.retired and not mine.calls
            if done:
                self._close(mine)

    def counted(self, what: str) -> int:
        """The engine's `disagreements` or `failures`, those of closed revisions included."""
        with self._lock:
            return self._before[what] + int(getattr(self._now.engine, what))

    def waiting(self) -> str | None:
        """What an operator has to look at: an edit that can't be served, or a site's review that is due."""
        due = self._now.due(self._source.today()) if self._source else None
        return self.problem or due

    def reload(self) -> Result:
        """What became of the rules as they stand now. Never raises: what can't be served is logged, and nothing else changes."""
        if self._source is None:
            return Result.UNCHANGED
        try:
            files = self._source.files()
            found = revision(files)
            if found == self._now.id.partition("+")[0]:
                self._tried, self.problem = None, None
                return Result.UNCHANGED
            if found == self._tried:
                return Result.UNCHANGED
            self._tried = found
            self._swap(self._source.revision(files))
        except Exception as error:
            return self._refused(error)
        self.problem = None
        LOG.info("rules", extra={"fields": {"result": Result.SERVED, "knowledge": self._now.id}})
        return self._counted(Result.SERVED)

    def close(self) -> None:
        self._close(self._now)

    async def watch(self) -> None:
        """Reloads after every change of the place, until it is cancelled. Loading runs beside the calls, not between them."""
        while self._source is not None:
            await asyncio.to_thread(self.reload)
            try:
                await self._watch_until_replaced(self._source.place)
            except Exception as error:
                LOG.warning("rules", extra={"fields": {"watching": type(error).__name__, "place": place_of(error)}})
                await asyncio.sleep(LOOK_AGAIN / 1000)

    async def _watch_until_replaced(self, place: Path) -> None:
        """Returns when another folder has come in place of the one that is watched. A pack is expected to be replaced."""
        which, folder, looked = _identity(place), place.is_dir(), False
        watched = place if folder else place.parent
        changes = awatch(
            watched, step=QUIET_FOR, debounce=AT_MOST, rust_timeout=LOOK_AGAIN, yield_on_timeout=True, recursive=folder
        )
        async for change in changes:
            if change or not looked:  # what changed before the watch began brings no change of its own
                looked = True
                await asyncio.to_thread(self.reload)
            if which != _identity(place) and (folder or place.is_dir()):
                return

    def _swap(self, new: Revision) -> None:
        with self._lock:
            old, self._now = self._now, new
            old.retired = True
            idle = not old.calls
        if idle:
            self._close(old)

    def _close(self, revision: Revision) -> None:
        revision.engine.close()
        if revision is not self._now:
            with self._lock:
                for what in self._before:
                    self._before[what] += int(getattr(revision.engine, what))

    def _refused(self, error: Exception) -> Result:
        told = in_short(error)
        if told != self.problem:
            fields = {"result": Result.REFUSED, "problem": told, "serving": self._now.id}
            LOG.error("rules", extra={"fields": fields})
        self.problem = told
        return self._counted(Result.REFUSED)

    def _counted(self, result: Result) -> Result:
        self.reloads[result] += 1
        return result


def in_short(error: Exception) -> str:
    """Why the rules were refused: the first problems, and how many more there are."""
    if isinstance(error, BadKnowledge):
        told = [str(problem) for problem in error.problems[:MOST_PROBLEMS]]
        more = len(error.problems) - len(told)
        return "\n".join([*told, *([f"and {more} more: cds rules check"] if more else [])])
    return str(error) or f"{type(error).__name__} at {place_of(error)}"


def _identity(place: Path) -> tuple[int, int] | None:
    try:
        found = place.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
