"""The whole service, ended by kill -9 while it is called, loses nothing that it answered for."""

from __future__ import annotations

import subprocess
import sys

from .conftest import ROOT


def test_what_was_answered_survives_kill_9() -> None:
    command = [sys.executable, "-m", "bench.service_kills", "--kills", "10"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("10 kills") and ran.stdout.rstrip().endswith("lost: 0")
