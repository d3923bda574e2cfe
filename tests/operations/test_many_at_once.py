"""Hundreds of calls at once, each over a connection and about a patient of its own.

Every one is answered about its own, or told at once to come again, and then answered.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from bench.stories import Story, gist, stories
from cds.records.hashes import keyed
from cds.records.store import Store
from tests.operations.served import PATIENCE, Service, served
from tests.records.conftest import Postgres

MANY = 300
FILES = 2048
KEY = "a key for the tests, of enough characters"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True, scope="module")
def enough_connections() -> Iterator[None]:
    """As many open connections as the calls need, on both sides: a child process has the limit of its parent."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(before[0], FILES), before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def patient(number: int) -> str:
    return f"patient-{number:04}-of-{MANY}"


def asked_alone(service: Service, told: list[Story]) -> dict[str, Any]:
    """What each story is answered while nothing else goes on."""
    return {story.name: gist(service.post(story.path, story.of("nobody"))[1]) for story in told}


def asked_at_once(service: Service, told: list[Story]) -> list[Any]:
    """The answers to all calls: every connection is open and has its call before the first answer is read."""
    connections = [service.connection() for _ in range(MANY)]
    try:
        for connection in connections:
            connection.connect()
        for number, (connection, story) in enumerate(zip(connections, cycle(told), strict=False)):
            connection.request("POST", story.path, story.of(patient(number)), JSON)
        answers = [answer_of(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()
    for number, story in zip(range(MANY), cycle(told), strict=False):
        while answers[number] is None:
            answers[number] = asked_again(service, story, number)
    return answers


def asked_again(service: Service, story: Story, number: int) -> Any:
    connection = service.connection()
    connection.request("POST", story.path, story.of(patient(number)), JSON)
    answer = answer_of(connection)
    connection.close()
    if answer is None:
        time.sleep(0.05)
    return answer


def answer_of(connection: HTTPConnection) -> Any:
    """What is answered; None where the caller is told to come again."""
    answer = connection.getresponse()
    body = answer.read()
    if answer.status == 503 and answer.getheader("Retry-After"):
        return None
    assert answer.status == 200, body
    return json.loads(body)


def subjects(value: Any) -> set[str]:
    """Every patient that an answer names."""
    if isinstance(value, list):
        return {found for member in value for found in subjects(member)}
    if not isinstance(value, dict):
        return set()
    own = value.get("reference", "")
    found = {own} if isinstance(own, str) and own.startswith("Patient/") else set()
    return found | {one for member in value.values() for one in subjects(member)}


@pytest.mark.parametrize(("store", "workers"), [("sqlite", "1"), ("postgresql", "2")])
def test_each_is_answered_about_its_own_patient_and_written_down(
    tmp_path: Path, store: str, workers: str, request: pytest.FixtureRequest
) -> None:
    address, spool = f"sqlite:///{tmp_path}/records.sqlite", tmp_path / "decisions.spool"
    if store == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        address, spool = server.new_database(), tmp_path / "var/decisions.spool"
    told = stories(datetime.now(UTC).date())
    settings = {"CDS_DATABASE_URL": address, "CDS_PATIENT_HASH_KEY": KEY, "CDS_CALL_SECONDS": str(PATIENCE)}
    with served(tmp_path, "--workers", workers, **settings) as service:
        expected = asked_alone(service, told)
        answers = asked_at_once(service, told)

    named = 0
    for number, (answer, story) in enumerate(zip(answers, cycle(told), strict=False)):
        assert gist(answer) == expected[story.name], story.name
        assert subjects(answer) <= {f"Patient/{patient(number)}"}
        named += bool(subjects(answer))
    assert named > MANY / 4, "too few of the answers name a patient for this to tell them apart"
    assert len({card["uuid"] for answer in answers for card in answer["cards"]}) == sum(len(one["cards"]) for one in answers)

    kept = Store(address, spool)
    assert kept.start()
    lines = {line["decision"]["id"]: line["decision"] for line in kept.export() if "decision" in line}
    kept.close()
    hashes = keyed(KEY)
    of_patient = [lines[answer["extension"]["org.taper-cds"]["decision"]]["patient"] for answer in answers]
    assert of_patient == [hashes.patient("everyone", None, patient(number)) for number in range(MANY)]
    assert len(lines) == MANY + len(told)


def test_the_calls_are_of_patients_that_differ() -> None:
    told = stories(datetime.now(UTC).date())
    bodies = {story.of(patient(number)) for number, story in enumerate(islice(cycle(told), MANY))}
    assert len(bodies) == MANY
    assert b'"p"' not in b"".join(bodies).replace(b'"linkId":"p"', b"")
