"""What a thousand reloads of the rules cost: seconds each, and whether memory or file handles stay. Exit code 1: they do.

    .venv/bin/python -m bench.reload [RELOADS]

After each good edit comes a bad one, which has to be refused. Memory is compared after a tenth, when it is warm, and at the end.
"""

from __future__ import annotations

import gc
import logging
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median

import psutil

from cds.web.file_watch import Result
from cds.web.live_rules import LiveRules
from cds.web.revision import RulesSource

RULES = Path(__file__).resolve().parents[1] / "rules"
RULE = "advice/abrupt-stop.yaml"
RELOADS = 1000
BUDGET = 2.0
"""Seconds from a good edit to its being served; an edit is seen within half a second of its end."""
MAY_GROW = 16.0
"""MB over all reloads: what the allocator keeps, not what each reload leaves."""


def main(reloads: int) -> int:
    logging.disable()  # each bad edit would be told
    with tempfile.TemporaryDirectory() as scratch:
        rules = shutil.copytree(RULES, Path(scratch) / "rules")
        source = RulesSource(rules, lambda: date(2026, 11, 23))
        live = LiveRules(source.served(), source)
        seconds, after_warm_up = [], measured()
        for number in range(reloads):
            seconds.append(reloaded(live, rules / RULE, number))
            if number == reloads // 10:
                after_warm_up = measured()
        grown, opened = (last - first for first, last in zip(after_warm_up, measured(), strict=True))
    slow, leaks = median(seconds) > BUDGET - 0.5, grown > MAY_GROW or opened > 0
    print(f"{reloads} good and {reloads} bad edits; a good one loads in {median(seconds):.2f} s (median), budget {BUDGET:.1f} s")
    verdict = "LEAKS" if leaks else "no leak"
    print(f"memory grew by {grown:.1f} MB, at most {MAY_GROW:.0f}; files left open: {opened:.0f}; {verdict}")
    return 1 if slow or leaks else 0


def reloaded(live: LiveRules, rule: Path, number: int) -> float:
    """The seconds that a good edit took to load; a bad one after it has to be refused."""
    good = rule.read_text()
    good = "".join(f"title: Edit {number}\n" if line.startswith("title: ") else line for line in good.splitlines(keepends=True))
    rule.write_text(good)
    started = time.perf_counter()
    result = live.reload()
    took = time.perf_counter() - started
    rule.write_text(good.replace("title: ", "titel: "))
    refused = live.reload()
    rule.write_text(good)
    if (result, refused) != (Result.SERVED, Result.REFUSED):
        raise SystemExit(f"edit {number} was {result}, the bad one after it {refused}")
    return took


def measured() -> tuple[float, float]:
    """The memory of this process in MB, and its open files."""
    gc.collect()
    process = psutil.Process()
    return process.memory_info().rss / 1e6, float(process.num_fds())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RELOADS))
