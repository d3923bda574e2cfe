"""Settings: read from the environment, refused all at once where they can't be used."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cds.settings import RULES_OF_THIS_CHECKOUT, BadSettings, Settings, settings


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


def test_every_problem_is_told_at_once_with_the_nearest_name() -> None:
    given = {
        "CDS_ALLOW_UNAUTHENTICATED": "true",
        "CDS_LOG_LEVEL": "loud",
        "CDS_RULES": "no/such/folder",
        "CDS_TIMEZONE": "UTC",
        "CDS_TIME_ZONE": "Mars/Olympus",
        "CDS_XYZZY": "",
    }
    names = "CDS_ALLOW_UNAUTHENTICATED, CDS_LOG_LEVEL, CDS_RULES, CDS_RULES_KEY, CDS_SITE, CDS_TIME_ZONE"
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
