"""The workbench: a request asked, a rule file changed, and nothing saved unless it is allowed and sound."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cds.engine.engine import Engine
from cds.knowledge.model import Knowledge
from cds.settings import Settings
from cds.web.app import app

ROOT = Path(__file__).parents[2]
STORY = "abrupt-stop-alprazolam"
TAPER = "parameters/taper.yaml"
DAY = date(2026, 11, 23)


class Bench:
    """A browser at the workbench."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        found = re.search(r'name="form_token" value="(\w+)"', client.get("/try").text)
        assert found is not None
        self._token = found[1]

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        answer = self.client.post(path, data={"form_token": self._token, **fields})
        return answer.status_code, answer.text


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The rules with two stories, in a folder that may be changed."""
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    for story in (STORY, "quiet-metformin-with-benzodiazepine"):
        shutil.copytree(ROOT / "fhir_examples" / story, tmp_path / "fhir_examples" / story)
    return tmp_path / "rules"


def bench(book: Knowledge, engine: Engine, rules: Path, *, editing: bool = False) -> Bench:
    service = app(book, engine, Settings(rules=rules, editing=editing), lambda: DAY)
    return Bench(TestClient(service, base_url="http://127.0.0.1", client=("127.0.0.1", 1)))


@pytest.fixture
def reading(book: Knowledge, engine: Engine, checkout: Path) -> Bench:
    return bench(book, engine, checkout)


def request() -> str:
    return (ROOT / "fhir_examples" / STORY / "request.json").read_text()


def slower(text: str) -> str:
    """The file of paces' numbers with longer waits between the steps of the standard pace."""
    found = re.search(r"^standard_interval:.*?value: (\d+)", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return text[: found.start(1)] + "21" + text[found.end(1) :]


def test_a_pasted_request_gives_its_cards_and_why(reading: Bench) -> None:
    status, text = reading.post("/try/ask", request=request(), story=STORY)
    assert status == 200
    assert 'class="card critical"' in text and "rules true" in text and "near misses" in text and "Decided in" in text


def test_the_small_form_gives_cards_too(reading: Bench) -> None:
    told = {"how": "form", "agent": "Xanax", "dose": "1 mg three times daily", "months": "6", "age": "45", "order": ""}
    status, text = reading.post("/try/ask", **told)
    assert status == 200 and 'class="card critical"' in text
    assert reading.post("/try/ask", **{**told, "months": "0", "agent": "metformin"})[0] == 422


@pytest.mark.parametrize("more", [{"order": "20 mg four times daily"}, {"dose": "5000 mg"}, {"months": "0"}])
def test_a_card_without_details_or_suggestions_is_shown_too(reading: Bench, more: dict[str, str]) -> None:
    told = {"how": "form", "agent": "lorazepam", "dose": "2 mg twice daily", "months": "12", "age": "75", "order": "", **more}
    assert reading.post("/try/ask", **told)[0] in (200, 422)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"request": '{"hook": \n nothing}'}, "line 2, column"),
        ({"request": "[]"}, "Request:"),
        ({"request": " " * 1_000_001}, "expected at most"),
        ({"how": "form", "agent": "aspirin"}, "expected a benzodiazepine"),
        ({"how": "form", "agent": "alprazolam", "dose": "1 mg", "months": "many"}, "Months:"),
    ],
)
def test_what_can_not_be_asked_says_where(reading: Bench, fields: dict[str, str], says: str) -> None:
    status, text = reading.post("/try/ask", **fields)
    assert status == 422 and says in text


def test_a_changed_number_tells_which_stories_come_out_otherwise(reading: Bench, checkout: Path) -> None:
    text = (checkout / TAPER).read_text()
    status, told = reading.post("/try/change", file=TAPER, text=slower(text))
    assert status == 200 and STORY in told and "of 2 stories change" in told
    assert "The file is as it is served" in reading.post("/try/change", file=TAPER, text=text.replace("\n", "\r\n"))[1]
    assert (checkout / TAPER).read_text() == text


def test_a_rule_edited_wrong_shows_line_and_column_and_changes_nothing(book: Knowledge, engine: Engine, checkout: Path) -> None:
    writing, text = bench(book, engine, checkout, editing=True), (checkout / TAPER).read_text()
    status, told = writing.post("/try/change", file=TAPER, text=text.replace("means:", "mean:", 1), save="yes")
    assert status == 422 and re.search(r"Line \d+", told) and "RULE" in told
    assert (checkout / TAPER).read_text() == text


def test_a_change_is_saved_only_where_editing_is_allowed(book: Knowledge, engine: Engine, checkout: Path) -> None:
    text = (checkout / TAPER).read_text()
    assert "does not save" in bench(book, engine, checkout).post("/try/change", file=TAPER, text=slower(text), save="yes")[1]
    assert (checkout / TAPER).read_text() == text
    assert (
        "Saved to"
        in bench(book, engine, checkout, editing=True).post("/try/change", file=TAPER, text=slower(text), save="yes")[1]
    )
    assert (checkout / TAPER).read_text() == slower(text)


@pytest.mark.parametrize("file", ["../fhir_examples/x.json", "/etc/passwd", "no-such.yaml"])
def test_only_a_file_of_the_rules_is_taken(reading: Bench, file: str) -> None:
    assert reading.post("/try/change", file=file, text="a: b")[0] == 422


def test_a_story_is_saved_with_the_answer_of_now(book: Knowledge, engine: Engine, checkout: Path) -> None:
    told = {"name": "made-here", "body": request()}
    assert bench(book, engine, checkout).post("/try/story", **told)[0] == 422
    writing = bench(book, engine, checkout, editing=True)
    assert writing.post("/try/story", **told)[0] == 200
    expected = json.loads((checkout.parent / "fhir_examples/made-here/expected.json").read_text())
    assert (expected["day"], expected["cards"][0]["rule"]) == (DAY.isoformat(), "abrupt-stop")
    assert writing.post("/try/story", **told)[0] == 422
    assert writing.post("/try/story", name="../outside", body=request())[0] == 422
