"""`cds rules diff`: what a change of the rules means, in clinical language, and which cards appear and disappear."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cds.cli.asked_on_a_day import as_day
from cds.cli.rules.changes import Change, changes
from cds.cli.rules.folder import RULES, Form, Rules, files_at
from cds.cli.rules.report import Format, annotation, printed
from cds.cli.rules.stories import story_changes
from cds.cli.rules.story import STORIES, StoryChange, StoryRequest, stories_in, story_lines
from cds.errors import BadKnowledge
from cds.knowledge.loader import from_files, revision
from cds.knowledge.model import Knowledge
from cds.knowledge.position import Position
from cds.knowledge.problems import Problem, Severity

MOST_PROBLEMS = 10
"""Problems of rules that can't be loaded that are told here; `cds rules check` tells all."""

Old = Annotated[
    str, typer.Argument(metavar="OLD", help="The rules before: a folder, a pack, or a git revision of the rules folder.")
]
New = Annotated[
    str, typer.Argument(metavar="NEW", help="The rules after: a folder, a pack, or a git revision of the rules folder.")
]
Stories = Annotated[Path, typer.Option(metavar="DIR", help="The folder of stories to tell under both.")]
Day = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Tell every story as if it happened on this day.")]


def diff(old: Old, new: New, rules: Rules = RULES, form: Form = Format.TEXT, stories: Stories = STORIES, day: Day = None) -> None:
    """Tells what differs between two revisions of the rules, and what that changes in each story.

    Ends with 1 where the rules after can't be loaded: then no story is told. Rules before that this program can't load, such
    as those of another release, are compared all the same.
    """
    before, after = files_at(old, rules), files_at(new, rules)
    found = changes(before, after)
    on = as_day(day) if day else None
    told = stories_in(stories) if stories.is_dir() and revision(before) != revision(after) else []
    books = [_book(files, named, form) for files, named in ((before, old), (after, new))]
    late = _late(found, told, on)
    moved, later = ([], []) if None in books else (_moved(told, books, on), _moved(told, books, late) if late else [])
    if form is Format.JSON:
        both: dict[str, object] = {"changes": [one.as_json() for one in found], "stories": [one.as_json() for one in moved]}
        if late:
            both["later"] = {"day": late.isoformat(), "stories": [one.as_json() for one in later]}
        typer.echo(json.dumps(both, indent=2))
    elif form is Format.GITHUB:
        then = f"as if on {late}: "
        for line in (*(one.says for one in found), *(one.says() for one in moved), *(then + one.says() for one in later)):
            typer.echo(annotation(Problem("diff", f"{old} to {new}", Position(str(rules)), line, severity=Severity.NOTICE)))
    elif revision(before) == revision(after):
        typer.echo("Nothing differs.")
    else:
        typer.echo("".join(f"{change.says}\n" for change in found) or "Nothing differs but comments and layout.\n")
        if None not in books:
            _tell_stories(moved, later, len(told), late, stories)
    if books[1] is None:
        raise typer.Exit(1)


def _book(files: dict[str, bytes], named: str, form: Format) -> Knowledge | None:
    """The rule book in the files; None, told with every problem, where it can't be loaded."""
    try:
        return from_files(files)
    except BadKnowledge as refused:
        problems = [one for one in refused.problems if isinstance(one, Problem)]
        typer.echo(printed(problems[:MOST_PROBLEMS], Format.TEXT, named), nl=False, err=form is Format.JSON)
        more = f" and {len(problems) - MOST_PROBLEMS} more problems" if len(problems) > MOST_PROBLEMS else ""
        typer.echo(f"{named}{more}: these rules can't be loaded here, so no story can be told under them.", err=True)
        return None


def _moved(told: list[StoryRequest], books: list[Knowledge | None], on: date | None) -> list[StoryChange]:
    before, after = books
    return story_changes(told, before, after, on) if before and after else []


def _late(found: list[Change], stories: list[StoryRequest], on: date | None) -> date | None:
    """The day from which all that changed can be seen, where it is after the day on which a story is told."""
    begins = [one.begins for one in found if one.begins and any(story.day(on) < one.begins for story in stories)]
    return max(begins, default=None)


def _tell_stories(moved: list[StoryChange], later: list[StoryChange], told: int, late: date | None, stories: Path) -> None:
    if not told:
        typer.echo(f"No stories in {stories}, so what this changes for patients is not told.")
        return
    typer.echo("\n".join(story_lines(moved, told)))
    if late:
        typer.echo(f"Some of this begins after the day of the stories: add --day {late} to tell them then alone. Then:")
        typer.echo("\n".join(story_lines(later, told)))
