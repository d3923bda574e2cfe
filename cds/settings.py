"""How the service is configured: environment variables with the prefix `CDS_`, each described in docs/settings.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cds.errors import CdsError

PREFIX = "CDS_"
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
    """

    rules: Path = RULES_OF_THIS_CHECKOUT
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    allow_unauthenticated: bool = False
    log_level: str = "info"
    rules_key: Path | None = None
    site: str | None = None


NAMES = {"CDS_RULES": "rules", "CDS_TIME_ZONE": "time_zone", "CDS_ALLOW_UNAUTHENTICATED": "allow_unauthenticated",
         "CDS_LOG_LEVEL": "log_level", "CDS_RULES_KEY": "rules_key", "CDS_SITE": "site"}  # fmt: skip
"""The environment variable of each setting."""


def settings(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment. Refuses, all at once: unknown names with our prefix, and values that can't be used."""
    readers: dict[str, Callable[[str], Any]] = {
        "rules": _rules,
        "time_zone": _time_zone,
        "allow_unauthenticated": _yes_no,
        "log_level": _log_level,
        "rules_key": _file,
        "site": _site,
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
            problems.append(f"{variable}: seen {text!r}; {error}")
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


def _site(text: str) -> str:
    if not text:
        raise ValueError("expected the id of a site, the name of its file in rules/sites/.")
    return text


def _time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected the name of a time zone, such as Europe/Zurich or America/New_York.") from None


def _yes_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError("expected yes or no.")
    return text == "yes"


def _log_level(text: str) -> str:
    if text not in LOG_LEVELS:
        raise ValueError(f"expected one of {', '.join(LOG_LEVELS)}.")
    return text
