"""Rules that change under a running service: a good edit serves, a bad one never does, and no call is lost or mixed."""

from __future__ import annotations

import gc
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from cds.knowledge.loader import files_of
from cds.knowledge.pack import pack
from cds.settings import Settings
from cds.web.app import live_app
from cds.web.file_watch import Result
from cds.web.live_rules import LiveRules
from cds.web.revision import RulesSource

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 23)
STOP = ROOT / "fhir_examples/abrupt-stop-alprazolam"
RULE = "advice/abrupt-stop.yaml"
PATIENCE = 120.0
SITE = """site: north
title: North Hospital
status: active
rules:
  advice/abrupt-stop: {silent_until: 2026-11-25, because: training, approved_by: the committee, review_by: 2026-11-26}
"""


class Clock:
    def __init__(self) -> None:
        self.day = DAY

    def __call__(self) -> date:
        return self.day


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return shutil.copytree(ROOT / "rules", tmp_path / "rules")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(rules: Path, clock: Clock) -> Iterator[LiveRules]:
    yield from opened(RulesSource(rules, clock))


def opened(source: RulesSource) -> Iterator[LiveRules]:
    live = LiveRules(source.served(), source)
    yield live
    live.close()


def edit(rules: Path, old: str, new: str, name: str = RULE) -> None:
    text = (rules / name).read_text()
    assert old in text
    (rules / name).write_text(text.replace(old, new, 1))


def ask(client: TestClient) -> dict[str, Any]:
    body = json.loads((STOP / "request.json").read_text())
    answer: dict[str, Any] = client.post("/cds-services/taper-order-sign", json=body).json()
    return answer


def shown(answer: dict[str, Any]) -> set[str]:
    named = (card["extension"]["org.taper-cds"] for card in answer["cards"])
    return {rule for one in named for rule in (one["rule"], *one.get("alsoSays", []))}


def test_a_good_edit_is_served(rules: Path, live: LiveRules) -> None:
    before = live.now
    edit(rules, "title: ", "title: Now ")
    assert live.reload() is Result.SERVED
    assert live.now.id != before.id
    assert (live.waiting(DAY), live.reloads.counts) == (None, {Result.SERVED: 1, Result.REFUSED: 0})


def test_without_a_change_nothing_is_done(live: LiveRules) -> None:
    before = live.now
    assert live.reload() is Result.UNCHANGED
    assert live.now is before


BAD = {
    "a key that is not known": ("title: ", "titel: "),
    "no YAML": ("title: ", "title: '"),
    "an example that comes out otherwise": ("expect: card", "expect: nothing"),
    "a fact that is not there": ("dependence_likely: {is: yes}", "dependence_like: {is: yes}"),
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_a_bad_edit_leaves_the_old_revision_serving_and_says_why(rules: Path, live: LiveRules, change: tuple[str, str]) -> None:
    before = live.now
    edit(rules, *change)
    assert live.reload() is Result.REFUSED
    assert live.now is before
    assert before.ready()
    assert (
        live.reloads.problem is not None
        and f"rules/{RULE}:" in live.reloads.problem
        and "cds rules explain RULE" in live.reloads.problem
    )


def test_a_bad_edit_is_told_once(rules: Path, live: LiveRules) -> None:
    edit(rules, "title: ", "titel: ")
    assert [live.reload(), live.reload()] == [Result.REFUSED, Result.UNCHANGED]
    assert live.reloads.problem is not None


def test_a_bad_edit_taken_back_leaves_no_trace(rules: Path, live: LiveRules) -> None:
    before = live.now
    edit(rules, "title: ", "titel: ")
    live.reload()
    edit(rules, "titel: ", "title: ")
    assert live.reload() is Result.UNCHANGED
    assert (live.reloads.problem, live.now) == (None, before)


def test_a_bad_edit_put_right_is_served(rules: Path, live: LiveRules) -> None:
    edit(rules, "title: ", "titel: ")
    live.reload()
    edit(rules, "titel: ", "title: Now ")
    assert live.reload() is Result.SERVED
    assert live.reloads.problem is None


def test_only_the_first_problems_are_told(rules: Path, live: LiveRules) -> None:
    (rules / "vocabulary.yaml").write_text("facts: {}\n")
    live.reload()
    assert live.reloads.problem is not None and live.reloads.problem.endswith("more: cds rules check")


def test_a_folder_that_is_gone_leaves_the_old_revision_serving(rules: Path, live: LiveRules) -> None:
    rules.rename(rules.with_name("elsewhere"))
    assert live.reload() is Result.REFUSED
    assert live.reloads.problem is not None and "neither a folder" in live.reloads.problem
    rules.with_name("elsewhere").rename(rules)
    assert live.reload() is Result.UNCHANGED
    assert live.reloads.problem is None


def test_a_pack_is_replaced_like_a_folder(rules: Path, tmp_path: Path, clock: Clock) -> None:
    packed = tmp_path / "rules.taper"
    packed.write_bytes(pack(files_of(rules), "0.1.0"))
    for live in opened(RulesSource(packed, clock)):
        edit(rules, "title: ", "title: Now ")
        packed.write_bytes(pack(files_of(rules), "0.1.0"))
        assert live.reload() is Result.SERVED
        packed.write_bytes(packed.read_bytes()[:-1])
        assert live.reload() is Result.REFUSED


def test_a_call_finishes_on_the_revision_that_it_began_with(rules: Path, live: LiveRules) -> None:
    with live.held() as mine:
        edit(rules, "title: ", "title: Now ")
        live.reload()
        assert live.now is not mine
        assert mine.ready(), "its engine is not closed while a call is on it"
    assert not mine.ready(), "its engine is closed once no call is on it"
    assert live.now.ready()


def test_a_revision_that_was_replaced_is_forgotten(rules: Path, live: LiveRules) -> None:
    seen = []
    for number in range(5):
        seen.append(weakref.ref(live.now))
        edit(rules, "title: ", f"title: {number} ")
        assert live.reload() is Result.SERVED
    gc.collect()
    assert [one() for one in seen] == [None] * 5


def test_what_the_engines_counted_is_not_lost(rules: Path, live: LiveRules) -> None:
    live.now.at(None).engine.failures = 3
    edit(rules, "title: ", "title: Now ")
    live.reload()
    live.now.at(None).engine.failures = 2
    assert live.counted("failures") == 5


def test_ready_and_the_counters_tell_of_an_edit_that_is_not_served(rules: Path, live: LiveRules, clock: Clock) -> None:
    client = TestClient(live_app(live, Settings(), clock))
    assert client.get("/ready").json() == {"status": "ready", "knowledge": live.now.id}
    edit(rules, "title: ", "titel: ")
    live.reload()
    ready = client.get("/ready")
    assert (ready.status_code, ready.json()["knowledge"]) == (200, live.now.id)
    assert f"rules/{RULE}:" in ready.json()["pending"]
    counters = client.get("/metrics").text
    assert "cds_rules_stale 1.0" in counters
    assert 'cds_rule_reloads_total{result="refused"} 1.0' in counters
    assert "abrupt-stop" in shown(ask(client))


def test_the_log_says_what_was_refused_and_what_serves(rules: Path, live: LiveRules, caplog: pytest.LogCaptureFixture) -> None:
    edit(rules, "title: ", "titel: ")
    with caplog.at_level("INFO", "cds"):
        live.reload()
    [record] = [one for one in caplog.records if one.getMessage() == "rules"]
    fields = record.fields  # type: ignore[attr-defined]
    assert (record.levelname, fields["result"], fields["serving"]) == ("ERROR", "refused", live.now.id)
    assert f"rules/{RULE}:" in fields["problem"]


def test_a_silent_rule_runs_and_is_logged_and_is_never_shown(rules: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    edit(rules, "status: active", "status: silent")
    for live in opened(RulesSource(rules, clock)):
        client = TestClient(live_app(live, Settings(), clock))
        with caplog.at_level("INFO", "cds"):
            answer = ask(client)
        [record] = [one for one in caplog.records if one.getMessage() == "call"]
        assert record.fields["silent"] == ["advice/abrupt-stop"]  # type: ignore[attr-defined]
        assert 'cds_silent_rules_total{rule="advice/abrupt-stop",site=""} 1.0' in client.get("/metrics").text
        assert "abrupt-stop" not in json.dumps(answer)


def test_nothing_of_any_answer_is_there_when_all_advice_is_silent(rules: Path, clock: Clock) -> None:
    for path in (rules / "advice").glob("*.yaml"):
        path.write_text(path.read_text().replace("status: active", "status: silent"))
    for live in opened(RulesSource(rules, clock)):
        answer = ask(TestClient(live_app(live, Settings(), clock)))
        assert answer["cards"] == []
        [order] = answer["extension"]["org.taper-cds"]["orders"]
        assert "plan" not in order and "plan" not in order["crossover"]


def test_a_delayed_rule_is_shown_from_its_day_on_without_a_reload(rules: Path, clock: Clock) -> None:
    (rules / "sites/north.yaml").write_text(SITE)
    for live in opened(RulesSource(rules, clock, site="north")):
        client = TestClient(live_app(live, Settings(), clock))
        assert "abrupt-stop" not in shown(ask(client))
        clock.day = date(2026, 11, 25)
        assert "abrupt-stop" in shown(ask(client))
        assert ask(client)["extension"]["org.taper-cds"]["knowledge"].endswith("+north")


def test_a_review_that_falls_due_is_told_and_the_service_goes_on(rules: Path, clock: Clock) -> None:
    (rules / "sites/north.yaml").write_text(SITE)
    for live in opened(RulesSource(rules, clock, site="north")):
        client = TestClient(live_app(live, Settings(), clock))
        clock.day = date(2026, 11, 27)
        ready = client.get("/ready")
        assert (ready.status_code, "RULE162" in ready.json()["pending"]) == (200, True)
        assert "abrupt-stop" in shown(ask(client))


@pytest.fixture
def server(rules: Path) -> Iterator[str]:
    """The address of a real server over the copied rules."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    environment["CDS_DATABASE_URL"] = f"sqlite:///{rules.parent}/store/records.sqlite"
    command = [str(Path(sys.executable).with_name("cds")), "serve", "--port", str(port), "--rules", str(rules)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: ready_at(address) is not None)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def ready_at(address: str) -> dict[str, Any] | None:
    try:
        response = httpx.get(f"{address}/ready", timeout=PATIENCE)
    except httpx.HTTPError:
        return None
    answer: dict[str, Any] | None = response.json() if response.status_code == 200 else None
    return answer


def until(holds: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def serving(address: str) -> str:
    answer = ready_at(address)
    assert answer is not None
    return str(answer["knowledge"])


def test_reloads_under_load_lose_no_call_and_mix_no_revisions(server: str, rules: Path) -> None:
    body = (STOP / "request.json").read_bytes()
    answers: list[tuple[int, str, str]] = []
    done = threading.Event()

    def call() -> None:
        with httpx.Client(base_url=server, timeout=PATIENCE, headers={"Content-Type": "application/json"}) as client:
            while not done.is_set():
                response = client.post("/cds-services/taper-order-sign", content=body)
                if response.status_code == 503 and "Retry-After" in response.headers:  # a busy machine sheds: that loses no call
                    continue
                answer = response.json()
                title = next(
                    card["source"]["topic"]["display"]
                    for card in answer["cards"]
                    if card["source"]["topic"]["code"] == "abrupt-stop"
                )
                answers.append((response.status_code, answer["extension"]["org.taper-cds"]["knowledge"], title.split()[0]))

    callers = [threading.Thread(target=call) for _ in range(4)]
    revisions = {serving(server): None}
    for caller in callers:
        caller.start()
    try:
        for number in range(4):
            before = serving(server)
            edit(rules, "title: ", f"title: {number} ")
            until(lambda before=before: serving(server) != before)
            revisions[serving(server)] = None
            edit(rules, "status: active", "status: actve")
            until(lambda: "pending" in (ready_at(server) or {}))
            edit(rules, "status: actve", "status: active")
            until(lambda: "pending" not in (ready_at(server) or {"pending": ""}))
    finally:
        done.set()
        for caller in callers:
            caller.join()
    assert {status for status, _, _ in answers} == {200}
    assert {revision for _, revision, _ in answers} <= set(revisions)
    assert len({title for _, _, title in answers}) == len({revision for _, revision, _ in answers}) > 2
    assert len({(revision, title) for _, revision, title in answers}) == len({title for _, _, title in answers})
