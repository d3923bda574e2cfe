"""docs/clinical-basis.md names every number that no guideline supports, and every file that holds clinical numbers."""

from __future__ import annotations

from pathlib import Path

from cds.knowledge.loader import knowledge

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clinical-basis.md").read_text()
OURS = "local default"


def test_every_parameter_that_is_our_own_choice_is_named_there() -> None:
    book = knowledge(ROOT / "rules")
    ours = {
        name
        for name, parameter in book.parameters.items()
        if any(book.evidence[edition.cite].origin == OURS for edition in parameter.editions)
        if not parameter.position.file.endswith("reading.yaml")
    }
    assert sorted(name for name in ours if f"`{name}`" not in PAGE) == []


def test_every_file_of_parameters_and_drugs_is_named_there() -> None:
    files = [*(ROOT / "rules" / "parameters").glob("*.yaml"), *(ROOT / "rules" / "drugs").glob("*.yaml")]
    named = [path for path in files if path.name != "dosing.yaml"]
    assert sorted(path.name for path in named if f"`{path.relative_to(ROOT)}`" not in PAGE) == []
