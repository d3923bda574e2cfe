"""What the pages name exists: files, folders, links, make targets and commands; and each example command does what is said."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split())  # type: ignore[index]
NAMED = re.compile(r"`((?:cds|rules|docs|tests|bench|scripts|fhir_examples)/[\w./-]*|[\w-]+\.(?:toml|lock))`")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def shell_lines(page: Path) -> list[str]:
    """The commands in a page's shell blocks, a continued line joined to its first."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split("  #")[0].strip() for line in lines if line.strip()]


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []


@each_page
def test_every_file_that_is_named_exists(page: Path) -> None:
    assert [name for name in NAMED.findall(page.read_text()) if not (ROOT / name).exists()] == []


@each_page
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    assert set(re.findall(r"`make (\w+)", page.read_text())) <= TARGETS
    assert {line.split()[1] for line in shell_lines(page) if line.startswith("make ")} <= TARGETS


@each_page
def test_every_file_that_a_command_names_exists(page: Path) -> None:
    named = {match for line in shell_lines(page) for match in re.findall(r"fhir_examples/[\w./-]+", line)}
    assert [name for name in named if not (ROOT / name).exists()] == []


CDS = str(Path(sys.executable).with_name("cds"))
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
CALLS = sorted(
    {line for page in PAGES for line in shell_lines(page) if line.startswith(".venv/bin/cds ask") and "--server" not in line}
)


@pytest.mark.parametrize("line", CALLS)
def test_a_command_that_asks_shows_a_critical_card(line: str) -> None:
    """Run as written, with the environment that these tests run in."""
    call, _, source = line.partition(" < ")
    given = (ROOT / source).read_bytes() if source else None
    ran = subprocess.run([CDS, *shlex.split(call)[1:]], cwd=ROOT, env=CLEAN, input=given, capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()
    assert "critical" in ran.stdout.decode()


PRINTED = re.findall(r"\$\(\.venv/bin/(.+?)\)", "\n".join(line for page in PAGES for line in shell_lines(page)))


@pytest.mark.parametrize("line", PRINTED)
def test_a_request_that_is_printed_to_be_sent_gets_a_critical_card_today(line: str) -> None:
    printed = subprocess.run([CDS, *shlex.split(line)[1:]], cwd=ROOT, env=CLEAN, capture_output=True, check=True).stdout
    ran = subprocess.run([CDS, "ask", "--json", "-"], cwd=ROOT, env=CLEAN, input=printed, capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()
    assert '"indicator": "critical"' in ran.stdout.decode()


def test_the_first_screen_of_the_readme_holds_the_two_commands() -> None:
    screen = (ROOT / "README.md").read_text().splitlines()[:24]
    assert [command for command in ("make demo", "make test") if not any(line.startswith(command) for line in screen)] == []


def test_the_page_of_where_things_live_opens_a_way_into_every_folder_of_code_and_rules() -> None:
    page = NAMED.findall((ROOT / "docs/finding-things.md").read_text())
    rooms = [path.parent for path in (ROOT / "cds").glob("*/__init__.py")] + list((ROOT / "cds").glob("[a-z]*.py"))
    shelves = [path for path in (ROOT / "rules").iterdir() if path.is_dir() and any(path.iterdir())]
    ways = {str(path.relative_to(ROOT)) for path in rooms + shelves}
    assert sorted(way for way in ways if not any(name.rstrip("/") == way or name.startswith(f"{way}/") for name in page)) == []
