"""Names of benzodiazepines and Z-drugs with a letter or two wrong ("lorazapam", "zolpedim"): near enough to be asked about.

A word that is near is never read as the drug: which drug is meant stays open, and a card says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SHORTEST_NAME, SHORTEST, LONGEST = 8, 7, 24
"""Letters: of a name that is looked for; of a word that is looked at."""
WRONG, WRONG_IF_SHORT = 2, 1
"""Letters that may be wrong, missing, too many or exchanged; in the shortest words. Local default."""


@dataclass(frozen=True, slots=True)
class NearNames:
    """Names by what is left of them when letters are struck out, so that only a few are compared with a word."""

    by_rest: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Iterable[str]) -> NearNames:
        found: dict[str, set[str]] = {}
        for name in names:
            if SHORTEST_NAME <= len(name) <= LONGEST and name.isascii() and name.isalpha():
                for rest in _rests(name):
                    found.setdefault(rest, set()).add(name)
        return cls({rest: frozenset(those) for rest, those in found.items()})

    def near(self, word: str) -> bool:
        """Whether a folded word is one of the names but for a letter or two."""
        if not (SHORTEST <= len(word) <= LONGEST and word.isascii() and word.isalpha()):
            return False
        most = WRONG_IF_SHORT if len(word) < SHORTEST_NAME else WRONG
        those = {name for rest in _rests(word) for name in self.by_rest.get(rest, ())}
        return any(differing_letters(word, name) <= most for name in those)


def _rests(word: str) -> set[str]:
    """The word without any one or two of its letters, and whole."""
    ones = {word[:at] + word[at + 1 :] for at in range(len(word))}
    return {word} | ones | {one[:at] + one[at + 1 :] for one in ones for at in range(len(one))}


def differing_letters(one: str, other: str) -> int:
    """How many letters of one are changed, left out, put in or exchanged with their neighbour to get the other.

    >>> differing_letters("lorazapam", "lorazepam"), differing_letters("clobzaam", "clobazam"), differing_letters("a", "a")
    (1, 1, 0)
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        now = [row]
        for column, against in enumerate(other, start=1):
            least = min(last[column] + 1, now[-1] + 1, last[column - 1] + (letter != against))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == against:
                least = min(least, before[column - 2] + 1)
            now.append(least)
        before, last = last, now
    return last[-1]


NO_NAMES = NearNames()
