"""What was worked out once and is asked for again: the same products, directions and texts come in call after call."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

MOST = 4096
T = TypeVar("T")


class Remembered:
    """Answers by their question, in memory only. Bounded: when it is full it begins anew.

    Holds: what depends on the question and the knowledge alone. A question about a record is asked by its fingerprint, so that
    no text of a record stays.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._answers: dict[Hashable, Any] = {}

    def recall(self, question: Hashable, work_out: Callable[[], T]) -> T:
        """The answer to the question, worked out where it isn't known yet."""
        try:
            found: T = self._answers[question]
        except KeyError:
            found = work_out()
            if len(self._answers) >= self._most:
                self._answers.clear()
            self._answers[question] = found
        return found

    def __len__(self) -> int:
        return len(self._answers)
