"""How long the service takes from process start to ready. Exit code 1: longer than its budget."""

from __future__ import annotations

import sys
from statistics import median

from bench.servers import OURS, NotReady, served

BUDGET = 3.0
"""Seconds."""
STARTS = 3


def main() -> int:
    seconds = []
    try:
        for _ in range(STARTS):
            with served(OURS) as (_, took):
                seconds.append(took)
    except NotReady as error:
        print(error, file=sys.stderr)
        return 2
    verdict = "within" if median(seconds) <= BUDGET else "ABOVE"
    print(f"ready after {median(seconds):.2f} s (median of {STARTS} starts), {verdict} the budget of {BUDGET:.1f} s")
    return 0 if median(seconds) <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
