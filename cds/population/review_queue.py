"""Cases of one rule for two readers to judge: drawn by seed, their verdicts taken, and what they come to."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import sqrt
from statistics import NormalDist

from cds.errors import CdsError
from cds.population.report.intervals import CONFIDENCE, wilson
from cds.population.results import Results

ABOUT = ("case", "rule", "file", "line", "day", "agent", "action", "ordered_mg", "taken_mg")
READERS = ("reader_1", "reader_2")
COLUMNS = (*ABOUT, *READERS, "remark")
YES, NO = "yes", "no"
"""A verdict: whether the card was right to be shown on this order."""


class BadVerdicts(CdsError):
    """A queue whose verdicts can't be read."""


def queue(results: Results, rule: str, number: int, seed: int) -> str:
    """So many orders with a card of the rule, as CSV with a column for each reader. Refuses: a rule without a card.

    The same seed draws the same cases, also from a larger replay as far as they are in it: each case has a place of its own.
    """
    found = results.all(
        "SELECT patient, day, place, file, line, agent, action, ordered_mg, taken_mg FROM orders WHERE list_contains(shown, ?)",
        [rule],
    )
    if not found:
        raise BadVerdicts(f"{rule}: no order of this replay has a card of it, so there is nothing to judge.")
    drawn = sorted(found, key=lambda row: blake2b(f"{seed}|{row[0]}|{row[1]}|{row[2]}".encode(), digest_size=8).digest())[:number]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for case, (_, day, _, *rest) in enumerate(drawn, start=1):
        file, line, agent, action, ordered, taken = rest
        writer.writerow([case, rule, file, line, day, agent, action, ordered, taken, "", "", ""])
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two readers said. `both` are the cases that both judged, `right` those of which both said yes."""

    both: int
    right: int
    disagree: int
    unread: int
    kappa: float | None
    kappa_ends: tuple[float, float] | None

    @property
    def predictive_value(self) -> float:
        return self.right / self.both

    @property
    def predictive_ends(self) -> tuple[float, float]:
        return wilson(self.right, self.both)

    @property
    def number_needed_to_alert(self) -> float | None:
        """Cards shown for one that both readers call right; None where there is none."""
        return self.both / self.right if self.right else None

    @property
    def needed_ends(self) -> tuple[float, float | None]:
        low, high = self.predictive_ends
        return 1 / high, 1 / low if low > 0 else None


def agreement(text: str) -> Agreement:
    """What the verdicts of a queue come to. Refuses: other columns, other words than yes and no, no case that both judged."""
    rows = list(csv.DictReader(io.StringIO(text)))
    if not rows or not set(READERS) <= set(rows[0]):
        raise BadVerdicts(f"The columns {' and '.join(READERS)} are missing. Give the file that `cds population sample` wrote.")
    pairs: list[tuple[bool, bool]] = []
    for number, row in enumerate(rows, start=2):
        said = [(row[reader] or "").strip().lower() for reader in READERS]
        for reader, word in zip(READERS, said, strict=True):
            if word not in {YES, NO, ""}:
                raise BadVerdicts(
                    f"line {number}, {reader}: seen `{word}`; expected yes, no, or nothing where it was not judged."
                )
        if all(said):
            pairs.append((said[0] == YES, said[1] == YES))
    if not pairs:
        raise BadVerdicts("No case was judged by both readers yet. Write yes or no into each one's column.")
    kappa = cohens_kappa(pairs)
    agreed = sum(one is other for one, other in pairs)
    return Agreement(
        both=len(pairs),
        right=sum(one and other for one, other in pairs),
        disagree=len(pairs) - agreed,
        unread=len(rows) - len(pairs),
        kappa=kappa[0] if kappa else None,
        kappa_ends=kappa[1] if kappa else None,
    )


def cohens_kappa(pairs: Sequence[tuple[bool, bool]] | Iterable[tuple[bool, bool]]) -> tuple[float, tuple[float, float]] | None:
    """Cohen's kappa of two readers, with its interval; None where both always say the same one word, of which it says nothing."""
    told = list(pairs)
    seen = sum(one is other for one, other in told) / len(told)
    first, second = (sum(pair[reader] for pair in told) / len(told) for reader in (0, 1))
    chance = first * second + (1 - first) * (1 - second)
    if chance >= 1:
        return None
    kappa = (seen - chance) / (1 - chance)
    half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * sqrt(seen * (1 - seen) / len(told)) / (1 - chance)
    return kappa, (max(-1.0, kappa - half), min(1.0, kappa + half))
