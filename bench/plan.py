"""How long a plan of a year or more takes to draw up, against the 20 ms that it may. Run: python -m bench.plan

Each plan is drawn up afresh: nothing that one has worked out serves the next.
"""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from pathlib import Path

from cds.core.cuts import PercentOf
from cds.core.regimen import DayTime
from cds.core.taper_plan import Plan
from cds.decision.plans import CurrentDoses, direct_plan
from cds.knowledge.loader import knowledge

RULES = Path(__file__).parents[1] / "rules"
START = date(2026, 11, 23)
LIMIT_MS = 20
ROUNDS = 9
FEWEST_WEEKS = 52
"""What counts as a long course."""
MORNING, MIDDAY, NIGHT = DayTime.MORNING, DayTime.MIDDAY, DayTime.NIGHT
PLANS = [
    ("alprazolam", PercentOf.ORIGINAL, {MORNING: "1", MIDDAY: "1", NIGHT: "1"}),
    ("alprazolam", PercentOf.CURRENT, {MORNING: "2", MIDDAY: "2", NIGHT: "2"}),
    ("clonazepam", PercentOf.CURRENT, {MORNING: "1", NIGHT: "1"}),
    ("diazepam", PercentOf.CURRENT, {MORNING: "20", NIGHT: "20"}),
    ("lorazepam", PercentOf.CURRENT, {MORNING: "2", MIDDAY: "2", NIGHT: "2"}),
]


def main() -> None:
    rules = knowledge(RULES)
    for agent, basis, times in PLANS:
        takes = CurrentDoses(agent, {part: Decimal(mg) for part, mg in times.items()})
        spent = []
        for _ in range(ROUNDS):
            before = time.perf_counter()
            found = direct_plan(rules, START, takes, "slower", basis)
            spent.append((time.perf_counter() - before) * 1000)
        weeks = (found.ends - found.start).days // 7 if isinstance(found, Plan) else 0
        if weeks < FEWEST_WEEKS:
            raise SystemExit(f"{agent}: seen a plan of {weeks} weeks; expected {FEWEST_WEEKS} or more. Choose another dose.")
        middle = sorted(spent)[ROUNDS // 2]
        verdict = "within" if middle < LIMIT_MS else "ABOVE"
        what = f"{takes.daily} mg, slower, of the {basis.value} dose"
        print(f"{agent:11} {what:40} {weeks:4} weeks {middle:6.1f} ms, {verdict} {LIMIT_MS} ms")


if __name__ == "__main__":
    main()
