"""`cds rules test`: the examples of all rules, by both evaluators and in a whole decision, and what no example decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer
from watchfiles import watch as watched

from cds.cli.rules.ahead import ahead
from cds.cli.rules.at_sites import at_sites, chosen_sites, lasting
from cds.cli.rules.check import checked
from cds.cli.rules.decided import check_decisions
from cds.cli.rules.folder import RULES, Form, OneSite, Rules, check_site, folder
from cds.cli.rules.report import Format, counted, errors, printed
from cds.cli.rules.story import STORIES, StoryChange, StoryRequest, stories_in
from cds.engine.engine import Engine
from cds.engine.overlaps import RUNNING
from cds.knowledge.checks.unread import is_rule_file
from cds.knowledge.loader import files_of
from cds.knowledge.model import Knowledge
from cds.knowledge.model_sites import Site
from cds.knowledge.problems import Problem, Problems, Severity

OF_EXAMPLES = {f"RULE{number}" for number in range(130, 140)}
"""The codes that are about examples; the rest is for `cds rules check`."""

Stories = Annotated[Path, typer.Option(metavar="DIR", help="The folder of stories to tell at each site too.")]
Watch = Annotated[bool, typer.Option("--watch", help="Test again whenever a rule file is saved; Ctrl-C ends it.")]


def test(
    rules: Rules = RULES, form: Form = Format.TEXT, stories: Stories = STORIES, watch: Watch = False, site: OneSite = None
) -> None:
    """Runs every example of every rule, here and at each site, and names each condition that no example decides.

    Ends with 1 where one fails. What a site answers otherwise, since it moved a number, is told and is no failure.
    """
    failed = _tested(folder(rules), form, stories, site)
    if not watch:
        raise typer.Exit(1 if failed else 0)
    typer.echo(f"Watching {rules}; Ctrl-C ends it.", err=True)
    for changes in watched(rules, raise_interrupt=False):
        names = sorted({Path(path).name for _, path in changes if is_rule_file(PurePosixPath(Path(path).name))})
        if names:
            typer.echo(f"\n{', '.join(names)} saved.", err=True)
            _tested(rules, form, stories, site)


def _tested(rules: Path, form: Format, stories: Path, asked: str | None) -> bool:
    """Prints how the tests went, and tells whether any failed."""
    knowledge, found = checked(files_of(rules))
    told = stories_in(stories) if stories.is_dir() else []
    check_site(asked, knowledge, rules)
    changes = {} if errors(found) or not told else _begun(knowledge, told, asked)
    problems = _of_examples(knowledge, found)
    sites = (
        [] if errors(problems) else at_sites(knowledge, stories=lambda site: changes[site.id]() if changes else (), asked=asked)
    )
    wrong = [problem for site in sites for problem in site.wrong]
    if form is not Format.TEXT:
        problems += (*wrong, *(problem for site in sites for problem in (*site.differing, *site.story_notices())))
        typer.echo(printed(problems, form, str(rules)), nl=False)
        return errors(problems) > 0
    typer.echo(printed((*problems, *wrong), form, str(rules)), nl=False)
    for site in sites:
        typer.echo("\n".join(site.says(len(told))))
    typer.echo(_summary(knowledge, problems, wrong))
    return errors((*problems, *wrong)) > 0


def _begun(book: Knowledge, told: Sequence[StoryRequest], asked: str | None) -> dict[str, Callable[[], list[StoryChange]]]:
    """By site, what waits for the stories that are told there meanwhile."""

    def at(site: Site) -> Callable[[], list[StoryChange]]:
        return ahead(lambda: _changes(told, book, lasting(book, site)))

    return {site.id: at(site) for site in chosen_sites(book, asked)}


def _changes(told: Sequence[StoryRequest], book: Knowledge, there: Knowledge) -> list[StoryChange]:
    """The changes in the stories. What tells them is slow to import, and is imported beside the examples."""
    found: list[StoryChange] = import_module("cds.cli.rules.stories").story_changes(told, book, there, None)
    return found


def tested(files: Mapping[str, bytes]) -> tuple[Knowledge, tuple[Problem, ...]]:
    """What the files hold, and what is wrong with the examples; what keeps a file from being read is told too."""
    knowledge, found = checked(files)
    return knowledge, _of_examples(knowledge, found)


def _of_examples(knowledge: Knowledge, found: Sequence[Problem]) -> tuple[Problem, ...]:
    problems = Problems()
    problems.found += [one for one in found if one.code in OF_EXAMPLES or one.severity is Severity.ERROR]
    if not errors(found):
        engine = Engine(knowledge)
        try:
            check_decisions(engine, problems)
        finally:
            engine.close()
    return problems.in_order()


def _summary(knowledge: Knowledge, problems: tuple[Problem, ...], at_sites: list[Problem]) -> str:
    counts = (
        f"{counted(sum(len(rule.examples) for rule in knowledge.rules), 'example')} of {counted(len(knowledge.rules), 'rule')}"
    )
    problems += tuple(at_sites)
    wrong = errors(problems)
    if wrong:
        return f"{counts}: {counted(wrong, 'error')}, {counted(len(problems) - wrong, 'warning')}."
    undecided = f"; {counted(len(problems), 'warning')}" if problems else ", and every condition is decided by one"
    drafts = sum(rule.status not in RUNNING for rule in knowledge.rules)
    not_run = f" {counted(drafts, 'rule')} not released: tested alone, in no decision." if drafts else ""
    return f"{counts}: as expected by both evaluators and in a whole decision{undecided}.{not_run}"
