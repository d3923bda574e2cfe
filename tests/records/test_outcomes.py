"""What became of cards: which suggestion was taken, and what a rule's owner sees of its rule."""

from __future__ import annotations

from collections.abc import Callable

from typer.testing import CliRunner

from cds.cli.main import app
from cds.knowledge.model import Knowledge
from cds.records.decisions import DecisionRecord
from cds.records.feedback import reported
from cds.records.store import Store

from .conftest import CLIENT, KEYED, NOON, SERVICE, Told


def test_an_accepted_suggestion_is_told_by_its_label_and_counted_for_its_rule(
    store: Store, address: str, tell: Callable[..., Told], write_down: Callable[[Told], DecisionRecord], book: Knowledge
) -> None:
    told = tell("abrupt-stop-alprazolam")
    store.write_decision(write_down(told))
    card = next(card for card in told.decision.answer["cards"] if card.get("suggestions"))
    suggestion, others = card["suggestions"][-1], card["suggestions"][:-1]
    rule = card["extension"]["org.taper-cds"]["rule"]

    def said(outcome: str, at: str, **more: object) -> dict[str, object]:
        return {"card": card["uuid"], "outcome": outcome, "outcomeTimestamp": at, **more}

    first = said("overridden", "2026-11-23T12:00:00Z")
    last = said("accepted", "2026-11-23T12:05:00Z", acceptedSuggestions=[{"id": suggestion["uuid"]}])
    events = reported({"feedback": [first, last]}, book.override_reasons.values(), KEYED).events
    store.write_feedback(events, CLIENT, SERVICE, NOON)

    lines = [line["feedback"] for line in store.export() if "feedback" in line]
    taken = {"rule": rule, "decision": told.decision.id, "label": suggestion["label"]}
    assert [line["taken"] for line in lines] == [[], [taken]]
    found = store.outcomes()[rule]
    assert (found.shown, found.accepted, found.overridden) == (1, 1, 0)
    assert dict(found.taken) == {suggestion["label"]: 1}
    assert not {one["label"] for one in others} & set(found.taken) - {suggestion["label"]}

    printed = CliRunner().invoke(app, ["records", "report", "--store", address], env={"CDS_DATABASE_URL": address})
    assert printed.exit_code == 0 and rule in printed.output


def test_a_card_that_nobody_spoke_of_was_only_shown(
    store: Store, tell: Callable[..., Told], write_down: Callable[[Told], DecisionRecord]
) -> None:
    store.write_decision(write_down(tell("abrupt-stop-alprazolam")))
    assert {(one.accepted, one.overridden) for one in store.outcomes().values()} == {(0, 0)}
