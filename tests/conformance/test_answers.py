"""Every answer over every story, by the rows of CDS Hooks 2.0.1 and the invariants of 3.0."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from markdown_it import MarkdownIt
from starlette.testclient import TestClient

STORIES = sorted((Path(__file__).parents[2] / "fhir_examples").glob("*/request.json"))
OWN = "org.taper-cds"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
URL = re.compile(r"https?://[^\s/]+(/\S*)?")
REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[^/\s]+")
LONGEST_DETAIL = 5000
CHANGED = {
    *("medicationCodeableConcept", "medicationReference", "dosageInstruction", "dispenseRequest", "status", "statusReason"),
    *("doNotPerform", "text", "contained", "note"),
}
"""What an update of a draft changes or takes away."""
ROWS = (
    *("GEN-2", "GEN-3", "GEN-4", "GEN-5", "RESP-1", "RESP-2"),
    *("CARD-1", "CARD-2", "CARD-3", "CARD-4", "CARD-6", "CARD-7", "CARD-8", "CARD-9", "SRC-1", "SRC-2", "SRC-4"),
    *(
        "SUG-1",
        "SUG-2",
        "SUG-3",
        "SUG-4",
        "SUG-5",
        "SUG-6",
        "ACT-1",
        "ACT-2",
        "ACT-3",
        "ACT-4",
        "ACT-5",
        "ACT-6",
        "ACT-8",
        "ACT-9",
    ),
    *("LINK-1", "LINK-2", "LINK-3", "LINK-4", "EXT-1", "EXT-3"),
)
MAY_BE_EMPTY = re.compile(
    rf"cards|extension\.{OWN}\.(gaps|orders(\[\d+\]\.(gaps|riskFactors|crossover\.because|plan\.\w+))?)".replace(
        ".taper", r"\.taper"
    )
)
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})


def problems(answer: Any, call: Any = None) -> list[str]:
    """Every row that an answer breaks, by its id; against the call that it answers, where that is given."""
    if not isinstance(answer, dict):
        return ["RESP-1: the answer is no object"]
    found = [f"GEN-2: {path} is empty" for path in empties(answer, "") if not MAY_BE_EMPTY.fullmatch(path)]
    cards = answer.get("cards")
    if not isinstance(cards, list):
        return [*found, "RESP-2: cards is no list"]
    for number, card in enumerate(cards):
        found += [f"{problem} (card {number})" for problem in (*card_problems(card), *suggestions_problems(card, call or {}))]
    if len({card.get("uuid") for card in cards}) < len(cards):
        found.append("CARD-1: two cards have one uuid")
    given = [suggestion.get("uuid") for card in cards for suggestion in card.get("suggestions", ())]
    if len(set(given)) < len(given):
        found.append("SUG-2: two suggestions have one uuid")
    if "systemActions" in answer:
        found.append("ACT-9: prescribing needs a human's confirmation")
    return found


def card_problems(card: dict[str, Any]) -> Iterator[str]:
    summary, detail = card.get("summary"), card.get("detail")
    if not UUID.fullmatch(str(card.get("uuid"))):
        yield "CARD-1: uuid"
    if not isinstance(summary, str) or not 0 < len(summary.encode("utf-16-le")) // 2 < 140 or "\n" in summary or "**" in summary:
        yield "CARD-2: summary"
    if not isinstance(detail, str) or "{{" in detail or (bad := markdown_problems(detail)):
        yield f"CARD-3: detail {bad if isinstance(detail, str) else ''}"
    elif len(detail) > LONGEST_DETAIL:
        yield f"CARD-3: detail of {len(detail)} characters"
    if card.get("indicator") not in {"info", "warning", "critical"}:
        yield "CARD-4: indicator"
    yield from source_problems(card.get("source"))
    if bool(card.get("suggestions")) != (card.get("selectionBehavior") in {"at-most-one", "any"}):
        yield "CARD-6: selectionBehavior"
    for reason in card.get("overrideReasons", ()):
        if not all(isinstance(reason.get(name), str) and reason[name] for name in ("code", "system", "display")):
            yield "CARD-9: overrideReasons"
    for link in card.get("links", ()):
        yield from link_problems(link)
    if not isinstance(card.get("extension"), dict) or set(card["extension"]) != {OWN}:
        yield "EXT-1: extension"


def suggestions_problems(card: dict[str, Any], call: dict[str, Any]) -> Iterator[str]:
    suggestions = card.get("suggestions", ())
    recommended = [suggestion for suggestion in suggestions if suggestion.get("isRecommended")]
    if not all(isinstance(suggestion.get("isRecommended"), bool) for suggestion in suggestions):
        yield "SUG-3: isRecommended is not said, or is neither true nor false"
    if card.get("selectionBehavior") == "at-most-one" and len(recommended) > 1:
        yield "SUG-3: of what excludes each other, several are recommended"
    for suggestion in suggestions:
        if not suggestion.get("label"):
            yield "SUG-1: label"
        if not UUID.fullmatch(str(suggestion.get("uuid"))):
            yield "SUG-2: uuid"
        if not set(suggestion) <= {"label", "uuid", "isRecommended", "actions"}:
            yield "SUG-6: a member that 2.0.1 does not know"
        actions = suggestion.get("actions", ())
        if not actions:
            yield "SUG-4: actions"
        for action in actions:
            yield from action_problems(action, call)
        touched = [target for target in map(target_of, actions) if target]
        if len(set(touched)) < len(touched):
            yield "SUG-5: two actions touch one resource, and their order would tell which wins"


def action_problems(action: dict[str, Any], call: dict[str, Any]) -> Iterator[str]:
    type, resource = action.get("type"), action.get("resource")
    if type not in {"create", "update", "delete"}:
        yield "ACT-1: type"
    if not action.get("description"):
        yield "ACT-2: description"
    if type == "delete":
        if resource is not None or not REFERENCE.fullmatch(str(action.get("resourceId"))):
            yield "ACT-5: resourceId"
    elif not isinstance(resource, dict) or not resource.get("resourceType") or "resourceId" in action:
        yield "GEN-5: resource"
    elif type == "create":
        if "id" in resource:
            yield "ACT-3: a new resource has an id"
        yield from created_problems(resource, call)
    drafts = drafts_of(call)
    target = target_of(action)
    if target is None or not call:
        return
    if target not in drafts:
        yield "ACT-6: not a draft of the client"
    elif type == "update" and any((resource or {}).get(name) != drafts[target][name] for name in set(drafts[target]) - CHANGED):
        yield "ACT-4: an update that leaves out or changes what the client sent"


def created_problems(resource: dict[str, Any], call: dict[str, Any]) -> Iterator[str]:
    patient = call.get("context", {}).get("patientId")
    if resource.get("status") != "draft" or (patient and resource.get("subject") != {"reference": f"Patient/{patient}"}):
        yield "ACT-8: no draft for the patient of the call"
    if resource.get("resourceType") == "MedicationRequest":
        dosages = resource.get("dosageInstruction") or [{}]
        concept = resource.get("medicationCodeableConcept", {})
        if not concept.get("text") or not all(one.get("text") and one.get("timing") for one in dosages):
            yield "ACT-8: an order whose drug or dose is not told in words and structure"


def target_of(action: dict[str, Any]) -> str | None:
    """The reference of what an action changes or takes away."""
    resource = action.get("resource")
    if action.get("type") == "update" and isinstance(resource, dict):
        return f"{resource.get('resourceType')}/{resource.get('id')}"
    return action.get("resourceId") if action.get("type") == "delete" else None


def drafts_of(call: dict[str, Any]) -> dict[str, dict[str, Any]]:
    context = call.get("context", {})
    entries = (context.get("draftOrders") or context.get("medications") or {}).get("entry", [])
    return {f"{one['resourceType']}/{one.get('id')}": one for one in (entry["resource"] for entry in entries)}


def source_problems(source: Any) -> Iterator[str]:
    if not isinstance(source, dict) or not source.get("label"):
        yield "SRC-1: label"
        return
    if "url" in source and not URL.fullmatch(source["url"]):
        yield "SRC-2: url"
    topic = source.get("topic", {})
    if not topic.get("system") or not re.fullmatch(r"[A-Za-z0-9-]{1,100}", topic.get("code", "")):
        yield "SRC-4: topic"


def link_problems(link: dict[str, Any]) -> Iterator[str]:
    if not link.get("label"):
        yield "LINK-1: label"
    if not URL.fullmatch(link.get("url", "")):
        yield "LINK-2: url"
    if link.get("type") not in {"absolute", "smart"}:
        yield "LINK-3: type"
    if "appContext" in link and link.get("type") != "smart":
        yield "LINK-4: appContext"


def empties(value: Any, path: str) -> Iterator[str]:
    """The paths of every null, empty text, empty list and empty object."""
    if value is None or value in ("", [], {}):
        yield path
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from empties(member, f"{path}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from empties(member, f"{path}[{number}]")


def markdown_problems(detail: str) -> list[str]:
    kinds = {token.type for block in MARKDOWN.parse(detail) for token in (block, *(block.children or ()))}
    return sorted(kinds & {"html_inline", "html_block", "image", "heading_open", "code_block", "fence"})


# Every story ----------------------------------------------------------------------------------------------------------


def answered(client: TestClient, clock: Any, story: Path) -> Any:
    expected = story.with_name("expected.json")
    if expected.is_file():
        clock.day = date.fromisoformat(json.loads(expected.read_text())["day"])
    call = json.loads(story.read_text())
    response = client.post(f"/cds-services/taper-{call['hook']}", json=call)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.row(*ROWS)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.parent.name)
def test_the_answer_to_a_story_breaks_no_row(client: TestClient, clock: Any, story: Path) -> None:
    assert problems(answered(client, clock, story), json.loads(story.read_text())) == []


def test_the_stories_show_all_that_the_rows_speak_of(client: TestClient, clock: Any) -> None:
    """Else a row would be held by nothing: of everything that may be left out, some story has it."""
    cards = [card for story in STORIES for card in answered(client, clock, story)["cards"]]
    suggestions = [suggestion for card in cards for suggestion in card.get("suggestions", ())]
    actions = [action for suggestion in suggestions for action in suggestion["actions"]]
    assert {"links", "overrideReasons", "suggestions", "selectionBehavior", "detail"} <= {name for card in cards for name in card}
    assert {card["indicator"] for card in cards} == {"info", "warning", "critical"}
    assert {card.get("selectionBehavior") for card in cards} == {None, "at-most-one"}
    assert {action["type"] for action in actions} == {"create", "update", "delete"}
    assert {suggestion["isRecommended"] for suggestion in suggestions} == {True, False}
    assert max(len(suggestion["actions"]) for suggestion in suggestions) > 1


@pytest.mark.row("GEN-6")
@pytest.mark.parametrize("story", STORIES[:3], ids=lambda story: story.parent.name)
def test_an_answer_is_strict_json_with_every_name_once(client: TestClient, story: Path) -> None:
    def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in members}) == len(members)
        return dict(members)

    call = json.loads(story.read_text())
    answer = client.post(f"/cds-services/taper-{call['hook']}", json=call).content
    assert json.loads(answer, object_pairs_hook=once) == orjson.loads(answer)


@pytest.mark.row("REQ-16", "RESP-6")
@pytest.mark.parametrize("story", STORIES[:5], ids=lambda story: story.parent.name)
def test_the_same_call_gets_the_same_answer_apart_from_its_ids(client: TestClient, clock: Any, story: Path) -> None:
    first, second = (UUID.sub("", json.dumps(answered(client, clock, story))) for _ in range(2))
    assert first == second


@pytest.mark.row("CARD-13", "EXT-2")
def test_the_extension_of_an_answer_names_decision_knowledge_and_every_order(client: TestClient, stop: dict[str, Any]) -> None:
    answer = client.post("/cds-services/taper-order-sign", json=stop).json()
    own = answer["extension"][OWN]
    assert UUID.fullmatch(own["decision"])
    assert own["knowledge"].startswith("sha256:")
    assert [(order["request"], order["agent"], order["action"]) for order in own["orders"]] == [
        ("MedicationRequest/h0", "alprazolam", "stop")
    ]
    for card in answer["cards"]:
        named = card["extension"][OWN]
        assert named["decision"] == own["decision"]
        assert named["order"] == "MedicationRequest/h0"


# The linter itself ----------------------------------------------------------------------------------------------------

ORDER = {
    "resourceType": "MedicationRequest",
    "status": "draft",
    "subject": {"reference": "Patient/p"},
    "medicationCodeableConcept": {"text": "diazepam 5 mg"},
    "dosageInstruction": [{"text": "1 tablet at night", "timing": {"repeat": {"frequency": 1}}}],
}
CREATE = {"type": "create", "description": "Order diazepam", "resource": ORDER}
DELETE = {"type": "delete", "description": "Take the draft back", "resourceId": "MedicationRequest/1"}
UPDATE = {"type": "update", "description": "Change the draft", "resource": {**ORDER, "id": "1"}}
TAPER = {"label": "Taper", "uuid": "0e1b89f0-8b13-4d3c-9654-8e1f0e1b89f0", "isRecommended": True, "actions": [CREATE, DELETE]}
CALL = {
    "context": {"patientId": "p", "draftOrders": {"entry": [{"resource": {**ORDER, "id": "1", "requester": {"display": "x"}}}]}}
}
GOOD: dict[str, Any] = {
    "cards": [
        {
            "uuid": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "summary": "Slow down",
            "detail": "**Why**\n- Because",
            "indicator": "info",
            "source": {"label": "Guide", "topic": {"system": "urn:x", "code": "slow"}},
            "links": [{"label": "Guide", "url": "https://guide.test/x", "type": "absolute"}],
            "overrideReasons": [{"code": "x", "system": "urn:x", "display": "X"}],
            "suggestions": [TAPER],
            "selectionBehavior": "at-most-one",
            "extension": {OWN: {"rule": "slow"}},
        }
    ],
    "extension": {OWN: {"gaps": [], "orders": [{"gaps": [], "riskFactors": [], "crossover": {"because": []}}]}},
}

BROKEN = {
    "CARD-1": {"uuid": "1"},
    "CARD-2": {"summary": "x" * 140},
    "CARD-3": {"detail": "<b>x</b>"},
    "CARD-4": {"indicator": "hard-stop"},
    "SRC-1": {"source": {"label": ""}},
    "SRC-2": {"source": {"label": "x", "url": "guide.test", "topic": {"system": "urn:x", "code": "slow"}}},
    "SRC-4": {"source": {"label": "x"}},
    "CARD-6": {"selectionBehavior": None},
    "CARD-7": {"selectionBehavior": "all"},
    "CARD-8": {"suggestions": []},
    "SUG-1": {"suggestions": [{**TAPER, "label": ""}]},
    "SUG-2": {"suggestions": [{**TAPER, "uuid": "1"}]},
    "SUG-3": {"suggestions": [{**TAPER, "isRecommended": "yes"}]},
    "SUG-4": {"suggestions": [{**TAPER, "actions": []}]},
    "SUG-5": {"suggestions": [{**TAPER, "actions": [DELETE, UPDATE]}]},
    "SUG-6": {"suggestions": [{**TAPER, "actionSelectionBehavior": "any"}]},
    "ACT-1": {"suggestions": [{**TAPER, "actions": [{**CREATE, "type": "Create"}]}]},
    "ACT-2": {"suggestions": [{**TAPER, "actions": [{**CREATE, "description": ""}]}]},
    "ACT-3": {"suggestions": [{**TAPER, "actions": [{**CREATE, "resource": {**ORDER, "id": "1"}}]}]},
    "ACT-4": {"suggestions": [{**TAPER, "actions": [UPDATE]}]},
    "ACT-5": {"suggestions": [{**TAPER, "actions": [{**DELETE, "resource": "MedicationRequest/1"}]}]},
    "ACT-6": {"suggestions": [{**TAPER, "actions": [{**DELETE, "resourceId": "MedicationRequest/2"}]}]},
    "ACT-8": {"suggestions": [{**TAPER, "actions": [{**CREATE, "resource": {**ORDER, "status": "active"}}]}]},
    "GEN-5": {"suggestions": [{**TAPER, "actions": [{**CREATE, "resource": "{}"}]}]},
    "CARD-9": {"overrideReasons": [{"code": "x", "system": "urn:x"}]},
    "LINK-1": {"links": [{"url": "https://guide.test", "type": "absolute"}]},
    "LINK-2": {"links": [{"label": "x", "url": "/x", "type": "absolute"}]},
    "LINK-3": {"links": [{"label": "x", "url": "https://guide.test", "type": "external"}]},
    "LINK-4": {"links": [{"label": "x", "url": "https://guide.test", "type": "absolute", "appContext": "{}"}]},
    "EXT-1": {"extension": []},
    "GEN-2": {"links": []},
    "GEN-3": {"detail": None},
}
SAME_ROW = {"CARD-7": "CARD-6", "CARD-8": "CARD-6", "GEN-3": "GEN-2"}


def test_the_linter_finds_nothing_in_a_good_answer() -> None:
    assert problems(GOOD, CALL) == []
    assert problems({"cards": []}) == []


def test_the_linter_finds_that_an_update_changes_what_is_the_client_s() -> None:
    answer = copy.deepcopy(GOOD)
    kept = {**UPDATE, "resource": {**ORDER, "id": "1", "requester": {"display": "x"}}}
    answer["cards"][0]["suggestions"] = [{**TAPER, "actions": [kept]}]
    assert problems(answer, CALL) == []
    kept["resource"]["requester"] = {"display": "y"}
    assert [problem[:5] for problem in problems(answer, CALL)] == ["ACT-4"]


@pytest.mark.parametrize("row", BROKEN)
def test_the_linter_finds_a_broken_row(row: str) -> None:
    answer = copy.deepcopy(GOOD)
    answer["cards"][0].update(BROKEN[row])
    assert any(problem.startswith(SAME_ROW.get(row, row)) for problem in problems(answer, CALL))


def test_the_linter_finds_that_several_of_what_excludes_each_other_are_recommended() -> None:
    answer = copy.deepcopy(GOOD)
    answer["cards"][0]["suggestions"] = [TAPER, {**TAPER, "uuid": "1e1b89f0-8b13-4d3c-9654-8e1f0e1b89f0"}]
    assert problems(answer, CALL) == ["SUG-3: of what excludes each other, several are recommended (card 0)"]


ALSO_FOUND = {"GEN-4", "RESP-1", "RESP-2", "ACT-9", "EXT-3"}
"""Rows whose breach is found by the broken envelopes, or as another row."""


def test_each_row_that_the_linter_holds_is_one_whose_breach_it_finds() -> None:
    assert set(ROWS) == set(BROKEN) | ALSO_FOUND


@pytest.mark.parametrize("answer", [[], {}, {"cards": None}, {"cards": [], "systemActions": [1]}, {"cards": [], "extension": {}}])
def test_the_linter_finds_a_broken_envelope(answer: Any) -> None:
    assert problems(answer)
