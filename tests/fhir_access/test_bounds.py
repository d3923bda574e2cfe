"""Where may be read: under an allowed base alone, at an address that was checked, whatever a call or a server says."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds.fhir.client import AllowedAddress, FhirClient, NotRead, Why, may_connect
from cds.fhir.names import Names
from cds.settings import Settings
from cds.web.app import app
from tests.fhir_access.calls import DAY, HISTORY, SIGN, bundle, stop
from tests.fhir_access.conftest import FhirServer

BASE = "https://ehr.example.org/fhir"


@pytest.mark.parametrize(
    ("url", "held"),
    [
        (BASE, True),
        (f"{BASE}/Patient/1", True),
        (f"{BASE}?_getpages=1", True),
        (f"{BASE}/Patient?x=https://evil.example/..", True),
        ("https://ehr.example.org/fhir2/Patient/1", False),
        ("https://ehr.example.org/", False),
        ("https://ehr.example.org:8443/fhir/Patient/1", False),
        ("http://ehr.example.org/fhir/Patient/1", False),
        ("https://ehr.example.org.evil.example/fhir/Patient/1", False),
        ("https://ehr.example.org@evil.example/fhir/Patient/1", False),
        (f"{BASE}/../admin", False),
        (f"{BASE}/%2e%2e/admin", False),
        (f"{BASE}/%252e%252e/admin", False),
        (f"{BASE}/./x", False),
        (f"{BASE}/a\\..\\b", False),
        (f"{BASE}/Patient/1#x", False),
        (f"{BASE}/a b", False),
        (f"{BASE}/a\r\nHost: evil.example", False),
        (f"{BASE}/ü", False),
        ("//evil.example/fhir", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_fhir_11_what_lies_under_a_base(url: str, held: bool) -> None:
    assert AllowedAddress(BASE).holds(url) is held


@pytest.mark.parametrize(
    ("address", "outside", "inside"),
    [
        ("93.184.216.34", True, True),
        ("2606:2800:220:1::1", True, True),
        ("10.1.2.3", False, True),
        ("192.168.0.1", False, True),
        ("172.16.0.1", False, True),
        ("100.64.0.1", False, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("fd00::1", False, True),
        ("::ffff:10.0.0.1", False, True),
        ("2002:7f00:1::", False, True),
        ("169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("0.0.0.0", False, False),
        ("::", False, False),
        ("224.0.0.1", False, False),
    ],
)
def test_fhir_11_which_addresses_may_be_connected_to(address: str, outside: bool, inside: bool) -> None:
    assert may_connect(address, inside=False) is outside
    assert may_connect(address, inside=True) is inside


def read(place: AllowedAddress, url: str) -> Why:
    async def tried() -> Why:
        client = FhirClient(1.0)
        try:
            await client.read(place, url)
        except NotRead as error:
            return error.why
        finally:
            await client.close()
        raise AssertionError("it was read")

    return asyncio.run(tried())


@pytest.mark.parametrize("found", [["10.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["169.254.169.254"], ["::1"]])
def test_fhir_11_a_name_that_stands_for_an_address_of_our_own_network_is_not_connected_to(
    found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolved(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in found]

    monkeypatch.setattr("socket.getaddrinfo", resolved)
    assert read(AllowedAddress(BASE), f"{BASE}/Patient/1") is Why.ADDRESS


def test_fhir_11_the_name_is_looked_up_once_and_the_checked_address_is_the_one_connected_to(
    fhir: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that answers with another address the second time can't lead elsewhere."""
    asked: list[str] = []

    def resolved(host: str, port: int, **__: object) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "10.9.9.9", port))]

    async def patient() -> Any:
        client = FhirClient(60.0)
        try:
            base = f"http://ehr.test:{fhir.port}/fhir"
            return await client.read(AllowedAddress(base, private=True), f"{base}/Patient/p")
        finally:
            await client.close()

    monkeypatch.setattr("socket.getaddrinfo", resolved)
    assert asyncio.run(patient())["id"] == "p"
    assert asked == ["ehr.test"]


def test_a_name_whose_look_up_hangs_takes_one_thread_and_holds_up_no_other_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the name server of one client's hospital is away: the system's look-up can't be ended."""
    away, asked = threading.Event(), []

    def resolved(host: str, port: int, **__: object) -> list[Any]:
        asked.append(host)
        if host == "slow.test":
            away.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]

    monkeypatch.setattr("socket.getaddrinfo", resolved)

    async def tried() -> tuple[Any, ...]:
        names = Names(most=2)
        waiting = [asyncio.create_task(names.addresses("slow.test", 443)) for _ in range(100)]
        await asyncio.sleep(0)
        for one in waiting[:99]:
            one.cancel()
        other = await names.addresses("well.test", 443)
        away.set()
        return other, await waiting[99]

    try:
        assert asyncio.run(tried()) == (("93.184.216.34",), ("93.184.216.34",))
    finally:
        away.set()
    assert asked == ["slow.test", "well.test"]


@pytest.mark.parametrize(
    "server",
    [
        "http://127.0.0.1:1/fhir", "https://evil.example/fhir", "http://169.254.169.254/latest/meta-data", "file:///etc", "", "x",
        "https://ehr.example.org/fhir@evil.example", "http://[::1]/fhir", "http://2130706433/fhir", "//evil.example", "http://",
    ],
)  # fmt: skip
def test_fhir_11_a_server_that_is_not_allowed_is_not_read(service: TestClient, fhir: FhirServer, server: str) -> None:
    response = service.post(SIGN, json=stop(server or "x"))
    assert response.status_code == 412
    assert fhir.asked == []


def test_fhir_11_a_server_beside_the_allowed_base_is_not_read(service: TestClient, fhir: FhirServer) -> None:
    for server in (fhir.base + "2", fhir.base.removesuffix("/fhir"), fhir.base + "/../other"):
        assert service.post(SIGN, json=stop(server)).status_code == 412
    assert fhir.asked == []


def test_fhir_11_a_server_under_the_allowed_base_is_read(service: TestClient, fhir: FhirServer) -> None:
    service.post(SIGN, json=stop(f"{fhir.base}/tenant-1"))
    assert fhir.paths()
    assert all(path.startswith("tenant-1/") for path in fhir.paths())


@pytest.mark.parametrize(
    "link", ["http://127.0.0.1:1/fhir/x", "https://evil.example/x", "//evil.example/x", "/x", "../x", "http://[", "x y"]
)
def test_fhir_11_a_next_link_that_leaves_the_base_is_not_followed(service: TestClient, fhir: FhirServer, link: str) -> None:
    fhir.resources["MedicationRequest"] = bundle(*HISTORY, link=[{"relation": "next", "url": link}])
    response = service.post(SIGN, json=stop(fhir.base))
    assert response.status_code == 200
    assert [gap["resource"] for gap in response.json()["extension"]["org.taper-cds"]["gaps"]] == ["prefetch/medicationRequests"]
    assert "x" not in [path.rpartition("/")[2] for path in fhir.paths()]


def test_without_an_allowed_server_nothing_is_read(book: Any, engine: Any, fhir: FhirServer) -> None:
    with TestClient(app(book, engine, Settings(), lambda: DAY)) as closed:
        assert closed.post(SIGN, json=stop(fhir.base)).status_code == 412
    assert fhir.asked == []
