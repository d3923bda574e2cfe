"""What a client reports about cards: accepted, or overridden and why (CDS Hooks 2.0.1, Feedback)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cds.errors import BadRequest
from cds.knowledge.model import CodedValue
from cds.records.hashes import KeyedHashes

ACCEPTED, OVERRIDDEN = "accepted", "overridden"
OTHER_REASON = "other"
EPIC_EXTENSION = "com.epic.cdshooks.feedback.overrideReason"
LONGEST_ID = 1000
MOST_EVENTS, MOST_SUGGESTIONS = 500, 20
"""How many items one call may bring, and how many suggestions one of them may name."""
TIMESTAMP = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[Tt ](?P<time>\d{2}:\d{2}:\d{2})(?P<part>\.\d+)?(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?"
)
"""RFC 3339; a zone that is left out is UTC, as the specification wants it."""


@dataclass(frozen=True, slots=True)
class FeedbackEvent:
    """One outcome of one card. `card` and `suggestions` are keyed hashes; `reasons` are codes that our cards offer, or `other`.

    A comment may name the patient, so only whether there was one is kept.
    """

    card: str
    outcome: str
    at: datetime
    suggestions: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    commented: bool = False


@dataclass(frozen=True, slots=True)
class Reported:
    """What a feedback call told, and why some of its items are no feedback."""

    events: tuple[FeedbackEvent, ...]
    refused: tuple[str, ...] = ()


def reported(body: object, offered: Iterable[CodedValue], keyed: KeyedHashes) -> Reported:
    """The events in the body of a feedback call; `offered` are the reasons that our cards offer.

    An item that is no feedback is refused by itself. Refuses: a body without any that is, or with too many (BadRequest).
    """
    items = _list(_member(_object(body, "the body"), "feedback"), "feedback")
    if len(items) > MOST_EVENTS:
        raise BadRequest(f"feedback: seen {len(items)} items; expected at most {MOST_EVENTS} in one call.")
    known = {(reason.system, reason.code) for reason in offered}
    events: list[FeedbackEvent] = []
    refused: list[BadRequest] = []
    for number, item in enumerate(items):
        where = f"feedback[{number}]"
        try:
            events.append(_event(_object(item, where), where, known, keyed))
        except BadRequest as error:
            refused.append(error)
    if refused and not events:
        raise refused[0]
    return Reported(tuple(events), tuple(map(str, refused)))


def _event(item: Mapping[str, Any], where: str, known: set[tuple[str, str]], keyed: KeyedHashes) -> FeedbackEvent:
    outcome = _member(item, "outcome", where)
    if outcome not in (ACCEPTED, OVERRIDDEN):
        raise BadRequest(f"{where}.outcome: expected {ACCEPTED} or {OVERRIDDEN}.")
    card = keyed.card(_id(_member(item, "card", where), f"{where}.card"))
    at = _moment(_member(item, "outcomeTimestamp", where), f"{where}.outcomeTimestamp")
    if outcome == ACCEPTED:
        return FeedbackEvent(card, outcome, at, suggestions=_suggestions(item, where, keyed))
    given = _given_reasons(item, where)
    codes = dict.fromkeys(_codes(given, known))
    return FeedbackEvent(card, outcome, at, reasons=tuple(codes), commented=any(_commented(each) for each in given))


def _suggestions(item: Mapping[str, Any], where: str, keyed: KeyedHashes) -> tuple[str, ...]:
    where = f"{where}.acceptedSuggestions"
    accepted = _list(_member(item, "acceptedSuggestions", where.rpartition(".")[0]), where)
    if not accepted:
        raise BadRequest(f"{where}: seen an empty list; expected the suggestions that were accepted.")
    if len(accepted) > MOST_SUGGESTIONS:
        raise BadRequest(f"{where}: seen {len(accepted)} suggestions; expected at most {MOST_SUGGESTIONS}.")
    places = [(f"{where}[{n}]", _object(each, f"{where}[{n}]")) for n, each in enumerate(accepted)]
    return tuple(keyed.suggestion(_id(_member(each, "id", place), f"{place}.id")) for place, each in places)


def _given_reasons(item: Mapping[str, Any], where: str) -> list[Mapping[str, Any]]:
    """The reasons of an override. Some clients write `overrideReasons`, and one or several."""
    found: list[Mapping[str, Any]] = []
    for name in ("overrideReason", "overrideReasons"):
        given = item.get(name)
        if given is not None:
            several = given if isinstance(given, list) else [given]
            found += [_object(each, f"{where}.{name}") for each in several]
    return found


def _codes(given: Iterable[Mapping[str, Any]], known: set[tuple[str, str]]) -> Iterable[str]:
    """The codes of the reasons: ours as they are, any other as `other`, since a client's own may hold anything."""
    for each in given:
        reason = each.get("reason", each)
        for coding in reason if isinstance(reason, list) else [reason]:
            if isinstance(coding, Mapping) and coding.get("code") is not None:
                code = coding["code"]
                ours = {own for system, own in known if own == code and coding.get("system") in (system, None)}
                yield code if ours else OTHER_REASON


def _commented(reason: Mapping[str, Any]) -> bool:
    extension = reason.get("extension")
    told = extension if isinstance(extension, Mapping) else {}
    return bool(reason.get("userComment")) or any(name.startswith(EPIC_EXTENSION) and value for name, value in told.items())


def _moment(value: object, where: str) -> datetime:
    found = TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    try:
        if found is None:
            raise ValueError
        zone = (found["zone"] or "Z").upper().replace("Z", "+00:00")
        part = (found["part"] or "")[:7]
        return datetime.fromisoformat(f"{found['day']}T{found['time']}{part}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"{where}: expected a moment in UTC such as 2026-11-23T10:05:31Z.") from None


def _id(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_ID:
        raise BadRequest(f"{where}: expected the uuid that the card came with, as a text.")
    return value


def _member(item: Mapping[str, Any], name: str, where: str = "") -> Any:
    value = item.get(name)
    if value is None:
        raise BadRequest(f"{f'{where}.' if where else ''}{name}: missing; it is required.")
    return value


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadRequest(f"{where}: expected an object.")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadRequest(f"{where}: expected a list.")
    return value
