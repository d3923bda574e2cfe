"""What a client declined, or left without an answer, of the cards about a patient: asked of the store, with how things were."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, select

from cds.core.facts import Fact, Known, Unknown
from cds.decision.declined_cards import Declined, EarlierOrder, Gaps, from_json
from cds.engine.reference import Answer
from cds.hooks.messages import EXTENSION
from cds.hooks.services import HOOKS
from cds.knowledge.files.vocabulary import risk_fact
from cds.records.feedback import OVERRIDDEN
from cds.records.payload import fact
from cds.records.tables import cards, decisions, feedback

Json = dict[str, Any]
Wanted = Collection[tuple[str, str | None]]
"""Rules, each with the agent that its card is about."""
RISKS: Mapping[Answer, Fact] = {
    Answer.TRUE: Known(True),
    Answer.FALSE: Known(False),
    Answer.CANNOT_TELL: Unknown("it could not be told"),
}
MOST_SAID = 100
"""How much of what was said about one patient, and how many openings of the chart, are looked at, the newest first."""
NEWEST = (
    select(feedback)
    .where(feedback.c.patient == bindparam("patient"), feedback.c.client == bindparam("client"))
    .order_by(feedback.c.id.desc())
    .limit(MOST_SAID)
    .subquery("said")
)
OUTCOMES = (
    select(
        NEWEST.c.id, NEWEST.c.outcome, NEWEST.c.outcome_at, NEWEST.c.received_at, NEWEST.c.reasons,
        cards.c.rule, cards.c.agent, cards.c.place, cards.c.fingerprint,
        cards.c.decision, decisions.c.made_at, decisions.c.day,
    )
    .join(cards, cards.c.card == NEWEST.c.card)
    .join(decisions, decisions.c.id == cards.c.decision)
    .where(decisions.c.client == bindparam("client"), decisions.c.day >= bindparam("since"))
)  # fmt: skip
"""What a client said about its cards for one patient. Written once, since most calls that show a card ask it.

It begins with what was said, which is little: one patient may have thousands of decisions.
"""


CHARTS = tuple(id for id, hook in HOOKS.items() if hook == "patient-view")
OPENED = (
    select(decisions.c.id, decisions.c.made_at, decisions.c.day)
    .where(decisions.c.patient == bindparam("patient"), decisions.c.client == bindparam("client"))
    .where(decisions.c.day >= bindparam("since"), decisions.c.service.in_(CHARTS))
    .order_by(decisions.c.made_at.desc())
    .limit(MOST_SAID)
    .subquery("opened")
)
SHOWN = select(
    cards.c.rule, cards.c.agent, cards.c.place, cards.c.fingerprint, cards.c.decision, OPENED.c.made_at, OPENED.c.day,
).join(OPENED, OPENED.c.id == cards.c.decision)  # fmt: skip
"""The cards that were shown to a client at the newest openings of the chart of one patient."""


def declined(
    connection: Connection, patient: str, client: str, since: date, wanted: Wanted, in_chart: bool = False
) -> list[Declined]:
    """The cards about a patient that a client declined, as its last word on them; of decisions since a day.

    One statement where nothing was declined, one more where something was. That a card was declined while it was one line says
    nothing new: the first refusal counts, and its time. `in_chart` asks also for what was shown in charts and left.
    """
    about = {"patient": patient, "client": client, "since": since}
    said = list(connection.execute(OUTCOMES, about))
    found = [row for row in _last_words(said) if (row.rule, row.agent) in wanted]
    left = [row for row in _left(connection.execute(SHOWN, about), said) if (row.rule, row.agent) in wanted] if in_chart else []
    if not (found or left):
        return []
    ids = {row.decision for row in (*found, *left)}
    payloads = connection.execute(select(decisions.c.id, decisions.c.payload).where(decisions.c.id.in_(ids)))
    contents = {row.id: orjson.loads(row.payload) for row in payloads}
    each = (*((row, False) for row in found), *((row, True) for row in left))
    told = (_declined(row, contents[row.decision], left) for row, left in each if row.decision in contents)
    return [one for one in told if one is not None]


def _last_words(rows: Iterable[Any]) -> Iterator[Any]:
    """The newest outcome of each rule and agent, where it is a refusal of a card in full."""
    told: set[tuple[str, str | None]] = set()
    for row in sorted(rows, key=lambda row: (_at(row), row.id), reverse=True):
        which = row.rule, row.agent
        if which in told or (row.outcome == OVERRIDDEN and _was_a_line(row)):
            continue
        told.add(which)
        if row.outcome == OVERRIDDEN:
            yield row


def _left(shown: Iterable[Any], said: Iterable[Any]) -> Iterator[Any]:
    """The newest card in full of each rule and agent, where no word has followed it but a refusal that gives no reason."""
    newest: dict[tuple[str, str | None], Any] = {}
    for row in sorted(shown, key=lambda row: row.made_at):
        if not _was_a_line(row):
            newest[row.rule, row.agent] = row
    words: dict[tuple[str, str | None], datetime] = {}
    for row in said:
        if row.outcome != OVERRIDDEN or (orjson.loads(row.reasons) and not _was_a_line(row)):
            words[row.rule, row.agent] = max(_at(row), words.get((row.rule, row.agent), _at(row)))
    return (row for about, row in newest.items() if about not in words or words[about] < row.made_at)


def _was_a_line(row: Row[Any]) -> bool:
    """Whether the card was shown in one line."""
    return from_json(orjson.loads(row.fingerprint)).shortened


def _at(row: Row[Any]) -> datetime:
    """When the outcome was: as the client says, at the latest when that was received."""
    moment: datetime = min(row.outcome_at, row.received_at)
    return moment


def _declined(row: Row[Any], content: Json, left: bool) -> Declined | None:
    """The refusal with how things were; None where its decision was written in a form that can't be compared."""
    with suppress(LookupError, TypeError, ValueError, ArithmeticError):
        return _with_its_decision(row, content, left)
    return None


def _with_its_decision(row: Row[Any], content: Json, left: bool) -> Declined:
    own = content["cards"][row.place - 1]["extension"][EXTENSION]
    weighed = {judgement["order"]: _then(judgement, content) for judgement in content["judgements"]}
    return Declined(
        rule=row.rule,
        agent=row.agent,
        on=row.day if left else row.day + max(_at(row) - row.made_at, timedelta(0)),
        reasons=() if left else tuple(orjson.loads(row.reasons)),
        bad=from_json(orjson.loads(row.fingerprint)),
        decision=row.decision,
        version=own["ruleVersion"],
        said=frozenset({own["rule"], *own.get("alsoSays", ())}),
        of=weighed[own["order"]],
        others=_by_agent(weighed.values()),
        left=left,
    )


def _by_agent(weighed: Iterable[EarlierOrder]) -> Mapping[str, EarlierOrder]:
    """The orders by agent; an agent that two of them are about is left out, since they can't be told apart."""
    several: dict[str, list[EarlierOrder]] = {}
    for then in weighed:
        agent = then.facts.get("agent")
        if isinstance(agent, Known):
            several.setdefault(str(agent.value), []).append(then)
    return {agent: found[0] for agent, found in several.items() if len(found) == 1}


def _then(judgement: Json, content: Json) -> EarlierOrder:
    facts: dict[str, Fact] = {name: fact(told) for name, told in judgement["facts"].items()}
    facts |= {risk_fact(id): RISKS[Answer(answer)] for id, answer in judgement["risks"].items()}
    return EarlierOrder(facts, judgement["advice"], judgement["ordered"], _gaps(judgement["order"], content))


def _gaps(order: str, content: Json) -> Gaps:
    own: list[Json] = next((each["gaps"] for each in content["orders"] if each["request"] == order), [])
    return Gaps((gap["kind"], gap["says"]) for gap in (*own, *content["gaps"]))
