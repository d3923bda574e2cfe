"""Cards that remember: what a client declined for a patient comes back as one line, and in full once anything is worse."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, event, text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cds.cli.main import app as command
from cds.engine.engine import Engine
from cds.errors import BadKnowledge
from cds.hooks.services import HOOKS
from cds.knowledge.files.sites import sites
from cds.knowledge.model import Knowledge
from cds.knowledge.problems import Problems
from cds.knowledge.site_overlay import site
from cds.records.database import database_url
from cds.records.declined_query import OUTCOMES
from cds.settings import Settings
from cds.web import recording as module
from cds.web.app import app
from cds.web.recording import Recording, keeping
from tests.security.tokens import ISSUER, PUBLIC, ec_key
from tests.security.tokens import shown as with_token
from tests.spec.calls import DAY, ICD, condition, draft, observation, order

from .conftest import Postgres, sqlite

Json = dict[str, Any]
OURS = "org.taper-cds"
ELSEWHERE, AGREED, SUPERVISED = "cds-suboptimal-context", "action-completed", "supervised"
DRUG = "diazepam 5 mg tablet"
DEPRESSION, EPILEPSY, PREGNANT = condition(ICD, "F32.9"), condition(ICD, "G40.909"), condition(ICD, "O09.90", onset=30)
TAKES = order("takes", DRUG, "Take 4 tablets daily", since=400, days=900)
CUT = draft("cut", DRUG, "Take 3 tablets daily", prior="takes")
TAPER = "Take 3 tablets daily for {0} days, then 2 tablets daily for {0} days, then 1 tablet daily for {0} days, then stop"


@dataclass
class Hospital:
    """A client of the service, with one patient on 20 mg of diazepam a day, whose dose is cut by a quarter."""

    service: TestClient
    today: list[date]
    server: str = "https://hospital.example/fhir"
    heard: list[Json] = field(default_factory=list)

    def asks(self, **other: Any) -> Json:
        """The answer to the call. `other`: drafts, requests, conditions, observations, hook, patient, birth, without."""
        return self.service.post(f"/cds-services/{self.of(other)}", json=self.call(**other)).json()

    def of(self, other: Json) -> str:
        return next(id for id, hook in HOOKS.items() if hook == other.get("hook", "order-sign"))

    def call(self, **other: Any) -> Json:
        hook, patient = other.get("hook", "order-sign"), other.get("patient", "p")
        drafts, requests = other.get("drafts", [CUT]), other.get("requests", [TAKES])
        parts = {"medicationRequests": requests, "medicationDispenses": [], "medicationStatements": []}
        parts |= {"conditions": other.get("conditions", [DEPRESSION]), "observations": other.get("observations", [])}
        prefetch: Json = {key: bundle(of_patient(each, patient) for each in held) for key, held in parts.items()}
        prefetch["patient"] = {"resourceType": "Patient", "id": patient, "birthDate": other.get("birth", "1980-05-05")}
        for key in other.get("without", ()):
            del prefetch[key]
        context: Json = {"userId": "Practitioner/d", "patientId": patient}
        if hook != "patient-view":
            context["draftOrders"] = bundle(of_patient(each, patient) for each in drafts)
        if hook == "order-select":
            context["selections"] = [f"MedicationRequest/{each['id']}" for each in drafts]
        return {"hook": hook, "hookInstance": str(uuid4()), "fhirServer": self.server, "context": context, "prefetch": prefetch}

    def reports(self, *entries: Json, service: str = "taper-order-sign") -> None:
        assert self.service.post(f"/cds-services/{service}/feedback", json={"feedback": list(entries)}).status_code == 200

    def declines(self, answer: Json, *reasons: str, after: float = 0, **more: Any) -> None:
        """Every card of the answer, for reasons, so many minutes from now."""
        self.reports(*(refusal(card, *reasons, after=after, **more) for card in answer["cards"]))

    def accepts(self, card: Json, after: float = 0) -> None:
        taken = [{"id": suggestion["uuid"]} for suggestion in card.get("suggestions", ())]
        self.reports(
            {
                "card": card["uuid"],
                "outcome": "accepted",
                "outcomeTimestamp": at(after),
                "acceptedSuggestions": taken or [{"id": "none"}],
            }
        )


def bundle(resources: Any) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}


def of_patient(resource: Json, id: str) -> Json:
    return {**resource, "subject": {"reference": f"Patient/{id}"}}


def at(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def refusal(card: Json, *reasons: str, after: float = 0, **more: Any) -> Json:
    told = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": at(after)}
    given = [{"reason": {"code": reason}} for reason in reasons]
    return {**told, **({"overrideReasons": given} if given else {}), **more}


def card_of(answer: Json, rule: str = "slower-taper") -> Json:
    return next(card for card in answer["cards"] if card["extension"][OURS]["rule"] == rule)


def lines(answer: Json) -> list[str]:
    """The rules that are shown in one line."""
    return [card["extension"][OURS]["rule"] for card in answer["cards"] if "shortened" in card["extension"][OURS]]


def in_full(answer: Json) -> list[str]:
    return [card["extension"][OURS]["rule"] for card in answer["cards"] if "shortened" not in card["extension"][OURS]]


@contextmanager
def hospital(book: Knowledge, engine: Engine, kept: Recording, settings: Settings | None = None) -> Iterator[Hospital]:
    today = [DAY]
    made = app(book, engine, settings or Settings(), lambda: today[0], kept)
    with TestClient(made, raise_server_exceptions=False) as service:
        yield Hospital(service, today)


@pytest.fixture
def kept(tmp_path: Path) -> Recording:
    return keeping(sqlite(tmp_path), None, lambda: datetime.now(UTC))


@pytest.fixture
def here(book: Knowledge, engine: Engine, kept: Recording) -> Iterator[Hospital]:
    with hospital(book, engine, kept) as found:
        yield found


# One line --------------------------------------------------------------------------------------------------------------


def test_a_declined_card_comes_back_as_one_line(book: Knowledge, engine: Engine, address: str) -> None:
    with hospital(book, engine, keeping(address, "k" * 32, lambda: datetime.now(UTC))) as here:
        first = here.asks()
        assert in_full(first) == ["slower-taper"]
        here.declines(first, ELSEWHERE)
        again = here.asks()
    (line,) = again["cards"]
    assert line["summary"] == (
        "Diazepam, declined on 23 November 2026: supply elsewhere; nothing has changed. "
        "This patient needs a slower taper than ordered"
    )
    assert line["indicator"] == "info" and len(line["summary"]) < 140
    assert line["source"] == first["cards"][0]["source"]
    labels = [[link["label"] for link in card["links"]] for card in (line, first["cards"][0])]
    assert labels[0] == labels[1], "the same links, that to the plan being of this decision"
    assert "Diazepam 20 to 15 mg/day (25%) is too fast here" in line["detail"]
    assert "*The rest is supplied elsewhere, or the record is incomplete.* Nothing has changed since." in line["detail"]
    assert "**In full again** from 21 February 2027; at once, when anything is worse" in line["detail"]
    assert len(line["detail"]) < len(first["cards"][0]["detail"])
    assert "overrideReasons" not in line


def test_the_answer_says_which_decision_the_line_refers_to(here: Hospital) -> None:
    first = here.asks()
    here.declines(first, ELSEWHERE)
    again = here.asks()
    told = {
        "rule": "slower-taper",
        "decision": first["extension"][OURS]["decision"],
        "declined": "2026-11-23",
        "until": "2027-02-21",
        "reasons": ["supply-elsewhere"],
    }
    assert again["extension"][OURS]["orders"][0]["shortened"] == [told]
    own = again["cards"][0]["extension"][OURS]
    assert (own["shortened"], own["order"], own["decision"]) == (
        told, "MedicationRequest/cut", again["extension"][OURS]["decision"],
    )  # fmt: skip
    assert again["extension"][OURS]["orders"][0]["plan"] == first["extension"][OURS]["orders"][0]["plan"]


def test_what_was_declined_at_order_select_is_a_line_at_order_sign(here: Hospital) -> None:
    selected = here.asks(hook="order-select")
    here.reports(*(refusal(card, AGREED) for card in selected["cards"]), service="taper-order-select")
    assert lines(here.asks()) == ["slower-taper"]


def test_what_was_declined_in_the_chart_is_a_line_in_the_chart(here: Hospital) -> None:
    chart = here.asks(hook="patient-view")
    assert "review-long-use" in in_full(chart)
    here.declines(chart, AGREED)
    again = here.asks(hook="patient-view")
    assert lines(again) == in_full(chart) and in_full(again) == []


@pytest.mark.row("FB-10")
def test_what_nobody_declined_comes_back_in_full(here: Hospital) -> None:
    here.asks()
    assert in_full(here.asks()) == ["slower-taper"]


def test_a_line_is_counted_and_logged(here: Hospital, caplog: pytest.LogCaptureFixture) -> None:
    here.declines(here.asks(), ELSEWHERE)
    with caplog.at_level(logging.INFO, logger="cds"):
        here.asks()
    assert caplog.records[-1].__dict__["fields"]["shortened"] == ["slower-taper"]
    told = here.service.get("/metrics").text
    assert 'cds_cards_shortened_total{rule="slower-taper",site=""} 1.0' in told
    assert 'cds_cards_total{indicator="info",rule="slower-taper",site=""} 1.0' in told


def test_what_is_milder_stays_a_line_that_says_so(here: Hospital) -> None:
    here.declines(here.asks(), ELSEWHERE)
    again = here.asks(drafts=[draft("cut", DRUG, "Take 3.4 tablets daily", prior="takes")])
    assert lines(again) == ["slower-taper"]
    assert "nothing is worse" in again["cards"][0]["summary"] and "nothing has changed" not in again["cards"][0]["detail"]


# A chart that is opened again --------------------------------------------------------------------------------------------


def opens(here: Hospital, **other: Any) -> Json:
    return here.asks(hook="patient-view", **other)


def test_a_chart_that_is_opened_again_says_in_one_line_what_was_advised_and_left(here: Hospital) -> None:
    first = opens(here)
    again = opens(here)
    assert in_full(first) != [] and lines(again) == in_full(first) and in_full(again) == []
    (line,) = again["cards"]
    assert line["summary"].startswith("Diazepam, advised on 23 November 2026; nothing has changed. ")
    assert "Shown in full on 23 November 2026; nobody answered. Nothing has changed since." in line["detail"]
    assert "**In full again** from 21 December 2026" in line["detail"]
    told = line["extension"][OURS]["shortened"]
    assert (told["advised"], told["until"], told["reasons"]) == ("2026-11-23", "2026-12-21", [])
    assert "suggestions" not in line and "overrideReasons" not in line


def test_it_is_a_line_for_four_weeks_from_when_it_was_said_in_full(here: Hospital) -> None:
    opens(here)
    found = []
    for days in (1, 14, 27, 28, 29):
        here.today[0] = DAY + timedelta(days=days)
        found.append(lines(opens(here)) != [])
    assert found == [True, True, True, False, True]


@pytest.mark.parametrize(
    "now",
    [
        {"requests": [{**TAKES, "dosageInstruction": [{"text": "Take 5 tablets daily"}]}]},
        {"conditions": [DEPRESSION, EPILEPSY]},
        {"conditions": [DEPRESSION, PREGNANT]},
        {"observations": [observation("phq", "44260-8", 3, valueInteger=2)]},
        {"without": ["conditions"]},
        {"patient": "q"},
    ],
)
def test_in_a_chart_too_anything_worse_is_said_in_full_and_then_left_in_its_turn(here: Hospital, now: Json) -> None:
    opens(here)
    assert lines(opens(here, **now)) == []
    assert in_full(opens(here, **now)) == []


def test_an_order_is_never_short_for_what_was_left(here: Hospital) -> None:
    opens(here)
    here.asks()
    assert in_full(here.asks()) == ["slower-taper"]


def test_a_card_that_is_closed_without_a_reason_is_left(here: Hospital) -> None:
    first = opens(here)
    here.reports(*(refusal(card, after=1) for card in first["cards"]), service="taper-patient-view")
    assert in_full(opens(here)) == []


def test_what_was_said_about_it_counts_before_that_it_was_left(here: Hospital) -> None:
    def answer(hear: Callable[[Json], None]) -> Json:
        here.today[0] += timedelta(days=100)
        hear(opens(here))
        return opens(here)

    assert lines(answer(lambda first: here.accepts(first["cards"][0], after=1))) == []
    assert lines(answer(lambda first: here.declines(first, SUPERVISED, after=2))) == []
    agreed = answer(lambda first: here.declines(first, AGREED, after=3))
    assert "taper already agreed" in agreed["cards"][0]["summary"]


def test_to_decline_the_line_of_what_was_left_changes_nothing(here: Hospital) -> None:
    opens(here)
    here.declines(opens(here), SUPERVISED, after=1)
    assert in_full(opens(here)) == []


def test_a_site_chooses_for_how_long_what_was_left_is_a_line(book: Knowledge, kept: Recording) -> None:
    own = Engine(at_site(book, "advised_and_left", "0 days"))
    with hospital(own.knowledge, own, kept) as here:
        first = opens(here)
        assert in_full(opens(here)) == in_full(first)
    own.close()


# In full, since something is worse ---------------------------------------------------------------------------------------

OPIOID = order("opioid", "oxycodone 5 mg tablet", "Take 1 tablet twice daily", since=30, days=60)
OTHER = order("other", "lorazepam 1 mg tablet", "Take 1 tablet at night", since=300, days=700)
LORAZEPAM = {"requests": [OTHER], "drafts": [draft("cut", "lorazepam 1 mg tablet", "Take half a tablet at night", prior="other")]}
WORSE: list[tuple[str, Json]] = [
    ("a larger cut", {"drafts": [draft("cut", DRUG, "Take 2 tablets daily", prior="takes")]}),
    ("a higher dose", {"requests": [{**TAKES, "dosageInstruction": [{"text": "Take 5 tablets daily"}]}]}),
    ("a stop in place of a cut", {"drafts": [{**TAKES, "id": "takes", "status": "cancelled"}]}),
    ("a rise in place of a cut", {"drafts": [draft("cut", DRUG, "Take 5 tablets daily", prior="takes", days=90)]}),
    ("an end", {"drafts": [draft("cut", DRUG, "Take 3 tablets daily for 30 days, then stop", prior="takes")]}),
    ("a longer supply", {"drafts": [draft("cut", DRUG, "Take 3 tablets daily", prior="takes", days=90)]}),
    ("a dose that can't be read any more", {"drafts": [draft("cut", DRUG, "Take as directed", prior="takes")]}),
    ("epilepsy", {"conditions": [DEPRESSION, EPILEPSY]}),
    ("pregnancy", {"conditions": [DEPRESSION, PREGNANT]}),
    ("an opioid", {"requests": [TAKES, OPIOID]}),
    ("a second drug of its kind", {"requests": [TAKES, OTHER]}),
    ("thoughts of death", {"observations": [observation("phq", "44260-8", 3, valueInteger=2)]}),
    ("an older patient", {"birth": "1950-05-05"}),
    ("an age that is not known any more", {"birth": None}),
    ("conditions that are not known any more", {"without": ["conditions"]}),
    ("supplies that can't be read any more", {"without": ["medicationDispenses"]}),
    ("another agent", LORAZEPAM),
]  # fmt: skip


@pytest.mark.parametrize(("what", "now"), WORSE, ids=[what for what, _ in WORSE])
def test_anything_worse_brings_the_card_back_in_full(here: Hospital, what: str, now: Json) -> None:
    here.declines(here.asks(), ELSEWHERE)
    assert lines(here.asks()) == ["slower-taper"]
    again = here.asks(**now)
    assert lines(again) == [] and in_full(again) != []


def test_a_shorter_taper_comes_back_in_full(here: Hospital) -> None:
    slow, fast = ({"drafts": [draft("cut", DRUG, TAPER.format(days), prior="takes")]} for days in (14, 10))
    here.declines(here.asks(**slow), AGREED)
    assert lines(here.asks(**slow)) == ["cut-too-fast"]
    assert lines(here.asks(**fast)) == []


def test_a_taper_of_other_steps_comes_back_in_full(here: Hospital) -> None:
    """Within the same length, with the same largest cut."""
    steps = "Take 3 tablets daily for {} days, then 2 tablets daily for {} days, then 1 tablet daily for 28 days, then stop"
    one, other = ({"drafts": [draft("cut", DRUG, steps.format(*days), prior="takes")]} for days in ((28, 14), (14, 28)))
    here.declines(here.asks(**one), AGREED)
    assert lines(here.asks(**one)) == ["cut-too-fast"]
    assert lines(here.asks(**other)) == []


def test_what_was_not_known_when_it_was_declined_and_is_known_now_brings_it_back(here: Hospital) -> None:
    here.declines(here.asks(without=["conditions"]), ELSEWHERE)
    assert lines(here.asks(without=["conditions"])) == ["slower-taper"]
    assert lines(here.asks(conditions=[DEPRESSION, EPILEPSY])) == []


def test_a_dose_that_was_never_known_can_not_be_compared(here: Hospital) -> None:
    unread = {"drafts": [draft("cut", DRUG, "Take as directed", prior="takes")]}
    first = here.asks(**unread)
    here.declines(first, ELSEWHERE)
    assert in_full(here.asks(**unread)) == in_full(first)


def test_a_rule_that_was_changed_since_speaks_in_full(book: Knowledge, engine: Engine, kept: Recording) -> None:
    with hospital(book, engine, kept) as here:
        here.declines(here.asks(), ELSEWHERE)
    raised = tuple(replace(rule, version=rule.version + 1) if rule.id == "slower-taper" else rule for rule in book.rules)
    newer = Engine(replace(book, rules=raised, revision="sha256:newer"))
    with hospital(newer.knowledge, newer, kept_beside(kept)) as here:
        assert lines(here.asks()) == []
    newer.close()


def kept_beside(kept: Recording) -> Recording:
    """Another process that shares the database."""
    return keeping(kept.store.url.render_as_string(hide_password=False), None, lambda: datetime.now(UTC))


@pytest.mark.parametrize(
    "lost",
    [
        "UPDATE decisions SET payload = replace(payload, '\"facts\"', '\"known\"')",
        "UPDATE decisions SET payload = replace(payload, '\"takes_now\"', '\"took_then\"')",
        "UPDATE decisions SET payload = '{\"cards\":[]}'",
    ],
)
def test_a_decision_that_can_not_be_compared_is_no_line(here: Hospital, kept: Recording, lost: str) -> None:
    here.declines(here.asks(), ELSEWHERE)
    database = create_engine(kept.store.url)
    with database.begin() as connection:
        connection.execute(text(lost))
    database.dispose()
    assert in_full(here.asks()) == ["slower-taper"]


def test_a_critical_card_is_always_in_full(here: Hospital) -> None:
    stop = {"drafts": [{**TAKES, "status": "cancelled"}]}
    first = here.asks(**stop)
    assert (card_of(first, "abrupt-stop")["indicator"], len(first["cards"])) == ("critical", 1)
    here.declines(first, ELSEWHERE)
    assert in_full(here.asks(**stop)) == ["abrupt-stop"]


# In full for others, for other reasons, and later -------------------------------------------------------------------------


def test_another_patient_sees_it_in_full(here: Hospital) -> None:
    here.declines(here.asks(), ELSEWHERE)
    assert lines(here.asks(patient="q")) == []


def test_a_patient_of_that_id_in_another_record_sees_it_in_full(here: Hospital) -> None:
    here.declines(here.asks(), ELSEWHERE)
    here.server = "https://clinic.example/fhir"
    assert lines(here.asks()) == []


def test_another_client_sees_it_in_full(book: Knowledge, engine: Engine, kept: Recording, tmp_path: Path) -> None:
    keys, told = {name: ec_key(name) for name in ("one", "two")}, "clients:\n"
    for name, key in keys.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"keys": [key.public()]}))
        told += f"  {name}: {{issuer: '{ISSUER}/{name}', keys: {name}.json}}\n"
    (tmp_path / "clients.yaml").write_text(told)
    settings = Settings(clients=tmp_path / "clients.yaml", public_url=PUBLIC)
    hook = "/cds-services/taper-order-sign"
    with hospital(book, engine, kept, settings) as here:

        def asks(name: str, path: str, body: Json) -> Json:
            token = keys[name].token(path, iss=f"{ISSUER}/{name}")
            answer = here.service.post(path, json=body, headers=with_token(token))
            assert answer.status_code == 200, answer.text
            return answer.json()

        first = asks("one", hook, here.call())
        asks("one", f"{hook}/feedback", {"feedback": [refusal(card, ELSEWHERE) for card in first["cards"]]})
        assert lines(asks("one", hook, here.call())) == ["slower-taper"]
        assert lines(asks("two", hook, here.call())) == []
        asks("two", f"{hook}/feedback", {"feedback": [refusal(card, ELSEWHERE) for card in first["cards"]]})
        assert lines(asks("two", hook, here.call())) == [], "the card was shown to another"
        asks("two", f"{hook}/feedback", {"feedback": [refusal(card, after=1) for card in first["cards"]]})
        assert lines(asks("one", hook, here.call())) == ["slower-taper"], "nobody speaks for another"


@pytest.mark.parametrize(
    ("reasons", "more"),
    [
        ((), {}),
        ((), {"overrideReason": {"userComment": "Jane Doe moved away"}}),
        ((SUPERVISED,), {}),
        (("urgent-harm",), {}),
        (("naloxone-at-hand",), {}),
        (("their-own-code",), {}),
        ((ELSEWHERE, SUPERVISED), {}),
        ((ELSEWHERE, "their-own-code"), {}),
    ],
)
def test_after_no_reason_or_one_that_shortens_nothing_it_comes_back_in_full(
    here: Hospital, reasons: tuple[str, ...], more: Json
) -> None:
    here.declines(here.asks(), *reasons, **more)
    again = here.asks()
    assert in_full(again) == ["slower-taper"] and "Jane" not in json.dumps(again["cards"])


def test_a_comment_is_not_shown(here: Hospital) -> None:
    here.declines(here.asks(), overrideReason={"reason": {"code": ELSEWHERE}, "userComment": "Jane Doe's aunt supplies it"})
    again = here.asks()
    assert lines(again) == ["slower-taper"] and "Jane" not in json.dumps(again["cards"])


def test_after_its_time_it_comes_back_in_full(here: Hospital) -> None:
    here.declines(here.asks(), ELSEWHERE)
    here.today[0] = DAY + timedelta(days=89)
    assert lines(here.asks()) == ["slower-taper"]
    here.today[0] = DAY + timedelta(days=90)
    assert lines(here.asks()) == []


def test_the_shortest_of_several_reasons_counts(here: Hospital) -> None:
    here.declines(here.asks(), ELSEWHERE, "does-not-align-preferences")
    assert here.asks()["cards"][0]["extension"][OURS]["shortened"]["until"] == "2026-12-23"


def test_on_a_day_before_it_was_declined_it_is_in_full(here: Hospital) -> None:
    here.declines(here.asks(), ELSEWHERE)
    here.today[0] = DAY - timedelta(days=1)
    assert lines(here.asks()) == []


NORTH = """
site: north
title: North Hospital
status: active
parameters:
  {name}: {{value: {value}, from: 2026-01-01, because: it fits us, approved_by: the committee, review_by: 2027-12-01}}
"""


def at_site(book: Knowledge, name: str, value: str) -> Knowledge:
    """The rule book as a site has it that moved a number."""
    problems = Problems()
    file = NORTH.format(name=name, value=value).lstrip().encode()
    found = replace(book, sites=sites({"sites/north.yaml": file}, book, problems))
    problems.raise_any()
    return site(found, "north", DAY)


@pytest.mark.parametrize(
    ("name", "value", "reason", "short_on"),
    [
        ("declined_supply_elsewhere", "2 days", ELSEWHERE, [0, 1]),
        ("declined_supply_elsewhere", "0 days", ELSEWHERE, []),
        ("declined_supervised", "3 days", SUPERVISED, [0, 1, 2]),
        ("declined_up_to", "info", ELSEWHERE, []),
    ],
)
def test_a_site_moves_how_long_after_which_reason_and_up_to_which_card(
    name: str, value: str, reason: str, short_on: list[int], book: Knowledge, kept: Recording
) -> None:
    own = Engine(at_site(book, name, value))
    with hospital(own.knowledge, own, kept) as here:
        here.declines(here.asks(), reason)
        found = []
        for days in range(5):
            here.today[0] = DAY + timedelta(days=days)
            found += [days] if lines(here.asks()) else []
    own.close()
    assert found == short_on


@pytest.mark.parametrize(("name", "value"), [("declined_supply_elsewhere", "181 days"), ("declined_up_to", "critical")])
def test_a_site_moves_them_within_bounds(name: str, value: str, book: Knowledge) -> None:
    with pytest.raises(BadKnowledge, match="RULE161"):
        at_site(book, name, value)


# The last word ------------------------------------------------------------------------------------------------------------


def test_an_acceptance_after_it_takes_the_refusal_back(here: Hospital) -> None:
    first = here.asks()
    here.declines(first, ELSEWHERE, after=-2)
    here.accepts(first["cards"][0], after=-1)
    assert lines(here.asks()) == []
    here.declines(first, ELSEWHERE)
    assert lines(here.asks()) == ["slower-taper"]


def test_a_later_refusal_without_a_reason_brings_it_back(here: Hospital) -> None:
    first = here.asks()
    here.declines(first, ELSEWHERE, after=-1)
    here.declines(first)
    assert lines(here.asks()) == []


def test_a_refusal_dated_in_the_future_does_not_outlive_an_acceptance(here: Hospital) -> None:
    first = here.asks()
    here.declines(first, ELSEWHERE, after=60 * 24 * 365)
    assert here.asks()["cards"][0]["extension"][OURS]["shortened"]["declined"] == "2026-11-23"
    here.accepts(first["cards"][0])
    assert lines(here.asks()) == []


def test_to_decline_a_line_neither_renews_nor_ends_it(here: Hospital) -> None:
    here.declines(here.asks(), ELSEWHERE)
    here.today[0] = DAY + timedelta(days=60)
    line = here.asks()
    for reason in (ELSEWHERE, None):
        here.declines(line, *([reason] if reason else []), after=1)
        assert here.asks()["cards"][0]["extension"][OURS]["shortened"]["until"] == "2027-02-21"
    here.today[0] = DAY + timedelta(days=90)
    assert lines(here.asks()) == []


def test_accepting_what_was_declined_shows_it_in_full_again(here: Hospital) -> None:
    first = here.asks()
    here.declines(first, ELSEWHERE)
    (line,) = here.asks()["cards"]
    assert "suggestions" not in line, "so that it is the card in full that is accepted"
    here.accepts(first["cards"][0], after=1)
    assert in_full(here.asks()) == ["slower-taper"]


def test_what_got_worse_and_was_declined_again_is_compared_with_then(here: Hospital) -> None:
    larger = {"drafts": [draft("cut", DRUG, "Take 2 tablets daily", prior="takes")]}
    here.declines(here.asks(), ELSEWHERE)
    here.declines(here.asks(**larger), AGREED, after=1)
    again = here.asks(**larger)
    assert lines(again) == ["cut-too-fast"] and "taper already agreed" in again["cards"][0]["summary"]


def test_what_the_declined_card_only_mentioned_for_lack_of_room_is_not_declined(here: Hospital) -> None:
    """An opioid is started beside: its own card stays as it is."""
    started = draft("new", "oxycodone 5 mg tablet", "Take 1 tablet twice daily")
    both = {"drafts": [CUT, started]}
    first = here.asks(**both)
    assert {"slower-taper", "opioid-and-benzodiazepine"} <= set(in_full(first))
    here.reports(refusal(card_of(first), ELSEWHERE))
    again = here.asks(**both)
    assert lines(again) == ["slower-taper"] and "opioid-and-benzodiazepine" in in_full(again)


# The store -----------------------------------------------------------------------------------------------------------------


def test_a_worker_that_shares_the_database_knows_it(book: Knowledge, engine: Engine, address: str) -> None:
    one, two = (keeping(address, "k" * 32, lambda: datetime.now(UTC)) for _ in range(2))
    with hospital(book, engine, one) as here, hospital(book, engine, two) as there:
        here.declines(here.asks(), ELSEWHERE)
        assert lines(there.asks()) == ["slower-taper"]


def test_with_the_store_down_all_cards_are_in_full(here: Hospital, kept: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OSError("no such disk")

    here.declines(here.asks(), ELSEWHERE)
    with monkeypatch.context() as broken:
        broken.setattr(kept.store, "_read", fails)
        broken.setattr(kept.store, "_write", fails)
        assert in_full(here.asks()) == ["slower-taper"]
        assert in_full(here.asks()) == ["slower-taper"]
    assert "cds_declined_not_looked_up_total 1.0" in here.service.get("/metrics").text, "it is not asked again at once"


def test_a_database_that_keeps_a_call_waiting_is_not_waited_for(book: Knowledge, engine: Engine, postgres: Postgres) -> None:
    address = postgres.new_database()
    with hospital(book, engine, keeping(address, "k" * 32, lambda: datetime.now(UTC))) as here:
        here.declines(here.asks(), ELSEWHERE)
        database = create_engine(database_url(address))
        with database.begin() as connection:
            connection.execute(text("LOCK TABLE feedback IN ACCESS EXCLUSIVE MODE"))
            assert in_full(here.asks()) == ["slower-taper"]
        database.dispose()
        assert "cds_declined_not_looked_up_total 1.0" in here.service.get("/metrics").text


def test_a_fault_of_ours_in_looking_back_costs_no_call(
    here: Hospital, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here.declines(here.asks(), ELSEWHERE)
    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING, logger="cds"):
        broken.setattr(module, "shortened", lambda *_: 1 / 0)
        assert in_full(here.asks()) == ["slower-taper"]
    assert [record.getMessage() for record in caplog.records] == ["declined_cards_not_asked"]
    assert lines(here.asks()) == ["slower-taper"], "the store is not to blame, so it is asked again"


def test_after_a_while_the_store_is_asked_again(here: Hospital, kept: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_UNTIL_ASKED_AGAIN", 0.0)
    monkeypatch.setattr(kept.store, "_retry_after", 0.0)
    here.declines(here.asks(), ELSEWHERE)
    with monkeypatch.context() as broken:
        broken.setattr(kept.store, "_read", lambda work: (_ for _ in ()).throw(OSError()))
        assert in_full(here.asks()) == ["slower-taper"]
    assert lines(here.asks()) == ["slower-taper"]


def test_without_a_card_the_store_is_not_asked(here: Hospital, kept: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(kept.store, "declined", lambda *given: asked.append(given) or [])
    amoxicillin = draft("a", "amoxicillin 500 mg capsule", "Take 1 capsule three times daily")
    assert here.asks(drafts=[amoxicillin])["cards"] == [] and asked == []
    here.asks(drafts=[{**TAKES, "status": "cancelled"}])
    assert asked == [], "nor for a critical card alone"
    here.asks()
    assert len(asked) == 1


def test_where_nothing_was_declined_one_statement_is_sent(here: Hospital, kept: Recording) -> None:
    here.asks()
    assert statements_of(kept, lambda: kept.store.declined("patient", "client", DAY, {("slower-taper", "diazepam")})) == 1


def test_it_is_found_by_the_patient_however_much_else_was_said(here: Hospital, kept: Recording) -> None:
    database = create_engine(kept.store.url)
    with database.connect() as connection:
        about = {"patient": "x", "client": "y", "since": DAY}
        asked = OUTCOMES.params(about).compile(database, compile_kwargs={"literal_binds": True})
        steps = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {asked}"))]
    database.dispose()
    assert "ix_feedback_patient" in steps[1] and not [step for step in steps if step.startswith("SCAN") and "said" not in step]


def statements_of(kept: Recording, work: Callable[[], Any]) -> int:
    sent: list[str] = []
    listened = kept.store._database().patient
    event.listen(listened, "before_cursor_execute", lambda *given: sent.append(given[2]))
    work()
    return sum(statement.startswith("SELECT") for statement in sent)


def test_a_line_of_what_was_left_replays_to_the_same_line(here: Hospital, tmp_path: Path) -> None:
    opens(here)
    again = opens(here)
    assert lines(again)
    ran = CliRunner().invoke(command, ["replay", again["extension"][OURS]["decision"], "--store", sqlite(tmp_path)])
    assert ran.exit_code == 0 and "The cards are the ones that were shown." in ran.output, ran.output


@pytest.mark.parametrize("hook", ["order-sign", "patient-view"])
def test_a_line_replays_to_the_same_line(here: Hospital, tmp_path: Path, hook: str) -> None:
    here.declines(here.asks(hook=hook), AGREED)
    again = here.asks(hook=hook)
    assert lines(again)
    decision = again["extension"][OURS]["decision"]
    ran = CliRunner().invoke(command, ["replay", decision, "--store", sqlite(tmp_path)])
    assert ran.exit_code == 0 and "The cards are the ones that were shown." in ran.output, ran.output


def test_a_line_is_kept_without_the_names_of_its_orders(here: Hospital, kept: Recording) -> None:
    here.declines(here.asks(), ELSEWHERE)
    record = kept.store.decision(here.asks()["extension"][OURS]["decision"])
    assert record.content()["shortened"][0]["order"] == "MedicationRequest#1"
    assert "MedicationRequest/" not in record.payload
    assert record.cards[0].fingerprint.shortened
