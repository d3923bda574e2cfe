"""The whole service, ended by kill -9 while it is called, loses nothing that it answered for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import ROOT


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_answered_survives_kill_9(address: str, workers: str) -> None:
    command = [sys.executable, "-m", "bench.service_kills", "--kills", "4", "--workers", workers, "--store", address]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("4 kills") and ran.stdout.rstrip().endswith("lost: 0")
