"""`cds sigs`: directions whose right readings are known."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cds.cli.main import app

RUN = CliRunner()


def asked(folder: Path, text: str):
    file = folder / "sigs.txt"
    file.write_text(text, encoding="utf-8")
    return RUN.invoke(app, ["sigs", str(file), "--day", "2026-11-23"])


@pytest.mark.parametrize(
    "line",
    [
        "1 tab po tid prn | 1 | 0-3 | prn",
        "1 mg bid x 2 weeks, then 1 mg daily | 1 | 2 x14d, 1",
        "1 tab Mon-Fri | 0.5 | 0.5 | 5 days",
        "1 tablet 30 minutes before MRI | 1 | 1 in all",
        "1 tab every 1-2 days | 1 | gap ; 1 | 3.5-7 days",
        "xyzzy | none | gap",
        "1 tab bid until the leaves fall | 1 | 2 | 7 days ; gap",
    ],
)
def test_a_line_that_is_read_as_it_says_is_right(tmp_path: Path, line: str) -> None:
    found = asked(tmp_path, f"# a comment\n\n{line}\n")
    assert found.exit_code == 0 and found.stdout.startswith("right 1 ") and "wrong 0" in found.stdout


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("1 tab bid | 1 | 3", "seen: 2"),
        ("1 tab bid | 1 | 2 | prn", "seen: 2"),
        ("1 tab bid | 1 | 2 | 5 days", "seen: 2"),
        ("1 tab bid | 1 | gap", "seen: 2"),
    ],
)
def test_a_line_that_is_read_otherwise_is_wrong_and_ends_with_1(tmp_path: Path, line: str, seen: str) -> None:
    found = asked(tmp_path, line)
    assert found.exit_code == 1 and "wrong 1." in found.stdout and seen in found.stdout


def test_a_line_that_is_not_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    found = asked(tmp_path, "1 tab xyzzy | 1 | 1\n1 tab bid | 1 | 2")
    assert found.exit_code == 0
    assert "refused: 1 tab xyzzy" in found.stdout and "Of 2 that must be read, 1 are: 50.0 percent." in found.stdout


@pytest.mark.parametrize("line", ["1 tab bid", "1 tab bid | many | 2", "1 tab bid | 1 | 2 | often"])
def test_a_line_of_another_shape_ends_with_2_and_says_where(tmp_path: Path, line: str) -> None:
    found = asked(tmp_path, line)
    assert found.exit_code == 2 and "sigs.txt:1" in found.output and "expected" in found.output
