"""How long a plan of two years takes to draw up, against the 20 ms that it may. Run: python -m bench.plan

Each plan is drawn up afresh: nothing that one has worked out serves the next.
"""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from pathlib import Path

from cds.core.cuts import PercentOf
from cds.core.plan import Plan
from cds.core.regimen import DayTime
from cds.decision.plans import Taken, direct_plan
from cds.knowledge.loader import knowledge

RULES = Path(__file__).parents[1] / "rules"
START = date(2026, 11, 23)
LIMIT_MS = 20
ROUNDS = 9
WEEKS = range(96, 121)
"""What counts as two years."""
MORNING, MIDDAY, NIGHT = DayTime.MORNING, DayTime.MIDDAY, DayTime.NIGHT
PLANS = [
    ("alprazolam", PercentOf.ORIGINAL, {MORNING: "0.75", MIDDAY: "0.875", NIGHT: "0.875"}),
    ("alprazolam", PercentOf.CURRENT, {MORNING: "0.25", MIDDAY: "0.25", NIGHT: "0.25"}),
    ("clonazepam", PercentOf.ORIGINAL, {MORNING: "1.25", NIGHT: "1.25"}),
    ("diazepam", PercentOf.CURRENT, {MORNING: "6", NIGHT: "6"}),
    ("lorazepam", PercentOf.CURRENT, {MORNING: "0.5", MIDDAY: "0.5", NIGHT: "0.5"}),
    ("nitrazepam", PercentOf.CURRENT, {NIGHT: "10"}),
]


def main() -> None:
    rules = knowledge(RULES)
    for agent, basis, times in PLANS:
        takes = Taken(agent, {part: Decimal(mg) for part, mg in times.items()})
        spent = []
        for _ in range(ROUNDS):
            before = time.perf_counter()
            found = direct_plan(rules, START, takes, "slower", basis)
            spent.append((time.perf_counter() - before) * 1000)
        weeks = (found.ends - found.start).days // 7 if isinstance(found, Plan) else 0
        if weeks not in WEEKS:
            raise SystemExit(f"{agent}: seen a plan of {weeks} weeks; expected two years. Choose another dose.")
        middle = sorted(spent)[ROUNDS // 2]
        verdict = "within" if middle < LIMIT_MS else "ABOVE"
        what = f"{takes.daily} mg, slower, of the {basis.value} dose"
        print(f"{agent:11} {what:40} {weeks:4} weeks {middle:6.1f} ms, {verdict} {LIMIT_MS} ms")


if __name__ == "__main__":
    main()
