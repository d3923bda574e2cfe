"""The application as one of several workers starts it."""

from __future__ import annotations

import sys

from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from cds.errors import CdsError
from cds.web.factory import served


def served_by_a_worker() -> FastAPI:
    """The application of this process. Where it can't start, it says why, and ends so that its parent starts no other."""
    try:
        return served()
    except CdsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(STARTUP_FAILURE)
