"""What a replay of an invented export costs: orders a second, memory, and what each decision without a card takes.

`python -m bench.population [PATIENTS...]`: an export of each size is replayed by as many processes as there are processors,
so that one sees whether the time grows in a line. Exit code 1: a decision without a card is above its budget.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from datetime import date
from itertools import count
from pathlib import Path

from cds.decision.decide import decide
from cds.engine.engine import Engine
from cds.errors import RefusedCall
from cds.knowledge.loader import knowledge
from cds.population.calls import History, ReplayPeriod, Stored, Untold
from cds.population.export_replay import Book, Machine, period_of, replay
from cds.population.generate.distributions import Distributions
from cds.population.generate.invented_export import Span, generate, patient
from cds.settings import RULES_OF_THIS_CHECKOUT

LAST = date(2026, 11, 20)
SPAN = Span(date(2024, 11, 20), LAST)
BUDGET = 1.0
"""Milliseconds of a decision without a card, the whole replay of it included."""
SIZES = (250, 1000)
LOOP = 100
"""Patients of the plain loop."""


def main() -> int:
    sizes = [int(each) for each in sys.argv[1:]] or SIZES
    told = Distributions(knowledge(RULES_OF_THIS_CHECKOUT), RULES_OF_THIS_CHECKOUT)
    for patients in sizes:
        _replayed(patients, told)
    return 0 if _loop(told) <= BUDGET else 1


def _replayed(patients: int, told: Distributions) -> None:
    """Prints what the replay of so many patients costs."""
    machine = Machine(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        lines = generate(Path(folder) / "export", patients, 1, told, SPAN, lambda _: None)
        made = time.perf_counter() - begun
        begun, spent = time.perf_counter(), _processor()
        book = Book(RULES_OF_THIS_CHECKOUT, None, LAST, LAST)
        run = replay(Path(folder) / "export", Path(folder) / "out", book, period_of(None, None, []), machine, lambda *_: None)
        took, spent = time.perf_counter() - begun, _processor() - spent
    memory = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1e6
    print(
        f"{patients} patients, {sum(lines.values())} lines made in {made:.1f} s: {run['rows']} orders weighed in {took:.1f} s by "
        f"{machine.processes} processes, {run['rows'] / took:.0f} a second; "
        f"{1000 * spent / run['rows']:.2f} ms of a processor each, "
        f"memory at most about {memory:.2f} GB"
    )


def _processor() -> float:
    """Seconds of a processor that this process and those it started have used: what else the machine does is not in it."""
    return sum(
        each.ru_utime + each.ru_stime for each in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _loop(told: Distributions) -> float:
    """Prints what decisions cost in a plain loop of one process, with and without a card; returns those without, in ms."""
    engine = Engine(knowledge(RULES_OF_THIS_CHECKOUT))
    spent: dict[bool, list[float]] = {False: [], True: []}
    for number in range(LOOP):
        stored = [Stored(each["resourceType"], each["id"], "", 0, each) for each in patient(number, 1, told, SPAN, 4)]
        history = History(f"p{number}", stored, frozenset(), {}, Untold())
        numbers = count()
        for replayed in history.calls(ReplayPeriod(date(2026, 1, 1), LAST), frozenset(order.id for order in history.orders())):
            begun = time.process_time()
            try:
                decision = decide(replayed.call, engine.knowledge, engine, replayed.day, "bench", lambda: str(next(numbers)))  # noqa: B023
            except RefusedCall:
                continue
            if decision.judgements:
                spent[bool(decision.answer["cards"])].append(1000 * (time.process_time() - begun))
    engine.close()
    without, with_card = (sum(each) / max(len(each), 1) for each in (spent[False], spent[True]))
    print(
        f"A plain loop of one process: {len(spent[False])} calls without a card, {without:.2f} ms of a processor each, "
        f"budget {BUDGET:g} ms; "
        f"{len(spent[True])} with one, {with_card:.2f} ms each"
    )
    return without


if __name__ == "__main__":
    sys.exit(main())
