"""How long an author waits for `cds rules check`, as on each save, and for `cds rules test`. Exit code 1: longer than its budget.

Run: python -m bench.rules
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

CDS = Path(sys.executable).with_name("cds")
BUDGETS = {"check": 1.5, "test": 4.0}
"""Seconds, on two processors that do nothing else."""
RUNS = 3


def main() -> int:
    worst = 0
    for command, budget in BUDGETS.items():
        seconds, worked = min(_timed(command) for _ in range(RUNS))
        verdict = "within" if seconds <= budget else "ABOVE"
        print(
            f"cds rules {command:5} {seconds:5.2f} s, {verdict} the budget of {budget:.1f} s; "
            f"{worked:.2f} s of processor time (best of {RUNS})"
        )
        worst = max(worst, seconds > budget)
    return int(worst)


def _timed(command: str) -> tuple[float, float]:
    """Seconds of one run, and of its processor time."""
    before, began = _worked(), time.perf_counter()
    subprocess.run([CDS, "rules", command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began, _worked() - before


def _worked() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
