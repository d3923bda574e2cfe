"""A service that is told to stop finishes the calls that it has begun, takes no new ones, and ends by itself."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.operations.served import CALL, PATIENCE, SIGN, Service, served


def begin(service: Service) -> Any:
    """A call of which the service has the half."""
    half = service.connection()
    half.putrequest("POST", SIGN)
    half.putheader("Content-Type", "application/json")
    half.putheader("Content-Length", str(len(CALL)))
    half.endheaders()
    half.send(CALL[: len(CALL) // 2])
    service.get("/health")  # by now the half was read
    return half


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one worker", "two workers"])
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_call_that_was_begun_is_answered_and_written_down(
    tmp_path: Path, options: tuple[str, ...], told: signal.Signals
) -> None:
    with served(tmp_path, *options) as service:
        half = begin(service)
        service.process.send_signal(told)
        time.sleep(0.5)  # for the signal to arrive; what is said below holds without it too
        half.send(CALL[len(CALL) // 2 :])
        answer = half.getresponse()
        body = json.loads(answer.read())
        assert answer.status == 200
        assert body["cards"]
        service.process.wait(PATIENCE)
    calls = [line for line in service.lines() if line["message"] == "call"]
    assert [(line["status"], line["request"]) for line in calls] == [(200, answer.headers["x-request-id"])]
    assert (tmp_path / "var/taper-cds.sqlite").exists()


def test_no_call_is_taken_any_more_while_the_last_ones_end(tmp_path: Path) -> None:
    with served(tmp_path) as service:
        half = begin(service)
        service.process.send_signal(signal.SIGTERM)
        with pytest.raises(OSError):
            for _ in range(10_000):
                service.get("/health")
        half.send(CALL[len(CALL) // 2 :])
        assert half.getresponse().status == 200
        service.process.wait(PATIENCE)


def test_a_service_without_calls_ends_at_once_and_well(tmp_path: Path) -> None:
    with served(tmp_path) as service:
        service.post()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(PATIENCE) in (0, -signal.SIGTERM)
    assert "Traceback" not in (tmp_path / "errors").read_text()
