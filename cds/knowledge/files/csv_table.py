"""The tables under `rules/`: CSV in UTF-8 with commas. What a spreadsheet does to one is refused with what to do, not guessed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from cds.knowledge.fields import as_amount
from cds.knowledge.files.code_forms import misformed
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed

SAVE = "Save it as `CSV UTF-8 (comma delimited)`."
AS_TEXT = "Give the column the format `Text` before the file is opened, and type the value again."
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "upright lines"}
NUMBERS = ("strength_mg", "concentration_mg_ml", "count")
"""The columns that hold a number, or nothing."""
FLOATED = re.compile(r"-?\d+([.,]\d+)?E[+-]?\d+", re.IGNORECASE)
LETTER_O = re.compile(r"[Oo]")
QUOTE = '"'

Row = tuple[Position, dict[str, str]]


def rows(files: Mapping[str, bytes], name: str, columns: Collection[str], problems: Problems) -> Iterator[Row]:
    """The rows of a table with their positions. One that is not sound in every cell is left out, and each fault told."""
    file = f"rules/{name}"
    if name not in files:
        problems.add("RULE010", Position(file), "the file is missing.", "", "Add it.")
        return
    text = decoded(file, files[name], problems)
    if text is None:
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = next(reader, [])
        if not _is_head(file, head, columns, problems):
            return
        for row in reader:
            cells = _cells(Position(file, reader.line_num), row, head, problems)
            if cells is not None:
                yield Position(file, reader.line_num), cells
    except csv.Error as error:
        seen = f"from here on this is no CSV: {error}."
        problems.add("RULE011", Position(file, reader.line_num), seen, "", f"A {QUOTE} inside a cell is written twice.")


def decoded(file: str, content: bytes, problems: Problems) -> str | None:
    """The text of a table, a byte order mark left out; None where it is not UTF-8, which is told with its place."""
    if content.startswith(UTF_16) or b"\0" in content[:200]:
        problems.add("RULE011", Position(file), "the table is UTF-16, as `Unicode Text` is.", "Expected: UTF-8.", SAVE)
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = content.rfind(b"\n", 0, error.start) + 1
        place = Position(file, content.count(b"\n", 0, error.start) + 1, error.start - start + 1)
        byte = content[error.start : error.start + 1]
        seen = f"the byte 0x{byte[0]:02X} is not UTF-8; in Windows-1252 or Latin-1 it is `{byte.decode('latin-1')}`."
        problems.add("RULE011", place, seen, "Which letter is meant is not guessed: it would be another word.", SAVE)
        return None


def _is_head(file: str, head: list[str], columns: Collection[str], problems: Problems) -> bool:
    if head == list(columns):
        return True
    other = next((mark for mark in OTHER_SEPARATORS if len(head) == 1 and head[0].split(mark) == list(columns)), None)
    seen = f"the columns are {listed(head)}."
    do = ""
    if other is not None:
        seen = f"the cells are parted by {OTHER_SEPARATORS[other]}."
        do = f"{SAVE} Where the list separator of the computer is another one, replace it."
    elif [cell.strip() for cell in head] == list(columns):
        seen, do = "spaces stand around the names of the columns.", "Take them out."
    problems.add("RULE011", Position(file), seen, f"Expected: {listed(columns)}, with commas between.", do)
    return False


def _cells(at: Position, row: list[str], head: list[str], problems: Problems) -> dict[str, str] | None:
    """The cells by column; None where one is wrong."""
    if not any(cell.strip() for cell in row):
        problems.add("RULE011", at, "the line is blank.", "", "Take it out.")
        return None
    if len(row) != len(head):
        seen = f"the row has {len(row)} cells."
        problems.add("RULE011", at, seen, f"Expected: {len(head)}.", "Quote a cell that holds a comma, as in a decimal comma.")
        return None
    before = len(problems.found)
    cells = dict(zip(head, row, strict=True))
    for column, cell in cells.items():
        _check_cell(at, column, cell, problems)
    if len(problems.found) == before and cells.get("system") and cells.get("code"):
        expected = misformed(cells["system"], cells["code"])
        if expected:
            seen = f"the code `{cells['code']}` is none of {cells['system']}."
            do = "Look it up again; a spreadsheet may have turned it into a date or a number." + _letter_o(cells["code"])
            problems.add("RULE023", at, seen, f"Expected: {expected}.", do)
    return cells if len(problems.found) == before else None


def _check_cell(at: Position, column: str, cell: str, problems: Problems) -> None:
    if cell != cell.strip():
        where = "begins" if cell != cell.lstrip() else "ends"
        problems.add("RULE011", at, f"`{column}` {where} with a space: `{cell}`.", "", "Take it out.")
    elif column in ("code", *NUMBERS) and FLOATED.fullmatch(cell):
        problems.add(
            "RULE011", at, f"`{column}` is `{cell}`, as a spreadsheet writes a long number: digits are lost.", "", AS_TEXT
        )
    elif column in NUMBERS and cell and number(cell) is None:
        do = "A comma stands there for the point." if number(cell.replace(",", ".")) else _letter_o(cell).strip()
        problems.add("RULE023", at, f"`{column}` is `{cell}`.", "Expected: a number above 0, such as 0.5.", do)


def number(text: str) -> Decimal | None:
    """The number of a cell; None where it is none above 0, written plainly."""
    amount = as_amount(text)
    return amount[0] if amount and amount[1] is None and amount[0] > 0 else None


def _letter_o(cell: str) -> str:
    return " It holds the letter O: is the digit 0 meant?" if LETTER_O.search(cell) else ""
