"""Where `cds rules` finds rules: a folder, or the folder as it was at a git revision."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from cds.cli.failing import fail
from cds.cli.rules.report import Format, printed
from cds.engine.engine import Engine
from cds.errors import BadKnowledge
from cds.knowledge.checks.unread import is_rule_file
from cds.knowledge.loader import files_of, from_files
from cds.knowledge.model import Knowledge
from cds.knowledge.pack import BadPack
from cds.knowledge.pack import files_at as packed_at
from cds.knowledge.problems import Problem, listed, nearest

RULES = Path("rules")
Rules = Annotated[Path, typer.Option("--rules", metavar="DIR", help="The folder of rule files.")]
OneSite = Annotated[
    str | None, typer.Option("--site", metavar="ID", help="This site alone, also a draft; else every active one.")
]
Form = Annotated[Format, typer.Option("--format", help="How to print: for people, for programs, or for GitHub.")]


def folder(rules: Path) -> Path:
    """The folder, which must hold rule files."""
    if not rules.is_dir():
        fail(f"--rules: there is no folder {rules}. Go to the folder that holds rules/, or name one: --rules DIR.")
    if not any(rules.glob("*.yaml")):
        fail(f"--rules: {rules} holds no rule files; expected vocabulary.yaml, evidence.yaml and the others.")
    return rules


def files_at(place: str, rules: Path) -> dict[str, bytes]:
    """The rule files of a folder, of a pack, or of `rules` at a git revision, by their path under it."""
    if Path(place).is_dir():
        return files_of(folder(Path(place)))
    if Path(place).is_file():
        try:
            return dict(packed_at(Path(place)))
        except BadPack as refused:
            fail(f"{place}: {refused}")
    return files_of_revision(place, rules)


def files_of_revision(revision: str, rules: Path) -> dict[str, bytes]:
    """The rule files as they were at a git revision of the repository that holds the folder."""
    known = _git(rules, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if known is None:
        fail(
            f"{revision}: seen neither a folder, a pack nor a git revision of {rules}; "
            "expected one, such as main, HEAD~1 or old-rules/."
        )
    packed = _git(rules, "archive", "--format=tar", known.decode().strip())  # of the folder alone, since git runs in it
    if packed is None:
        fail(f"{revision}: it holds no folder {rules}. A copy that was never committed is compared with a folder: rules.")
    with tarfile.open(fileobj=io.BytesIO(packed)) as held:
        members = [member for member in held if member.isfile() and is_rule_file(PurePosixPath(member.name))]
        opened = ((member.name, held.extractfile(member)) for member in members)
        return {name: content.read() for name, content in opened if content is not None}


def commits_of(rules: Path, most: int) -> list[tuple[str, str, str]]:
    """The commits that changed the folder, newest first: short id, day, subject. Empty where git knows nothing of it."""
    told = _git(rules, "log", f"--max-count={most}", "--format=%h%x09%cs%x09%s", "--", ".") or b""
    lines = (line.split("\t", 2) for line in told.decode("utf-8", errors="replace").splitlines())
    return [(commit, day, says) for commit, day, says in lines]


def check_site(site: str | None, knowledge: Knowledge, rules: Path) -> None:
    """Ends the command where a site is asked for that the rules don't hold."""
    if site is not None and site not in knowledge.sites:
        near, there = nearest(site, knowledge.sites), listed(sorted(knowledge.sites))
        fail(f"--site: {rules}/sites holds no {site}. {near} There are: {there}.")


def engine_of(knowledge: Knowledge) -> Engine:
    """An engine that runs no examples first: while a rule is worked on they may fail, and `cds rules test` tells which."""
    return Engine(replace(knowledge, rules=tuple(replace(rule, examples=()) for rule in knowledge.rules)))


def _git(rules: Path, *arguments: str) -> bytes | None:
    try:
        return subprocess.run(["git", "-C", rules, *arguments], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def loaded(files: dict[str, bytes], named: str, form: Format = Format.TEXT) -> Knowledge:
    """The knowledge in the files. Ends the command with every problem where it can't be loaded."""
    try:
        return from_files(files)
    except BadKnowledge as refused:
        typer.echo(printed([one for one in refused.problems if isinstance(one, Problem)], form, named), nl=False)
        typer.echo(f"{named}: these rules can't be loaded, so nothing more can be told of them. Correct them first.", err=True)
        raise typer.Exit(1) from None
