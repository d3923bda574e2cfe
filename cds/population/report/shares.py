"""One table of a report: shares of a whole, and how it is masked where it leaves the building."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cds.population.report.intervals import wilson

FEWEST = 10
"""Counts under it are masked where a report is published, and every other is rounded to a multiple of it."""
MASKED = f"under {FEWEST} or hidden"


@dataclass(frozen=True, slots=True)
class Share:
    """One line: `count` of `of`; both None where they are masked."""

    label: str
    count: int | None
    of: int | None

    @property
    def for_each_100(self) -> float | None:
        return 100 * self.count / self.of if self.count is not None and self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        if self.count is None or not self.of or self.count > self.of:
            return None
        low, high = wilson(self.count, self.of)
        return 100 * low, 100 * high


@dataclass(frozen=True, slots=True)
class ShareTable:
    """A titled table of shares. `counts` and `of` say what is counted, `note` how to read it."""

    title: str
    counts: str
    of: str
    lines: tuple[Share, ...]
    note: str = ""

    def masked(self) -> ShareTable:
        """The table as it may leave the building.

        A line is hidden where its count, its whole, or the rest of its whole is under the fewest. So that no hidden one can be
        worked out from a total, more are hidden until they are two and come to the fewest together; the others are rounded, so
        that no sum over several tables tells more.
        """
        hidden = {place for place, line in enumerate(self.lines) if _is_small(line)}
        if hidden:
            by_size = sorted(
                (place for place in range(len(self.lines)) if place not in hidden), key=lambda place: self._size(place)
            )
            while by_size and (len(hidden) < 2 or sum(self._size(place) for place in hidden) < FEWEST):
                hidden.add(by_size.pop(0))
        lines = (
            replace(line, count=None, of=None)
            if place in hidden
            else replace(line, count=_rounded(line.count), of=_rounded(line.of))
            for place, line in enumerate(self.lines)
        )
        return replace(self, lines=tuple(lines))

    def _size(self, place: int) -> int:
        return self.lines[place].count or 0


def _is_small(line: Share) -> bool:
    count, of = line.count or 0, line.of or 0
    return count < FEWEST or of < FEWEST or 0 < of - count < FEWEST


def _rounded(number: int | None) -> int | None:
    return None if number is None else FEWEST * ((number + FEWEST // 2) // FEWEST)


def table(title: str, counts: str, of: str, rows: Iterable[Sequence[object]], note: str = "") -> ShareTable:
    """A table from rows of label, count and whole."""
    lines = tuple(Share(str(label) or "not told", int(str(count)), int(str(whole))) for label, count, whole in rows)
    return ShareTable(title, counts, of, lines, note)
