"""The plan behind a card: the address that names nobody and nothing, and what of the stored decision a page shows."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from cds.core.facts import Facts
from cds.core.regimen import RegimenStep
from cds.decision.plan_choices import PlanSituation
from cds.engine.reference import Answer
from cds.errors import CdsError
from cds.records.decisions import DecisionRecord
from cds.records.hashes import KeyedHashes
from cds.records.payload import fact, start, steps
from cds.records.queries import decision
from cds.records.rows import unless_there
from cds.records.store_errors import UnknownDecision
from cds.records.tables import revoked_plans

LENGTH, MOST_PLACES = 16 + 1 + 16, 255
Json = Mapping[str, Any]


class NoSuchPlan(CdsError):
    """An address that leads to no plan: never made, or of a decision that is no longer kept."""


class PlanIsOver(CdsError):
    """An address that led to a plan: it expired, or was revoked."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """What is kept of one judged order, by pseudonyms: the situation that plans start from, and what was said then."""

    record: DecisionRecord
    situation: PlanSituation
    ordered: tuple[RegimenStep, ...]
    order: Json
    """The order as the answer told it to machines, its plan without steps."""
    cards: tuple[Json, ...]
    advice: tuple[str, ...]
    """The advice rules that were true."""
    gaps: tuple[str, ...]
    risk_factors: tuple[str, ...]
    until: datetime


def token(keyed: KeyedHashes, decision_id: str, place: int) -> str | None:
    """The end of a plan's address, of the judgement at that place; None for a decision without a UUID for an id."""
    try:
        named = UUID(decision_id).bytes
    except ValueError:
        return None
    if place > MOST_PLACES:
        return None
    return base64.urlsafe_b64encode(named + bytes([place]) + keyed.plan(decision_id, place)).decode()


def named_by(keyed: KeyedHashes, given: str) -> tuple[str, int]:
    """The decision and place that a token names. Refuses: what is no token of ours (NoSuchPlan)."""
    try:
        content = base64.b64decode(given.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if len(content) != LENGTH:
        raise NoSuchPlan("This address leads to no plan.")
    id, place = str(UUID(bytes=content[:16])), content[16]
    if not hmac.compare_digest(content[17:], keyed.plan(id, place)):
        raise NoSuchPlan("This address leads to no plan.")
    return id, place


def stored_plan(connection: Connection, keyed: KeyedHashes, given: str, now: datetime, days: int) -> StoredPlan:
    """The plan that a token leads to. Refuses: none (NoSuchPlan), one that is too old or was revoked (PlanIsOver)."""
    id, place = named_by(keyed, given)
    try:
        record = decision(connection, id)
    except UnknownDecision:
        raise NoSuchPlan("What this plan was drawn up from is no longer kept, or not stored yet.") from None
    until = record.made_at + timedelta(days=days)
    if now >= until:
        raise PlanIsOver(f"It could be opened for {days} days.")
    if connection.execute(select(revoked_plans).where(revoked_plans.c.decision == id)).first():
        raise PlanIsOver("It was revoked.")
    found = record.content()
    if place >= len(found["judgements"]):
        raise NoSuchPlan("This address leads to no plan.")
    return _plan(record, found, found["judgements"][place], until)


def _plan(record: DecisionRecord, content: Json, judgement: Json, until: datetime) -> StoredPlan:
    name = judgement["order"]
    facts: Facts = {each: fact(told) for each, told in judgement["facts"].items()}
    risks = frozenset(id for id, answer in judgement["risks"].items() if answer == Answer.TRUE)
    own = [card for card in content["cards"] if _order(card) == name]
    orders = [order for order in content["orders"] if order["request"] == name]
    gaps = [*(gap["says"] for order in orders for gap in order["gaps"]), *(gap["says"] for gap in content["gaps"])]
    return StoredPlan(
        record,
        PlanSituation(start(judgement["start"]), facts, record.day, risks),
        steps(judgement["ordered"]),
        orders[0] if orders else {},
        tuple(own),
        tuple(id for id, answer in judgement["advice"].items() if answer == Answer.TRUE),
        tuple(dict.fromkeys(gaps)),
        tuple(judgement["lists"].get("risk_factors") or _because(orders)),
        until,
    )


def _because(orders: list[Json]) -> list[str]:
    return [factor["because"] for order in orders for factor in order["riskFactors"]]


def _order(card: Json) -> str | None:
    for own in card["extension"].values():
        name: str | None = own.get("order")
        return name
    return None


def revoke(connection: Connection, decision_id: str, now: datetime) -> bool:
    """Whether the plans of a decision were revoked by this; False where they had been. Refuses: UnknownDecision."""
    decision(connection, decision_id)
    insert = unless_there(connection.dialect.name, revoked_plans).returning(revoked_plans.c.decision)
    return connection.execute(insert, {"decision": decision_id, "revoked_at": now}).first() is not None
