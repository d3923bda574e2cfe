"""How long a plan of two years takes to draw up, against the 20 ms that it may. Run: python -m bench.plan"""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from pathlib import Path

from cds.core.cuts import PercentOf
from cds.core.plan import Plan
from cds.core.quantity import Range
from cds.core.regimen import DayTime
from cds.core.taper import direct
from cds.knowledge.drugs import drugs
from cds.knowledge.plan_limits import plan_limits, taper_pace
from cds.knowledge.presentations import presentations
from cds.knowledge.problems import Problems
from cds.knowledge.reading import knowledge

RULES = Path(__file__).parents[1] / "rules"
START = date(2026, 11, 23)
LIMIT_MS = 20
PLANS = [
    ("diazepam", "standard", {DayTime.MORNING: "20", DayTime.NIGHT: "20"}),
    ("diazepam", "slower", {DayTime.MORNING: "5", DayTime.NIGHT: "5"}),
    ("alprazolam", "standard", {DayTime.MORNING: "1", DayTime.MIDDAY: "1", DayTime.NIGHT: "1"}),
    ("clonazepam", "standard", {DayTime.MORNING: "1", DayTime.NIGHT: "1"}),
    ("alprazolam", "slower", {DayTime.MORNING: "1", DayTime.MIDDAY: "1", DayTime.NIGHT: "1"}),
]


def main() -> None:
    rules = knowledge(RULES)
    files = {path.relative_to(RULES).as_posix(): path.read_bytes() for path in RULES.rglob("*") if path.is_file()}
    shelf = presentations(files, drugs(files, Problems()).agents, rules.medications, Problems())
    for agent, pace, times in PLANS:
        held = rules.agents[agent].equivalents
        equivalent = Range(10 / max(one.high for one in held), 10 / min(one.low for one in held))
        numbers = taper_pace(rules, pace, START, PercentOf.CURRENT)
        assert numbers is not None
        takes = {time: Decimal(mg) for time, mg in times.items()}
        best = float("inf")
        for _ in range(5):
            before = time.perf_counter()
            found = direct(takes, agent, equivalent, shelf.by_agent[agent], numbers, plan_limits(rules, START), START)
            best = min(best, (time.perf_counter() - before) * 1000)
        weeks = (found.ends - found.start).days // 7 if isinstance(found, Plan) else 0
        per_two_years = best * min(1, 104 / weeks) if weeks else best
        verdict = "within" if per_two_years < LIMIT_MS else "ABOVE"
        print(
            f"{agent:12} {pace:9} {weeks:4} weeks {best:6.1f} ms; of two years {per_two_years:5.1f} ms, {verdict} {LIMIT_MS} ms"
        )


if __name__ == "__main__":
    main()
