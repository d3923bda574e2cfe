"""One line of a rule file that is laid out, and the several that it becomes where it is too long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

WIDTH = 130
"""As wide as a list on one line may be. A text is as long as it is: where it is folded is its author's choice."""


@dataclass
class LayoutLine:
    """A line as it is drawn up: its words, its comment, and the places after a comma where it may be broken.

    `kept`: it stands within a text of several lines, and every space of it counts.
    """

    indent: int
    text: str = ""
    comment: str = ""
    kept: bool = False
    breaks: list[tuple[int, int]] = field(default_factory=list)
    after: int = 0
    """The column at which what is broken off begins."""

    listed: bool = False
    """It goes on with a list in brackets or braces that began above."""

    def add(self, words: str) -> None:
        self.text += words

    def may_break(self, depth: int, after: int) -> None:
        """Notes that the list in so many braces may go on below."""
        self.breaks.append((len(self.text), depth))
        self.after = after

    @property
    def blank(self) -> bool:
        return not (self.text or self.comment or self.kept)

    @property
    def goes_on(self) -> bool:
        """Whether more of the same list stands below."""
        return self.text.endswith(",")

    def before(self, other: LayoutLine) -> LayoutLine:
        """This line and another as one."""
        shift = len(self.text) + 1
        breaks = [*self.breaks, *((place + shift, depth) for place, depth in other.breaks)]
        return replace(
            other, indent=self.indent, text=f"{self.text} {other.text}", breaks=breaks, after=other.after or self.after
        )

    def broken(self) -> tuple[list[str], LayoutLine | None]:
        """Whole lines, and what is left over: broken after a comma, outside inner brackets where that is enough."""
        done: list[str] = []
        line = self
        while line.indent + len(line.text) > WIDTH:
            places = [(place, depth) for place, depth in line.breaks if place < len(line.text)]
            if not places:
                break
            fitting = [one for one in places if line.indent + one[0] <= WIDTH]
            place = max(fitting, key=lambda one: (-one[1], one[0]))[0] if fitting else places[0][0]
            done.append(" " * line.indent + line.text[:place])
            left = line.text[place:].lstrip()
            shift = len(line.text) - len(left)
            breaks = [(other - shift, depth) for other, depth in line.breaks if other > place]
            line = replace(line, indent=line.after, text=left, breaks=breaks)
        return done, line if done else None

    def written(self) -> str:
        """The line as text."""
        if self.kept:
            return " " * self.indent + self.text
        if not self.text.strip():
            return " " * self.indent + self.comment if self.comment else ""
        return " " * self.indent + self.text.rstrip() + (f"  {self.comment}" if self.comment else "")


def filled(lines: Iterable[LayoutLine]) -> Iterator[str]:
    """The lines, those that are too long as several; what is broken off a list begins the next line of it."""
    rest: LayoutLine | None = None
    for line in lines:
        if rest is not None:
            if rest.goes_on and line.listed and not rest.comment:
                line = rest.before(line)
            else:
                yield rest.written()
        short, rest = line.broken()
        yield from short
        if not short:
            yield line.written()
            rest = None
    if rest is not None:
        yield rest.written()
