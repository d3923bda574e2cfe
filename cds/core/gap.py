"""A gap: something in the record or the order that could not be read. It travels with the record to the card."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar


class GapKind(StrEnum):
    """What kind of thing could not be read; counted in metrics, so it names no patient."""

    DOSE = "dose"
    """The daily dose could not be read."""
    TEXT = "text"
    """Words beside a coded dose could not be read; the coded dose was used. A note: nothing is missing for it."""
    CONTRADICTION = "contradiction"
    """Two parts of one resource say different things; neither is picked."""
    MEDICATION = "medication"
    """It could not be told which drug, strength or form is meant."""
    SUPPLY = "supply"
    """When, or for how many days, a drug was supplied could not be read."""
    DATE = "date"
    """A date is missing or could not be read."""
    RESOURCE = "resource"
    """A whole resource could not be read."""
    SUBJECT = "subject"
    """A history resource belongs to another patient, or it could not be told to whom; it was not used."""
    MISSING = "missing"
    """A part of the record was not given, or only in part."""
    NOT_JUDGED = "not judged"
    """A draft that may be of a benzodiazepine or Z-drug was not judged, or there was none to judge; a card says so."""
    EQUIVALENCE = "equivalence"
    """No source gives a diazepam equivalent for the agent."""
    MORE = "more"
    """There was more than is read, judged or told of one call."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that could not be read: its kind, one sentence for a clinician, and the resource it stands in."""

    kind: GapKind
    says: str
    resource: str


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What was read, or None, with the gaps met on the way. None without a gap means: there was nothing to read."""

    value: T | None
    gaps: tuple[Gap, ...] = ()
