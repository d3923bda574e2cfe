"""The repository as the tests of this folder see it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_OURS = {".git", ".venv", "build", "dist", "var", "__pycache__"}


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """The files under version control; outside a git checkout, every file that is neither made nor hidden."""
    listed = git("ls-files", "-z")
    if listed is not None:
        return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.is_file() and not {*path.relative_to(ROOT).parts} & NOT_OURS and ".egg-info" not in str(path)
    ]


@pytest.fixture(scope="session")
def ignored_but_tracked() -> str | None:
    """The tracked files that .gitignore names, or None outside a git checkout."""
    return git("ls-files", "--cached", "--ignored", "--exclude-standard")


def git(*arguments: str) -> str | None:
    try:
        ran = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return ran.stdout
