"""What became of cards: which suggestion was taken, and of each rule how often it was shown, accepted and overridden, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from cds.records.feedback import ACCEPTED
from cds.records.tables import cards, decisions, feedback

AT_A_TIME = 500
NO_REASON = "no reason"


@dataclass(slots=True)
class Outcomes:
    """Of one rule, client or week: how many cards were shown, and the last word of a client on each of those it spoke of."""

    shown: int = 0
    accepted: int = 0
    overridden: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)

    def count(self, outcome: str, reasons: bytes | str) -> None:
        """Counts the last word on one card; `reasons` is the JSON list of a refusal."""
        if outcome == ACCEPTED:
            self.accepted += 1
        else:
            self.overridden += 1
            self.reasons.update(orjson.loads(reasons) or [NO_REASON])


def taken(connection: Connection, reports: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Of the feedback events the suggestions that stand in a stored decision: its rule, decision and label, by its keyed hash."""
    wanted = [report["card"] for report in reports if report["outcome"] == ACCEPTED]
    if not wanted:
        return {}
    asked = (
        select(cards.c.rule, cards.c.place, cards.c.decision, decisions.c.payload)
        .join(decisions, decisions.c.id == cards.c.decision)
        .where(cards.c.card.in_(wanted))
    )
    found = {}
    for row in connection.execute(asked):
        shown = orjson.loads(row.payload)["cards"][row.place - 1 : row.place]
        for suggestion in (one for card in shown for one in card.get("suggestions", ()) if "key" in one):
            found[suggestion["key"]] = {"rule": row.rule, "decision": row.decision, "label": suggestion.get("label", "")}
    return found


def outcomes(connection: Connection) -> dict[str, Outcomes]:
    """The outcomes of each rule whose cards were shown."""
    shown = connection.execute(select(cards.c.rule, func.count()).group_by(cards.c.rule).order_by(cards.c.rule))
    found = {rule: Outcomes(shown=number) for rule, number in shown}
    last: dict[tuple[str, str], Mapping[str, Any]] = {}
    said = select(feedback, cards.c.rule).join(cards, cards.c.card == feedback.c.card)
    for each in connection.execute(said.order_by(feedback.c.outcome_at, feedback.c.id)).mappings():
        last[each["client"], each["card"]] = {str(name): value for name, value in each.items()}
    rows = list(last.values())
    for start in range(0, len(rows), AT_A_TIME):
        some = rows[start : start + AT_A_TIME]
        labels = taken(connection, some)
        for row in some:
            _count(found[row["rule"]], row, labels)
    return found


def _count(one: Outcomes, row: Mapping[str, Any], labels: Mapping[str, Mapping[str, str]]) -> None:
    one.count(row["outcome"], row["reasons"])
    if row["outcome"] == ACCEPTED:
        one.taken.update(labels[key]["label"] for key in orjson.loads(row["suggestions"]) if key in labels)
