"""The limit that a call is measured against: a bare FastAPI route that parses the same body and answers a constant.

It is written as the FastAPI tutorial writes one: the body is an annotated argument, the answer an annotated value. A route that
leaves out FastAPI's own reading and checking, and parses with a faster library, would cost about 15 percent less.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

ANSWER: dict[str, Any] = {"cards": []}

app = FastAPI()


@app.post("/cds-services/{service}")
async def call(service: str, body: dict[str, Any]) -> dict[str, Any]:
    return ANSWER


@app.get("/ready")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
