"""`cds clients check --call`: an integrator is told whether a registration works, against a real server."""

from __future__ import annotations

import json
from pathlib import Path

import jwt
import pytest
from typer.testing import CliRunner

from cds.cli.main import app
from tests.operations.served import served
from tests.security.tokens import ec_key

STEPS = ("discovery", "token and hook call", "prefetch", "drafts", "feedback")


def check(*options: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["clients", "check", *options])
    return ran.exit_code, ran.output


def test_each_step_is_told_and_a_service_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    with served(tmp_path) as service:
        code, printed = check("--call", f"http://127.0.0.1:{service.port}/")
        assert (code, [step for step in STEPS if f"right  {step}:" not in printed]) == (0, []), printed
        gone = service.port
    code, printed = check("--call", f"http://127.0.0.1:{gone}")
    assert (code, "WRONG  connection" in printed) == (2, True)


def test_the_token_of_a_trusted_client_is_tried_too(tmp_path: Path) -> None:
    key = ec_key("k")
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key.public()]}))
    private = key.public() | {"alg": "ES384"} | {"d": _private_part(key)}
    (tmp_path / "private.json").write_text(json.dumps(private))
    (tmp_path / "clients.yaml").write_text("clients:\n  ehr:\n    issuer: https://ehr.example.org\n    keys: keys.json\n")
    settings = {"CDS_CLIENTS": str(tmp_path / "clients.yaml"), "CDS_PUBLIC_URL": "https://cds.example.org"}
    with served(tmp_path, **settings) as service:
        base = f"http://127.0.0.1:{service.port}"
        assert check("--call", base)[0] == 2, "without a token nothing is answered"
        code, printed = check("--call", base, "--issuer", "https://ehr.example.org", "--key", str(tmp_path / "private.json"))
        assert (code, "token_refused" in printed) == (2, True), "the audience is the public address, not the one that is called"


def _private_part(key: object) -> str:
    kind = jwt.get_algorithm_by_name("ES384")
    return str(json.loads(kind.to_jwk(key.private))["d"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("options", [("--issuer", "https://ehr.example.org"), ("--key", "k.json")])
def test_a_token_needs_both_its_issuer_and_its_key(options: tuple[str, str]) -> None:
    code, printed = check("--call", "http://127.0.0.1:1", *options)
    assert (code, "expected both" in printed) == (2, True)
