"""`cds rules`: what the people who own the rules work with."""

from __future__ import annotations

from cds.cli.lazy import Place, group

rules = group(
    {
        "check": Place("cds.cli.rules.check:check", "Tells everything that is wrong."),
        "test": Place("cds.cli.rules.test:test", "Runs every example of every rule."),
        "format": Place("cds.cli.rules.format:format_rules", "Lays out rule files alike."),
        "explain": Place("cds.cli.rules.explain:explain", "Why a card, or what a code means."),
        "diff": Place("cds.cli.rules.diff:diff", "What a change means for patients."),
        "log": Place("cds.cli.rules.log:log", "Which hash was which commit or pack."),
        "count": Place("cds.cli.rules.count:count", "Counts cards over past calls."),
        "list": Place("cds.cli.rules.list:list_rules", "Lists every rule."),
        "new": Place("cds.cli.rules.new:new", "Begins a rule file."),
        "schema": Place("cds.cli.rules.schema:schema", "What editors offer while typing."),
        "parameters": Place("cds.cli.rules.site:parameters", "Lists every number, at a site too."),
        "book": Place("cds.cli.rules.book:book", "Writes the rule book as pages."),
        "pack": Place("cds.cli.rules.site:pack", "Writes the rules as one file."),
    },
    help="Checks, tests, explains and compares rule files. No command changes what a running service says.",
)
from cds.cli.rules.book import book
from cds.cli.rules.check import check
from cds.cli.rules.diff import diff
from cds.cli.rules.explain import explain
from cds.cli.rules.format import format_rules
from cds.cli.rules.list import list_rules
from cds.cli.rules.log import log
from cds.cli.rules.new import new
from cds.cli.rules.release import release
from cds.cli.rules.schema import schema
from cds.cli.rules.site import pack, parameters
from cds.cli.rules.test import test

rules = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
rules.command(short_help="Tells everything that is wrong.")(check)
rules.command(short_help="Runs every example of every rule.")(test)
rules.command("format", short_help="Lays out rule files alike.")(format_rules)
rules.command(short_help="Why a card, or what a code means.")(explain)
rules.command(short_help="What a change means for patients.")(diff)
rules.command(short_help="Which hash was which commit or pack.")(log)
rules.command("list", short_help="Lists every rule.")(list_rules)
rules.command(short_help="Begins a rule file.")(new)
rules.command(short_help="What editors offer while typing.")(schema)
rules.command(short_help="Takes value sets as they stand.")(release)
rules.command(short_help="Lists every number, at a site too.")(parameters)
rules.command(short_help="Writes the rule book as pages.")(book)
rules.command(short_help="Writes the rules as one file.")(pack)
