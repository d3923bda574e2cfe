"""What a client may report, in every form that is known to be sent; and what is refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.errors import BadRequest
from cds.knowledge.model import CodedValue
from cds.records.feedback import MOST_EVENTS, FeedbackEvent, reported

from .conftest import KEYED

CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
SUGGESTION = "e56e1945-20b3-4393-8503-a1a20fd73152"
AT = datetime(2020, 12, 11, 10, 5, 31, tzinfo=UTC)
OURS = CodedValue("urn:taper-cds:override-reasons", "supervised", "Withdrawal is supervised", "own")
OVERRIDDEN = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2020-12-11T10:05:31Z"}
ACCEPTED = {**OVERRIDDEN, "outcome": "accepted", "acceptedSuggestions": [{"id": SUGGESTION}]}
OUR_CODE = {"system": OURS.system, "code": OURS.code}


def events(*entries: Any) -> tuple[FeedbackEvent, ...]:
    return reported({"feedback": list(entries)}, [OURS], KEYED).events


def event(**members: Any) -> FeedbackEvent:
    (found,) = events({**OVERRIDDEN, **members})
    return found


def refused(body: Any) -> str:
    with pytest.raises(BadRequest) as refusal:
        reported(body, [OURS], KEYED)
    return str(refusal.value)


@pytest.mark.row("FB-5")
def test_an_accepted_suggestion() -> None:
    assert events(ACCEPTED) == (FeedbackEvent(KEYED.card(CARD), "accepted", AT, suggestions=(KEYED.suggestion(SUGGESTION),)),)


@pytest.mark.row("FB-6")
def test_an_override_without_a_reason() -> None:
    assert events(OVERRIDDEN) == (FeedbackEvent(KEYED.card(CARD), "overridden", AT),)


@pytest.mark.row("FB-9")
def test_a_batch_of_many_cards_keeps_its_order_and_its_repeats() -> None:
    assert [found.outcome for found in events(ACCEPTED, OVERRIDDEN, ACCEPTED)] == ["accepted", "overridden", "accepted"]


@pytest.mark.row("FB-2")
def test_an_empty_batch_holds_nothing() -> None:
    assert events() == ()


@pytest.mark.row("FB-6", "FB-7", "FB-13")
@pytest.mark.parametrize(
    ("members", "reasons"),
    [
        ({"overrideReason": {"reason": {**OUR_CODE, "display": "Withdrawal is supervised"}}}, ("supervised",)),
        ({"overrideReason": {"reason": OUR_CODE}}, ("supervised",)),
        ({"overrideReason": {"reason": {"code": "supervised"}}}, ("supervised",)),
        ({"overrideReasons": {"reason": OUR_CODE}}, ("supervised",)),
        ({"overrideReasons": [{"reason": OUR_CODE}]}, ("supervised",)),
        ({"overrideReasons": [OUR_CODE, {"system": "urn:oid:1", "code": "77"}]}, ("supervised", "other")),
        ({"overrideReason": {"reason": [OUR_CODE, OUR_CODE]}}, ("supervised",)),
        ({"overrideReason": {"reason": {"system": "urn:else", "code": "supervised"}}}, ("other",)),
        ({"overrideReason": {"reason": {"code": "Jane Doe is my aunt"}}}, ("other",)),
        ({"overrideReason": {"reason": {"code": 7}}}, ("other",)),
        ({"overrideReason": {"userComment": "no"}}, ()),
        ({"overrideReason": {}}, ()),
        ({"overrideReason": None}, ()),
    ],
)
def test_reasons_in_each_form_that_clients_send(members: dict[str, Any], reasons: tuple[str, ...]) -> None:
    assert event(**members).reasons == reasons


@pytest.mark.row("FB-14")
@pytest.mark.parametrize(
    ("reason", "commented"),
    [
        ({"userComment": "Jane Doe moved away"}, True),
        ({"userComment": ""}, False),
        ({"reason": OUR_CODE}, False),
        ({"extension": {"com.epic.cdshooks.feedback.overrideReason.comment": "text"}}, True),
        ({"extension": {"com.example": "text"}}, False),
        ({"extension": ["text"]}, False),
    ],
)
def test_of_a_comment_only_its_presence_is_kept(reason: dict[str, Any], commented: bool) -> None:
    found = event(overrideReason=reason)
    assert found.commented is commented
    assert "Jane" not in repr(found) and "text" not in repr(found)


@pytest.mark.parametrize("card", [CARD.upper(), f" {CARD} "])
def test_a_card_is_told_whatever_its_case(card: str) -> None:
    assert event(card=card).card == KEYED.card(CARD)


@pytest.mark.row("FB-3")
def test_an_id_that_is_no_uuid_is_taken_but_not_kept() -> None:
    assert event(card="LPL-4711 Jane Doe").card == KEYED.card("LPL-4711 Jane Doe")
    assert "Jane" not in repr(event(card="LPL-4711 Jane Doe"))


@pytest.mark.row("FB-8")
@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2020-12-11T10:05:31Z", AT),
        ("2020-12-11T10:05:31+00:00", AT),
        ("2020-12-11t10:05:31z", AT),
        ("2020-12-11T12:05:31+02:00", AT),
        ("2020-12-11T10:05:31", AT),
        ("2020-12-11 10:05:31Z", AT),
        ("2020-12-11T10:05:31.5Z", AT.replace(microsecond=500_000)),
        ("2020-12-11T10:05:31.123456789Z", AT.replace(microsecond=123_456)),
    ],
)
def test_moments_in_each_form_of_rfc_3339(told: str, at: datetime) -> None:
    assert event(outcomeTimestamp=told).at == at


@pytest.mark.row("FB-8")
@pytest.mark.parametrize(
    "told",
    [
        "",
        "yesterday",
        "2020-12-11",
        "2020-13-11T10:05:31Z",
        "2020-W50-5T10:05:31Z",
        "0001-01-01T00:00:00+14:00",
        1607681131,
        None,
    ],
)
def test_what_is_no_moment_is_refused(told: Any) -> None:
    assert "feedback[0].outcomeTimestamp" in refused({"feedback": [{**OVERRIDDEN, "outcomeTimestamp": told}]})


@pytest.mark.row("FB-2", "FB-4", "FB-5")
@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], "the body"),
        ({}, "feedback"),
        ({"feedback": None}, "feedback"),
        ({"feedback": {}}, "feedback"),
        ({"feedback": ["x"]}, "feedback[0]"),
        ({"feedback": [{**OVERRIDDEN, "card": None}, ACCEPTED["outcome"]]}, "feedback[0].card"),
        ({"feedback": [{**OVERRIDDEN, "card": 4}]}, "feedback[0].card"),
        ({"feedback": [{**OVERRIDDEN, "card": "  "}]}, "feedback[0].card"),
        ({"feedback": [{**OVERRIDDEN, "outcome": "ignored"}]}, "feedback[0].outcome"),
        ({"feedback": [{**OVERRIDDEN, "outcome": ["accepted"]}]}, "feedback[0].outcome"),
        ({"feedback": [{**ACCEPTED, "acceptedSuggestions": []}]}, "feedback[0].acceptedSuggestions"),
        ({"feedback": [{**OVERRIDDEN, "outcome": "accepted"}]}, "feedback[0].acceptedSuggestions"),
        ({"feedback": [{**ACCEPTED, "acceptedSuggestions": [{}]}]}, "feedback[0].acceptedSuggestions[0].id"),
        ({"feedback": [{**OVERRIDDEN, "overrideReason": "no"}]}, "feedback[0].overrideReason"),
    ],
)
def test_what_is_no_feedback_is_refused_with_its_place(body: Any, where: str) -> None:
    assert refused(body).startswith(f"{where}:")


def test_a_refusal_repeats_nothing_that_was_sent() -> None:
    assert "Jane" not in refused({"feedback": [{**OVERRIDDEN, "outcome": "Jane Doe", "card": "Jane"}]})


MEMBERS = st.sampled_from([*ACCEPTED, "overrideReason", "reason", "code"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_feedback_or_refused(entry: Any) -> None:
    for told in (entry, {**OVERRIDDEN, "overrideReason": entry}, {**ACCEPTED, "acceptedSuggestions": entry}):
        with suppress(BadRequest):
            events(told)


def test_an_item_that_is_no_feedback_refuses_itself_alone() -> None:
    told = reported({"feedback": [OVERRIDDEN, {**OVERRIDDEN, "outcome": "Jane Doe"}, ACCEPTED, "x"]}, [OURS], KEYED)
    assert [event.outcome for event in told.events] == ["overridden", "accepted"]
    assert [says.partition(":")[0] for says in told.refused] == ["feedback[1].outcome", "feedback[3]"]
    assert "Jane" not in str(told.refused)


def test_a_call_brings_no_more_than_is_stored_at_a_time() -> None:
    assert str(MOST_EVENTS) in refused({"feedback": [OVERRIDDEN] * (MOST_EVENTS + 1)})
    assert "acceptedSuggestions" in refused({"feedback": [{**ACCEPTED, "acceptedSuggestions": [{"id": "x"}] * 1000}]})
