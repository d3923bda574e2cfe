"""What the processor is given to: clients in fair turn, no more than can be answered in time, and no call for ever."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds.decision.decide import MOST_DRAFTS, MOST_GAPS
from cds.settings import Settings
from cds.trust.client_registry import Client
from cds.trust.used_tokens import SeenHere
from cds.web.app import app
from cds.web.body import parsed
from cds.web.deciding import MOST_PARTS_IN_THE_LOOP, Deciding, TooLong
from cds.web.limits import Admission, Crowding, RateLimit
from cds.web.turns import Busy, Turns
from tests.security.conftest import Site
from tests.security.tokens import CALL, DAY, SIGN, shown

STOP = json.loads((Path(__file__).parents[2] / "fhir_examples/abrupt-stop-alprazolam/request.json").read_text())


class Clock:
    """Seconds, as work uses them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def worked(turns: Turns, clock: Clock, client: str, seconds: float, done: list[str]) -> None:
    async with turns.turn(client):
        clock.now += seconds
        done.append(client)


def test_a_client_whose_calls_cost_much_waits_for_itself() -> None:
    """Ten calls of a third of a second each are there first; those that cost little come between them, and don't wait for all."""
    clock, done = Clock(), []  # type: ignore[var-annotated]
    turns = Turns(most_ahead=100, clock=clock)

    async def tried() -> None:
        hostile = [worked(turns, clock, "hostile", 0.33, done) for _ in range(10)]
        honest = [worked(turns, clock, "honest", 0.005, done) for _ in range(50)]
        await asyncio.gather(*hostile, *honest)

    asyncio.run(tried())
    assert done[0] == "hostile" and done[1:51] == ["honest"] * 50


def test_what_can_not_be_answered_in_time_is_refused_at_once_and_what_is_taken_waits_for_no_longer_than_was_said() -> None:
    clock, done, waits = Clock(), [], []  # type: ignore[var-annotated]
    turns = Turns(most_ahead=0.2, clock=clock)
    told: Counter[str] = Counter()

    async def one() -> None:
        try:
            turns.admit("ehr")
            came = clock.now
            await worked(turns, clock, "ehr", 0.01, done)
            waits.append(clock.now - came)
        except Busy:
            told["shed"] += 1

    async def tried() -> None:
        for _ in range(20):  # twice what can be done, twenty times
            await asyncio.gather(*(one() for _ in range(60)))

    asyncio.run(tried())
    assert len(done) + told["shed"] == 1200 and 300 < len(done) < 600
    assert max(waits) < 0.5


def test_who_gives_up_waiting_leaves_the_turn_to_the_others() -> None:
    clock, done = Clock(), []  # type: ignore[var-annotated]
    turns = Turns(most_ahead=100, clock=clock)

    async def tried() -> None:
        async with turns.turn("a"):
            waiting = [asyncio.create_task(worked(turns, clock, "b", 0.01, done)) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*waiting, return_exceptions=True)
        await worked(turns, clock, "c", 0.01, done)

    asyncio.run(asyncio.wait_for(tried(), 10))
    assert done == ["b", "b", "c"]


def test_one_client_has_no_more_in_hand_than_its_share() -> None:
    admission = Admission(RateLimit(60_000), Turns(), 2)
    crowding, other = Client("a", issuer="https://a.example"), Client("b", issuer="https://b.example")
    with admission.in_hand(crowding), admission.in_hand(crowding):
        with pytest.raises(Crowding):
            admission.take(crowding)
        admission.take(other)
    admission.take(crowding)


def test_a_call_that_is_turned_away_leaves_its_token_unused(site: Site) -> None:
    """So that it is good when the client tries again, and refused calls leave no row."""
    seen: list[str] = []

    class Counted(SeenHere):
        async def first_use(self, fingerprint: str, until: float, client: str) -> bool:
            seen.append(client)
            return await super().first_use(fingerprint, until, client)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("cds.web.middleware.SeenHere", Counted)
        with TestClient(site.app("calls_a_minute: 6")) as service:
            answers = [service.post(SIGN, json=CALL, headers=shown(site.ec.token())).status_code for _ in range(4)]
    assert answers == [200, 429, 429, 429]
    assert seen == ["hospital"]


def test_a_client_that_fills_its_share_of_used_tokens_has_no_other_refused() -> None:
    guard = SeenHere(clock=lambda: 1.0, most=2)
    tokens = (("a", "x"), ("b", "x"), ("c", "x"), ("d", "y"))
    used = [asyncio.run(guard.first_use(token, 60.0, client)) for token, client in tokens]
    assert used == [True, True, False, True]


def test_deciding_that_takes_too_long_ends_and_the_loop_is_free_meanwhile() -> None:
    """A large call is decided beside the loop; past its time it is refused, and the work ends at its next check."""
    begun, ended = threading.Event(), threading.Event()

    def endless(check: Any) -> None:
        begun.set()
        try:
            while True:
                check()
        except TooLong:
            ended.set()
            raise

    async def tried() -> int:
        deciding, turns = Deciding(Turns(), 0.2), 0
        large = asyncio.create_task(deciding.done(endless, MOST_PARTS_IN_THE_LOOP + 1, "hostile"))
        while not large.done():
            turns += await deciding.done(lambda _: 1, 10, "honest")
            await asyncio.sleep(0)
        with pytest.raises(TooLong) as refusal:
            await large
        assert refusal.value.status == 503
        return turns

    assert asyncio.run(tried()) > 3
    assert begun.is_set() and ended.wait(30)


def test_deciding_in_the_loop_ends_at_the_check_after_its_time() -> None:
    clock = Clock()

    def work(check: Any) -> None:
        for _ in range(1000):
            clock.now += 0.1
            check()

    with pytest.raises(TooLong):
        asyncio.run(Deciding(Turns(), 2.0, clock).done(work, 10, "ehr"))
    assert 2 < clock.now < 3


# What one call may hold --------------------------------------------------------------------------------------------------


def test_thousands_of_drafts_get_a_bounded_answer_that_says_so(site: Site) -> None:
    call = json.loads(json.dumps(STOP))
    [entry] = call["context"]["draftOrders"]["entry"][:1]
    drafts = [{"resource": {**entry["resource"], "id": f"d{number}"}} for number in range(3000)]
    call["context"]["draftOrders"]["entry"] = drafts
    with TestClient(app(site.book, site.engine, Settings(decide_seconds=500, call_seconds=900), lambda: DAY)) as service:
        answer = service.post(SIGN, json=call)
    assert answer.status_code == 200, answer.text
    own = answer.json()["extension"]["org.taper-cds"]
    says = [gap["says"] for gap in own["gaps"] if gap["kind"] == "more"]
    assert f"Of 3000 draft orders only the first {MOST_DRAFTS} were read; the others were not checked." in says
    assert len(own["orders"]) <= MOST_DRAFTS and len(own["gaps"]) <= MOST_GAPS + 1
    assert len(answer.content) < 5_000_000


def test_thousands_of_things_that_can_not_be_read_are_told_up_to_a_bound(site: Site) -> None:
    call = json.loads(json.dumps(STOP))
    conditions = [{"resource": {"resourceType": "Condition", "id": f"c{number}"}} for number in range(3000)]
    call["prefetch"]["conditions"] = {"resourceType": "Bundle", "type": "searchset", "entry": conditions}
    with TestClient(app(site.book, site.engine, Settings(decide_seconds=500, call_seconds=900), lambda: DAY)) as service:
        answer = service.post(SIGN, json=call)
    gaps = answer.json()["extension"]["org.taper-cds"]["gaps"]
    assert len(gaps) == MOST_GAPS + 1
    assert gaps[-1]["kind"] == "more" and "more things could not be read" in gaps[-1]["says"]


# A body that means two things --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"context":{"patientId":"1","patientId":"2"}}',
        b'{"context" : {"patientId" : "1"}, "context" : {"patientId" : "2"}}',
        b'{"prefetch":{"a":[{"status":"active","status":"stopped","x":"\\u003a"}]}}',
    ],
)
def test_a_member_that_stands_twice_and_says_two_things_is_refused(service: TestClient, site: Site, body: bytes) -> None:
    headers = {"Content-Type": "application/json", **shown(site.ec.token())}
    answer = service.post(SIGN, content=body, headers=headers)
    assert (answer.status_code, "stands twice" in answer.text) == (400, True)


def test_what_stands_twice_and_says_one_thing_is_read() -> None:
    assert parsed(b'{"a":{"b":1,"b":1},"c":"x:y\\u003a"}') == {"a": {"b": 1}, "c": "x:y:"}


def test_a_body_whose_length_is_told_in_two_ways_is_refused(service: TestClient, site: Site) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "2", "Transfer-Encoding": "chunked"}
    answer = service.post(SIGN, content=b"{}", headers={**headers, **shown(site.ec.token())})
    assert (answer.status_code, "Transfer-Encoding" in answer.text) == (400, True)


# No order is no all-clear ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drafts", [None, {}, {"entry": []}, {"entry": [{}]}])
def test_a_call_that_brings_no_order_is_counted_and_shown_of_its_client(site: Site, drafts: Any) -> None:
    call = json.loads(json.dumps(STOP))
    call["context"]["draftOrders"] = drafts if drafts is None else {"resourceType": "Bundle", **drafts}
    with TestClient(app(site.book, site.engine, Settings(), lambda: DAY)) as service:
        [card] = service.post(SIGN, json=call).json()["cards"]
        assert "nothing was checked" in card["detail"]
        [client] = service.get("/integration", headers={"Accept": "application/json"}).json()["clients"]
        page = service.get("/integration").text
    assert client["callsWithoutOrders"] == 1 and "brought no order: 1" in page
