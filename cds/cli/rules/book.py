"""`cds rules book`: the pages of the rule book, written or checked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cds.cli.failing import fail
from cds.cli.rules.folder import RULES, Rules, check_site, folder, loaded
from cds.cli.rules.report import counted
from cds.decision.plan_totals import PAGE, totals_page
from cds.knowledge.loader import files_of
from cds.knowledge.pages.rule_book import MADE, pages
from cds.knowledge.site_overlay import overlaid

OWN = Path("docs/rule-book")
At = Annotated[str | None, typer.Option("--site", metavar="ID", help="As this site has the rules today, with its own --out.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of the pages.")]
Check = Annotated[bool, typer.Option("--check", help="Write nothing; end with 1 where a page is not what the rules say now.")]


def book(rules: Rules = RULES, out: Out = OWN, check: Check = False, site: At = None) -> None:
    """Writes a page for each rule, one of all numbers, one of how long tapers take, and an index, from the rule files alone."""
    held = loaded(files_of(folder(rules)), str(rules))
    if site is not None:
        check_site(site, held, rules)
        if out == OWN:
            fail(f"--out: {OWN} holds the pages of the rule book itself. Name a folder for those of {site}.")
        held = overlaid(held, held.sites[site], datetime.now(UTC).date())
    made = pages(held) | {PAGE: f"{MADE}\n\n{totals_page(held)}"}
    stale = sorted(_differing(made, out))
    if check:
        for name in stale:
            typer.echo(f"{out / name}: not what the rules say now. Run `cds rules book`.")
        if stale:
            raise typer.Exit(1)
    for name in () if check else stale:
        _put(out / name, made.get(name))
    typer.echo(f"{counted(len(stale), 'page')} changed." if stale else f"All {len(made)} pages are current.")


def _differing(made: dict[str, str], out: Path) -> set[str]:
    """The pages that are missing or differ, and those of rules that are gone."""
    held = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*.md")}
    return {name for name in made.keys() | held.keys() if made.get(name) != held.get(name)}


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
