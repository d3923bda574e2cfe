"""The application as a server process starts it: settings from the environment, rules from their folder."""

from __future__ import annotations

import faulthandler
import os

from fastapi import FastAPI

from cds.settings import settings
from cds.web.app import live_app, today_in
from cds.web.logs import LOG, log_to_standard_output
from cds.web.revision import Live, Source
from cds.web.tracing import tracer


def served() -> FastAPI:
    """The application of this process. Refuses: settings and rule files that can't be used."""
    faulthandler.enable()
    configured = settings(os.environ)
    log_to_standard_output(configured.log_level)
    today = today_in(configured.time_zone)
    source = Source(configured.rules, today, configured.rules_key, configured.site)
    first = source.served()
    service = live_app(Live(first, source), configured, today, tracer(os.environ))
    LOG.info("ready", extra={"fields": {"knowledge": first.id, "rules": len(first.on(today()).rules)}})
    return service
