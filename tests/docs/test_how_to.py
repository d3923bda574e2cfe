"""The how-to pages are done step by step in a copy: each command run, each edit made, each answer that is shown looked for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/how-to").glob("*.md"))
BLOCK = re.compile(r"^```(sh|text|diff)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COPIED = ("cds", "rules", "fhir_examples", "docs")
ENDS_WITH = re.compile(r"  # ends with (\d)$")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's files in a repository of their own, with a `cds` that runs them."""
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name)
    command = tmp_path / ".venv/bin/cds"
    command.parent.mkdir(parents=True)
    runs = f'"{sys.executable}" -c "from cds.cli.main import app; app()" "$@"'
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec {runs}\n')
    command.chmod(0o755)
    named = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "rules"], ["commit", "-q", "-m", "as shipped"]):
        subprocess.run(["git", *named, *arguments], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    yield from ((found[1], found[2]) for found in BLOCK.finditer(page.read_text()))


def run(lines: str, folder: Path) -> str:
    """What the commands of a block print. Each must end as the page says, with 0 where it says nothing."""
    printed = ""
    for line in lines.splitlines():
        expected = ENDS_WITH.search(line)
        ran = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True)
        assert ran.returncode == (int(expected[1]) if expected else 0), f"{line}\n{ran.stdout}\n{ran.stderr}"
        printed += ran.stdout + ran.stderr
    return printed


def make(edit: str, folder: Path) -> None:
    """Makes the edits of a block: hunks, found by their text."""
    for part in re.split(r"^--- ", edit, flags=re.MULTILINE)[1:]:
        name, _, hunks = part.partition("\n")
        path = folder / name
        text = path.read_text() if path.is_file() else ""
        for hunk in re.split(r"^@@\n", hunks, flags=re.MULTILINE):
            old, new = (_side(hunk, sign) for sign in "-+")
            assert old in text, f"{name} does not hold:\n{old}"
            text = text.replace(old, new, 1)
        path.write_text(text)


def _side(hunk: str, sign: str) -> str:
    return "".join(f"{line[1:]}\n" for line in hunk.splitlines() if line[:1] in (" ", sign))


def plain(text: str) -> str:
    return " ".join(text.split())


@each_page
def test_a_page_does_what_it_says(page: Path, copy: Path) -> None:
    printed = ""
    for kind, content in blocks(page):
        if kind == "sh":
            printed = run(content, copy)
        elif kind == "diff":
            make(content, copy)
        else:
            missing = [line for line in content.splitlines() if plain(line) not in plain(printed)]
            assert missing == [], printed


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link.split("#")[0]).exists()] == []


@pytest.mark.parametrize("page", ["change-a-threshold", "add-a-rule", "add-a-fact", "add-a-drug", "read-an-explanation"])
def test_there_is_a_page(page: str) -> None:
    assert (ROOT / f"docs/how-to/{page}.md") in PAGES
