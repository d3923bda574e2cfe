"""`cds rules parameters` and `cds rules pack`: the numbers that hold at a site, and the rules as one file."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from cds.cli.asked_on_a_day import as_day
from cds.cli.failing import fail
from cds.cli.rules.folder import RULES, Form, Rules, check_site, folder, loaded
from cds.cli.rules.report import Format
from cds.decision.answered import check_answers
from cds.engine.engine import Engine
from cds.errors import BadKnowledge
from cds.knowledge.files.parameters import bounds_in_words
from cds.knowledge.loader import files_of
from cds.knowledge.model import Knowledge
from cds.knowledge.model_parameters import Parameter
from cds.knowledge.pack import BadPack
from cds.knowledge.pack import pack as packed
from cds.knowledge.problems import Problems
from cds.knowledge.site_overlay import check_reviews, not_converted_by, overlaid

COLUMNS = ("parameter", "means", "value", "since", "source", "a site may choose")
WIDTH = 320
SiteOption = Annotated[str | None, typer.Option(metavar="ID", help="As this site has it; else the rule book's own.")]
On = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="The values in force on this day; else today.")]
Out = Annotated[Path, typer.Argument(metavar="OUT.taper", help="The file to write.")]
Key = Annotated[Path | None, typer.Option(metavar="FILE", help="An Ed25519 private key (PEM) that signs the pack.")]


def parameters(rules: Rules = RULES, site: SiteOption = None, on: On = None, form: Form = Format.TEXT) -> None:
    """Lists every parameter with its value on a day, at a site or in the rule book, and where it comes from."""
    book = loaded(files_of(folder(rules)), str(rules), form)
    day = as_day(on, "--on") if on else datetime.now(UTC).date()
    check_site(site, book, rules)
    knowledge = overlaid(book, book.sites[site], day) if site else book
    rows = [row(one, day, knowledge) for _, one in sorted(knowledge.parameters.items())]
    if form is Format.JSON:
        told = {
            "site": site,
            "day": day.isoformat(),
            "revision": knowledge.revision,
            "parameters": rows,
            **_more(book, site, day),
        }
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    if form is Format.GITHUB:
        lines = [COLUMNS, ["---"] * len(COLUMNS), *(one.values() for one in rows)]
        typer.echo("\n".join(f"| {' | '.join(line)} |" for line in lines))
        return
    _table(rows)
    for name, value in _more(book, site, day).items():
        typer.echo(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


def row(parameter: Parameter, day: date, knowledge: Knowledge) -> dict[str, str]:
    """What the list shows of a parameter, by column."""
    edition = parameter.on(day)
    source = knowledge.evidence.get(edition.cite) if edition else None
    held = (
        parameter.name,
        parameter.means,
        str(edition.value) if edition else "none in force",
        edition.since.isoformat() if edition else "",
        source.label if source else "",
        bounds_in_words(parameter) if parameter.site_may_change else "",
    )
    return dict(zip(COLUMNS, held, strict=True))


def _more(book: Knowledge, id: str | None, day: date) -> dict[str, Any]:
    """What else the site changed: the source of equivalents, silent rules, sign-offs, and what is due for review."""
    if id is None:
        return {}
    site, due = book.sites[id], Problems()
    check_reviews([site], day, due)
    chosen = site.equivalence.sources if site.equivalence else ()
    told = {
        "status": "active" if site.active else "draft: it is checked and not served",
        "equivalence sources": [book.evidence[source].label for source in chosen],
        "without a row there, so read from the other sources": list(not_converted_by(book, chosen)) if chosen else [],
        "silent": [name for name, quiet in site.quiet.items() if quiet.on(day)],
        "signed off": list(site.signed_off),
        "override reasons in other words": [
            f"{name}: {one.display}" for name, one in site.override_reasons.items() if one.display
        ],
        "override reasons on no card": [name for name, one in site.override_reasons.items() if not one.display],
        "due for review": [problem.seen for problem in due.found],
    }
    return {name: value for name, value in told.items() if value}


def _table(rows: list[dict[str, str]]) -> None:
    """The rows in the terminal; where it is none, as wide as they need."""
    terminal = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, no_wrap=column == COLUMNS[0] or not terminal.is_terminal)
    for one in rows:
        table.add_row(*one.values())
    (terminal if terminal.is_terminal else Console(width=WIDTH)).print(table)


def pack(out: Out, rules: Rules = RULES, key: Key = None) -> None:
    """Writes the rules as one file that replicas serve: checked, with the hash of every file, and signed where a key is given."""
    files = files_of(folder(rules))
    knowledge = loaded(files, str(rules))
    try:
        unanswered = Problems()
        check_answers(knowledge, unanswered)
        unanswered.raise_any()
        Engine(knowledge).close()
        content = packed(files, version("taper-cds"), key.read_bytes() if key else None)
        out.write_bytes(content)
    except (BadKnowledge, BadPack, OSError) as error:
        fail(error)
    typer.echo(f"wrote {out}: {len(files)} files, {'signed' if key else 'not signed'}\n{knowledge.revision}")
