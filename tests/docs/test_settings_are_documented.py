"""Every setting stands in docs/settings.md with its default, and nothing stands there that can't be set."""

from __future__ import annotations

import re
from pathlib import Path

from cds.settings import LOG_LEVELS, NAMES, Settings

PAGE = (Path(__file__).parents[2] / "docs/settings.md").read_text()
ROWS = dict(re.findall(r"^\| `(CDS_\w+)` \| (.+?) \|", PAGE, re.MULTILINE))


def test_the_page_lists_each_setting_once_and_no_other() -> None:
    assert sorted(ROWS) == sorted(NAMES)
    assert set(re.findall(r"CDS_\w+", PAGE)) <= {*NAMES, "CDS_"}


def test_the_page_tells_each_default() -> None:
    default = Settings()
    assert ROWS["CDS_RULES"] == "`rules/` of this checkout"
    assert default.rules == Path(__file__).parents[2] / "rules"
    assert ROWS["CDS_TIME_ZONE"] == f"`{default.time_zone}`"
    assert ROWS["CDS_ALLOW_UNAUTHENTICATED"] == ("`yes`" if default.allow_unauthenticated else "`no`")
    assert (ROWS["CDS_RULES_KEY"], default.rules_key) == ("none", None)
    assert (ROWS["CDS_SITE"], default.site) == ("none", None)
    for name in ("CDS_FHIR_READ_SECONDS", "CDS_FHIR_SECONDS", "CDS_CALL_SECONDS", "CDS_DECIDE_SECONDS"):
        assert ROWS[name] == f"`{getattr(default, NAMES[name]):g}`"
    for name in ("CDS_MOST_CALLS", "CDS_MOST_CALLS_OF_ONE", "CDS_CALLS_A_MINUTE", "CDS_PLAN_DAYS"):
        assert ROWS[name] == f"`{getattr(default, NAMES[name]):g}`"
    for name in ("CDS_CLIENTS", "CDS_PUBLIC_URL", "CDS_ORIGINS", "CDS_FHIR_SERVERS", "CDS_METRICS_FOLDER", "CDS_PASSWORDS",
                 "CDS_USER_HEADER", "CDS_TRUSTED_PROXIES"):  # fmt: skip
        assert (ROWS[name], bool(getattr(default, NAMES[name]))) == ("none", False)
    assert ROWS["CDS_DATABASE_URL"] == f"`{default.database_url}`"
    assert (ROWS["CDS_PATIENT_HASH_KEY"], default.patient_hash_key) == ("made at the first start", None)
    assert (ROWS["CDS_OPERATOR_TOKEN"], default.operator_token) == ("none", None)
    assert (ROWS["CDS_EDITING"], default.editing) == ("`no`", False)
    assert (ROWS["CDS_SANDBOX"], default.sandbox) == ("`no`", False)
    assert ROWS["CDS_RECORDS"] == f"`{default.records}`"
    assert ROWS["CDS_LOG_LEVEL"] == f"`{default.log_level}`"


def test_the_page_tells_each_log_level() -> None:
    assert [level for level in LOG_LEVELS if f"`{level}`" not in PAGE] == []
