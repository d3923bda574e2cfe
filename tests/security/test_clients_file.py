"""The file of clients: what it may say, and that everything that would trust more than is meant is refused, with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cds.hooks.client_profiles import Profile
from cds.trust.addresses import wrong_address
from cds.trust.client_registry import BadClients, trusted_clients
from tests.security.tokens import ec_key

WHOLE = """\
clients:
  general-hospital:
    issuer: https://ehr.example.org/fhir
    jku: [https://ehr.example.org/jwks.json]
    algorithms: [RS384]
    audiences: [what-was-typed]
    tenants: [north]
    fhir_servers: [https://ehr.example.org/fhir/]
    private_addresses: yes
    origins: [https://ehr.example.org]
    profile: epic
    calls_a_minute: 60
    prefetch_names: {meds: medicationRequests}
    subject: taper-at-the-hospital
  lab:
    issuer: https://lab.example.org
    keys: keys.json
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [ec_key("k").public()]}))
    return tmp_path


def problems(folder: Path, text: str) -> str:
    path = folder / "clients.yaml"
    path.write_text(text)
    with pytest.raises(BadClients) as refused:
        trusted_clients(path)
    return str(refused.value).replace(f"{folder}/", "")


def entry(line: str) -> str:
    """A file of one client that is right but for the line."""
    return f"clients:\n  hospital:\n    issuer: https://ehr.example.org\n    keys: keys.json\n    {line}\n"


def test_everything_that_may_be_said(folder: Path) -> None:
    path = folder / "clients.yaml"
    path.write_text(WHOLE)
    hospital, lab = trusted_clients(path)
    assert (hospital.id, hospital.issuer) == ("general-hospital", "https://ehr.example.org/fhir")
    assert (hospital.jku, hospital.keys) == (("https://ehr.example.org/jwks.json",), None)
    assert (hospital.algorithms, hospital.audiences, hospital.tenants) == (("RS384",), ("what-was-typed",), {"north"})
    assert [(place.base, place.private) for place in hospital.fhir_servers] == [("https://ehr.example.org/fhir", True)]
    assert (hospital.origins, hospital.profile, hospital.calls_a_minute) == (("https://ehr.example.org",), Profile.EPIC, 60)
    assert (hospital.subject, lab.subject) == ("taper-at-the-hospital", None)
    assert hospital.prefetch_names == {"meds": "medicationRequests"}
    assert (lab.keys, lab.algorithms, lab.profile) == (folder / "keys.json", ("ES384", "RS384"), Profile.STU2)
    assert (lab.fhir_servers, lab.origins, lab.tenants, lab.calls_a_minute) == ((), (), frozenset(), None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "clients.yaml:1:1: no client stands here"),
        ("clients:\n", "clients.yaml:1:9: no client stands here"),
        ("clients: {}\n", "clients.yaml:1:10: no client stands here"),
        ("customers: {}\n", "`customers` is no key that is known here"),
        ("clients: [\n", "this is not YAML"),
        ("clients:\n  a: {issuer: x, keys: keys.json}\n  a: {issuer: y, keys: keys.json}\n", "`a` stands here a second time"),
        ("clients:\n  A_b: {issuer: x, keys: keys.json}\n", "clients.yaml:2:3: `A_b` is no id of a client"),
        ("clients:\n  a: {keys: keys.json}\n", "`issuer` is missing"),
        ("clients:\n  a: {issuer: x}\n", "neither `jku` nor `keys` stands here"),
        ("clients:\n  a: {issuer: x, keys: keys.json}\n  b: {issuer: x, keys: keys.json}\n", "`b` has the issuer of `a`"),
        (entry("fhir_server: [https://ehr.example.org]"), "Did you mean fhir_servers?"),
        (entry("jku: [http://ehr.example.org/keys]"), "clients.yaml:5:11: `http://ehr.example.org/keys` is not encrypted"),
        (entry("jku: [ehr.example.org/keys]"), "is no address"),
        (entry("jku: ['https://user:word@ehr.example.org/keys']"), "is no address"),
        (entry("fhir_servers: ['https://169.254.169.254']"), "is an address that no server may have"),
        (entry("fhir_servers: ['https://[fe80::1]/fhir']"), "is an address that no server may have"),
        (entry("fhir_servers: ['https://ehr.example.org:x']"), "is no address"),
        (entry("fhir_servers: ['file:///etc']"), "is no address"),
        (entry("algorithms: [none]"), "`none` stands in `algorithms`"),
        (entry("algorithms: [HS256]"), "Expected any of: ES384, RS384."),
        (entry("origins: ['*']"), "`*` is no origin"),
        (entry("origins: ['https://*.example.org']"), "is no origin"),
        (entry("origins: ['https://ehr.example.org/']"), "is no origin"),
        (entry("profile: cerner"), "Expected one of: 1.0, 2.0.1, 3.0, epic, sandbox."),
        (entry("calls_a_minute: 0"), "Expected: a whole number from 1."),
        (entry("private_addresses: maybe"), "Expected one of: yes, no."),
        (entry("prefetch_names: {meds: medications}"), "this is no prefetch key of ours"),
        (entry("prefetch_names: [meds]"), "this is no mapping"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_refused(folder: Path, text: str, says: str) -> None:
    assert says in problems(folder, text)


@pytest.mark.parametrize(("address", "good"), [
    ("https://ehr.example.org/fhir", True), ("http://127.0.0.1:8090/fhir", True), ("http://localhost/fhir", True),
    ("http://[::1]:8090/fhir", True), ("http://ehr.example.org/fhir", False), ("http://10.0.0.1/fhir", False),
])  # fmt: skip
def test_req_6_a_fhir_server_is_read_over_https_and_over_http_on_this_machine_alone(address: str, good: bool) -> None:
    assert (wrong_address(address) is None) is good


def test_every_problem_is_told_at_once(folder: Path) -> None:
    told = problems(folder, "clients:\n  A: {issuer: x, keys: no.json}\n  b: {profile: cerner, jku: [x]}\n")
    assert told.count("cds rules explain") == 5


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("nonsense", "keys.json: can't be read"),
        ('{"keys": 1}', "keys.json: this is no JWK Set"),
        ('{"keys": []}', "holds no key for ES384 or RS384"),
        ('{"keys": [{"kty": "EC", "crv": "P-384", "kid": "k", "d": "x"}]}', "it holds a private or secret key"),
    ],
)
def test_a_file_of_keys_that_can_not_be_used_is_refused(folder: Path, content: str, says: str) -> None:
    (folder / "keys.json").write_text(content)
    assert says in problems(folder, entry("profile: epic"))


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(BadClients, match="the file of clients can't be read: No such file"):
        trusted_clients(tmp_path / "none.yaml")


def test_a_password_in_an_address_is_not_repeated(folder: Path) -> None:
    told = problems(folder, entry("jku: ['https://user:hush@ehr.example.org/keys']"))
    assert "is no address" in told and "hush" not in told


def test_no_secret_belongs_in_the_file(folder: Path) -> None:
    assert "no key that is known" in problems(folder, entry("secret: hush"))
