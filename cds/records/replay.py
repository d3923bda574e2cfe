"""A stored decision made again: the rules weighed over the facts that were stored, and the same cards out of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from cds.core.facts import Facts
from cds.core.gap import Gap, GapKind
from cds.decision.judge import advice_of, asked_for, unread
from cds.decision.offers import offers
from cds.engine.engine import Engine
from cds.engine.reference import Finding
from cds.hooks.cards import Advice, cards
from cds.hooks.declined_card import from_json
from cds.knowledge.model import Knowledge, RuleKind
from cds.records.decisions import DecisionRecord
from cds.records.payload import fact, start, steps
from cds.records.store_errors import OtherKnowledge

Json = dict[str, Any]
NOT_COMPARED = {"uuid", "suggestions", "selectionBehavior"}


def replayed(record: DecisionRecord, knowledge: Knowledge, engine: Engine) -> list[Json]:
    """The cards of a decision, made again from its facts. Orders have the names that the record gave them.

    Refuses: another revision of the knowledge than the decision was made with (OtherKnowledge).
    """
    if record.knowledge != knowledge.revision:
        raise OtherKnowledge(
            f"The decision was made with the rules {record.knowledge}; these are {knowledge.revision}. "
            f"Give the rules of that revision: the folder, or the packed file, as it was on {record.day.isoformat()}."
        )
    content = record.content()
    told = [each for judgement in content["judgements"] for each in _told(judgement, record, content["hook"], knowledge, engine)]
    told += unread([_gap(each) for each in content["unclear"]], knowledge, engine, record.day, content["hook"])
    numbers = count(1)
    lines = [from_json(each) for each in content.get("shortened", ())]
    return cards(told, knowledge, record.day, record.id, lambda: f"replayed-{next(numbers)}", lines)


def _gap(told: Json) -> Gap:
    return Gap(GapKind(told["kind"]), told["says"], told.get("resource", ""))


def _told(judgement: Json, record: DecisionRecord, hook: str, knowledge: Knowledge, engine: Engine) -> Iterator[Advice]:
    """The advice that is true of one order; none where it gives way to another within the call."""
    if judgement["givesWay"]:
        return
    facts, _, advice = weighed(judgement, record, hook, engine)
    true = [knowledge.rule(finding.rule_id, RuleKind.ADVICE) for finding in advice if finding.true]
    begin, ordered = start(judgement["start"]), steps(judgement["ordered"])
    drawn = offers(begin, facts, asked_for(true), knowledge, record.day)
    lists = {name: tuple(lines) for name, lines in judgement["lists"].items()}
    words = {**facts, **{name: fact(told) for name, told in judgement.get("words", {}).items()}}
    for rule in true:
        yield advice_of(rule, judgement["order"], words, lists, drawn, ordered, engine, record.day)


def weighed(
    judgement: Json, record: DecisionRecord, hook: str, engine: Engine
) -> tuple[Facts, tuple[Finding, ...], tuple[Finding, ...]]:
    """The facts of one stored judgement, and the findings of the risk and of the advice rules over them."""
    known = {name: fact(told) for name, told in judgement["facts"].items()}
    risks = engine.findings(RuleKind.RISK, known, record.day)
    known |= engine.risk_facts(risks)
    return known, risks, engine.findings(RuleKind.ADVICE, known, record.day, hook)


def shown(record: DecisionRecord) -> list[Json]:
    """The cards as they were shown."""
    found: list[Json] = record.content()["cards"]
    return found


def differences(record: DecisionRecord, again: list[Json]) -> list[str]:
    """In which members of which cards the replay differs from what was shown; empty where it is the same.

    Not compared: uuids, which are new each time, and suggestions, since what they order names the patient and is not kept.
    """
    then, now = [_comparable(card) for card in shown(record)], [_comparable(card) for card in again]
    if len(then) != len(now):
        return [f"{len(then)} cards were shown, the replay has {len(now)}"]
    return [
        f"card {place}: {name}"
        for place, (one, other) in enumerate(zip(then, now, strict=True), start=1)
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]


def _comparable(card: Mapping[str, Any]) -> Json:
    return {name: value for name, value in card.items() if name not in NOT_COMPARED}
