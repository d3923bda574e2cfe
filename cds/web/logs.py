"""Log lines as JSON. They hold no patient data: services, statuses, rule ids, counts and milliseconds only."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

LOG = logging.getLogger("cds")
REQUEST: ContextVar[str] = ContextVar("request")
"""The id of the request that is being answered; each line that is logged meanwhile tells it."""


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, what happened, and the fields given with it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **({"request": request} if (request := REQUEST.get("")) else {}),
            **getattr(record, "fields", {}),
        }
        return orjson.dumps(line).decode()


def log_to_standard_output(level: str) -> None:
    """Sends the service's own log lines to standard output."""
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(JsonLines())
    LOG.handlers = [lines]
    LOG.propagate = False
    LOG.setLevel(level.upper())


def place_of(error: BaseException) -> str:
    """Where an exception arose: module and line, without its message, which may hold patient data."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return "?"
    return f"{traceback.tb_frame.f_globals.get('__name__', '?')}:{traceback.tb_lineno}"
