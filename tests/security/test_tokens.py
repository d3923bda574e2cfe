"""Which tokens are trusted: each row of CDS Hooks on JWTs, and that every refusal is the same to the caller."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient

from tests.security.conftest import Site
from tests.security.tokens import CALL, ISSUER, PUBLIC, SIGN, Key, ec_key, encoded, rsa_key, shown

REFUSAL = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "login", "details": {"text": "The caller is not authenticated."}}],
}


def status(service: TestClient, token: str, path: str = SIGN) -> int:
    """The status of a call that shows the token, once its refusal was found to give no hint."""
    response = service.post(path, json=CALL, headers=shown(token))
    if response.status_code == 401:
        assert response.json() == REFUSAL
        assert response.headers["www-authenticate"] == "Bearer"
    return int(response.status_code)


def doubts(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record)["fields"] for record in caplog.records if record.getMessage() == "token_refused"]


def test_sec_7_es384_and_rs384_are_accepted(service: TestClient, site: Site) -> None:
    assert status(service, site.ec.token()) == 200
    assert status(service, site.rsa.token()) == 200


def test_sec_7_a_client_may_be_held_to_one_algorithm(site: Site) -> None:
    with TestClient(site.app("algorithms: [ES384]")) as service:
        assert status(service, site.ec.token()) == 200
        assert status(service, site.rsa.token()) == 401


def test_sec_3_a_call_without_a_token_is_refused(service: TestClient, site: Site) -> None:
    for headers in ({}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {site.ec.token()}"}):
        response = service.post(SIGN, json=CALL, headers=headers)
        assert (response.status_code, response.json()) == (401, REFUSAL)


def test_sec_3_two_tokens_are_none(service: TestClient, site: Site) -> None:
    headers = [("Authorization", f"Bearer {site.ec.token()}"), ("Authorization", f"Bearer {site.ec.token()}")]
    assert service.post(SIGN, json=CALL, headers=headers).status_code == 401


def test_the_word_bearer_is_read_in_any_case(service: TestClient, site: Site) -> None:
    assert service.post(SIGN, json=CALL, headers={"Authorization": f"bEARER {site.ec.token()}"}).status_code == 200


def unsigned(header: dict[str, Any], site: Site, signature: bytes = b"") -> str:
    payload = jwt.decode(site.ec.token(), options={"verify_signature": False})
    return f"{encoded(header)}.{encoded(payload)}.{encoded(signature)}"


@pytest.mark.parametrize(
    "name",
    ["none", "None", "NONE", "nOnE", "", None, 0, [], {}, "HS256", "HS384", "HS512", "RS256", "ES256", "PS384", "EdDSA", "es384"],
)
def test_sec_6_no_other_algorithm_is_accepted(service: TestClient, site: Site, name: object) -> None:
    assert status(service, unsigned({"alg": name, "typ": "JWT", "kid": site.ec.id}, site)) == 401


@pytest.mark.parametrize("algorithm", ["HS256", "HS384"])
def test_sec_6_a_public_key_is_no_secret_to_sign_by(service: TestClient, site: Site, algorithm: str) -> None:
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384}[algorithm]
    secrets = [
        site.rsa.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        json.dumps(site.rsa.public()).encode(),
    ]
    for secret in secrets:
        signed = unsigned({"alg": algorithm, "typ": "JWT", "kid": site.rsa.id}, site).rsplit(".", 1)[0]
        assert status(service, f"{signed}.{encoded(hmac.new(secret, signed.encode(), digest).digest())}") == 401


def test_sec_7_the_type_of_the_key_decides_not_the_header(service: TestClient, site: Site) -> None:
    assert status(service, Key(site.rsa.id, "ES384", site.ec.private).token()) == 401
    assert status(service, Key(site.ec.id, "RS384", site.rsa.private).token()) == 401


def test_a_signature_of_another_key_is_refused(service: TestClient, site: Site) -> None:
    assert status(service, ec_key(site.ec.id).token()) == 401
    assert status(service, rsa_key(site.rsa.id).token()) == 401


def test_a_token_that_was_changed_is_refused(service: TestClient, site: Site) -> None:
    header, payload, signature = site.ec.token(aud="https://elsewhere.example").split(".")
    claims = jwt.decode(f"{header}.{payload}.{signature}", options={"verify_signature": False})
    assert status(service, f"{header}.{encoded({**claims, 'aud': PUBLIC + SIGN})}.{signature}") == 401


@pytest.mark.parametrize("weak", [rsa_key("weak", 1024), ec_key("weak", ec.SECP256R1(), "ES256")])
def test_a_weak_key_is_refused(site: Site, weak: Key) -> None:
    site.publish(site.ec, weak)
    with TestClient(site.app()) as service:
        assert status(service, weak.token()) == 401


@pytest.mark.parametrize("more", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "ES512"}])
def test_a_key_for_something_else_is_not_used(site: Site, more: dict[str, Any]) -> None:
    other = ec_key("other")
    (site.folder / "keys.json").write_text(json.dumps({"keys": [site.ec.public(), other.public(**more)]}))
    with TestClient(site.app()) as service:
        assert status(service, other.token()) == 401


@pytest.mark.parametrize(
    "header",
    [
        {"kid": None}, {"kid": ""}, {"kid": "unknown"}, {"kid": 7}, {"kid": ["ec/1+="]}, {"kid": "k" * 600},
        {"typ": "at+jwt"}, {"crit": ["exp"]}, {"crit": []},
    ],
)  # fmt: skip
def test_sec_4_and_11_a_header_that_is_not_as_it_should_be_is_refused(service: TestClient, site: Site, header: Any) -> None:
    if isinstance(header.get("kid"), int | list):  # the library signs no such header
        good_header = {"alg": "ES384", "typ": "JWT", **header}
        assert status(service, unsigned(good_header, site, b"x" * 96)) == 401
    else:
        assert status(service, site.ec.token(header=header)) == 401


def test_sec_11_a_kid_may_hold_any_sign(service: TestClient, site: Site) -> None:
    assert set("+/=") & set(site.ec.id)
    assert status(service, site.ec.token()) == 200


def test_sec_11_keys_that_a_token_brings_itself_count_nothing(service: TestClient, site: Site) -> None:
    own = ec_key(site.ec.id)
    header = {"jwk": own.public(), "x5u": "https://evil.example/x", "x5c": ["MII="]}
    assert status(service, own.token(header=header)) == 401
    assert status(service, site.ec.token(header=header)) == 200


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "jti"])
def test_sec_5_each_claim_is_needed(service: TestClient, site: Site, claim: str) -> None:
    assert status(service, site.ec.token(**{claim: None})) == 401


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "https://evil.example"), ("iss", ISSUER + "/"), ("iss", ""),
        ("aud", PUBLIC), ("aud", PUBLIC + "/cds-services"), ("aud", PUBLIC + SIGN + "/feedback"),
        ("aud", "http://inside:8000" + SIGN),
        ("aud", SIGN), ("aud", (PUBLIC + SIGN).upper()), ("aud", []), ("aud", [7]), ("aud", {}),
        ("aud", ["https://elsewhere.example"]),
        ("exp", True), ("exp", "soon"), ("exp", float("inf")), ("exp", float("nan")), ("exp", -1), ("exp", 1e400), ("exp", []),
        ("iat", True), ("iat", "now"), ("iat", []), ("jti", ""), ("jti", "j" * 600), ("jti", []),
    ],
)  # fmt: skip
def test_sec_5_and_8_a_claim_that_is_not_as_it_should_be_is_refused(
    service: TestClient, site: Site, claim: str, value: object
) -> None:
    try:
        token = site.ec.token(**{claim: value})
    except TypeError:  # the library signs no such claim, so sign the bytes
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": PUBLIC + SIGN, "iat": now, "exp": now + 300, "jti": "j", claim: value}
        token = jwt.PyJWS().encode(json.dumps(claims).encode(), site.ec.private, "ES384", headers={"kid": site.ec.id})
    assert status(service, token) == 401


def test_sec_8_the_audience_may_be_a_list_that_holds_the_address(service: TestClient, site: Site) -> None:
    assert status(service, site.ec.token(aud=["https://elsewhere.example", PUBLIC + SIGN])) == 200


def test_sec_8_a_slash_at_the_end_changes_nothing(service: TestClient, site: Site) -> None:
    assert status(service, site.ec.token(SIGN + "/"), SIGN + "/") == 200
    assert status(service, site.ec.token(SIGN), SIGN + "/") == 200
    assert status(service, site.ec.token(SIGN + "/"), SIGN) == 401


def test_sec_8_a_token_for_one_service_opens_no_other(service: TestClient, site: Site) -> None:
    assert status(service, site.ec.token("/cds-services/taper-patient-view")) == 401


def test_sec_8_a_client_may_have_audiences_of_its_own(site: Site) -> None:
    with TestClient(site.app("audiences: [what-the-analyst-typed]")) as service:
        assert status(service, site.ec.token(aud="what-the-analyst-typed")) == 200
        assert status(service, site.ec.token()) == 200
        assert status(service, site.ec.token(aud="something else")) == 401


@pytest.mark.parametrize(
    ("issued", "expires", "good"),
    [(-10, 300, True), (50, 300, True), (-3300, 290, True), (-400, -30, True), (-10, 3590, True),
     (-400, -90, False), (90, 300, False), (-10, 3600, False), (0, 86400, False), (0, 0, False), (10, -20, False)],
)  # fmt: skip
def test_sec_12_a_token_holds_for_its_time_an_hour_at_most_give_or_take_a_minute(
    service: TestClient, site: Site, issued: int, expires: int, good: bool
) -> None:
    now = int(time.time())
    assert status(service, site.ec.token(iat=now + issued, exp=now + expires)) == (200 if good else 401)


@pytest.mark.parametrize(("starts", "good"), [(-300, True), (30, True), (120, False)])
def test_sec_12_nbf_is_honoured(service: TestClient, site: Site, starts: int, good: bool) -> None:
    assert status(service, site.ec.token(nbf=int(time.time()) + starts)) == (200 if good else 401)


def test_sec_13_a_token_opens_once(service: TestClient, site: Site) -> None:
    token = site.ec.token()
    assert [status(service, token) for _ in range(3)] == [200, 401, 401]


def test_sec_13_an_id_is_used_once_also_in_another_token(service: TestClient, site: Site) -> None:
    assert status(service, site.ec.token(jti="1")) == 200
    assert status(service, site.rsa.token(jti="1")) == 401


def test_sec_13_a_refused_token_uses_no_id_up(service: TestClient, site: Site) -> None:
    assert status(service, ec_key(site.ec.id).token(jti="2")) == 401
    assert status(service, site.ec.token(jti="2")) == 200


def test_sec_14_a_tenant_must_be_one_of_those_that_are_registered(site: Site) -> None:
    with TestClient(site.app("tenants: [north, south]")) as service:
        assert status(service, site.ec.token(tenant="south")) == 200
        for tenant in ("west", None, ["south"], 7):
            assert status(service, site.ec.token(tenant=tenant)) == 401


def test_sec_14_without_registered_tenants_any_is_taken(service: TestClient, site: Site) -> None:
    assert status(service, site.ec.token(tenant="anything")) == 200


GARBAGE = ["x", "x.y", "x.y.z", "..", "a.b.c.d.e", "ü.ü.ü", "\x7f", "=.=.=", "eyJhbGciOiJFUzM4NCJ9..", "." * 9000, "A" * 20000]


@pytest.mark.parametrize("token", GARBAGE)
def test_what_is_no_token_is_refused(service: TestClient, token: str) -> None:
    response = service.post(SIGN, json=CALL, headers={b"Authorization": b"Bearer " + token.encode("utf-8")})
    assert (response.status_code, response.json()) == (401, REFUSAL)


@pytest.mark.parametrize(
    "part", [b"[]", b"1", b'"x"', b"null", b"{", b"[" * 5000, b'{"a":' * 1000, b"\xff", b'{"alg":"ES384","alg":"none"}']
)
def test_a_token_whose_parts_are_garbage_is_refused(service: TestClient, part: bytes) -> None:
    good = {"alg": "ES384", "typ": "JWT", "kid": "k"}
    for token in (f"{encoded(part)}.{encoded({'iss': ISSUER})}.eA", f"{encoded(good)}.{encoded(part)}.eA"):
        assert status(service, token) == 401


def test_disc_15_discovery_is_public_and_a_token_that_is_shown_is_verified(service: TestClient, site: Site) -> None:
    assert service.get("/cds-services").status_code == 200
    assert service.get("/cds-services", headers=shown(site.ec.token("/cds-services"))).status_code == 200
    assert service.get("/cds-services", headers=shown(site.ec.token(SIGN))).status_code == 401
    assert service.get("/cds-services", headers=shown("x.y.z")).status_code == 401


@pytest.mark.parametrize("path", ["/cds-services/unknown", "/cds-services/", SIGN + "/feedback", "/cds-services/a/b/c"])
def test_sec_3_everything_under_the_services_is_guarded(service: TestClient, path: str) -> None:
    assert service.post(path, json=CALL).status_code == 401


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_what_operators_watch_needs_no_token(service: TestClient, path: str) -> None:
    assert service.get(path).status_code == 200


def test_fb_11_feedback_is_authenticated_by_its_own_address(service: TestClient, site: Site) -> None:
    path = SIGN + "/feedback"
    assert status(service, site.ec.token(SIGN), path) == 401
    assert status(service, site.ec.token(path), path) != 401


@pytest.mark.parametrize(
    ("doubt", "wrong"),
    [
        ("issuer", {"iss": "https://evil.example"}),
        ("audience", {"aud": "https://elsewhere.example"}),
        ("time", {"exp": 1}),
        ("claims", {"jti": None}),
    ],
)
def test_sec_15_and_16_our_own_log_tells_why_and_never_the_token(
    service: TestClient, site: Site, doubt: str, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    token = site.ec.token(**wrong)
    with caplog.at_level(logging.DEBUG):
        assert status(service, token) == 401
    [told] = doubts(caplog)
    assert told["doubt"] == doubt
    everything = "\n".join(str(vars(record)) for record in caplog.records) + service.get("/metrics").text
    assert not [part for part in token.split(".") if part in everything]
    assert f'cds_turned_away_total{{why="{doubt}"}} 1.0' in everything


def test_an_audience_that_a_trusted_client_signed_is_told_beside_the_one_that_is_expected(
    service: TestClient, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "cds"):
        status(service, site.ec.token(aud="https://cds.example.org/cds-services/x"))
    assert doubts(caplog) == [
        {
            "doubt": "audience",
            "client": "hospital",
            "seen": "https://cds.example.org/cds-services/x",
            "expected": PUBLIC + SIGN,
        }
    ]


def test_the_log_of_a_call_names_the_client(service: TestClient, site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "cds"):
        status(service, site.ec.token())
    assert [vars(one)["fields"]["client"] for one in caplog.records if one.getMessage() == "call"] == ["hospital"]


def test_a_refused_caller_s_body_is_not_read(service: TestClient) -> None:
    assert service.post(SIGN, content=b"not json", headers={"Content-Type": "text/plain"}).status_code == 401


def test_a_fault_of_ours_lets_nobody_in_and_tells_nothing(
    service: TestClient, site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise LookupError(site.ec.token())

    monkeypatch.setattr("cds.trust.tokens._verified", broken)
    with caplog.at_level(logging.DEBUG):
        assert status(service, site.ec.token()) == 401
    assert "LookupError" in str([vars(record) for record in caplog.records])
    assert "eyJ" not in str([vars(record) for record in caplog.records])
