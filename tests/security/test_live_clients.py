"""The file of clients changes under a running service: a good edit counts, a bad one never does, what is known stays known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cds.web.file_watch import Result
from tests.security.served_sites import ABRUPT, GENTLE, NORTH, Place, Service, clients, issuer, knowledge_of, request, until
from tests.security.tokens import CALL, SIGN

NEW = f"  newcomer:\n    issuer: {issuer('newcomer')}\n    keys: keys.json\n"
PAGE = "https://page.example.org"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def service(place: Place) -> Iterator[Service]:
    with place.served() as service:
        yield service


@pytest.fixture
def watched(place: Place) -> Iterator[Service]:
    """The service while it watches its rules and its clients itself."""
    with place.served() as service, service.browser:
        yield service


def asked(service: Service, client: str) -> int:
    return int(service.browser.post(SIGN, json=CALL, headers=service.token(client)).status_code)


def edit(place: Place, text: str) -> None:
    place.clients.write_text(text)


def test_a_client_that_is_added_may_call_and_one_that_is_taken_out_may_not(place: Place, service: Service) -> None:
    assert asked(service, "newcomer") == 401
    edit(place, clients() + NEW)
    assert service.clients.reload() is Result.SERVED
    assert (asked(service, "newcomer"), asked(service, "at-north")) == (200, 200)
    edit(place, "clients:\n" + NEW)
    assert service.clients.reload() is Result.SERVED
    assert (asked(service, "newcomer"), asked(service, "at-north")) == (200, 401)


def test_a_client_that_moves_to_another_site_is_judged_by_that(place: Place, service: Service) -> None:
    edit(place, clients(at_none="north", at_north=None))
    service.clients.reload()
    assert {id: "cut-too-fast" in service.cards(id, GENTLE) for id in ("at-none", "at-north")} == {
        "at-none": True,
        "at-north": False,
    }


def test_a_site_that_no_client_names_any_more_is_told_of_no_longer(place: Place, service: Service) -> None:
    edit(place, clients(at_north=None))
    service.clients.reload()
    assert service.ready()["sites"] == ["south"]


BAD = {
    "a key misspelt": ("issuer:", "isuer:"),
    "no YAML": ("clients:", "clients: ["),
    "no key file": ("keys.json", "none.json"),
    "an unknown site": ("site: north", "site: nort"),
    "nobody": (clients(), ""),
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_a_bad_edit_leaves_those_who_were_trusted_and_says_why(place: Place, service: Service, change: tuple[str, str]) -> None:
    edit(place, clients().replace(*change))
    assert service.clients.reload() is Result.REFUSED
    assert [asked(service, id) for id in ("at-north", "at-south", "at-none")] == [200] * 3
    ready, counted = service.browser.get("/ready"), service.counters()
    assert ready.status_code == 200 and "clients.yaml:" in ready.json()["pending"]
    assert "cds_clients_stale 1.0" in counted and 'cds_client_reloads_total{result="refused"} 1.0' in counted
    assert "cds_rules_stale 0.0" in counted


def test_the_log_says_once_what_was_refused_and_then_what_serves(
    place: Place, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    edit(place, clients().replace("issuer:", "isuer:"))
    with caplog.at_level("INFO", "cds"):
        assert [service.clients.reload(), service.clients.reload()] == [Result.REFUSED, Result.UNCHANGED]
        edit(place, clients() + NEW)
        service.clients.reload()
    told: list[dict[str, Any]] = [vars(one)["fields"] for one in caplog.records if one.getMessage() == "clients"]
    assert [(one["result"], one["clients"]) for one in told] == [("refused", 3), ("served", 4)]
    assert "did you mean issuer?" in told[0]["problem"].lower()


def test_a_bad_edit_that_is_taken_back_leaves_no_trace_and_made_again_is_told_again(place: Place, service: Service) -> None:
    for _ in range(2):
        edit(place, clients().replace("issuer:", "isuer:"))
        assert service.clients.reload() is Result.REFUSED
        edit(place, clients())
        assert service.clients.reload() is Result.UNCHANGED
        assert "pending" not in service.ready()
    assert "cds_clients_stale 0.0" in service.counters()


def test_a_file_that_is_gone_leaves_those_who_were_trusted(place: Place, service: Service) -> None:
    place.clients.unlink()
    assert service.clients.reload() is Result.REFUSED
    assert (asked(service, "at-north"), "can't be read" in service.ready()["pending"]) == (200, True)


def test_a_token_that_was_used_before_an_edit_opens_nothing_after_it(place: Place, service: Service) -> None:
    token = service.token("at-none")
    assert service.browser.post(SIGN, json=CALL, headers=token).status_code == 200
    edit(place, clients() + NEW)
    assert service.clients.reload() is Result.SERVED
    assert service.browser.post(SIGN, json=CALL, headers=token).status_code == 401


def test_an_edit_gives_nobody_a_new_allowance(place: Place) -> None:
    with place.served(calls_a_minute=12) as service:
        assert [asked(service, "at-none") for _ in range(3)] == [200, 200, 429]
        edit(place, clients() + NEW)
        assert service.clients.reload() is Result.SERVED
        assert (asked(service, "at-none"), asked(service, "newcomer")) == (429, 200)


def test_an_allowance_that_is_edited_counts(place: Place, service: Service) -> None:
    edit(place, clients() + NEW + "    calls_a_minute: 6\n")
    service.clients.reload()
    assert [asked(service, "newcomer") for _ in range(2)] == [200, 429]


def test_keys_that_were_read_are_not_read_again(place: Place, service: Service) -> None:
    assert asked(service, "at-none") == 200
    edit(place, clients() + NEW)
    assert service.clients.reload() is Result.SERVED
    (place.folder / "keys.json").write_text('{"keys": []}')
    assert asked(service, "at-none") == 200


def test_a_page_may_call_as_soon_as_its_origin_stands_there_and_not_after(place: Place, service: Service) -> None:
    def allowed() -> str | None:
        found: str | None = service.browser.get("/cds-services", headers={"Origin": PAGE}).headers.get(
            "access-control-allow-origin"
        )
        return found

    assert allowed() is None
    edit(place, clients() + NEW + f"    origins: ['{PAGE}']\n")
    service.clients.reload()
    assert allowed() == PAGE
    edit(place, clients())
    service.clients.reload()
    assert allowed() is None


@pytest.mark.parametrize(
    ("later", "status", "card"),
    [(clients(at_none="north"), 200, True), ("clients:\n" + NEW, 401, False)],
    ids=["moved to another site", "taken out"],
)
def test_a_client_that_changes_while_its_token_is_looked_at_is_taken_as_it_is_now(
    place: Place, service: Service, monkeypatch: pytest.MonkeyPatch, later: str, status: int, card: bool
) -> None:
    def first_use(*_: Any) -> bool:
        edit(place, later)
        return service.clients.reload() is Result.SERVED

    monkeypatch.setattr(service.kept.store, "first_use_at_once", first_use)
    answer = service.post("at-none", GENTLE)
    assert (answer.status_code, "cut-too-fast" in answer.text) == (status, card)


# As the service watches ---------------------------------------------------------------------------------------------------


def test_an_edit_is_seen_however_it_is_written(place: Place, watched: Service) -> None:
    edit(place, clients() + NEW)
    until(lambda: asked(watched, "newcomer") == 200)
    beside = place.folder / "clients.yaml.new"
    beside.write_text(clients())
    beside.replace(place.clients)
    until(lambda: asked(watched, "newcomer") == 401)


def test_a_folder_that_is_swapped_by_a_link_is_seen_as_in_a_cluster(place: Place) -> None:
    """A ConfigMap is mounted as links through `..data`, which is itself a link that is replaced."""
    for number, text in enumerate((clients(), clients() + NEW)):
        (place.folder / f"..{number}").mkdir()
        (place.folder / f"..{number}/clients.yaml").write_text(text)
    data = place.folder / "..data"
    data.symlink_to("..0")
    place.clients.unlink()
    place.clients.symlink_to("..data/clients.yaml")
    with place.served() as service, service.browser:
        assert asked(service, "newcomer") == 401
        swapped = place.folder / "..swapped"
        swapped.symlink_to("..1")
        swapped.replace(data)
        until(lambda: asked(service, "newcomer") == 200)


def test_a_client_may_come_before_its_site(place: Place, watched: Service) -> None:
    edit(place, clients(at_none="west"))
    until(lambda: "`west` is no site." in watched.ready().get("pending", ""))
    (place.rules / "sites/west.yaml").write_text(NORTH.replace("north", "west"))
    until(lambda: watched.ready()["sites"] == ["north", "south", "west"])
    assert knowledge_of(watched.ask("at-none", ABRUPT)).endswith("+west")


def test_a_site_may_go_before_its_client(place: Place, watched: Service) -> None:
    (place.rules / "sites/north.yaml").unlink()
    until(lambda: "It is the site of at-north." in watched.ready().get("pending", ""))
    edit(place, clients(at_north=None))
    until(lambda: "pending" not in watched.ready())
    assert watched.live.now.book.sites.keys() == {"example-site", "south"}
    assert "cut-too-fast" not in watched.cards("at-north", GENTLE)


def test_one_site_may_take_another_s_place_and_its_client_is_never_without(place: Place, watched: Service) -> None:
    statuses = []
    for number in range(6):
        here, gone = ("west", "east") if number % 2 else ("east", "west")
        (place.rules / f"sites/{here}.yaml").write_text(f"# {number}\n" + NORTH.replace("north", here))
        (place.rules / f"sites/{gone}.yaml").unlink(missing_ok=True)
        edit(place, clients(at_none=here))

        def moved(here: str = here) -> bool:
            answer = watched.browser.post(SIGN, json=request(ABRUPT), headers=watched.token("at-none"))
            statuses.append(answer.status_code)
            return answer.status_code == 200 and knowledge_of(answer.json()).endswith(f"+{here}")

        until(moved)
    assert set(statuses) <= {200, 503}, "answered, or told to try again between the two"
