"""What serves: one rule book, as each site that is asked for has it, and the engines that weigh it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from cds.decision.answered import check_answers
from cds.engine.engine import Engine
from cds.errors import BadKnowledge, RefusedCall
from cds.knowledge.loader import from_files
from cds.knowledge.model import Knowledge
from cds.knowledge.model_sites import Site
from cds.knowledge.pack import files_at
from cds.knowledge.problems import Problem, Problems
from cds.knowledge.site_overlay import overlaid, site

Users = Mapping[str, Iterable[str]]
"""The sites that are asked for, each with the ids of the clients that are judged by it."""


class SiteGone(RefusedCall):
    """A call whose client had another site when it was let in, a moment ago."""

    status = 503
    code = "transient"


class SiteRevision:
    """The rule book as one site has it, or as it stands where `site` is None, with the engine that weighs it."""

    def __init__(self, book: Knowledge, engine: Engine, site: Site | None = None) -> None:
        self.id = engine.knowledge.revision
        self.engine = engine
        self.site = site
        self._book = book
        self._on: tuple[date | None, Knowledge] = (None, engine.knowledge)

    def on(self, day: date) -> Knowledge:
        """The knowledge of a day: a site may keep a rule silent until one."""
        if self.site is None:
            return self._on[1]
        if self._on[0] != day:
            self._on = (day, overlaid(self._book, self.site, day))
        return self._on[1]


class Revision:
    """One rule book as it serves, counted by the calls that are on it.

    `engine` weighs the knowledge by which a client without a site of its own is judged: that of `site`, or the book itself.
    """

    def __init__(self, book: Knowledge, engine: Engine, site: Site | None = None) -> None:
        first = SiteRevision(book, engine, site)
        self.id = first.id
        self.book = book
        self.calls = 0
        self.retired = False
        self._at: Mapping[str | None, SiteRevision] = {None: first, **({site.id: first} if site else {})}

    def at(self, site: str | None) -> SiteRevision:
        """The rule book as a site has it; None is that of a client without one. Refuses: a site that is not served (SiteGone)."""
        found = self._at.get(site)
        if found is None:
            raise SiteGone("The site of the caller is being changed; try again.")
        return found

    def serves(self, site: str | None) -> bool:
        return site in self._at

    def each(self) -> Iterator[SiteRevision]:
        """Every way in which the rule book is served."""
        return iter({id(one): one for one in self._at.values()}.values())

    def sites(self) -> frozenset[str]:
        """The ids of the sites that are served."""
        return frozenset(one for one in self._at if one is not None)

    def serve(self, users: Users, day: date, going_on: Container[str] = ()) -> None:
        """Makes the sites some of those that are served.

        Refuses, with BadKnowledge, and adds none: a site that can't be served that day (`cds.knowledge.site_overlay.site`).
        """
        added: dict[str | None, SiteRevision] = {}
        problems = Problems()
        for id, clients in users.items():
            try:
                if id not in self._at:
                    added[id] = SiteRevision(self.book, engine_at(self.book, id, day, id in going_on), self.book.sites[id])
            except BadKnowledge as refused:
                whose = f"It is the site of {', '.join(clients)}."
                found = (one for one in refused.problems if isinstance(one, Problem))
                problems.found += [replace(one, seen=f"{one.seen} {whose}") for one in found]
        if problems.found:
            _close(added.values())
        problems.raise_any()
        self._at = {**self._at, **added}

    def ready(self) -> bool:
        """Whether every engine gives the known answer to one worked example."""
        return all(one.engine.ready() for one in self.each())

    def counted(self, what: str) -> int:
        """The `disagreements` or `failures` of all engines."""
        return sum(int(getattr(one.engine, what)) for one in self.each())

    def close(self) -> None:
        _close(self.each())


def engine_at(book: Knowledge, id: str, day: date, goes_on: bool) -> Engine:
    """The engine of a site, compiled for a day. Refuses: a site that can't be served then, with BadKnowledge."""
    engine = Engine(site(book, id, day, goes_on))
    engine.warm(day)
    return engine


def _close(some: Iterable[SiteRevision]) -> None:
    for one in some:
        one.engine.close()


@dataclass(frozen=True, slots=True)
class RulesSource:
    """Where the rules stand: a folder, or a pack with the key that must have signed it.

    `site` is that of every client that has none of its own.
    """

    place: Path
    today: Callable[[], date]
    key: Path | None = None
    site: str | None = None

    def files(self) -> Mapping[str, bytes]:
        return files_at(self.place, self.key)

    def revision(self, files: Mapping[str, bytes], users: Users, going_on: Container[str] = ()) -> Revision:
        """A revision ready to serve. A site that is served already goes on with a review that is due.

        Refuses, with BadKnowledge: rules that can't be loaded, a fact that nothing answers, examples that come out otherwise, and
        a site that can't be served.
        """
        book, day = from_files(files), self.today()
        unanswered = Problems()
        check_answers(book, unanswered)
        unanswered.raise_any()
        engine = Engine(book)  # with every example: those of a rule that a site moved are decided with the book's own numbers
        if self.site is None:
            engine.warm(day)
            found = Revision(book, engine)
        else:
            engine.close()
            found = Revision(book, engine_at(book, self.site, day, self.site in going_on), book.sites[self.site])
        try:
            found.serve(users, day, going_on)
        except BaseException:
            found.close()
            raise
        return found

    def served(self) -> Revision:
        """The revision of the rules as they stand, for clients without a site of their own."""
        return self.revision(self.files(), {})
