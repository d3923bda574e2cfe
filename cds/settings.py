"""How the service is configured: environment variables with the prefix `CDS_`, each described in docs/settings.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cds.errors import CdsError
from cds.trust.addresses import HTTPS, ORIGIN, wrong_address, wrong_origin
from cds.trust.passwords import BadPasswords, passwords

PREFIX = "CDS_"
LEAST_OF_A_TOKEN = 16
WANTED, REQUIRED = "wanted", "required"
"""What `records` may be."""
LOG_LEVELS = ("debug", "info", "warning", "error")
RULES_OF_THIS_CHECKOUT = Path(__file__).resolve().parent.parent / "rules"


class BadSettings(CdsError):
    """Settings that can't be used; holds every problem."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may set.

    `rules` is the folder of rule files, `time_zone` the one in which a day begins and ends, `allow_unauthenticated` the
    deliberate word that callers need not prove who they are although other machines can reach the service. `rules` may be a pack;
    `rules_key` is the public key that must have signed it, `site` the site whose overlay is applied.

    `clients` is the file of trusted clients, `public_url` the address at which they reach the service, `origins` the web pages
    that may call. `fhir_servers` may be read where there is no file of clients. Units: seconds, and calls of one process.
    In `metrics_folder` several workers write down their counters, so that each tells those of all.

    `database_url` is where decisions and feedback are kept, `patient_hash_key` the key of the hashes in it. Neither is shown.
    `operator_token` is what operators show to see the counters from elsewhere. `sandbox` lets the public sandbox's page call.
    Where `records` are required, a call whose decision can't be kept is not answered.

    `passwords` is the file of those who may see the pages, `user_header` the header in which one of the `trusted_proxies` names
    them. With `editing`, rules and stories changed in a page may be saved. A card's plan can be opened for `plan_days`.
    """

    rules: Path = RULES_OF_THIS_CHECKOUT
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    allow_unauthenticated: bool = False
    log_level: str = "info"
    rules_key: Path | None = None
    site: str | None = None
    clients: Path | None = None
    public_url: str | None = None
    origins: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    fhir_read_seconds: float = 1.5
    fhir_seconds: float = 3.0
    call_seconds: float = 10.0
    decide_seconds: float = 2.0
    most_calls: int = 1000
    most_calls_of_one: int = 250
    calls_a_minute: int = 12000
    metrics_folder: Path | None = None
    database_url: str = field(default="sqlite:///var/taper-cds.sqlite", repr=False)
    patient_hash_key: str | None = field(default=None, repr=False)
    records: str = WANTED
    operator_token: str | None = field(default=None, repr=False)
    sandbox: bool = False
    passwords: Path | None = None
    user_header: str | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    editing: bool = False
    plan_days: int = 30


NAMES = {"CDS_RULES": "rules", "CDS_TIME_ZONE": "time_zone", "CDS_ALLOW_UNAUTHENTICATED": "allow_unauthenticated",
         "CDS_LOG_LEVEL": "log_level", "CDS_RULES_KEY": "rules_key", "CDS_SITE": "site",
         "CDS_CLIENTS": "clients", "CDS_PUBLIC_URL": "public_url", "CDS_ORIGINS": "origins", "CDS_FHIR_SERVERS": "fhir_servers",
         "CDS_FHIR_READ_SECONDS": "fhir_read_seconds", "CDS_FHIR_SECONDS": "fhir_seconds", "CDS_CALL_SECONDS": "call_seconds",
         "CDS_MOST_CALLS": "most_calls",
         "CDS_MOST_CALLS_OF_ONE": "most_calls_of_one", "CDS_DECIDE_SECONDS": "decide_seconds",
         "CDS_CALLS_A_MINUTE": "calls_a_minute", "CDS_METRICS_FOLDER": "metrics_folder",
         "CDS_DATABASE_URL": "database_url", "CDS_PATIENT_HASH_KEY": "patient_hash_key",
         "CDS_RECORDS": "records", "CDS_OPERATOR_TOKEN": "operator_token", "CDS_SANDBOX": "sandbox",
         "CDS_PASSWORDS": "passwords", "CDS_USER_HEADER": "user_header", "CDS_TRUSTED_PROXIES": "trusted_proxies",
         "CDS_EDITING": "editing", "CDS_PLAN_DAYS": "plan_days"}  # fmt: skip
"""The environment variable of each setting."""
SECRET = ("CDS_DATABASE_URL", "CDS_PATIENT_HASH_KEY", "CDS_OPERATOR_TOKEN")
"""What no message repeats: a key, a token, and an address that may hold a password."""


def settings(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment. Refuses, all at once: unknown names with our prefix, and values that can't be used."""
    readers: dict[str, Callable[[str], Any]] = {
        "rules": _rules,
        "time_zone": _time_zone,
        "allow_unauthenticated": _yes_no,
        "log_level": _log_level,
        "rules_key": _file,
        "site": _site,
        "clients": _file,
        "public_url": _address,
        "origins": _origins,
        "fhir_servers": _addresses,
        "fhir_read_seconds": _seconds,
        "fhir_seconds": _seconds,
        "call_seconds": _seconds,
        "decide_seconds": _seconds,
        "most_calls": _count,
        "most_calls_of_one": _count,
        "calls_a_minute": _count,
        "metrics_folder": _folder,
        "database_url": _given,
        "patient_hash_key": _given,
        "records": _records,
        "operator_token": _long,
        "sandbox": _yes_no,
        "passwords": _passwords,
        "user_header": _header,
        "trusted_proxies": _networks,
        "editing": _yes_no,
        "plan_days": _count,
    }
    problems: list[str] = []
    values: dict[str, Any] = {}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX):
            continue
        if variable not in NAMES:
            problems.append(_unknown(variable))
            continue
        try:
            values[NAMES[variable]] = readers[NAMES[variable]](text)
        except ValueError as error:
            seen = "" if variable in SECRET else f"seen {text!r}; "
            problems.append(f"{variable}: {seen}{error}")
    if "clients" in values and "public_url" not in values:
        problems.append("CDS_CLIENTS: needs CDS_PUBLIC_URL: the tokens of clients name the address that they call.")
    if ("user_header" in values) != ("trusted_proxies" in values):
        problems.append("CDS_USER_HEADER: needs CDS_TRUSTED_PROXIES, and it the header: only from these a name is believed.")
    if values.get("sandbox") and "clients" in values:
        problems.append("CDS_SANDBOX: not beside CDS_CLIENTS; name the page in a client's `origins`.")
    if values.get("database_url", "").startswith("postgresql") and "patient_hash_key" not in values:
        problems.append("CDS_DATABASE_URL: PostgreSQL needs CDS_PATIENT_HASH_KEY, the same on every machine that shares it.")
    if problems:
        raise BadSettings(problems)
    return Settings(**values)


def _unknown(variable: str) -> str:
    near = get_close_matches(variable, NAMES, n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    return f"{variable}: there is no such setting. {meant}The settings are {', '.join(sorted(NAMES))}."


def _rules(text: str) -> Path:
    place = Path(text)
    if not place.is_dir() and not place.is_file():
        raise ValueError("expected a folder of rule files, or a rule pack.")
    return place


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise ValueError("expected a file.")
    return Path(text)


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise ValueError("expected a folder.")
    return Path(text)


def _site(text: str) -> str:
    if not text:
        raise ValueError("expected the id of a site, the name of its file in rules/sites/.")
    return text


def _given(text: str) -> str:
    if not text.strip():
        raise ValueError("seen nothing; expected a value.")
    return text


def _long(text: str) -> str:
    if len(text.strip()) < LEAST_OF_A_TOKEN:
        raise ValueError(f"expected {LEAST_OF_A_TOKEN} characters or more that nobody can guess.")
    return text.strip()


def _address(text: str) -> str:
    if wrong := wrong_address(text):
        raise ValueError(f"it {wrong} {HTTPS}")
    return text.rstrip("/")


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(_address(one) for one in text.split())


def _origins(text: str) -> tuple[str, ...]:
    for one in text.split():
        if wrong := wrong_origin(one):
            raise ValueError(f"{one} {wrong} {ORIGIN}")
    return tuple(text.split())


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text) or float(text) == 0:
        raise ValueError("expected seconds, such as 1.5.")
    return float(text)


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise ValueError("expected a whole number from 1.")
    return int(text)


def _passwords(text: str) -> Path:
    try:
        passwords(_file(text))
    except BadPasswords as error:
        raise ValueError(str(error)) from None
    return Path(text)


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,63}", text):
        raise ValueError("expected the name of a header, such as X-Forwarded-User.")
    return text


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        found = tuple(ip_network(one) for one in text.split())
    except ValueError:
        found = ()
    if not found:
        raise ValueError("expected addresses or networks with a space between them, such as 10.0.0.5 or 10.0.0.0/24.")
    return found


def _time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected the name of a time zone, such as Europe/Zurich or America/New_York.") from None


def _yes_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError("expected yes or no.")
    return text == "yes"


def _records(text: str) -> str:
    if text not in {WANTED, REQUIRED}:
        raise ValueError(f"expected {WANTED} or {REQUIRED}.")
    return text


def _log_level(text: str) -> str:
    if text not in LOG_LEVELS:
        raise ValueError(f"expected one of {', '.join(LOG_LEVELS)}.")
    return text
