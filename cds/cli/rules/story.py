"""The stories of `fhir_examples/`, and what one shows otherwise under other rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cds.cli.asked_on_a_day import REQUEST, ReadRequest, moved, read
from cds.cli.rules.report import counted

STORIES = Path("fhir_examples")
"""Where the stories are."""
NO_DAY = date(2026, 1, 1)
"""The day of a request that belongs to no story."""
PLAN = "plan:"


@dataclass(frozen=True, slots=True)
class StoryRequest:
    """One story: its name, its request, and the day that it is told on."""

    name: str
    asked: ReadRequest

    def day(self, on: date | None) -> date:
        return on or self.asked.day or NO_DAY

    def body(self, on: date | None) -> Any:
        """The request, its dates moved where another day is asked for."""
        return moved(self.asked, on) if on else self.asked.body


@dataclass(frozen=True, slots=True)
class StoryChange:
    """What changes in one story: cards that appear and disappear, and other lines."""

    name: str
    appear: tuple[str, ...]
    disappear: tuple[str, ...]
    other: tuple[str, ...]
    wording: tuple[str, ...]

    @property
    def in_words_alone(self) -> bool:
        """Whether the same cards only say it otherwise."""
        return not (self.appear or self.disappear or self.other)

    @property
    def in_cards(self) -> bool:
        """Whether there are other cards, paces, risks or advice on a crossover; not where only plans and words are others."""
        return bool(self.appear or self.disappear) or any(not says.startswith(PLAN) for says in self.other)

    def says(self) -> str:
        parts = [
            *(f"{card} appears" for card in self.appear),
            *(f"{card} disappears" for card in self.disappear),
            *self.other,
            *(f"{rule} says it in other words" for rule in self.wording),
        ]
        return f"{self.name}: {'; '.join(parts)}"

    def as_json(self) -> dict[str, object]:
        return {
            "story": self.name,
            "appear": list(self.appear),
            "disappear": list(self.disappear),
            "other": list(self.other),
            "wording": list(self.wording),
        }


def story_lines(changes: Sequence[StoryChange], told: int) -> Iterator[str]:
    """What changes in so many stories, a line for each, those that only say it in other words in one."""
    if not changes:
        yield f"None of {counted(told, 'story')} changes."
        return
    yield f"{len(changes)} of {counted(told, 'story')} {'changes' if len(changes) == 1 else 'change'}:"
    yield from (f"  {story.says()}" for story in changes if not story.in_words_alone)
    worded = [story.name for story in changes if story.in_words_alone]
    if worded:
        yield f"  the same cards in other words ({len(worded)}): {', '.join(worded)}"


def stories_in(folder: Path) -> list[StoryRequest]:
    """The stories of a folder, by name."""
    return [StoryRequest(path.parent.name, read(str(path.parent))) for path in sorted(folder.glob(f"*/{REQUEST}"))]
