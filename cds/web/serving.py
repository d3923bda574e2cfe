"""The application as a server process starts it: settings from the environment, rules from their folder."""

from __future__ import annotations

import faulthandler
import os

from fastapi import FastAPI

from cds.engine.engine import Engine
from cds.knowledge.reading import knowledge
from cds.settings import settings
from cds.web.app import app, today_in
from cds.web.logs import LOG, log_to_standard_output


def served() -> FastAPI:
    """The application of this process. Refuses: settings and rule files that can't be used."""
    faulthandler.enable()
    configured = settings(os.environ)
    log_to_standard_output(configured.log_level)
    read = knowledge(configured.rules)
    service = app(read, Engine(read), configured, today_in(configured.time_zone))
    LOG.info("ready", extra={"fields": {"knowledge": read.revision, "rules": len(read.rules)}})
    return service
