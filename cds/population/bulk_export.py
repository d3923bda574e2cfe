"""The files of a FHIR Bulk Data export, and their lines: NDJSON, gzip or not, split in any way, in any order."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from cds.errors import CdsError
from cds.fhir.json_access import child, local_reference, text

SUFFIXES = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
GZIP, ZIP, BOM = b"\x1f\x8b", b"PK\x03\x04", b"\xef\xbb\xbf"
LONGEST_LINE = 2_000_000
"""Bytes of one resource."""
MOST_SEEN = 5
"""Names that an error lists."""
OF_PATIENTS = frozenset(
    {"Patient", "MedicationRequest", "MedicationDispense", "MedicationStatement", "Condition", "Observation", "Encounter"}
)
"""What is read of each patient."""
SHARED = frozenset({"Medication", "PractitionerRole", "Practitioner"})
"""What several patients' resources refer to."""
KEPT = OF_PATIENTS | SHARED
NOT_JSON, NOT_AN_OBJECT, NO_TYPE, TOO_LONG = "not JSON", "no JSON object", "no resourceType", "longer than 2 MB"
NO_ID, NO_PATIENT = "no id", "names no patient"
HOW = (
    "Expected the folder of a FHIR Bulk Data export: a resource a line, in files such as MedicationRequest.ndjson or .ndjson.gz."
)


class NotAnExport(CdsError):
    """What was given is no export that can be read whole."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an export: `number` from 1; `broken` says why it can't be used, None where it can; `json` as it stood there.

    `patient` is the id of the patient that it is of, or for a shared resource the reference by which others name it.
    """

    number: int
    type: str = ""
    id: str = ""
    patient: str = ""
    json: bytes = b""
    broken: str | None = None


def export_files(place: Path) -> tuple[Path, ...]:
    """The files of an export, by name. Refuses: what is none, saying what was seen."""
    if not place.exists():
        raise NotAnExport(f"{place}: there is no such folder. {HOW}")
    found = [place] if place.is_file() else sorted(path for path in place.rglob("*") if _is_named_so(path))
    if not found:
        seen = sorted(path.name for path in place.iterdir())
        listed = ", ".join(seen[:MOST_SEEN]) + (f" and {len(seen) - MOST_SEEN} more" if len(seen) > MOST_SEEN else "")
        raise NotAnExport(f"{place}: seen {listed or 'an empty folder'}. {HOW}")
    for path in found:
        _refuse_others(path)
    return tuple(found)


def _is_named_so(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts[-2:])
    return path.is_file() and not hidden and path.name.lower().endswith(SUFFIXES)


def _refuse_others(path: Path) -> None:
    with path.open("rb") as file:
        begins = file.read(512)
    start = begins.removeprefix(BOM).lstrip()
    if begins.startswith(ZIP):
        raise NotAnExport(f"{path}: seen a ZIP archive. Unpack it, and give the folder.")
    if start.startswith(b"<"):
        raise NotAnExport(
            f"{path}: seen HTML or XML, as a server sends in place of a file (a login page?). Fetch the file again."
        )
    if start.startswith(b"PAR1"):
        raise NotAnExport(f"{path}: seen a Parquet file. {HOW}")


def lines(path: Path) -> Iterator[Line]:
    """Each line that is not blank. Refuses: a gzip file that ends early or is damaged."""
    try:
        with _opened(path) as file:
            yield from _each(file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise NotAnExport(
            f"{path}: the gzip file is cut off or damaged ({error}). Fetch it again; nothing was counted of it."
        ) from None


def _opened(path: Path) -> BinaryIO:
    """The file, unpacked where its first bytes say gzip, whatever its name says."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    return gzip.open(path, "rb") if packed else path.open("rb", buffering=1 << 20)  # type: ignore[return-value]


def _each(file: BinaryIO) -> Iterator[Line]:
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) > LONGEST_LINE:
            while not raw.endswith(b"\n") and (raw := file.readline(LONGEST_LINE)):
                pass
            yield Line(number, broken=TOO_LONG)
            continue
        raw = (raw.removeprefix(BOM) if number == 1 else raw).strip()
        if raw:
            yield read_line(raw, number)


def read_line(raw: bytes, number: int) -> Line:
    """One line, as far as it has to be read to know of whom it is."""
    try:
        resource = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return Line(number, broken=NOT_JSON)
    if not isinstance(resource, dict):
        return Line(number, broken=NOT_AN_OBJECT)
    type = text(resource, "resourceType")
    if type is None:
        return Line(number, broken=NO_TYPE)
    if type not in KEPT:
        return Line(number, type)
    id = text(resource, "id")
    if id is None:
        return Line(number, type, broken=NO_ID)
    patient = _whose(resource, type, id)
    if patient is None:
        return Line(number, type, id, broken=NO_PATIENT)
    return Line(number, type, id, patient, raw)


def _whose(resource: Mapping[str, Any], type: str, id: str) -> str | None:
    if type == "Patient":
        return id
    if type == "PractitionerRole":
        named = text(child(resource, "practitioner"), "reference")
        return local_reference(named) if named else f"{type}/{id}"
    if type in SHARED:
        return f"{type}/{id}"
    named = text(child(resource, "subject"), "reference") or text(child(resource, "patient"), "reference")
    kind, _, who = local_reference(named).rpartition("/") if named else ("", "", "")
    return who if who and kind in {"Patient", ""} else None
