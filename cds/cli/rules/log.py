"""`cds rules log`: which revision of the rules stood in which commit or pack, so that a stored decision finds its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from cds.cli.failing import fail
from cds.cli.rules.folder import RULES, Form, Rules, commits_of, files_at, files_of_revision, folder
from cds.cli.rules.report import Format
from cds.knowledge.loader import files_of, revision
from cds.knowledge.site_overlay import of_site

SHORTEST = 6
"""Characters of a hash by which it is looked for."""

Sought = Annotated[str | None, typer.Argument(metavar="HASH", help="Only the revision of this hash, or of one that begins so.")]
Packs = Annotated[list[Path] | None, typer.Option("--pack", metavar="FILE", help="A pack to look at too; may be given again.")]
Most = Annotated[int, typer.Option(min=1, max=10_000, help="How many commits to look at, the newest first.")]


@dataclass(frozen=True, slots=True)
class RevisionPlace:
    """Where a revision of the rules stands: in the folder, a pack or a commit."""

    revision: str
    place: str
    day: str
    says: str


def log(sought: Sought = None, rules: Rules = RULES, form: Form = Format.TEXT, pack: Packs = None, most: Most = 100) -> None:
    """Lists the revision of the rules in the folder, in each pack, and in each commit that changed them.

    With HASH, as an answer or a stored decision tells it, only where that revision stood; ends with 1 where it was not found.
    """
    wanted = _wanted(sought) if sought else ""
    places = _places(folder(rules), pack or [], most)
    found = [place for place in places if place.revision.removeprefix("sha256:").startswith(wanted)]
    if form is Format.JSON:
        typer.echo(json.dumps([asdict(place) for place in found], indent=2, ensure_ascii=False))
    else:
        for place in found:
            typer.echo(" ".join(filter(None, (place.revision, place.place, place.day, place.says))))
    if sought and not found:
        typer.echo(f"{sought}: in none of these places. Name a pack with --pack, or look at more commits with --most.", err=True)
        raise typer.Exit(1)


def _wanted(sought: str) -> str:
    """The hash alone, without its kind and without the site by which a call was judged."""
    wanted = of_site(sought)[0].removeprefix("sha256:").lower()
    if len(wanted) < SHORTEST or set(wanted) - set("0123456789abcdef"):
        fail(f"{sought}: this is no hash of rules; expected at least {SHORTEST} of its digits, such as sha256:0a1b2c.")
    return wanted


def _places(rules: Path, packs: list[Path], most: int) -> Iterator[RevisionPlace]:
    yield RevisionPlace(revision(files_of(rules)), str(rules), "", "as the folder stands now")
    for pack in packs:
        yield RevisionPlace(revision(files_at(str(pack), rules)), str(pack), "", "pack")
    for commit, day, says in commits_of(rules, most):
        yield RevisionPlace(revision(files_of_revision(commit, rules)), commit, day, says)
