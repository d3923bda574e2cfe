"""Intervals of shares."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95


def wilson(count: int, of: int) -> tuple[float, float]:
    """The Wilson interval of a share, 95 percent: it holds near 0 and 1 and for small numbers, where the usual one doesn't.

    >>> tuple(round(end, 3) for end in wilson(0, 10))
    (0.0, 0.278)
    """
    if of == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, spread = count / of, z * z / of
    middle, half = share + spread / 2, z * sqrt((share * (1 - share) + spread / 4) / of)
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))
