"""How long our tapers take beside those that guidance publishes, as a page of the rule book."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from cds.core.quantity import plain
from cds.core.regimen import DayTime
from cds.core.taper_plan import Plan
from cds.decision.plans import direct_plan, taken
from cds.knowledge.files.published_tapers import PublishedTaper
from cds.knowledge.model import Knowledge
from cds.knowledge.pages.rule_page import table

PAGE = "totals.md"
COLUMNS = ("a day", "pace", "steps", "weeks to 0", "at the longest interval that a patient may choose", "published", "source")
INTRODUCTION = """# How long a taper takes

Our plans from the first cut to 0, drawn up by the rules as they are, beside what guidance publishes or expects, from
`rules/drugs/published-tapers.yaml`. Where no source gives a length, the row is ours alone.
A patient may go slower, stay, or end at a lower dose."""


def totals_page(knowledge: Knowledge) -> str:
    """The page, by the rules as of the day on which the newest number comes into force."""
    day = max(edition.since for one in knowledge.parameters.values() for edition in one.editions)
    return f"{INTRODUCTION}\n\n{table(COLUMNS, (_row(one, knowledge, day) for one in knowledge.published_tapers))}\n"


def _row(one: PublishedTaper, knowledge: Knowledge, day: date) -> Iterable[str]:
    times = ((DayTime.NIGHT, one.mg),) if one.at_night else ()
    found = direct_plan(knowledge, day, taken(knowledge, day, one.agent, one.mg, times), one.pace)
    source = knowledge.evidence.get(one.cite)
    low, high = one.weeks or (0, 0)
    published = "" if not high else f"{low} to {high}" if low < high else f"about {high}"
    said = (source.label if source else one.cite) if one.weeks else ""
    what = f"{one.agent} {plain(one.mg)} mg{' at night' if one.at_night else ''}"
    if not isinstance(found, Plan):
        return (what, one.pace, "", found.reason, "", published, said)
    least, most = found.lengths
    return (what, one.pace, str(len(found.steps)), str(least // 7), str(most // 7), published, said)
