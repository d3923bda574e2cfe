"""`cds rules`: what the people who own the rules work with."""

from __future__ import annotations

import typer

from cds.cli.rules_book import book
from cds.cli.rules_check import check
from cds.cli.rules_diff import diff
from cds.cli.rules_explain import explain
from cds.cli.rules_list import list_rules
from cds.cli.rules_new import new
from cds.cli.rules_schema import schema
from cds.cli.rules_site import pack, parameters
from cds.cli.rules_test import test

rules = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Checks, tests, explains and compares rule files. No command changes what a running service says.",
)
rules.command()(check)
rules.command()(test)
rules.command()(explain)
rules.command()(diff)
rules.command("list")(list_rules)
rules.command()(new)
rules.command()(schema)
rules.command()(parameters)
rules.command()(book)
rules.command()(pack)
