"""A replay gives what the service would have said, whatever the files look like, from what was known on the day alone."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from cds.cli.main import app
from cds.engine.engine import Engine
from cds.population.bulk_export import NotAnExport, export_files, lines
from cds.population.calls import PARTS, ReplayPeriod, Stored
from cds.population.export_replay import Book, Machine, period_of, replay
from cds.population.order_rows import COLUMNS
from cds.population.patient_replay import Tally, as_of, replay_patient
from cds.population.results import ORDERS, RUN, Results
from tests.population.conftest import ROOT
from tests.population.exports import of_story, write
from tests.stories.book import STORIES, Story

NOT_IN_AN_EXPORT = {"medication-list-not-sent"}
"""An export with orders can't say that the list of orders was not sent."""
DAY = date(2026, 11, 23)
BOOK = Book(ROOT / "rules", None, DAY)
ONE = Machine(1, "256MB")
SOME = STORIES[::9]


def stored(resources: list[dict[str, Any]]) -> list[Stored]:
    return [Stored(each["resourceType"], each["id"], "", 0, each) for each in resources if each["resourceType"] != "Medication"]


def told(
    resources: list[dict[str, Any]], patient: str, engine: Engine, period: ReplayPeriod, given: frozenset[str] = frozenset()
) -> list[dict[str, Any]]:
    """The rows of one patient, of whom the types that are `given` were exported."""
    shared = {f"Medication/{each['id']}": each for each in resources if each["resourceType"] == "Medication"}
    found = stored(resources)
    return replay_patient(patient, found, given, shared, engine, period, Tally())


def silent(what: str, done: int, of: int) -> None:
    """Progress that nobody watches."""


@pytest.mark.parametrize(
    "story", [story for story in STORIES if story.name not in NOT_IN_AN_EXPORT], ids=lambda story: story.name
)
def test_the_export_of_a_story_gives_the_cards_of_the_story(story: Story, engine: Engine) -> None:
    day = story.day
    hook = "patient-view" if story.request["hook"] == "patient-view" else "order-sign"
    period = ReplayPeriod(day, day, (day,) if hook == "patient-view" else ())
    asked = frozenset(type for type, part in PARTS.items() if part.value in (story.request.get("prefetch") or {}))
    found = told(of_story(story.request, day), story.request["context"]["patientId"], engine, period, asked)
    cards = [card for row in found if row["hook"] == hook for card in zip(row["shown"], row["indicators"], strict=True)]
    assert sorted(cards) == sorted((card["rule"], card["indicator"]) for card in story.expected["cards"])


def later(resource: dict[str, Any], random: Random) -> dict[str, Any]:
    """Another resource of the same patient, of a day after the story's."""
    text = json.dumps(resource | {"id": f"later-{resource['id']}"})
    for name in ("authoredOn", "whenHandedOver", "onsetDateTime", "recordedDate", "effectiveDateTime"):
        after = (DAY + timedelta(days=random.randint(0, 400))).isoformat()
        moved = json.loads(text)
        if name in moved:
            text = json.dumps(moved | {name: after})
    return json.loads(text)  # type: ignore[no-any-return]


@pytest.mark.parametrize("story", SOME, ids=lambda story: story.name)
def test_nothing_after_the_day_of_an_order_changes_its_answer(story: Story, engine: Engine) -> None:
    random, day = Random(story.name), story.day
    patient = story.request["context"]["patientId"]
    resources = of_story(story.request, day)
    added = [later(each, random) for each in resources if each["resourceType"] not in {"Patient", "Medication", "Encounter"}]
    added = [each | ({"authoredOn": (day + timedelta(days=9)).isoformat()} if "authoredOn" in each else {}) for each in added]
    ended = [ended_after(each, day) for each in resources]
    period = ReplayPeriod(day, day)
    before = told(resources, patient, engine, period)
    assert told([*resources, *added], patient, engine, period) == before
    assert told([*ended, *added], patient, engine, period) == before


def ended_after(resource: dict[str, Any], day: date) -> dict[str, Any]:
    """A running order as it stands once it was stopped after the day."""
    if resource["resourceType"] != "MedicationRequest" or resource["status"] != "active":
        return resource
    return resource | {"status": "stopped", "statusChanged": (day + timedelta(days=30)).isoformat()}


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    """The lines of several stories, each of a patient of its own."""
    found = []
    for number, story in enumerate(STORIES[:40:4]):
        lines = json.dumps(of_story(story.request, story.day))
        patient = story.request["context"]["patientId"]
        for each in json.loads(lines.replace(f'"Patient/{patient}"', f'"Patient/{number}"')):
            found.append(each | {"id": f"{number}" if each["resourceType"] == "Patient" else f"{number}-{each['id']}"})
    return found


def rows(folder: Path) -> list[tuple[Any, ...]]:
    """The rows of results, without where in the files each order stood."""
    with Results(folder) as results:
        columns = ", ".join(name for name in COLUMNS if name not in {"file", "line"})
        return results.all(f"SELECT {columns} FROM orders ORDER BY ALL")


@pytest.fixture(scope="module")
def replayed(resources: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replayed")
    replay(write(folder / "export", resources), folder / "out", BOOK, period_of(None, None, [DAY]), ONE, silent)
    return folder / "out"


def written_otherwise(folder: Path, resources: list[dict[str, Any]]) -> Path:
    """The same resources shuffled and split over folders, some packed, with broken lines among them."""
    mixed = Random(1).sample(resources, len(resources))
    for number in range(3):
        write(folder / f"part-{number}", mixed[number::3], packed=number == 1)
    (folder / "torn.ndjson").write_text('\n{"resourceType": "Medi\n[1]\n{}\n')
    return folder


def test_the_same_export_shuffled_split_and_packed_gives_the_same_rows_and_lists_what_is_broken(
    resources: list[dict[str, Any]], replayed: Path, tmp_path: Path
) -> None:
    replay(written_otherwise(tmp_path / "export", resources), tmp_path / "out", BOOK, period_of(None, None, [DAY]), ONE, silent)
    assert rows(tmp_path / "out") == rows(replayed)
    with Results(tmp_path / "out") as results:
        broken = [("torn.ndjson", 2, "not JSON"), ("torn.ndjson", 3, "no JSON object"), ("torn.ndjson", 4, "no resourceType")]
        assert results.all("FROM broken ORDER BY line") == broken
        assert results.run["broken"] == {"no JSON object": 1, "no resourceType": 1, "not JSON": 1}


def test_the_same_export_and_rules_give_the_same_bytes(resources: list[dict[str, Any]], replayed: Path, tmp_path: Path) -> None:
    replay(write(tmp_path / "export", resources), tmp_path / "out", BOOK, period_of(None, None, [DAY]), ONE, silent)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in replayed.iterdir()}
    for path in replayed.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_a_replay_that_was_interrupted_goes_on_and_gives_the_same_rows(
    resources: list[dict[str, Any]], replayed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds.population.staging.A_BATCH", 8)
    export, out = write(tmp_path / "export", resources), tmp_path / "out"
    seen: list[tuple[str, int]] = []

    def until_the_third(what: str, done: int, of: int) -> None:
        seen.append((what, done))
        if what == "deciding" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(export, out, BOOK, period_of(None, None, [DAY]), ONE, until_the_third)
    assert not (out / RUN).exists()
    seen.clear()
    replay(export, out, BOOK, period_of(None, None, [DAY]), ONE, lambda what, done, of: seen.append((what, done)))
    assert seen[0] == ("deciding", 3)
    assert rows(out) == rows(replayed)


def test_days_before_the_rules_are_told_and_not_decided(engine: Engine) -> None:
    tally = Tally()
    story = STORIES[0]
    lines = of_story(story.request, story.day)
    old = [each | {"authoredOn": "2001-03-04"} if "authoredOn" in each else each for each in lines]
    replay_patient(story.request["context"]["patientId"], stored(old), frozenset(), {}, engine, ReplayPeriod(), tally)
    assert tally.too_early == 1


def test_the_rules_as_of_a_day_judge_what_was_signed_before_them(engine: Engine) -> None:
    today = Engine(as_of(engine.knowledge, DAY))
    story = next(story for story in STORIES if story.name == "abrupt-stop-alprazolam")
    found = told(of_story(story.request, DAY), "p", today, ReplayPeriod())
    assert [row["shown"] for row in found if row["day"] == DAY.isoformat()] == [["abrupt-stop"]]
    assert today.knowledge.revision == f"{engine.knowledge.revision}@{DAY}"
    today.close()


def test_each_column_is_documented() -> None:
    page = (ROOT / "docs/population.md").read_text()
    for name, (type, means) in COLUMNS.items():
        assert f"| `{name}` | {type} | {means} |" in page


def zipped(folder: Path) -> None:
    (folder / "MedicationRequest.ndjson").write_bytes(b"PK\x03\x04....")


def web_page(folder: Path) -> None:
    (folder / "MedicationRequest.ndjson").write_text("<!doctype html><title>Sign in</title>")


def cut_off(folder: Path) -> None:
    (folder / "Patient.ndjson.gz").write_bytes(gzip.compress(b'{"resourceType":"Patient","id":"1"}\n' * 999)[:60])


def no_orders(folder: Path) -> None:
    (folder / "Patient.ndjson").write_text('{"resourceType":"Patient","id":"1"}\n')


def nothing(folder: Path) -> None:
    """An empty folder."""


def other_files(folder: Path) -> None:
    (folder / "report.pdf").write_bytes(b"%PDF")


@pytest.mark.parametrize(
    ("fill", "says"),
    [
        (zipped, "a ZIP archive. Unpack it"),
        (web_page, "HTML or XML"),
        (cut_off, "cut off or damaged"),
        (no_orders, "seen 1 Patient; expected MedicationRequest among them"),
        (nothing, "an empty folder"),
        (other_files, "seen report.pdf"),
    ],
)
def test_what_is_no_export_says_so(fill: Callable[[Path], None], says: str, tmp_path: Path) -> None:
    export = tmp_path / "export"
    export.mkdir()
    fill(export)
    answered = CliRunner().invoke(app, ["population", "replay", str(export), "--out", str(tmp_path / "out")])
    assert answered.exit_code == 2
    assert says in answered.stderr
    assert not (tmp_path / "out" / ORDERS).exists()


def test_a_line_of_any_bytes_is_told_as_broken_or_read(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + b'{"resourceType":"Patient","id":"1"}\r\n\xff\xfe\n\n{"resourceType":"Slot"}\n')
    assert [(line.number, line.type, line.broken) for line in lines(export_files(path)[0])] == [
        (1, "Patient", None),
        (2, "", "not JSON"),
        (4, "Slot", None),
    ]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAnExport, match="no such folder"):
        export_files(tmp_path / "none")


def test_a_replay_against_other_rules_tells_what_changes(resources: list[dict[str, Any]], tmp_path: Path) -> None:
    changed, out = tmp_path / "rules", tmp_path / "out"
    shutil.copytree(ROOT / "rules", changed)
    rule = changed / "advice/abrupt-stop.yaml"
    rule.write_text(rule.read_text().replace("status: active", "status: silent", 1))
    export, day = write(tmp_path / "export", resources), DAY.isoformat()
    days = ["--from", day, "--to", day, "--out", str(out), "--processes", "1"]
    answered = CliRunner().invoke(
        app, ["population", "replay", str(export), "--rules", str(changed), "--against", str(ROOT / "rules"), *days]
    )
    assert answered.exit_code == 0, answered.output
    assert re.search(r"abrupt-stop: \d+ cards? lost", answered.output)
    assert "abrupt-stop" in (out / "report.html").read_text()
