"""Bad input: whatever becomes of a call, it gets an answer or a clear refusal, and never another patient's data."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cds.engine.engine import Engine
from cds.knowledge.loader import knowledge
from cds.settings import Settings
from cds.web.app import app

ROOT = Path(__file__).parents[2]
STORIES = sorted(ROOT.glob("fhir_examples/**/request.json"))
DAY = date(2026, 11, 23)
REFUSALS = {400, 412, 422}
MARKUP = "<b onclick=x>"
bounded = settings(deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))

Json = Any


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """The real application with the real rules. An exception that it lets through becomes a 500."""
    read = knowledge(ROOT / "rules")
    engine = Engine(read)
    with TestClient(app(read, engine, Settings(), lambda: DAY), raise_server_exceptions=False) as browser:
        yield browser
    engine.close()


def ask(client: TestClient, call: Json, hook: str | None = None) -> tuple[int, Json]:
    """The status and the answer to a call at the service of its story's hook."""
    service = f"taper-{hook or call['hook']}"
    # NaN and Infinity are left in: a client may send them.
    answered = client.post(f"/cds-services/{service}", content=json.dumps(call), headers={"Content-Type": "application/json"})
    return answered.status_code, answered.json()


def story(path: Path) -> Json:
    return json.loads(path.read_text(encoding="utf-8"))


# Mutations -----------------------------------------------------------------------------------------------------------

numbers = st.sampled_from([0, -1, 1, 1e-320, 1e308, -1e308, 2**31, 2**63, 10**30, 10**400, float("nan"), float("inf"), 0.1 + 0.2])
texts = st.text(max_size=12) | st.sampled_from(
    [
        "",
        " ",
        MARKUP,
        "{{ agent }}",
        "0000-00-00",
        "9999-12-31",
        "0001-01-01",
        "2026-02-30",
        "2026-13",
        "NaN",
        "1E+400",
        "-0",
        "Patient/",
        "#",
        "#x",
        "/",
        "urn:uuid:",
        "take as directed",
        "1 tab every 0 hours",
        "1/0 tab daily",
        "9" * 400,
        "a" * 5000,
        "\u0000",
    ]
)
junk = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "code", "reference", "coding"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member and item of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def holder_of(value: Json, path: tuple[Any, ...]) -> Json:
    for key in path[:-1]:
        value = value[key]
    return value


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Json, str]:
    """A story with one to four members deleted, nulled, replaced, repeated or swapped; and the hook that it was of."""
    call = story(draw(st.sampled_from(STORIES)))
    hook = call["hook"]
    for _ in range(draw(st.integers(1, 4))):
        known = list(places(call))
        path = draw(st.sampled_from(known))
        holder, key = holder_of(call, path), path[-1]
        match draw(st.sampled_from(["delete", "null", "replace", "repeat", "swap"])):
            case "delete":
                del holder[key]
            case "null":
                holder[key] = None
            case "replace":
                holder[key] = draw(junk)
            case "repeat" if isinstance(holder, list):
                holder.extend(copy.deepcopy(holder[key]) for _ in range(draw(st.integers(1, 3))))
            case "repeat":
                holder[key] = [copy.deepcopy(holder[key]), copy.deepcopy(holder[key])]
            case "swap":
                other = draw(st.sampled_from(known))
                value = copy.deepcopy(holder_of(call, other)[other[-1]])
                holder[key] = value
        assume(call)
    return call, hook


def card_texts(answer: Json) -> str:
    """Everything of the cards that a person is shown."""
    shown = [(card["summary"], card.get("detail"), [s["label"] for s in card.get("suggestions", ())]) for card in answer["cards"]]
    return json.dumps(shown, ensure_ascii=False)


@bounded
@given(mutated())
def test_a_mutated_call_is_answered_or_refused(client: TestClient, case: tuple[Json, str]) -> None:
    call, hook = case
    status, answer = ask(client, call, hook)
    assert status == 200 or status in REFUSALS, answer
    if status == 200:
        assert len(answer["cards"]) <= 3
        assert MARKUP not in card_texts(answer)
    else:
        assert answer["resourceType"] == "OperationOutcome"


STRANGER = "Zebedee Quirk's own"


def strangers(call: Json) -> Json:
    """The call with another patient's drugs and conditions among the history."""
    subject = {"reference": "Patient/zebedee-quirk", "display": STRANGER}
    dose = {
        "timing": {"repeat": {"frequency": 4, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": {"value": 5}}],
    }
    theirs = {
        "medicationRequests": {
            "resourceType": "MedicationRequest",
            "id": "stranger-request",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": f"{STRANGER} clonazepam 2 mg tablet"},
            "authoredOn": "2020-01-01",
            "dosageInstruction": [dose],
            "subject": subject,
        },
        "conditions": {
            "resourceType": "Condition",
            "id": "stranger-condition",
            "code": {"text": STRANGER, "coding": [{"system": "http://snomed.info/sct", "code": "84757009", "display": STRANGER}]},
            "subject": subject,
        },
    }
    mixed = copy.deepcopy(call)
    for key, resource in theirs.items():
        # A part that was not sent stays unsent: to send it would itself say something of the patient.
        if bundle := mixed["prefetch"].get(key):
            bundle["entry"] = [*bundle.get("entry", []), {"resource": resource}]
    return mixed


def weighed(answer: Json) -> Json:
    """What was judged of each order, without what could not be read."""
    orders = answer["extension"]["org.taper-cds"]["orders"]
    return [{key: value for key, value in order.items() if key != "gaps"} for order in orders]


@pytest.mark.row("PREF-17")
@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.parent.name)
def test_another_patients_resources_are_not_used(client: TestClient, path: Path) -> None:
    call = story(path)
    (status, answer), (mixed_status, mixed) = ask(client, call), ask(client, strangers(call))
    assert (status, mixed_status) == (200, 200)
    assert STRANGER not in json.dumps(mixed)
    assert len(mixed["cards"]) == len(answer["cards"])
    assert weighed(mixed) == weighed(answer)


# Garbage in one resource ---------------------------------------------------------------------------------------------

HISTORY = ("medicationRequests", "medicationDispenses", "medicationStatements", "conditions", "observations")


def unreadable(resource: Json) -> st.SearchStrategy[Json]:
    type, id = resource["resourceType"], resource["id"]
    return st.sampled_from(
        [
            "nonsense",
            7,
            [],
            {},
            {"resourceType": 5, "id": id},
            {"resourceType": type},
            {"resourceType": type, "id": id},
            {**resource, "subject": {"reference": 5}},
            {**resource, "subject": None},
            dict.fromkeys(resource, "nonsense") | {"resourceType": type, "id": id},
        ]
    )


def all_gaps(answer: Json) -> set[str]:
    own = answer["extension"]["org.taper-cds"]
    return {json.dumps(gap, sort_keys=True) for gap in [*own["gaps"], *(gap for order in own["orders"] for gap in order["gaps"])]}


@pytest.mark.row("ERR-7")
@bounded
@given(st.data())
def test_a_resource_made_unreadable_costs_that_resource_only_and_leaves_a_gap(client: TestClient, data: st.DataObject) -> None:
    call = story(data.draw(st.sampled_from(STORIES)))
    status, before = ask(client, call)
    assume(status == 200 and weighed(before))
    bundles = [(call["prefetch"].get(key) or {}).get("entry") or [] for key in HISTORY]
    entries = [entry for bundle in bundles for entry in bundle]
    assume(entries)
    entry = data.draw(st.sampled_from(entries))
    entry["resource"] = data.draw(unreadable(entry["resource"]))
    status, after = ask(client, call)
    assert status == 200, after
    assert [order["request"] for order in weighed(after)] or all_gaps(after)
    assert all_gaps(after) - all_gaps(before), f"no gap tells of {entry['resource']!r}"


# Not even a call -----------------------------------------------------------------------------------------------------


@bounded
@given(st.binary(max_size=200))
def test_a_body_of_random_bytes_is_refused(client: TestClient, body: bytes) -> None:
    answered = client.post("/cds-services/taper-order-sign", content=body, headers={"Content-Type": "application/json"})
    assert answered.status_code == 400
    assert answered.json()["resourceType"] == "OperationOutcome"


@bounded
@given(junk)
def test_a_body_that_is_no_call_is_refused(client: TestClient, body: Json) -> None:
    status, answer = ask(client, body, "order-sign")
    assert status == 400
    assert answer["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"hook":"order-sign","prefetch":{"a":['])
def test_a_body_that_nests_without_end_is_refused(client: TestClient, opening: str) -> None:
    body = opening + "[" * 100_000
    answered = client.post("/cds-services/taper-order-sign", content=body, headers={"Content-Type": "application/json"})
    assert answered.status_code == 400
