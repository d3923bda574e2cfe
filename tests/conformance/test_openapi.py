"""The OpenAPI document, and the running service asked by it: thousands of calls, right and wrong, over HTTP."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis import checks
from schemathesis.core.failures import FailureGroup

from cds.hooks.schemas import problems
from cds.hooks.services import HOOKS
from cds.web.openapi import PATH, REFUSALS, openapi
from tests.operations.served import served

ROOT = Path(__file__).parents[2]
ROUTES = (ROOT / "docs/routes.md").read_text()
STORIES = sorted((ROOT / "fhir_examples").glob("*/request.json"))
DOCUMENT = openapi(None, guarded=False, feedback=True)
DRAFTS = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "MedicationRequest", "id": "1"}}]}
WHO = {"userId": "Practitioner/1", "patientId": "p"}
CALL = {
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {**WHO, "selections": ["MedicationRequest/1"], "draftOrders": DRAFTS, "medications": DRAFTS},
}
"""A call that is right for every hook, once it names one."""
OF_ANY_ADDRESS = {404, 405}
"""What no operation lists, since it is said where there is none."""
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
CASES = [
    "--phases",
    "examples,coverage,fuzzing",
    "--max-examples",
    "25",
    "--generation-deterministic",
]
HELD = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
]


def with_stories(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the stories as examples of what is asked."""
    told = json.loads(json.dumps(document))
    for path in STORIES:
        call = json.loads(path.read_text())
        content = told["paths"][f"/cds-services/taper-{call['hook']}"]["post"]["requestBody"]["content"]
        content["application/json"].setdefault("examples", {})[path.parent.name] = {"value": call}
    return told


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("service")) as service:
        yield f"http://127.0.0.1:{service.port}"


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the document, with the stories as examples."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_text(json.dumps(with_stories(DOCUMENT)))
    return path


# By its command, since its decorator draws the cases of every operation whenever tests are only looked for.
@pytest.mark.row("ERR-3", "ERR-4", "RESP-1", "RESP-2")
@pytest.mark.parametrize("path", sorted(DOCUMENT["paths"]))
def test_every_operation_answers_as_it_says_whatever_it_is_asked(
    path: str, address: str, described: Path, tmp_path: Path
) -> None:
    asked = [SCHEMATHESIS, "run", described, "--url", address, "--include-path", path, "--checks", ",".join(HELD), *CASES]
    ran = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    counted = httpx.get(f"{address}/metrics").text
    assert not re.search(r'^cds_calls_total\{.*status="5', counted, re.MULTILINE)
    if service := next((one for one in HOOKS if path.endswith(f"/{one}")), ""):
        statuses = set(re.findall(rf'^cds_calls_total\{{service="{service}",status="(\d+)"\}}', counted, re.MULTILINE))
        assert {"200", "400", "415"} <= statuses
    if service == "taper-order-sign":
        assert re.search(r'^cds_cards_total\{indicator="critical"', counted, re.MULTILINE)


@pytest.mark.parametrize(
    ("method", "path", "place", "wrong"),
    [
        ("GET", "/health", ("200", "content", "application/json", "schema"), {"type": "array"}),
        ("GET", "/metrics", ("200", "content"), {"application/json": {}}),
        ("GET", "/ready", ("200",), None),
        ("GET", "/cds-services", ("200", "headers"), {"X-Nothing": {"required": True, "schema": {"type": "string"}}}),
        ("POST", "/cds-services/taper-order-sign", ("400",), None),
    ],
)
def test_what_is_answered_otherwise_than_it_says_is_found(
    address: str, method: str, path: str, place: tuple[str, ...], wrong: Any
) -> None:
    document = copy.deepcopy(DOCUMENT)
    at = document["paths"][path][method.lower()]["responses"]
    for part in place[:-1]:
        at = at[part]
    if wrong is None:
        del at[place[-1]]
    else:
        at[place[-1]] = wrong
    case = schemathesis.openapi.from_dict(document)[path][method].Case(body={}, media_type="application/json")
    with pytest.raises(FailureGroup):
        case.call_and_validate(base_url=address, checks=[getattr(checks, one) for one in HELD])


# The document -----------------------------------------------------------------------------------------------------------


def test_the_document_that_is_served_is_the_one_that_was_tried(address: str) -> None:
    answer = httpx.get(address + PATH)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == DOCUMENT


def test_every_route_is_described_and_no_other() -> None:
    listed = {tuple(line) for line in re.findall(r"^\| `([A-Z]+) (/[^`]*)`", ROUTES, re.MULTILINE)}
    told = {(method, path.replace("{service}", id)) for method, path in listed for id in HOOKS}
    assert {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods} == told


def test_every_refusal_that_the_page_lists_is_described() -> None:
    assert {int(status) for status in re.findall(r"^\| (\d{3}) \|", ROUTES, re.MULTILINE)} - OF_ANY_ADDRESS == set(REFUSALS)


@pytest.mark.parametrize("hook", HOOKS.values())
def test_a_hook_is_asked_and_answered_by_the_schemas_of_the_messages(hook: str) -> None:
    validator = Draft202012Validator({**ref(f"{hook}-request"), "components": DOCUMENT["components"]})
    calls = [*(json.loads(path.read_text()) for path in STORIES), {**CALL, "hook": hook}]
    asked = DOCUMENT["paths"][f"/cds-services/taper-{hook}"]["post"]["requestBody"]["content"]
    assert [content["schema"] for content in asked.values()] == [ref(f"{hook}-request")] * 2
    assert [validator.is_valid(call) for call in calls] == [not problems(f"{hook}-request", call) for call in calls]
    assert validator.is_valid(calls[-1])


def test_every_reference_of_the_document_leads_somewhere() -> None:
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(DOCUMENT)))
    assert named
    assert named <= set(DOCUMENT["components"]["schemas"])
    assert json.dumps(DOCUMENT).count('"$ref"') == len(re.findall(r'"\$ref": "#/components/schemas/', json.dumps(DOCUMENT)))


def test_a_service_with_trusted_clients_says_that_calls_need_a_token() -> None:
    document = openapi("https://cds.example.org", guarded=True, feedback=False)
    token = [{"clientToken": []}]
    needs = {path: operation["security"] for path, methods in document["paths"].items() for operation in methods.values()
             if "security" in operation}  # fmt: skip
    assert needs == {"/cds-services": [{}, *token]} | {f"/cds-services/{id}": token for id in HOOKS}
    assert document["servers"] == [{"url": "https://cds.example.org"}]


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
