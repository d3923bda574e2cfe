"""Writes the part of docs/integration.md that follows from the rule book: python -m tests.docs.integration_page"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cds.knowledge.loader import knowledge
from cds.web.integration_guide import guide

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "integration.md"
BEGINS = "## What to type in\n"


def written(told: dict[str, Any]) -> str:
    """The part as Markdown. Templates stand in a block of code: some hold a `|`, which would end a cell of a table."""
    topics = ", ".join(f"`{code}`" for code in told["topics"]["codes"])
    return (
        "\n".join(
            [
                BEGINS,
                "This part follows from the rule book; `python -m tests.docs.integration_page` writes it again.",
                "",
                "Paths, after the public address of the service; feedback goes to the same with `/feedback` behind it:",
                "",
                _table(("hook", "path"), [(one["hook"], one["address"]) for one in told["services"]]),
                "Prefetch keys and their templates:",
                "",
                "```text",
                *(f"{key}\n    {template}" for key, template in told["prefetch"].items()),
                "```",
                "",
                "Scopes, the least that have to be granted:",
                "",
                _table(("SMART 1", "SMART 2"), [(one["smart1"], one["smart2"]) for one in told["scopes"]]),
                "Hosts of the links on cards:",
                "",
                *(f"- `{host}`" for host in told["linkHosts"]),
                "",
                f"Topics of cards, in `{told['topics']['system']}`: {topics}.",
                "",
                "Override reasons:",
                "",
                _table(
                    ("code", "system", "reason"),
                    [(one["code"], one["system"], one["display"]) for one in told["overrideReasons"]],
                ),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(f'`{cell}`' if ' ' not in cell else cell for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def page() -> str:
    """The whole page as it should stand."""
    told = guide(knowledge(ROOT / "rules"), (), None, b"")
    return PAGE.read_text().partition(BEGINS)[0] + written(told)


if __name__ == "__main__":
    PAGE.write_text(page())
