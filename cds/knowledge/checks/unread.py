"""What would fall silent without a word: a file that no reader reads, and a rule that was there and is not any more."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

from cds.knowledge.model import Knowledge, RuleKind
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, nearest
from cds.knowledge.schema.rule_schemas import OF_FILE, OF_FOLDER
from cds.knowledge.site_overlay import named

ENDINGS = (".yaml", ".csv")
LIKE_RULES = re.compile(r"\.(ya?ml|csv)(\.txt)?", re.IGNORECASE)
"""How the name of a rule file may end by mistake: what an editor or a spreadsheet makes of it."""
TABLES = (
    "drugs/name-stems.csv", "drugs/names.csv", "drugs/national-names.csv", "drugs/other-drugs.csv", "drugs/products.csv",
)  # fmt: skip
VALUE_SETS = "value-sets"
"""A table of this folder that no index names is told there."""
SITE_SCHEMA = "site.schema.json"
"""The editor schema that holds every rule by its name, as it was when the schemas were written."""


def is_rule_file(path: PurePosixPath) -> bool:
    """Whether a path under the rules is of a rule file, or of one that was misnamed. Hidden files and folders are not."""
    if any(part.startswith(".") for part in path.parts):
        return False
    return LIKE_RULES.fullmatch("".join(path.suffixes[-2:])) is not None or LIKE_RULES.fullmatch(path.suffix) is not None


def check_read(files: Collection[str], problems: Problems) -> None:
    """Reports each file that no reader reads: what it says would be left out without a word."""
    for name in files:
        folder, _, last = name.rpartition("/")
        place = Position(f"rules/{name}")
        if not name.endswith(ENDINGS):
            stem = LIKE_RULES.sub("", last)
            right = f"{stem}.{'csv' if '.csv' in last.lower() else 'yaml'}"
            seen = f"nothing reads `{last}`: the name of a rule file ends in .yaml, that of a table in .csv."
            problems.add("RULE028", place, seen, "", f"Rename it to `{right}`; or move it out of the rules.")
        elif name.endswith(".yaml") and name not in OF_FILE and folder not in OF_FOLDER:
            _unread(place, name, [*OF_FILE, *(f"{held}/{last}" for held in OF_FOLDER)], problems)
        elif name.endswith(".csv") and name not in TABLES and folder != VALUE_SETS:
            _unread(place, name, [*TABLES, f"{VALUE_SETS}/{last}"], problems)


def _unread(place: Position, name: str, known: Collection[str], problems: Problems) -> None:
    expected = f"Files stand in {', '.join(OF_FOLDER)} and {VALUE_SETS}, or have a name of their own."
    do = nearest(name, known) or "Move it to its folder, or out of the rules."
    problems.add("RULE028", place, f"nothing reads `{name}`.", expected, do)


def check_gone(files: Collection[str], before: Knowledge | None, schemas: Mapping[str, bytes], problems: Problems) -> None:
    """Reports each rule of an earlier revision, or that was there when the editor schemas were written, without a file now."""
    offered = _known_to(schemas.get(SITE_SCHEMA, b""))
    earlier = {named(rule) for rule in before.rules} if before else set()
    for name in sorted(offered | earlier):
        if f"{name}.yaml" in files:
            continue
        place, seen, do = Position(f"rules/{name}.yaml"), f"{name} was there, and no file holds it now.", "Put its file back"
        if name in offered:
            do = f"{do}, or retire it (`status: retired`); if it is meant to be gone, run `cds rules schema`."
            problems.add("RULE029", place, seen, "", do)
        else:
            problems.warn("RULE029", place, seen, "", f"{do}, or say in the change why it is gone.")


def _known_to(schema: bytes) -> set[str]:
    """The rules that a site could name when this schema was written; none where it can't be read."""
    try:
        rules = json.loads(schema)["properties"]["rules"]["properties"]
    except (ValueError, LookupError, TypeError):
        return set()
    kinds = tuple(f"{kind.value}/" for kind in RuleKind)
    return {name for name in rules if name.startswith(kinds)} if isinstance(rules, dict) else set()
