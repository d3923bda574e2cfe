"""The live revision: swapped whole for what stands under the rules, and kept where that can't be served."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from cds.errors import BadKnowledge, CdsError
from cds.knowledge.loader import revision
from cds.knowledge.problems import Problems
from cds.knowledge.site_overlay import check_reviews, named
from cds.trust.client_registry import TrustedClients, check_sites
from cds.web.file_watch import Reloads, Result, watch
from cds.web.revision import Revision, RulesSource, Users


class LiveRules:
    """The revision that is served now, and the sites that clients ask for."""

    def __init__(self, revision: Revision, source: RulesSource | None = None) -> None:
        self.reloads = Reloads("rules", "cds rules check")
        self._now = revision
        self._source = source
        self._users: Users = {}
        self._tried: str | None = None
        self._again = False
        """Whether rules that were refused may be served now: perhaps they only lacked the site of a client that is gone."""
        self._gone: dict[str, str] = {}
        """Rules that were served since the start and are not any more, with the revision that held each last."""
        self._before = {"disagreements": 0, "failures": 0}
        self._lock = threading.Lock()
        self._changing = threading.Lock()
        """Held while the rules or the clients change, so that no client is left without its site."""

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

    @contextmanager
    def serving(self, clients: TrustedClients, day: date) -> Iterator[None]:
        """While it is open the sites of the clients are served, and they go on being so after it.

        Where only the rules that stand there by now have a site, these come with it, so that one site may take another's place.
        Refuses, with BadClients or BadKnowledge, and changes nothing: a client whose site can't be served that day.
        """
        with self._changing:
            now, users = self._now, clients.by_site()
            try:
                check_sites((client for client in clients if not now.serves(client.site)), now.book, day)
                now.serve(users, day)
            except CdsError:
                if not self._came_with(users):
                    raise
            if users != self._users:
                self._users, self._tried = users, None
                self._again = self.reloads.problem is not None
            yield

    def _came_with(self, users: Users) -> bool:
        """Whether the rules as they stand now are others than are served, have the sites, and were swapped in."""
        try:
            files = self._source.files() if self._source else {}
            if self._source is None or revision(files) == self._now.book.revision:
                return False
            self._swap(self._source.revision(files, users, self._now.sites()))
        except CdsError:
            return False
        self._served()
        return True

    def sites(self) -> tuple[str, ...]:
        """The ids of the sites by which clients are judged."""
        first = self._now.at(None).site
        return tuple(sorted({*self._users, *([first.id] if first else [])}))

    def counted(self, what: str) -> int:
        """The engines' `disagreements` or `failures`, those of closed revisions included."""
        with self._lock:
            return self._before[what] + self._now.counted(what)

    def waiting(self, day: date) -> str | None:
        """What an operator has to look at: an edit that can't be served, and the reviews of sites that are due."""
        due, known = Problems(), self._now.book.sites
        check_reviews([known[id] for id in self.sites() if id in known], day, due)
        told = [self.reloads.problem] if self.reloads.problem else []
        told += [self.reloads.told(BadKnowledge(due.in_order()))] if due.found else []
        return "\n".join(told) or None

    def gone(self) -> str | None:
        """The rules that fell out of the folder while it was served: perhaps a file was deleted or renamed by mistake."""
        told = (f"{name} is served no more; {last} was the last to hold it." for name, last in sorted(self._gone.items()))
        return "\n".join(told) or None

    def reload(self) -> Result:
        """What became of the rules as they stand now. Never raises: what can't be served is logged, and nothing else changes."""
        if self._source is None:
            return Result.UNCHANGED
        with self._changing:
            self._again = False
            try:
                files = self._source.files()
                found = revision(files)
                if found == self._now.book.revision:
                    self._tried = None
                    return self.reloads.unchanged()
                if found == self._tried:
                    return Result.UNCHANGED
                self._tried = found
                self._swap(self._source.revision(files, self._users, self._now.sites()))
            except Exception as error:
                return self.reloads.refused(error, serving=self._now.id)
            return self._served()

    def close(self) -> None:
        self._close(self._now)

    async def watch(self) -> None:
        """Reloads after every change of the place, until it is cancelled."""
        if self._source is not None:
            await watch(self._source.place, self.reload, lambda: self._again)

    def _served(self) -> Result:
        """Says that the rules were swapped in, and which of those that were served before are gone."""
        gone = sorted(self._gone)
        level = logging.WARNING if gone else logging.INFO
        return self.reloads.served(level, knowledge=self._now.id, rules=len(self._now.book.rules), gone=gone)

    def _swap(self, new: Revision) -> None:
        there = {named(rule) for rule in new.book.rules}
        with self._lock:
            old, self._now = self._now, new
            old.retired = True
            held = {**self._gone, **{named(rule): old.book.revision for rule in old.book.rules}}
            self._gone = {name: last for name, last in held.items() if name not in there}
            idle = not old.calls
        if idle:
            self._close(old)

    def _close(self, revision: Revision) -> None:
        revision.close()
        if revision is not self._now:
            with self._lock:
                for what in self._before:
                    self._before[what] += revision.counted(what)
