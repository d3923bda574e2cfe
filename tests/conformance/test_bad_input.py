"""A call with anything in it anywhere: never a 500, never another patient's words, garbage in the history costs only itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

SIGN = "/cds-services/taper-order-sign"
ALLOWED = {200, 400, 412, 422}
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", " ", "x", "Patient/p", "2026-02-30", "2026", "-1", "1e9", "urn:uuid:0", "#", "stopped", "\u202e\x00"]),
    st.text(max_size=20),
    st.sampled_from(
        ["[]", "{}", "[null]", "[[]]", '{"value": "x"}', '{"reference": 1}', '{"coding": [null]}', '[{"coding": {}}]']
    ).map(json.loads),
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every member and entry."""
    if path:
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from paths(member, (*path, name))


def put(body: Any, path: tuple[str | int, ...], junk: Any) -> None:
    """Sets what stands at a path, where an earlier change has left that path."""
    for name in path[:-1]:
        try:
            body = body[name]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(body, dict | list) and (isinstance(body, dict) or path[-1] in range(len(body))):
        body[path[-1]] = junk


@given(data=st.data())
@QUIET
def test_junk_anywhere_in_a_call_never_breaks_the_service(client: TestClient, stop: dict[str, Any], data: st.DataObject) -> None:
    body = json.loads(json.dumps(stop))
    for path in data.draw(st.lists(st.sampled_from(list(paths(stop))), min_size=1, max_size=4)):
        put(body, path, data.draw(JUNK))
    response = client.post(SIGN, json=body)
    assert response.status_code in ALLOWED, response.text


@given(data=st.data())
@QUIET
def test_junk_in_one_history_resource_never_refuses_the_call(
    client: TestClient, stop: dict[str, Any], data: st.DataObject
) -> None:
    body = json.loads(json.dumps(stop))
    entry = body["prefetch"]["medicationRequests"]["entry"][-1]["resource"]
    for path in data.draw(st.lists(st.sampled_from(list(paths(entry))), min_size=1, max_size=3)):
        put(entry, path, data.draw(JUNK))
    response = client.post(SIGN, json=body)
    assert response.status_code == 200, response.text
    assert response.json()["extension"]["org.taper-cds"]["orders"], "the order itself is still judged"


@given(body=st.binary(max_size=200))
@QUIET
def test_bytes_that_are_no_call_are_refused(client: TestClient, body: bytes) -> None:
    response = client.post(SIGN, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400


@given(
    body=st.recursive(JUNK, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3))
)
@QUIET
def test_json_that_is_no_call_is_refused(client: TestClient, body: Any) -> None:
    response = client.post(SIGN, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert response.status_code == 400
