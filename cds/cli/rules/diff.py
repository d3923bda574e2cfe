"""`cds rules diff`: what a change of the rules means, in clinical language, and which cards appear and disappear."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cds.cli.ask import as_day
from cds.cli.rules.changes import Change, changes
from cds.cli.rules.folder import RULES, Form, Rules, files_at, loaded
from cds.cli.rules.report import Format, annotation
from cds.cli.rules.stories import STORIES, StoryChange, Told, stories_in, story_changes, story_lines
from cds.knowledge.position import Position
from cds.knowledge.problems import Problem, Severity

Old = Annotated[str, typer.Argument(metavar="OLD", help="The rules before: a folder, or a git revision of the rules folder.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="The rules after: a folder, or a git revision of the rules folder.")]
Stories = Annotated[Path, typer.Option(metavar="DIR", help="The folder of stories to tell under both.")]
Day = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Tell every story as if it happened on this day.")]


def diff(old: Old, new: New, rules: Rules = RULES, form: Form = Format.TEXT, stories: Stories = STORIES, day: Day = None) -> None:
    """Tells what differs between two revisions of the rules, and what that changes in each story."""
    before, after = loaded(files_at(old, rules), old), loaded(files_at(new, rules), new)
    on = as_day(day) if day else None
    told = stories_in(stories) if stories.is_dir() else []
    found = list(changes(before, after, files_at(old, rules), files_at(new, rules)))
    moved = story_changes(told, before, after, on) if found else []
    late = _late(found, told, on)
    later = story_changes(told, before, after, late) if late else []
    if form is Format.JSON:
        both: dict[str, object] = {"changes": [one.as_json() for one in found], "stories": [one.as_json() for one in moved]}
        if late:
            both["later"] = {"day": late.isoformat(), "stories": [one.as_json() for one in later]}
        typer.echo(json.dumps(both, indent=2))
        return
    if form is Format.GITHUB:
        then = f"as if on {late}: "
        for line in (*(one.says for one in found), *(one.says() for one in moved), *(then + one.says() for one in later)):
            typer.echo(annotation(Problem("diff", f"{old} to {new}", Position(str(rules)), line, severity=Severity.NOTICE)))
        return
    _shown(found, moved, len(told), stories)
    if late:
        typer.echo(f"Some of this begins after the day of the stories: add --day {late} to tell them then alone. Then:")
        typer.echo("\n".join(story_lines(later, len(told))))


def _late(found: list[Change], stories: list[Told], on: date | None) -> date | None:
    """The day from which all that changed can be seen, where it is after the day on which a story is told."""
    begins = [one.begins for one in found if one.begins and any(story.day(on) < one.begins for story in stories)]
    return max(begins, default=None)


def _shown(found: list[Change], moved: list[StoryChange], told: int, stories: Path) -> None:
    if not found:
        typer.echo("Nothing differs.")
        return
    for change in found:
        typer.echo(change.says)
    typer.echo("")
    if not told:
        typer.echo(f"No stories in {stories}, so what this changes for patients is not told.")
    else:
        typer.echo("\n".join(story_lines(moved, told)))
