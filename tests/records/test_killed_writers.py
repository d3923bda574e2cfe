"""Writers that are ended by kill -9 in the middle of their work lose nothing that they acknowledged."""

from __future__ import annotations

import subprocess
import sys

from .conftest import ROOT


def test_what_was_acknowledged_survives_kill_9(address: str) -> None:
    command = [sys.executable, "-m", "bench.store_kills", "--kills", "10", "--store", address]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("10 kills") and ran.stdout.rstrip().endswith("lost: 0")
