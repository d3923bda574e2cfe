"""The limit that a call is measured against: a bare FastAPI route that parses the same body and answers a constant."""

from __future__ import annotations

import sys

import orjson
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

ANSWER: dict[str, list[object]] = {"cards": []}

app = FastAPI(openapi_url=None)


@app.post("/cds-services/{service}")
async def call(service: str, request: Request) -> JSONResponse:
    orjson.loads(await request.body())
    return JSONResponse(ANSWER)


@app.get("/ready")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
