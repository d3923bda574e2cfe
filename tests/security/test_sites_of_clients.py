"""One process, several sites: each client is judged, told and written down as its own site has the rule book."""

from __future__ import annotations

import gc
import threading
import weakref
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds.knowledge.loader import files_of, revision
from cds.knowledge.model import Status
from cds.trust.client_registry import BadClients
from cds.web.file_watch import Result
from tests.security.served_sites import (
    ABRUPT,
    APPROVED,
    CLIENTS,
    GENTLE,
    HALVED,
    NORTH,
    SOUTH,
    Place,
    knowledge_of,
    rules_of,
    until,
)
from tests.security.tokens import SIGN


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize(
    ("story", "rule", "shown_at"),
    [
        (GENTLE, "cut-too-fast", {"at-north"}),
        (ABRUPT, "abrupt-stop", {"at-north", "at-none"}),
        (HALVED, "cut-too-fast", {"at-north", "at-none"}),
    ],
    ids=["a number is moved", "a rule is delayed", "a rule is silent"],
)
def test_the_same_call_is_judged_by_the_site_of_its_client(place: Place, story: str, rule: str, shown_at: set[str]) -> None:
    with place.served() as service:
        assert {client for client in CLIENTS if rule in service.cards(client, story)} == shown_at


def test_an_answer_names_the_site_by_which_it_was_judged(place: Place) -> None:
    with place.served() as service:
        book = service.live.now.book.revision
        told = {client: knowledge_of(service.ask(client, ABRUPT)) for client in CLIENTS}
    assert told == {"at-north": f"{book}+north", "at-south": f"{book}+south", "at-none": book}


def test_a_client_without_a_site_has_the_one_of_the_service(place: Place) -> None:
    with place.served("south") as service:
        told = {client: knowledge_of(service.ask(client, ABRUPT)).partition("+")[2] for client in CLIENTS}
        assert service.ready()["sites"] == ["north", "south"]
    assert told == {"at-north": "north", "at-south": "south", "at-none": "south"}


def test_a_delay_ends_at_one_site_without_a_reload_and_nothing_changes_at_the_others(place: Place) -> None:
    with place.served() as service:
        place.clock.day = date(2026, 11, 25)
        assert "abrupt-stop" in service.cards("at-south", ABRUPT)
        assert "cut-too-fast" not in service.cards("at-south", HALVED)
        assert "cut-too-fast" in service.cards("at-north", GENTLE)


def test_what_operators_see_tells_the_sites_apart(place: Place) -> None:
    with place.served() as service:
        for client in CLIENTS:
            service.ask(client, HALVED)
            service.ask(client, GENTLE)
        counted = service.counters()
        guide = service.browser.get("/integration", headers={"Accept": "application/json"}).json()
        assert service.ready()["sites"] == ["north", "south"]
        assert "site north" in service.browser.get("/integration").text
    assert 'cds_silent_rules_total{rule="advice/cut-too-fast",site="south"} 1.0' in counted
    assert 'rule="advice/cut-too-fast",site="north"' not in counted
    shown = {rule: {site for site in ("north", "south", "") if f'rule="{rule}",site="{site}"' in counted}
             for rule in ("cut-too-fast", "crossover")}  # fmt: skip
    assert shown == {"cut-too-fast": {"north"}, "crossover": {"north", "south", ""}}
    assert {client["id"]: client["site"] for client in guide["clients"]} == CLIENTS


def test_the_guide_names_a_rule_that_waits_for_data_only_where_it_is_shown(place: Place) -> None:
    with place.served() as service:
        for client in CLIENTS:
            service.ask(client, "conditions-not-sent")
        guide = service.browser.get("/integration", headers={"Accept": "application/json"}).json()
    waiting = {
        client["id"]: {rule for part in client["prefetch"] for rules in part["withoutIt"].values() for rule in rules}
        for client in guide["clients"]
    }
    assert {id for id, rules in waiting.items() if "cut-too-fast" in rules} == {"at-north", "at-none"}


def test_discovery_is_there_for_a_client_of_each_site_and_for_who_shows_no_token(place: Place) -> None:
    with place.served() as service:
        shown = [service.browser.get("/cds-services", headers=service.token(id, "/cds-services")).json() for id in CLIENTS]
        assert shown == [service.browser.get("/cds-services").json()] * len(CLIENTS)


# What is refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("site: north", "site: nort"), ["clients.yaml:5:11: `nort` is no site.", "Did you mean north?", "RULE166"]),
        (("site: north", "site: example-site"), ["clients.yaml:5:11: the site example-site is a draft."]),
        (("site: north", "site: [north]"), ["clients.yaml:5:11: `site` is a list."]),
    ],
)
def test_a_site_that_can_not_be_served_stops_the_start(place: Place, change: tuple[str, str], says: list[str]) -> None:
    place.clients.write_text(place.clients.read_text().replace(*change))
    with pytest.raises(BadClients) as refused, place.served():
        pass
    assert [one for one in says if one not in str(refused.value)] == []


def test_every_client_with_a_wrong_site_is_told_at_once(place: Place) -> None:
    place.clients.write_text(place.clients.read_text().replace("site: ", "site: x"))
    with pytest.raises(BadClients) as refused, place.served():
        pass
    assert ("`xnorth`" in str(refused.value), "`xsouth`" in str(refused.value)) == (True, True)


def test_a_site_whose_review_is_over_stops_the_start_and_is_told_while_it_runs(place: Place) -> None:
    with place.served() as service:
        place.clock.day = date(2027, 1, 1)
        told = service.ready()["pending"]
        assert ("north changed free_cut" in told, "south changed advice/abrupt-stop" in told) == (True, True)
        assert "cds_rules_stale 1.0" in service.counters()
        assert "cut-too-fast" in service.cards("at-north", GENTLE)
    with pytest.raises(BadClients, match="RULE162"), place.served():
        pass


def test_a_review_that_is_due_at_one_site_holds_up_no_edit_of_another(place: Place) -> None:
    with place.served("north") as service:
        place.clock.day = date(2027, 1, 1)
        later = SOUTH.replace("2026-12-31", "2027-12-31").replace("  advice/abrupt-stop", "  advice/faster-is-fine")
        (place.rules / "sites/south.yaml").write_text(later)
        assert service.live.reload() is Result.SERVED
        assert service.live.now.at("south").on(place.clock.day).rule("abrupt-stop").status is Status.ACTIVE
        told = service.ready()["pending"]
        assert ("north changed free_cut" in told, "south changed" in told) == (True, False)


def test_an_edit_that_takes_a_served_site_away_is_refused_with_the_client_that_needs_it(place: Place) -> None:
    with place.served() as service:
        (place.rules / "sites/north.yaml").unlink()
        assert service.live.reload() is Result.REFUSED
        told = service.ready()["pending"]
        assert ("`north` is no site. It is the site of at-north." in told, "cds_rules_stale 1.0" in service.counters()) == (
            True,
            True,
        )
        assert "cut-too-fast" in service.cards("at-north", GENTLE)


@pytest.mark.parametrize(
    "change", [("status: active", "status: draft"), ("10 percent", "4 percent")], ids=["a draft", "out of bounds"]
)
def test_an_edit_that_breaks_a_served_site_is_refused(place: Place, change: tuple[str, str]) -> None:
    with place.served() as service:
        (place.rules / "sites/north.yaml").write_text(NORTH.replace(*change))
        assert service.live.reload() is Result.REFUSED
        assert "cut-too-fast" in service.cards("at-north", GENTLE)


# Reloads ----------------------------------------------------------------------------------------------------------------


def test_a_good_edit_changes_every_site_at_once(place: Place) -> None:
    with place.served() as service:
        (place.rules / "sites/north.yaml").write_text(NORTH.replace("10 percent", "25 percent"))
        (place.rules / "sites/south.yaml").write_text(SOUTH.replace("advice/abrupt-stop", "advice/faster-is-fine"))
        assert service.live.reload() is Result.SERVED
        assert "cut-too-fast" not in service.cards("at-north", GENTLE)
        assert "abrupt-stop" in service.cards("at-south", ABRUPT)
        assert len({knowledge_of(service.ask(client, ABRUPT)).partition("+")[0] for client in CLIENTS}) == 1


def test_a_call_finishes_at_its_site_on_the_revision_that_it_began_with(place: Place) -> None:
    with place.served() as service:
        with service.live.held() as mine:
            (place.rules / "sites/north.yaml").write_text(NORTH.replace("10 percent", "25 percent"))
            service.live.reload()
            assert all(mine.at(site).engine.ready() for site in ("north", "south", None)), "no engine is closed under a call"
        assert not any(mine.at(site).engine.ready() for site in ("north", "south", None)), "and each is closed after it"
        assert service.live.now.ready()


def test_a_revision_that_was_replaced_is_forgotten_with_all_its_sites(place: Place) -> None:
    with place.served() as service:
        seen: list[weakref.ref[Any]] = []
        for number in range(4):
            seen += [weakref.ref(service.live.now.at(site).engine) for site in ("north", "south", None)]
            (place.rules / "sites/north.yaml").write_text(NORTH.replace("10 percent", f"{11 + number} percent"))
            assert service.live.reload() is Result.SERVED
        gc.collect()
        assert [one() for one in seen] == [None] * len(seen)


def test_reloads_under_load_lose_no_call_and_mix_no_sites(place: Place) -> None:
    """North shows a card for every odd edit of its limit; a call sees the limit of the very revision that it names."""
    answers: list[tuple[int, str, str, bool]] = []
    done = threading.Event()

    def call(client: str) -> None:
        while not done.is_set():
            response = service.post(client, GENTLE)
            answer = response.json()
            book, _, site = knowledge_of(answer).partition("+")
            answers.append((response.status_code, book, site, "cut-too-fast" in rules_of(answer)))

    with place.served() as service, service.browser:  # so that it watches its rules itself
        callers = [threading.Thread(target=call, args=(client,)) for client in CLIENTS]
        for caller in callers:
            caller.start()
        shows = {service.live.now.book.revision: True}
        try:
            for number in range(4):
                limit = 25 if number % 2 == 0 else 10
                (place.rules / "sites/north.yaml").write_text(f"# {number}\n{NORTH}".replace("10 percent", f"{limit} percent"))
                new = revision(files_of(place.rules))
                until(lambda new=new: service.live.now.book.revision == new)
                shows[new] = limit == 10
                seen = len(answers)
                until(lambda seen=seen: len(answers) >= seen + 6)
        finally:
            done.set()
            for caller in callers:
                caller.join()
    assert {status for status, _, _, _ in answers} == {200}
    assert {site for _, _, site, _ in answers} == {"north", "south", ""}
    assert all(card is (site == "north" and shows[book]) for _, book, site, card in answers)
    assert len({book for _, book, _, _ in answers}) > 2


# Feedback ---------------------------------------------------------------------------------------------------------------


def test_feedback_is_understood_by_the_reasons_of_the_client_s_site(place: Place) -> None:
    worded = (
        f"override_reasons:\n  supervised: {{display: On our ward, {APPROVED}}}\n  urgent-harm: {{left_out: yes, {APPROVED}}}\n"
    )
    (place.rules / "sites/north.yaml").write_text(NORTH + worded)
    with place.served() as service:
        said = {}
        for client in ("at-north", "at-none"):
            card = service.ask(client, ABRUPT)["cards"][0]
            said[client] = {reason["code"]: reason["display"] for reason in card["overrideReasons"]}
            for code, at in (("supervised", "10:00"), ("urgent-harm", "11:00")):
                event = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": f"2026-11-23T{at}:00Z"}
                body = {"feedback": [{**event, "overrideReason": {"reason": {"code": code}}}]}
                path = f"{SIGN}/feedback"
                assert service.browser.post(path, json=body, headers=service.token(client, path)).status_code == 200
        kept = [line["feedback"]["reasons"] for line in service.kept.store.export() if "feedback" in line]
        guide = service.browser.get("/integration", headers={"Accept": "application/json"}).json()
    assert (said["at-north"]["supervised"], "urgent-harm" in said["at-north"]) == ("On our ward", False)
    assert (said["at-none"]["supervised"] != "On our ward", "urgent-harm" in said["at-none"]) == (True, True)
    assert kept == [["supervised"], ["urgent-harm"]] * 2, "the codes are the same at every site"
    assert {"On our ward", said["at-none"]["supervised"]} <= {reason["display"] for reason in guide["overrideReasons"]}
