"""`cds rules schema`: what an editor needs to offer facts, operators and parameters while a rule is typed."""

from __future__ import annotations

from pathlib import Path

import typer

from cds.cli.rules.folder import RULES, Rules, folder, loaded
from cds.cli.rules.report import counted
from cds.knowledge.loader import files_of
from cds.knowledge.model import Knowledge
from cds.knowledge.schema.rule_schemas import FOLDER, HEADER, header, schemas


def schema(rules: Rules = RULES) -> None:
    """Writes the editor schemas to rules/schema/, and into each rule file the first line that names its own."""
    files = files_of(folder(rules))
    changed = write_schemas(rules, loaded(files, str(rules)))
    for name, content in files.items():
        line = header(name)
        if line is not None and _written(rules / name, with_header(content, line)):
            changed.append(rules / name)
    for path in changed:
        typer.echo(f"wrote {path}")
    typer.echo(f"{counted(len(changed), 'file')} changed." if changed else "All schemas are current.")


def write_schemas(rules: Path, knowledge: Knowledge) -> list[Path]:
    """The schemas that had to be written anew."""
    held = rules / FOLDER
    held.mkdir(exist_ok=True)
    return [held / name for name, text in schemas(knowledge).items() if _written(held / name, text.encode())]


def schemas_in(rules: Path) -> dict[str, bytes] | None:
    """The schemas that stand beside the rules, by file name; None where none was written."""
    return {path.name: path.read_bytes() for path in sorted((rules / FOLDER).glob("*.json"))} or None


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
