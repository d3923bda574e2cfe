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
        "release": Place("cds.cli.rules.release:release", "Takes value sets as they stand."),
        "parameters": Place("cds.cli.rules.site:parameters", "Lists every number, at a site too."),
        "book": Place("cds.cli.rules.book:book", "Writes the rule book as pages."),
        "pack": Place("cds.cli.rules.site:pack", "Writes the rules as one file."),
    },
    help="Checks, tests, explains and compares rule files. No command changes what a running service says.",
)
