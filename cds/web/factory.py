"""The application as a server process starts it: settings from the environment, rules from their folder."""

from __future__ import annotations

import faulthandler
import os
import sys
from datetime import UTC, date, datetime

from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from cds.errors import CdsError
from cds.records.hashes import keyed
from cds.settings import REQUIRED, BadSettings, Settings, settings
from cds.web.app import live_app, today_in
from cds.web.live_rules import LiveRules
from cds.web.logs import LOG, log_to_standard_output, place_of
from cds.web.recording import Recording, keeping
from cds.web.revision import Revision, RulesSource
from cds.web.tracing import tracing
from cds.web.warming import warm


def served() -> FastAPI:
    """The application of this process. Refuses: settings, rule files and a store that can't be used."""
    faulthandler.enable()
    configured = settings(os.environ)
    log_to_standard_output(configured.log_level)
    today = today_in(configured.time_zone)
    source = RulesSource(configured.rules, today, configured.rules_key, configured.site)
    live = LiveRules(source.served(), source)
    kept = kept_by(configured)
    service = live_app(live, configured, today, tracing(os.environ), kept)
    first = live.now
    warmed(first, today())
    fields = {"knowledge": first.id, "rules": len(first.book.rules), "sites": live.sites()}
    LOG.info("ready", extra={"fields": fields})
    return service


def warmed(first: Revision, day: date) -> None:
    """Decides one invented call, so that the first real one costs no more than others. A failure is logged, and calls go on."""
    try:
        for _ in warm(first, day):
            pass
    except Exception as error:
        LOG.warning("warm_up_failed", extra={"fields": {"error": type(error).__name__, "place": place_of(error)}})


def kept_by(configured: Settings) -> Recording:
    """The keeping of the settings. Refuses: an address, key or folder that can't be used; a newer store (UnusableStore)."""
    key = configured.patient_hash_key
    try:
        if key:
            keyed(key)
    except ValueError as error:
        raise BadSettings([f"CDS_PATIENT_HASH_KEY: {error}"]) from None
    try:
        return keeping(configured.database_url, key, lambda: datetime.now(UTC), required=configured.records == REQUIRED)
    except ValueError as error:
        raise BadSettings([f"CDS_DATABASE_URL: {error}"]) from None
    except OSError as error:
        says = f"{error.filename} can't be written ({error.strerror}); the key of the hashes is kept there."
        raise BadSettings([f"CDS_DATABASE_URL: {says} Give a folder that can be written, or CDS_PATIENT_HASH_KEY."]) from None


def served_by_a_worker() -> FastAPI:
    """The application of this process. Where it can't start, it says why, and ends so that its parent starts no other."""
    try:
        return served()
    except CdsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(STARTUP_FAILURE)
