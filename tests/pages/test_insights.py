"""What became of cards: counted from the records, with intervals; and the draft that quietens a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cds.engine.engine import Engine
from cds.knowledge.model import Knowledge
from cds.records.insight_queries import WilsonShare, insights
from cds.settings import Settings
from cds.web.app import app
from cds.web.recording import Recording, keeping
from tests.pages.test_plan_pages import cards

DAY = date(2026, 11, 23)
SIGN = "/cds-services/taper-order-sign"


class Day:
    """The day of the service, which a test moves."""

    today = DAY

    def __call__(self) -> date:
        return self.today


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Recording]:
    made = keeping(f"sqlite:///{tmp_path}/records.sqlite", None, lambda: datetime(2026, 11, 23, 10, tzinfo=UTC))
    yield made
    made.store.close()


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
def client(book: Knowledge, engine: Engine, kept: Recording, day: Day) -> TestClient:
    return TestClient(app(book, engine, Settings(), day, kept), base_url="http://127.0.0.1", client=("127.0.0.1", 1))


def overridden(client: TestClient, card: str, at: str = "2026-11-23T10:05:31Z") -> None:
    reason = {"reason": {"code": "patient-choice", "system": "urn:taper-cds:override-reasons"}}
    told = {"card": card, "outcome": "overridden", "overrideReason": reason, "outcomeTimestamp": at}
    assert client.post(f"{SIGN}/feedback", json={"feedback": [told]}).status_code == 200


def test_feedback_just_posted_is_shown_by_rule_client_and_week(client: TestClient) -> None:
    (card, *_) = cards(client, "abrupt-stop-alprazolam")
    cards(client, "abrupt-stop-alprazolam")
    overridden(client, card["uuid"])
    text = client.get("/insights").text
    row = re.search(r"/rules/advice/abrupt-stop.*?</tr>", text, re.DOTALL)
    assert row is not None
    assert re.findall(r'class="number">(\d+)<', row[0]) == ["2", "0", "1"]
    assert "0% (0% to 79%)" in row[0]
    assert "everyone" in text and "23 November 2026" in text and "cards in 2 calls" in text


def test_a_rule_that_fires_otherwise_than_before_is_told(client: TestClient, kept: Recording, day: Day) -> None:
    for before in range(8, 28):
        day.today = DAY - timedelta(days=before)
        cards(client, "quiet-metformin-with-benzodiazepine")
    day.today = DAY
    for _ in range(6):
        cards(client, "abrupt-stop-alprazolam")
    found = kept.store.asked(lambda connection: insights(connection, DAY - timedelta(days=90), DAY))
    assert "abrupt-stop" in [one.rule for one in found.moved]
    assert "Fires otherwise than before" in client.get("/insights").text


@given(st.integers(1, 2000).flatmap(lambda of: st.tuples(st.just(of), st.integers(0, of))))
def test_a_share_lies_within_its_interval_and_more_cases_narrow_it(told: tuple[int, int]) -> None:
    of, count = told
    low, high = WilsonShare(of, count).interval or (1.0, 0.0)
    assert 0 <= low <= count / of + 1e-9 and count / of - 1e-9 <= high <= 1
    narrow_low, narrow_high = WilsonShare(of * 10, count * 10).interval or (1.0, 0.0)
    assert narrow_high - narrow_low < high - low


def test_no_cases_have_no_share() -> None:
    assert (WilsonShare(0, 0).interval, str(WilsonShare(0, 0))) == (None, "none")


def drafted(client: TestClient, **fields: str) -> tuple[int, str]:
    token = re.search(r'name="form_token" value="(\w+)"', client.get("/insights").text)
    assert token is not None
    answer = client.post("/insights/draft", data={"form_token": token[1], **fields})
    return answer.status_code, answer.text


def test_a_draft_is_what_the_file_of_a_site_takes(client: TestClient) -> None:
    told = {"rule": "crossover", "how": "delay", "until": "2027-02-01", "because": "Training", "approved_by": "the committee"}
    status, text = drafted(client, **told)
    assert status == 200
    lines = re.search(r"<pre[^>]*>(.*?)</pre>", text, re.DOTALL)
    assert lines is not None
    assert yaml.safe_load(lines[1])["rules"]["advice/crossover"] == {
        "silent_until": date(2027, 2, 1),
        "because": "Training",
        "approved_by": "the committee",
        "review_by": date(2027, 2, 1),
    }


@pytest.mark.parametrize(("field", "value"), [("because", " "), ("approved_by", ""), ("until", "2026-11-23"), ("rule", "none")])
def test_a_draft_needs_a_rule_a_reason_an_owner_and_an_end(client: TestClient, field: str, value: str) -> None:
    told = {"rule": "crossover", "how": "quieten", "until": "2027-02-01", "because": "Kept words", "approved_by": "the committee"}
    status, text = drafted(client, **{**told, field: value})
    assert status == 422 and f'id="wrong-{field}"' in text
    assert field == "because" or "Kept words" in text
