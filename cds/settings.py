"""How the service is configured: environment variables with the prefix `CDS_`, each described in docs/settings.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cds.errors import CdsError
from cds.trust.addresses import HTTPS, ORIGIN, wrong_address, wrong_origin
from cds.trust.passwords import BadPasswords, passwords

T = TypeVar("T")
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


def setting(read: Callable[[str], T], default: T, says: str, *, secret: bool = False) -> T:
    """One setting: what reads its text, what holds without it, what it says; whether no message repeats it."""
    return field(default=default, repr=not secret, metadata={"read": read, "says": says, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may set, one row a setting; its variable is its name in capitals behind `CDS_`. Units: seconds, calls."""

    rules: Path = setting(_rules, RULES_OF_THIS_CHECKOUT, "The folder of rule files, or a pack.")
    time_zone: ZoneInfo = setting(_time_zone, ZoneInfo("UTC"), "Where a day begins and ends.")
    allow_unauthenticated: bool = setting(
        _yes_no, False, "The deliberate word that callers need not prove who they are although other machines reach the service."
    )
    log_level: str = setting(_log_level, "info", "The least that is logged.")
    rules_key: Path | None = setting(_file, None, "The public key that must have signed the pack.")
    site: str | None = setting(_site, None, "The site whose overlay is applied.")

    clients: Path | None = setting(_file, None, "The file of trusted clients.")
    public_url: str | None = setting(_address, None, "The address at which clients reach the service.")
    origins: tuple[str, ...] = setting(_origins, (), "The web pages that may call.")
    fhir_servers: tuple[str, ...] = setting(_addresses, (), "What may be read where there is no file of clients.")

    fhir_read_seconds: float = setting(_seconds, 1.5, "How long one read of a FHIR server may take.")
    fhir_seconds: float = setting(_seconds, 3.0, "How long all reads of a call may take.")
    call_seconds: float = setting(_seconds, 10.0, "How long a call may take.")
    decide_seconds: float = setting(_seconds, 2.0, "How long deciding about a call may take.")
    most_calls: int = setting(_count, 1000, "Calls in hand of one process.")
    most_calls_of_one: int = setting(_count, 250, "Calls in hand of one client.")
    calls_a_minute: int = setting(_count, 12000, "Calls of one client in a minute.")
    metrics_folder: Path | None = setting(
        _folder, None, "Where workers write down their counters, so that each tells those of all."
    )

    database_url: str = setting(_given, "sqlite:///var/taper-cds.sqlite", "Where decisions and feedback are kept.", secret=True)
    patient_hash_key: str | None = setting(_given, None, "The key of the hashes in the database.", secret=True)
    records: str = setting(_records, WANTED, "Whether a call is answered whose decision can't be kept.")
    operator_token: str | None = setting(_long, None, "What operators show to see the counters from elsewhere.", secret=True)
    sandbox: bool = setting(_yes_no, False, "Lets the public sandbox's page call.")

    passwords: Path | None = setting(_passwords, None, "The file of those who may see the pages.")
    user_header: str | None = setting(_header, None, "The header in which a trusted proxy names who sees the pages.")
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = setting(_networks, (), "From where that header is believed.")
    editing: bool = setting(_yes_no, False, "Whether rules and stories that were changed in a page may be saved.")
    plan_days: int = setting(_count, 30, "For how many days a card's plan can be opened.")


NAMES = {f"{PREFIX}{one.name.upper()}": one.name for one in fields(Settings)}
"""The environment variable of each setting."""
ROWS = {f"{PREFIX}{one.name.upper()}": one.metadata for one in fields(Settings)}


def settings(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment. Refuses, all at once: unknown names with our prefix, and values that can't be used."""
    problems: list[str] = []
    values: dict[str, Any] = {}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX):
            continue
        if variable not in NAMES:
            problems.append(_unknown(variable))
            continue
        try:
            values[NAMES[variable]] = ROWS[variable]["read"](text)
        except ValueError as error:
            seen = "" if ROWS[variable]["secret"] else f"seen {text!r}; "
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
