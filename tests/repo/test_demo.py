"""make demo, from the moment that the environment is made: cards in the terminal, the service left up, Ctrl-C ends it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 120
"""Seconds, of which an idle machine needs few."""
STORY = re.search(r"^STORY \?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]  # type: ignore[index]


@pytest.fixture
def port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def demo(port: int, folder: Path) -> subprocess.Popen[str]:
    """The demo as a terminal starts it: Ctrl-C reaches it, also where the tests run in the background, which ignores it."""
    return subprocess.Popen(
        [sys.executable, ROOT / "scripts/demo.py", ROOT / STORY, str(port)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.fixture
def running(port: int, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    started = demo(port, tmp_path)
    yield started
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.communicate()


def until(says: str, started: subprocess.Popen[str]) -> str:
    """What the demo printed up to the line that says so, or up to its end."""
    assert started.stdout is not None
    printed = ""
    for line in started.stdout:
        printed += line
        if says in line:
            break
    return printed


def test_the_demo_shows_a_critical_card_and_leaves_the_service_up(running: subprocess.Popen[str], port: int) -> None:
    printed = until("Ctrl-C stops it", running)
    assert printed.startswith(f"Open http://127.0.0.1:{port}/ in a browser")
    assert "critical" in printed and f"The service is up at http://127.0.0.1:{port}" in printed
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=PATIENCE) as answer:
        assert answer.status == 200
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=PATIENCE) == 0
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=PATIENCE)


def test_a_port_in_use_gets_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        started = demo(port, tmp_path)
        _, said = started.communicate(timeout=PATIENCE)
    assert started.returncode == 1
    assert said == f"Port {port} is in use on this machine. Stop what listens there, or: make demo PORT={port + 1}\n"


def test_a_service_that_does_not_start_is_quoted(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_LOG_LEVEL", "loud")
    started = demo(port, tmp_path)
    _, said = started.communicate(timeout=PATIENCE)
    assert started.returncode == 1
    assert "did not get ready" in said and "CDS_LOG_LEVEL" in said
