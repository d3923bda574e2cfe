"""What became of cards, by rule, client and week, as counts; and what the last calls had in common."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import orjson
from sqlalchemy import Connection, func, select

from cds.engine.reference import Answer
from cds.records.outcomes import Outcomes
from cds.records.tables import cards, decisions, feedback

LAST = 300
"""So many of the last calls are looked into for gaps and for rules that were true."""
WEEK, BEFORE = 7, 28
Z = 1.96
"""Of an interval that holds in 95 of 100 cases."""


@dataclass(frozen=True, slots=True)
class WilsonShare:
    """So many of so many, with the interval of Wilson: where the share lies in 95 of 100 cases."""

    of: int
    count: int

    @property
    def interval(self) -> tuple[float, float] | None:
        if not self.of:
            return None
        share, z2 = self.count / self.of, Z * Z
        middle = (share + z2 / (2 * self.of)) / (1 + z2 / self.of)
        half = Z / (1 + z2 / self.of) * math.sqrt(share * (1 - share) / self.of + z2 / (4 * self.of * self.of))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        if self.interval is None:
            return "none"
        low, high = self.interval
        return f"{self.count / self.of:.0%} ({low:.0%} to {high:.0%})"


class Became(Outcomes):
    """The cards of one rule, client or week, with the share that was taken up."""

    @property
    def taken_up(self) -> WilsonShare:
        """Of those that were spoken of."""
        return WilsonShare(self.accepted + self.overridden, self.accepted)


@dataclass(frozen=True, slots=True)
class Moved:
    """A rule that fires otherwise than before: in how many calls of the last week, and of the four weeks before it."""

    rule: str
    now: WilsonShare
    before: WilsonShare


@dataclass(frozen=True, slots=True)
class Insights:
    """What the pages tell of the records."""

    calls: int
    cards: int
    by_rule: Mapping[str, Became]
    by_client: Mapping[str, Became]
    by_week: Mapping[date, Became]
    moved: tuple[Moved, ...]
    gaps: Mapping[str, int]
    true: Mapping[str, int]
    """By advice rule: in how many of the last calls it was true, a silent one too."""
    looked_into: int


Seen = dict[str, tuple[frozenset[str], frozenset[str]]]
"""Of a decision, which never changes, the kinds of its gaps and the advice rules that were true."""


def insights(connection: Connection, since: date, today: date, seen: Seen | None = None) -> Insights:
    """The counts of decisions since a day. `seen` keeps what was read of the last calls for the next time."""
    counted = select(decisions.c.day, func.count()).where(decisions.c.day >= since).group_by(decisions.c.day)
    calls = dict[date, int](connection.execute(counted).tuples().all())
    shown = connection.execute(
        select(decisions.c.day, decisions.c.client, cards.c.rule, func.count())
        .join(cards, cards.c.decision == decisions.c.id)
        .where(decisions.c.day >= since)
        .group_by(decisions.c.day, decisions.c.client, cards.c.rule)
    ).tuples()
    by_rule: dict[str, Became] = {}
    by_client: dict[str, Became] = {}
    by_week: dict[date, Became] = {}
    by_day: dict[str, Counter[date]] = {}

    def each(day: date, client: str, rule: str) -> Iterable[Became]:
        week = day - timedelta(days=day.weekday())
        places = ((by_rule, rule), (by_client, client))
        return (*(place.setdefault(name, Became()) for place, name in places), by_week.setdefault(week, Became()))

    total = 0
    for day, client, rule, many in shown:
        total += many
        by_day.setdefault(rule, Counter())[day] += many
        for one in each(day, client, rule):
            one.shown += many
    for day, client, rule, outcome, reasons in _last_words(connection, since):
        for one in each(day, client, rule):
            one.count(outcome, reasons)
    gaps, true, looked_into = _last_calls(connection, {} if seen is None else seen)
    ordered = dict(sorted(by_rule.items(), key=lambda item: -item[1].shown))
    moved = tuple(_moved(by_day, calls, today))
    return Insights(sum(calls.values()), total, ordered, by_client, dict(sorted(by_week.items())), moved, gaps, true, looked_into)


def _last_words(connection: Connection, since: date) -> Iterable[tuple[date, str, str, str, str]]:
    """Of each card that a client spoke of its last word."""
    said = (
        select(feedback.c.client, feedback.c.card, decisions.c.day, cards.c.rule, feedback.c.outcome, feedback.c.reasons)
        .join(cards, cards.c.card == feedback.c.card)
        .join(decisions, decisions.c.id == cards.c.decision)
        .where(decisions.c.day >= since)
        .order_by(feedback.c.outcome_at, feedback.c.id)
    )
    last = {(client, card): (day, client, rule, outcome, reasons) for client, card, day, rule, outcome, reasons in
            connection.execute(said).tuples()}  # fmt: skip
    return last.values()


def _last_calls(connection: Connection, seen: Seen) -> tuple[dict[str, int], dict[str, int], int]:
    """What could not be read in the last calls, most often first, and which advice rules were true."""
    newest = connection.execute(select(decisions.c.id).order_by(decisions.c.made_at.desc()).limit(LAST)).scalars().all()
    new = [id for id in newest if id not in seen]
    read = connection.execute(select(decisions.c.id, decisions.c.payload).where(decisions.c.id.in_(new))) if new else ()
    found = {id: seen[id] for id in newest if id in seen} | {id: _of_payload(payload) for id, payload in read}
    seen.clear()
    seen.update(found)
    gaps, true = Counter[str](), Counter[str]()
    for kinds, rules in found.values():
        gaps.update(kinds)
        true.update(rules)
    return dict(gaps.most_common()), dict(true.most_common()), len(found)


def _of_payload(text: str) -> tuple[frozenset[str], frozenset[str]]:
    payload = orjson.loads(text)
    told = [*payload["gaps"], *(gap for order in payload["orders"] for gap in order["gaps"])]
    true = {rule for judgement in payload["judgements"] for rule, found in judgement["advice"].items() if found == Answer.TRUE}
    return frozenset(gap["kind"] for gap in told), frozenset(true)


def _moved(by_day: Mapping[str, Counter[date]], calls: Mapping[date, int], today: date) -> Iterable[Moved]:
    """The rules whose share of calls in the last week lies outside of what the four weeks before let one expect."""
    edge, start = today - timedelta(days=WEEK), today - timedelta(days=WEEK + BEFORE)
    now_of = sum(many for day, many in calls.items() if day > edge)
    before_of = sum(many for day, many in calls.items() if start < day <= edge)
    for rule, days in by_day.items():
        now = WilsonShare(now_of, min(now_of, sum(many for day, many in days.items() if day > edge)))
        before = WilsonShare(before_of, min(before_of, sum(many for day, many in days.items() if start < day <= edge)))
        if now.interval and before.interval and (now.interval[0] > before.interval[1] or now.interval[1] < before.interval[0]):
            yield Moved(rule, now, before)
