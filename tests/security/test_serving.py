"""Who may reach the service: nobody by accident. And `cds clients`, which keeps the file of those who may."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cds.cli.main import app
from cds.trust.client_registry import trusted_clients
from cds.web.header_timeout import HeaderTimeoutProtocol
from tests.security.tokens import ec_key

NAMES = ("CDS_CLIENTS", "CDS_PUBLIC_URL", "CDS_ALLOW_UNAUTHENTICATED")


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The starts of the service, none of which is real."""
    found: list[dict[str, Any]] = []
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("cds.cli.serve.uvicorn.run", lambda *_, **options: found.append(options))
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [ec_key("k").public()]}))
    path = tmp_path / "clients.yaml"
    path.write_text("# who may call\nclients:\n  lab: {issuer: https://lab.example.org, keys: keys.json}\n")
    return path


def ran(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


OUTSIDE = ("0.0.0.0", "::", "192.168.1.1", "cds.example.org", "")


@pytest.mark.parametrize("host", OUTSIDE)
def test_sec_2_beyond_this_machine_it_serves_nobody_without_trusted_clients(host: str, started: list[dict[str, Any]]) -> None:
    result = ran("serve", "--host", host)
    assert result.exit_code == 2
    assert "CDS_CLIENTS" in result.output
    assert started == []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_this_machine_is_served_without(host: str, started: list[dict[str, Any]]) -> None:
    assert ran("serve", "--host", host).exit_code == 0
    assert [start["host"] for start in started] == [host]
    assert [start["http"] for start in started] == [f"{HeaderTimeoutProtocol.__module__}:{HeaderTimeoutProtocol.__name__}"]


def test_with_trusted_clients_it_serves_anywhere(
    file: Path, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_CLIENTS", str(file))
    monkeypatch.setenv("CDS_PUBLIC_URL", "https://cds.example.org")
    assert ran("serve", "--host", "0.0.0.0").exit_code == 0
    assert len(started) == 1


def test_a_file_of_clients_that_can_not_be_used_stops_the_start(
    file: Path, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("clients: {}\n")
    monkeypatch.setenv("CDS_CLIENTS", str(file))
    monkeypatch.setenv("CDS_PUBLIC_URL", "https://cds.example.org")
    result = ran("serve", "--host", "0.0.0.0")
    assert (result.exit_code, started) == (2, [])
    assert "no client stands here" in result.output


def test_only_the_deliberate_word_opens_it_to_everybody(started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_ALLOW_UNAUTHENTICATED", "yes")
    assert ran("serve", "--host", "0.0.0.0").exit_code == 0
    assert len(started) == 1


def test_clients_are_listed(file: Path) -> None:
    shown = ran("clients", "list", "--file", str(file))
    assert shown.exit_code == 0
    assert "lab" in shown.output and "https://lab.example.org" in shown.output


def test_a_client_is_added_and_the_rest_of_the_file_stays(file: Path) -> None:
    before = file.read_text()
    result = ran(
        "clients", "add", "general-hospital", "--issuer", "https://ehr.example.org/fhir", "--jku", "https://ehr.example.org/jwks.json",
        "--fhir-server", "https://ehr.example.org/fhir", "--origin", "https://ehr.example.org", "--profile", "epic",
        "--file", str(file),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert file.read_text().startswith(before)
    hospital = trusted_clients(file).by_issuer["https://ehr.example.org/fhir"]
    assert (hospital.id, hospital.profile, len(hospital.fhir_servers)) == ("general-hospital", "epic", 1)


def test_the_first_client_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    words = ("clients", "add", "a", "--issuer", "https://a.example", "--jku", "https://a.example/jwks.json", "--file", str(path))
    assert ran(*words).exit_code == 0
    assert list(trusted_clients(path).by_issuer) == ["https://a.example"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("lab", "--issuer", "https://x.example", "--keys", "keys.json"), "`lab` stands here a second time"),
        (("b", "--issuer", "https://lab.example.org", "--keys", "keys.json"), "`b` has the issuer of `lab`"),
        (("b", "--issuer", "https://b.example"), "neither `jku` nor `keys`"),
        (("b", "--issuer", "https://b.example", "--jku", "http://b.example"), "is not encrypted"),
        (("b:\n  c", "--issuer", "https://b.example", "--keys", "keys.json"), ""),
    ],
)
def test_a_client_that_would_be_wrong_leaves_the_file_as_it_was(file: Path, words: tuple[str, ...], says: str) -> None:
    before = file.read_text()
    result = ran("clients", "add", *words, "--file", str(file))
    assert result.exit_code == 2
    assert says in result.output
    assert ".new" not in result.output
    assert file.read_text() == before
    assert len(list(file.parent.iterdir())) == 2


def test_a_file_is_checked(file: Path) -> None:
    assert ran("clients", "check", "--file", str(file)).output == "lab: the entry is right\n"
    file.write_text("clients:\n  lab: {}\n")
    refused = ran("clients", "check", "--file", str(file))
    assert refused.exit_code == 2
    assert "`issuer` is missing" in refused.output


def test_keys_that_can_not_be_read_are_told(file: Path) -> None:
    file.write_text("clients:\n  far: {issuer: https://far.example, jku: ['http://127.0.0.1:1/jwks.json']}\n")
    assert ran("clients", "check", "--file", str(file)).exit_code == 0
    fetched = ran("clients", "check", "--fetch", "--file", str(file))
    assert fetched.exit_code == 2
    assert "http://127.0.0.1:1/jwks.json: can not be read" in fetched.output


def test_without_a_file_it_asks_which(file: Path) -> None:
    assert "--file" in ran("clients", "list").output
    assert "there is no such file" in ran("clients", "list", "--file", str(file.with_name("none.yaml"))).output


# The site of a client -------------------------------------------------------------------------------------------------


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Rules of which one site is served today, as the settings name them."""
    copied = shutil.copytree(Path(__file__).parents[2] / "rules", tmp_path / "rules")
    quiet = f"{{silent: yes, because: x, approved_by: y, review_by: {datetime.now(UTC).date() + timedelta(days=2)}}}"
    (copied / "sites/north.yaml").write_text(
        f"site: north\ntitle: North\nstatus: active\nrules:\n  advice/faster-is-fine: {quiet}\n"
    )
    monkeypatch.setenv("CDS_RULES", str(copied))
    return copied


ADDED = ("--issuer", "https://b.example", "--keys", "keys.json")


def test_a_client_is_added_at_a_site_that_there_is(file: Path, rules: Path) -> None:
    assert ran("clients", "add", "b", *ADDED, "--site", "north", "--file", str(file)).exit_code == 0
    assert [client.site for client in trusted_clients(file)] == [None, "north"]
    assert ran("clients", "check", "--file", str(file)).output.endswith("b: the entry is right\n")
    assert "north" in ran("clients", "list", "--file", str(file)).output


def test_a_site_that_there_is_not_is_told_with_its_place_and_the_nearest(file: Path, rules: Path) -> None:
    before = file.read_text()
    refused = ran("clients", "add", "b", *ADDED, "--site", "nort", "--file", str(file))
    assert (refused.exit_code, file.read_text()) == (2, before)
    assert "`nort` is no site." in refused.output and "Did you mean north?" in refused.output
    file.write_text(before + "  b: {issuer: https://b.example, keys: keys.json, site: nort}\n")
    checked = ran("clients", "check", "--file", str(file))
    assert (checked.exit_code, f"{file}:4:57: `nort` is no site." in checked.output) == (2, True)


def test_a_site_whose_review_is_overdue_does_not_pass_the_check(file: Path, rules: Path) -> None:
    overdue = (rules / "sites/north.yaml").read_text().replace("review_by: 2", "review_by: 1")
    (rules / "sites/north.yaml").write_text(overdue)
    file.write_text(file.read_text() + "  b: {issuer: https://b.example, keys: keys.json, site: north}\n")
    checked = ran("clients", "check", "--file", str(file))
    assert (checked.exit_code, "RULE162" in checked.output) == (2, True)
