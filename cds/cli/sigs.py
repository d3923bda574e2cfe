"""The command `cds sigs`: reads a file of directions whose right readings are known, and counts what is read right and wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from cds.cli.asked_on_a_day import as_day
from cds.cli.failing import fail
from cds.cli.rules.folder import RULES, Rules, folder, loaded
from cds.core.gap import Reading
from cds.core.medication import Form, Medication
from cds.core.quantity import plain
from cds.core.regimen import EVERY_DAY, Regimen
from cds.fhir.dosage.dosage import ReadingLimits, reading_limits, regimen
from cds.knowledge.files.dosing import Dosing
from cds.knowledge.loader import files_of

GAP = "gap"
NO_STRENGTH = "none"
_MARKS = re.compile(r"prn|ends|\d+ in all")
_DAYS = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))? days")


@dataclass(frozen=True, slots=True)
class SigRow:
    """One line: directions, mg in a tablet (None: not known), every right reading, days a week at the least and most, marks."""

    sig: str
    strength: str | None
    right: tuple[str, ...]
    days: tuple[Decimal, Decimal]
    marks: frozenset[str]

    @property
    def readable(self) -> bool:
        """Whether it must be read: a refusal is not right."""
        return GAP not in self.right


@dataclass(frozen=True, slots=True)
class WrittenReading:
    """A reading as a line writes it: mg a day of each step with its days, days a week, marks."""

    steps: str
    days: Decimal
    marks: tuple[str, ...]

    @property
    def parts(self) -> list[str]:
        shown = [f"{self.days:f} days"] if self.days != EVERY_DAY else []
        return [self.steps, *shown, *self.marks]


def rows(text: str, name: str) -> Iterator[SigRow]:
    """The lines of a file; empty ones and those that begin with # are left out. Ends the command at one that can't be read."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield _row(line, f"{name}:{number}")


def _row(line: str, where: str) -> SigRow:
    sig, *rest = (part.strip() for part in line.split(" | "))
    if len(rest) < 2:
        fail(f"{where}: seen {line!r}; expected: directions | mg in a tablet | right reading | days a week | marks.")
    strength, right, *more = rest
    days, marks = (EVERY_DAY, EVERY_DAY), set()
    refusable = tuple(GAP for part in more if part.endswith(f"; {GAP}"))
    for part in (part.removesuffix(f"; {GAP}").strip() for part in more):
        named = _DAYS.fullmatch(part)
        if named:
            days = (Decimal(named[1]), Decimal(named[2] or named[1]))
        elif _MARKS.fullmatch(part):
            marks.add(part)
        else:
            fail(f"{where}: seen {part!r}; expected days a week such as `3.5 days`, or a mark: prn, ends, `2 in all`.")
    if strength != NO_STRENGTH and not _positive(strength):
        fail(f"{where}: seen {strength!r}; expected the mg in a tablet, or {NO_STRENGTH!r} where it is not known.")
    readings = tuple(part.strip() for part in right.split(";")) + refusable
    return SigRow(sig, None if strength == NO_STRENGTH else strength, readings, days, frozenset(marks))


def _positive(text: str) -> bool:
    try:
        return Decimal(text) > 0
    except InvalidOperation:
        return False


def tablets(strength: str | None, names: tuple[str, ...]) -> Medication:
    """The product that the directions of a line are about: tablets of one of the agents."""
    return Medication("Tablet", names[0], strength=Decimal(strength) if strength else None, form=Form.TABLET, ingredients=names)


def written(found: Regimen) -> WrittenReading:
    """A regimen as a line writes it."""
    steps = []
    for step in found.steps:
        low, high = step.dose.mg.low, step.dose.mg.high
        lasts = f" x{step.days}d" if step.days else ""
        steps.append((plain(high) if low == high else f"{plain(low)}-{plain(high)}") + lasts)
    marks = ["prn"] if found.first.as_needed else []
    marks += ["ends"] if found.ends else []
    marks += [f"{found.single_doses} in all"] if found.single_doses else []
    return WrittenReading(", ".join(steps), found.first.days_a_week.quantize(Decimal("0.01")).normalize(), tuple(marks))


def result(row: SigRow, reading: Reading[Regimen]) -> str:
    """`right`, `refused` or `wrong`. A refusal is right where the line says so; an end is told by the length of the last step."""
    if reading.value is None:
        return "right" if GAP in row.right else "refused"
    seen = written(reading.value)
    as_needed = "prn" not in row.marks or "prn" in seen.marks
    in_all = next((mark for mark in seen.marks if mark.endswith("in all")), None)
    dose = seen.steps in row.right or in_all in row.right
    return "right" if dose and as_needed and row.days[0] <= seen.days <= row.days[1] else "wrong"


def sigs(
    file: Annotated[Path, typer.Argument(help="Lines: directions | mg in a tablet | right readings | days a week | marks.")],
    rules: Rules = RULES,
    day: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="As if on this day; else today.")] = None,
) -> None:
    """Reads directions whose right readings are known: how many are read right, refused and read wrong, and which."""
    known = loaded(files_of(folder(rules)), str(rules))
    limits = reading_limits(known, as_day(day) if day else datetime.now(UTC).date())
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: {error}. Expected a text file in UTF-8.")
    counts: Counter[str] = Counter()
    for row in rows(text, str(file)):
        reading = read(row, known.dosing, limits, tuple(known.agents))
        found = result(row, reading)
        counts[found] += 1
        counts["to be read"] += row.readable
        counts["read"] += row.readable and found == "right"
        counts["rightly refused"] += found == "right" and reading.value is None
        if found != "right":
            seen = " | ".join(written(reading.value).parts) if reading.value else " ".join(gap.says for gap in reading.gaps)
            typer.echo(f"{found}: {row.sig} | {row.strength or NO_STRENGTH} | right: {' ; '.join(row.right)} | seen: {seen}")
    typer.echo(_summary(counts))
    if counts["wrong"]:
        raise typer.Exit(1)


def read(row: SigRow, dosing: Dosing, limits: ReadingLimits, names: tuple[str, ...]) -> Reading[Regimen]:
    """The reading of one line."""
    order = {"dosageInstruction": [{"text": row.sig}]}
    return regimen(order, tablets(row.strength, names), dosing, limits, "directions")


def _summary(counts: Mapping[str, int]) -> str:
    share = 100 * counts["read"] / counts["to be read"] if counts["to be read"] else 100.0
    refused = f"refused {counts['refused']}, wrong {counts['wrong']}."
    right = f"right {counts['right']} ({counts['rightly refused']} of them refused where that is right)"
    return f"{right}, {refused} Of {counts['to be read']} that must be read, {counts['read']} are: {share:.1f} percent."
