"""`cds rules schema`: what an editor needs to offer facts, operators and parameters while a rule is typed."""

from __future__ import annotations

from pathlib import Path

import typer

from cds.cli.rules_folder import RULES, Rules, folder, loaded
from cds.cli.rules_report import counted
from cds.knowledge.reading import files_of
from cds.knowledge.schema import FOLDER, HEADER, header, schemas


def schema(rules: Rules = RULES) -> None:
    """Writes the editor schemas to rules/schema/, and into each rule file the first line that names its own."""
    files = files_of(folder(rules))
    held = rules / FOLDER
    held.mkdir(exist_ok=True)
    changed = [held / name for name, text in schemas(loaded(files, str(rules))).items() if _written(held / name, text.encode())]
    for name, content in files.items():
        line = header(name)
        if line is not None and _written(rules / name, with_header(content, line)):
            changed.append(rules / name)
    for path in changed:
        typer.echo(f"wrote {path}")
    typer.echo(f"{counted(len(changed), 'file')} changed." if changed else "All schemas are current.")


def with_header(content: bytes, line: str) -> bytes:
    """The content with this first line, in place of an older one of its kind."""
    first, _, rest = content.partition(b"\n")
    if first.startswith(HEADER.encode()):
        return line.encode() + b"\n" + rest
    return line.encode() + b"\n" + content


def _written(path: Path, content: bytes) -> bool:
    """Writes the file where it differs, and tells whether it did."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.write_bytes(content)
    return True
