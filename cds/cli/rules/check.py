"""`cds rules check`: everything that is wrong with a folder of rules, at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from cds.cli.rules.at_sites import at_sites
from cds.cli.rules.folder import RULES, Form, OneSite, Rules, check_site, files_at, folder
from cds.cli.rules.report import Format, counted, errors, printed
from cds.cli.rules.schema import schemas_in
from cds.decision.answered import check_answers
from cds.engine.coverage import check_coverage, check_reasons
from cds.engine.engine import Engine
from cds.engine.overlaps import check_conditions
from cds.errors import BadKnowledge
from cds.knowledge.checks.lint import check_files, check_numbers, check_rule, check_schemas
from cds.knowledge.checks.number_words import check_number_words
from cds.knowledge.checks.outliers import check_outliers
from cds.knowledge.checks.unread import check_gone
from cds.knowledge.checks.versions import check_versions
from cds.knowledge.loader import assembled, files_of
from cds.knowledge.model import Group, Knowledge, Rule
from cds.knowledge.problems import Problem, Problems, Severity
from cds.knowledge.site_overlay import check_reviews

Since = Annotated[str | None, typer.Option(metavar="REVISION", help="Also tell what changed since it without a new version.")]
SAID_OF_ALL = "RULE133"
"""Of rules that combine in too many ways the engine blames every rule; their own conditions tell which one it is."""


def check(rules: Rules = RULES, form: Form = Format.TEXT, since: Since = None, site: OneSite = None) -> None:
    """Tells everything that is wrong with the rules, each with its place and what to do. Ends with 1 where there is an error."""
    files = files_of(folder(rules))
    before = _sound(files_at(since, rules)) if since else None
    knowledge, problems = checked(files, before, schemas_in(rules), datetime.now(UTC).date())
    check_site(site, knowledge, rules)
    sites = [] if errors(problems) else at_sites(knowledge, decided=False, asked=site)
    problems += tuple(problem for there in sites for problem in there.wrong)
    typer.echo(printed(problems, form, str(rules)), nl=False)
    if form is Format.TEXT:
        typer.echo(_summary(knowledge, problems))
        for there in (one for one in sites if one.differing):
            number = counted(len(there.differing), "example")
            typer.echo(f"At {there.site.id} {number} answered otherwise: `cds rules test` tells which, and why.")
    if errors(problems):
        raise typer.Exit(1)


def checked(
    files: Mapping[str, bytes],
    before: Knowledge | None = None,
    schemas: Mapping[str, bytes] | None = None,
    day: date | None = None,
) -> tuple[Knowledge, tuple[Problem, ...]]:
    """What could be read of the files, and every problem in them. A rule with an error of its own is not judged further.

    With an earlier revision, what changed since without being marked; with editor schemas, whether they are these files'; with
    a day, which reviews of sites were due before it.
    """
    problems = Problems()
    knowledge = assembled(files, problems)
    sound = [rule for rule in knowledge.rules if rule.position.file not in _with_errors(problems)]
    check_files(files, knowledge, problems)
    check_numbers(knowledge, problems)
    check_outliers(files, problems)
    check_number_words(knowledge, problems)
    check_conditions(knowledge, sound, problems)
    for rule in sound:
        check_rule(rule, knowledge, problems)
    if not _with_errors(problems):
        check_answers(knowledge, problems)
    _check_examples(knowledge, [rule for rule in sound if rule.position not in _too_many(problems)], problems)
    if before is not None:
        check_versions(before, replace(knowledge, rules=tuple(sound)), problems)
    if day is not None:
        check_reviews(knowledge.sites.values(), day, problems)
    check_gone(files, before, schemas or {}, problems)
    if schemas is not None and not _with_errors(problems):
        check_schemas(files, knowledge, schemas, problems)
    return knowledge, _once(problems)


def _sound(files: Mapping[str, bytes]) -> Knowledge:
    """An earlier revision as far as it can be read today: a rule that can't is not compared."""
    problems = Problems()
    knowledge = assembled(files, problems)
    blamed = _with_errors(problems)
    return replace(knowledge, rules=tuple(rule for rule in knowledge.rules if rule.position.file not in blamed))


def _check_examples(knowledge: Knowledge, sound: list[Rule], problems: Problems) -> None:
    """Runs the examples of the sound rules in both evaluators; the other rules ask nothing meanwhile."""
    kept = {(rule.kind, rule.id) for rule in sound}
    quiet = (one if (one.kind, one.id) in kept else replace(one, when=Group(), examples=()) for one in knowledge.rules)
    try:
        Engine(replace(knowledge, rules=tuple(quiet))).close()
    except BadKnowledge as refused:
        problems.found += [one for one in refused.problems if isinstance(one, Problem)]
    differing = {problem.position for problem in problems.found if problem.code == "RULE131"}
    for rule in sound:
        if not any(example.position in differing for example in rule.examples):
            check_reasons(knowledge, rule, problems)
            check_coverage(knowledge, rule, problems)


def _with_errors(problems: Problems) -> set[str]:
    return {problem.position.file for problem in problems.found if problem.severity is Severity.ERROR}


def _too_many(problems: Problems) -> set[object]:
    return {problem.position for problem in problems.found if problem.code == SAID_OF_ALL}


def _once(problems: Problems) -> tuple[Problem, ...]:
    """The problems in order; of one that is told of a whole file and of a line in it, the line."""
    told = problems.in_order()
    lines = {(one.position.file, one.code, one.seen) for one in told if one.position.line > 1}
    return tuple(one for one in told if one.position.line > 1 or (one.position.file, one.code, one.seen) not in lines)


def _summary(knowledge: Knowledge, problems: tuple[Problem, ...]) -> str:
    if problems:
        wrong = errors(problems)
        return f"{counted(wrong, 'error')}, {counted(len(problems) - wrong, 'warning')}."
    counts = (
        counted(len(knowledge.rules), "rule"),
        counted(sum(len(rule.examples) for rule in knowledge.rules), "example"),
        counted(len(knowledge.parameters), "parameter"),
        counted(len(knowledge.vocabulary), "fact"),
        counted(len(knowledge.evidence), "source"),
    )
    return f"No problem in {', '.join(counts)}."
