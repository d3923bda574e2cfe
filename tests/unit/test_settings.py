"""Settings: read from the environment, refused all at once where they can't be used."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cds.settings import NAMES, RULES_OF_THIS_CHECKOUT, BadSettings, Settings, settings


def test_nothing_needs_to_be_set() -> None:
    assert settings({"PATH": "/bin"}) == Settings(RULES_OF_THIS_CHECKOUT, ZoneInfo("UTC"), False, "info")


def test_every_setting_is_read(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.touch()
    given = {
        "CDS_RULES": str(tmp_path),
        "CDS_TIME_ZONE": "Europe/Zurich",
        "CDS_ALLOW_UNAUTHENTICATED": "yes",
        "CDS_LOG_LEVEL": "debug",
        "CDS_RULES_KEY": str(key),
        "CDS_SITE": "north",
    }
    assert settings(given) == Settings(tmp_path, ZoneInfo("Europe/Zurich"), True, "debug", key, "north")


def test_every_setting_about_callers_is_read(tmp_path: Path) -> None:
    clients = tmp_path / "clients.yaml"
    clients.touch()
    given = {
        "CDS_CLIENTS": str(clients),
        "CDS_PUBLIC_URL": "https://cds.example.org/taper/",
        "CDS_ORIGINS": "https://sandbox.cds-hooks.org http://localhost:8080",
        "CDS_FHIR_SERVERS": "https://ehr.example.org/fhir http://127.0.0.1:8090/fhir",
        "CDS_FHIR_READ_SECONDS": "0.5",
        "CDS_FHIR_SECONDS": "2",
        "CDS_CALL_SECONDS": "5",
        "CDS_MOST_CALLS": "10",
        "CDS_CALLS_A_MINUTE": "600",
    }
    read = settings(given)
    assert (read.clients, read.public_url) == (clients, "https://cds.example.org/taper")
    assert read.origins == ("https://sandbox.cds-hooks.org", "http://localhost:8080")
    assert read.fhir_servers == ("https://ehr.example.org/fhir", "http://127.0.0.1:8090/fhir")
    assert (read.fhir_read_seconds, read.fhir_seconds, read.call_seconds) == (0.5, 2.0, 5.0)
    assert (read.most_calls, read.calls_a_minute) == (10, 600)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CDS_PUBLIC_URL", "cds.example.org", "is no address"),
        ("CDS_PUBLIC_URL", "http://cds.example.org", "is not encrypted"),
        ("CDS_FHIR_SERVERS", "https://169.254.169.254/latest", "no server may have"),
        ("CDS_FHIR_SERVERS", "https://ehr.example.org/fhir?x=1", "is no address"),
        ("CDS_ORIGINS", "*", "is no origin"),
        ("CDS_ORIGINS", "https://ehr.example.org/app", "is no origin"),
        ("CDS_FHIR_SECONDS", "0", "expected seconds"),
        ("CDS_CALL_SECONDS", "ten", "expected seconds"),
        ("CDS_MOST_CALLS", "0", "expected a whole number"),
    ],
)
def test_a_setting_about_callers_that_would_trust_too_much_is_refused(name: str, value: str, says: str) -> None:
    with pytest.raises(BadSettings, match=says):
        settings({name: value})


def test_the_folder_of_the_counters_has_to_be_one(tmp_path: Path) -> None:
    assert settings({"CDS_METRICS_FOLDER": str(tmp_path)}).metrics_folder == tmp_path
    with pytest.raises(BadSettings, match="expected a folder"):
        settings({"CDS_METRICS_FOLDER": str(tmp_path / "none")})


def test_a_file_of_clients_needs_the_address_that_their_tokens_name(tmp_path: Path) -> None:
    (tmp_path / "clients.yaml").touch()
    with pytest.raises(BadSettings, match="needs CDS_PUBLIC_URL"):
        settings({"CDS_CLIENTS": str(tmp_path / "clients.yaml")})


def test_every_problem_is_told_at_once_with_the_nearest_name() -> None:
    given = {
        "CDS_ALLOW_UNAUTHENTICATED": "true",
        "CDS_LOG_LEVEL": "loud",
        "CDS_RULES": "no/such/folder",
        "CDS_TIMEZONE": "UTC",
        "CDS_TIME_ZONE": "Mars/Olympus",
        "CDS_XYZZY": "",
    }
    names = ", ".join(sorted(NAMES))
    with pytest.raises(BadSettings) as refused:
        settings(given)
    assert refused.value.problems == (
        "CDS_ALLOW_UNAUTHENTICATED: seen 'true'; expected yes or no.",
        "CDS_LOG_LEVEL: seen 'loud'; expected one of debug, info, warning, error.",
        "CDS_RULES: seen 'no/such/folder'; expected a folder of rule files, or a rule pack.",
        f"CDS_TIMEZONE: there is no such setting. Did you mean CDS_TIME_ZONE? The settings are {names}.",
        "CDS_TIME_ZONE: seen 'Mars/Olympus'; expected the name of a time zone, such as Europe/Zurich or America/New_York.",
        f"CDS_XYZZY: there is no such setting. The settings are {names}.",
    )


def test_where_records_are_kept_is_read_and_shown_nowhere() -> None:
    given = {"CDS_DATABASE_URL": "postgresql://cds:s3cret@host/records", "CDS_PATIENT_HASH_KEY": "s3cret" * 6}
    read = settings(given)
    assert (read.database_url, read.patient_hash_key) == tuple(given.values())
    assert "s3cret" not in repr(read)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"CDS_DATABASE_URL": "postgresql://cds:s3cret@host/records"}, "CDS_DATABASE_URL: PostgreSQL needs CDS_PATIENT_HASH_KEY"),
        ({"CDS_DATABASE_URL": " "}, "CDS_DATABASE_URL: seen nothing"),
        ({"CDS_PATIENT_HASH_KEY": ""}, "CDS_PATIENT_HASH_KEY: seen nothing"),
    ],
)
def test_a_refusal_about_records_repeats_no_value(given: dict[str, str], says: str) -> None:
    with pytest.raises(BadSettings) as refused:
        settings(given)
    assert str(refused.value).startswith(says)
    assert "s3cret" not in str(refused.value)
