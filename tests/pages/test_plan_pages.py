"""The plan behind a card: its address, what the page tells, what its controls refuse, and its files."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.careplan import CarePlan
from icalendar import Calendar
from starlette.testclient import TestClient

from cds.engine.engine import Engine
from cds.hooks.messages import EXTENSION
from cds.knowledge.model import Knowledge
from cds.records.stored_plans import revoke
from cds.settings import Settings
from cds.web.app import app
from cds.web.pages.pdf import CanNotPrint, can_print, printed
from cds.web.recording import Recording, keeping

STORIES = Path(__file__).parents[2] / "fhir_examples"
DAY = date(2026, 11, 23)
ELSEWHERE = ("10.1.2.3", 5000)


class Clock:
    """The moment that the store is told."""

    now = datetime(2026, 11, 23, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Recording]:
    made = keeping(f"sqlite:///{tmp_path_factory.mktemp('store')}/records.sqlite", None, clock)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def client(book: Knowledge, engine: Engine, kept: Recording) -> TestClient:
    """A browser on another machine: plans are opened by their address alone."""
    service = app(book, engine, Settings(public_url="https://cds.example.org"), lambda: DAY, kept)
    return TestClient(service, base_url="http://cds.example.org", client=ELSEWHERE)


def cards(client: TestClient, story: str) -> list[dict[str, Any]]:
    call = json.loads((STORIES / story / "request.json").read_text())
    return client.post(f"/cds-services/taper-{call['hook']}", json=call).json()["cards"]  # type: ignore[no-any-return]


def path(client: TestClient, story: str = "abrupt-stop-alprazolam") -> str:
    return str(cards(client, story)[0]["links"][0]["url"]).removeprefix("https://cds.example.org")


@pytest.fixture(scope="module")
def plan(client: TestClient) -> str:
    return path(client)


def test_each_card_about_an_order_links_to_its_plan_under_the_public_address(client: TestClient) -> None:
    for card in cards(client, "abrupt-stop-alprazolam"):
        assert card["links"][0]["type"] == "absolute"
        assert re.fullmatch(r"https://cds\.example\.org/plans/[\w-]{44}", card["links"][0]["url"])


def test_what_is_written_down_holds_no_address(client: TestClient, kept: Recording) -> None:
    (card, *_) = cards(client, "abrupt-stop-alprazolam")
    record = kept.store.decision(card["extension"][EXTENSION]["decision"])
    assert "/plans/" not in record.payload


def test_the_page_says_the_one_sentence_first_and_names_nobody(client: TestClient, plan: str) -> None:
    answer = client.get(plan)
    text = answer.text
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    card = cards(client, "abrupt-stop-alprazolam")[0]
    assert text.index("<h1>") < text.index("Ordered") < text.index("Dose by date") < text.index("The next twelve weeks")
    assert card["summary"].split(":")[0].replace("'", "&#39;") in text
    assert "stop-1" not in text and "Patient/" not in text


@pytest.mark.parametrize("story", ["specialist-first-pregnancy", "no-plan-for-several-agents", "abrupt-stop-child"])
def test_where_there_is_no_plan_the_page_says_why(client: TestClient, story: str) -> None:
    linked = [card["links"][0]["url"] for card in cards(client, story) if "/plans/" in card["links"][0]["url"]]
    for url in linked:
        answer = client.get(url.removeprefix("https://cds.example.org"))
        assert answer.status_code == 200
        assert "No plan:" in answer.text or "The next twelve weeks" in answer.text


def test_a_changed_token_leads_nowhere(client: TestClient, plan: str) -> None:
    for place in (7, 12, 22, 23, 30, 50):
        other = "A" if plan[place] != "A" else "B"
        assert client.get(plan[:place] + other + plan[place + 1 :]).status_code == 404
    assert client.get("/plans/x").status_code == 404


def test_a_plan_expires_and_says_so_kindly(client: TestClient, clock: Clock) -> None:
    opened = path(client)
    clock.now += timedelta(days=29)
    assert client.get(opened).status_code == 200
    clock.now += timedelta(days=1)
    answer = client.get(opened)
    assert answer.status_code == 410 and "Open the order in the chart again" in answer.text
    assert client.get(f"{opened}/plan.csv").status_code == 410
    clock.now -= timedelta(days=30)


def test_a_revoked_plan_can_not_be_opened(client: TestClient, kept: Recording, clock: Clock) -> None:
    card = cards(client, "abrupt-stop-alprazolam")[0]
    opened = card["links"][0]["url"].removeprefix("https://cds.example.org")
    id = card["extension"][EXTENSION]["decision"]
    assert kept.store.write(lambda connection: revoke(connection, id, clock.now))
    assert not kept.store.write(lambda connection: revoke(connection, id, clock.now))
    assert client.get(opened).status_code == 410


def ends(text: str) -> str:
    found = re.search(r"Most end</dt><dd>([^<]+)", text)
    assert found is not None
    return found[1].strip()


@pytest.mark.parametrize(
    "chosen",
    [
        "pace=very-slow",
        "interval=28",
        "basis=original",
        "start=2027-01-11",
        "kind=crossover",
        "not_borne=3",
        "not_borne=2&back=yes",
    ],
)
def test_each_control_draws_another_plan_and_says_what_changed(client: TestClient, plan: str, chosen: str) -> None:
    as_advised, as_chosen = client.get(plan).text, client.get(f"{plan}?{chosen}")
    assert as_chosen.status_code == 200
    assert '<div class="changed">' in as_chosen.text
    assert (ends(as_chosen.text), re.findall(r"<h2 id=.weeks.*?</table>", as_chosen.text, re.DOTALL)) != (
        ends(as_advised),
        re.findall(r"<h2 id=.weeks.*?</table>", as_advised, re.DOTALL),
    )


def test_what_the_pharmacy_has_is_all_that_the_plan_is_made_of(client: TestClient, plan: str) -> None:
    text = client.get(plan).text
    products = re.findall(r'name="has" value="([^"]+)"', text)
    tablet = next(name for name in products if "1 mg" in name and "tablet" in name.lower() and "release" not in name.lower())
    csv = client.get(f"{plan}/plan.csv", params={"stock": "1", "has": [tablet, products[0]]}).text
    assert "mL" not in csv and csv.count("\n") > 3


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ("pace=short", "which these risks ask for"),
        ("pace=quick", "expected one of"),
        ("start=2020-01-01", "Expected a day from"),
        ("start=soon", "expected a day such as"),
        ("interval=1", "expected one of"),
        ("not_borne=first", "expected the number of a step"),
        ("not_borne=%C2%B2", "expected the number of a step"),
        ("stock=1", "at least one product"),
    ],
)
def test_what_can_not_be_taken_is_told_and_what_was_typed_is_kept(client: TestClient, plan: str, chosen: str, says: str) -> None:
    answer = client.get(f"{plan}?{chosen}")
    assert answer.status_code == 422 and says in answer.text
    if chosen.startswith("start="):
        assert f'value="{chosen[6:]}"' in answer.text and 'aria-invalid="true"' in answer.text


def test_the_care_plan_is_valid_and_names_no_patient(client: TestClient, plan: str) -> None:
    answer = client.get(f"{plan}/plan.json")
    assert answer.headers["content-type"] == "application/fhir+json"
    found = CarePlan.model_validate(answer.json())
    assert found.subject.reference is None and found.status == "draft"


def test_the_calendar_has_a_day_for_each_step(client: TestClient, plan: str) -> None:
    events = Calendar.from_ical(client.get(f"{plan}/plan.ics").content).walk("VEVENT")
    rows = client.get(f"{plan}/plan.csv").text.strip().splitlines()
    assert len(events) == len(rows) - 1 > 5


def test_the_sheet_is_of_the_plan_as_chosen_and_may_use_its_own_style_alone(client: TestClient, plan: str) -> None:
    answer = client.get(f"{plan}/sheet?start=2027-01-11")
    assert "11 January 2027" in answer.text
    assert re.search(r"style-src 'self' 'sha256-[\w+/=]+'", answer.headers["content-security-policy"])


@pytest.mark.parametrize("story", ["abrupt-stop-alprazolam", "crossover-alprazolam-renewed"])
def test_the_sheet_prints_on_one_page(client: TestClient, story: str) -> None:
    try:
        printed("<p>A line</p>")
    except CanNotPrint:
        pytest.skip("this machine lacks Pango, without which WeasyPrint makes no PDF: apt install libpangoft2-1.0-0")
    assert can_print()
    answer = client.get(f"{path(client, story)}/sheet.pdf")
    assert answer.status_code == 200 and answer.content.startswith(b"%PDF-")
    weasyprint = importlib.import_module("weasyprint")
    pages = len(weasyprint.HTML(string=client.get(f"{path(client, story)}/sheet").text).render().pages)
    assert pages <= 2


def test_an_unknown_file_is_told(client: TestClient, plan: str) -> None:
    assert client.get(f"{plan}/plan.exe").status_code == 404


def test_no_page_says_more_than_its_card_and_each_can_be_opened(client: TestClient) -> None:
    opened = 0
    for story in sorted(folder.name for folder in STORIES.iterdir() if (folder / "request.json").is_file()):
        call = json.loads((STORIES / story / "request.json").read_text())
        answer = client.post(f"/cds-services/taper-{call['hook']}", json=call).json()
        planned = {order["request"] for order in answer["extension"][EXTENSION]["orders"] if "plan" in order}
        for card in answer["cards"]:
            links = [link["url"] for link in card.get("links", ()) if "/plans/" in link["url"]]
            for address in (link.removeprefix("https://cds.example.org") for link in links):
                opened += 1
                shown = client.get(address)
                assert shown.status_code == 200, (story, shown.status_code)
                if card["extension"][EXTENSION]["order"] not in planned:
                    assert "is-advised" not in shown.text, story
                    assert client.get(f"{address}/sheet").status_code == 409, story
    assert opened > 50
