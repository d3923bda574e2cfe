"""Every answer over every story, by the rows of CDS Hooks 2.0.1: GEN, RESP, CARD, SRC, LINK."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from starlette.testclient import TestClient

STORIES = sorted((Path(__file__).parents[2] / "fhir_examples").glob("*/request.json"))
OWN = "org.taper-cds"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
URL = re.compile(r"https?://[^\s/]+(/\S*)?")
LONGEST_DETAIL = 4000
MAY_BE_EMPTY = re.compile(
    rf"cards|extension\.{OWN}\.(gaps|orders(\[\d+\]\.(gaps|riskFactors|crossover\.because|plan\.\w+))?)".replace(
        ".taper", r"\.taper"
    )
)
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})


def problems(answer: Any) -> list[str]:
    """Every row that an answer breaks, by its id."""
    if not isinstance(answer, dict):
        return ["RESP-1: the answer is no object"]
    found = [f"GEN-2: {path} is empty" for path in empties(answer, "") if not MAY_BE_EMPTY.fullmatch(path)]
    cards = answer.get("cards")
    if not isinstance(cards, list):
        return [*found, "RESP-2: cards is no list"]
    for number, card in enumerate(cards):
        found += [f"{problem} (card {number})" for problem in card_problems(card)]
    if len({card.get("uuid") for card in cards}) < len(cards):
        found.append("CARD-1: two cards have one uuid")
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


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.parent.name)
def test_the_answer_to_a_story_breaks_no_row(client: TestClient, clock: Any, story: Path) -> None:
    assert problems(answered(client, clock, story)) == []


@pytest.mark.parametrize("story", STORIES[:5], ids=lambda story: story.parent.name)
def test_the_same_call_gets_the_same_answer_apart_from_its_ids(client: TestClient, clock: Any, story: Path) -> None:
    first, second = (UUID.sub("", json.dumps(answered(client, clock, story))) for _ in range(2))
    assert first == second


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
    "CARD-6": {"suggestions": [{"label": "Do it"}]},
    "CARD-8": {"selectionBehavior": "any"},
    "CARD-9": {"overrideReasons": [{"code": "x", "system": "urn:x"}]},
    "LINK-1": {"links": [{"url": "https://guide.test", "type": "absolute"}]},
    "LINK-2": {"links": [{"label": "x", "url": "/x", "type": "absolute"}]},
    "LINK-3": {"links": [{"label": "x", "url": "https://guide.test", "type": "external"}]},
    "LINK-4": {"links": [{"label": "x", "url": "https://guide.test", "type": "absolute", "appContext": "{}"}]},
    "EXT-1": {"extension": []},
    "GEN-2": {"links": []},
    "GEN-3": {"detail": None},
}
SAME_ROW = {"CARD-8": "CARD-6", "GEN-3": "GEN-2"}


def test_the_linter_finds_nothing_in_a_good_answer() -> None:
    assert problems(GOOD) == []
    assert problems({"cards": []}) == []


@pytest.mark.parametrize("row", BROKEN)
def test_the_linter_finds_a_broken_row(row: str) -> None:
    answer = copy.deepcopy(GOOD)
    answer["cards"][0].update(BROKEN[row])
    assert any(problem.startswith(SAME_ROW.get(row, row)) for problem in problems(answer))


@pytest.mark.parametrize("answer", [[], {}, {"cards": None}, {"cards": [], "systemActions": [1]}, {"cards": [], "extension": {}}])
def test_the_linter_finds_a_broken_envelope(answer: Any) -> None:
    assert problems(answer)
