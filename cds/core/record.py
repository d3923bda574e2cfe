"""The patient's record as far as it was understood: orders, supplies, conditions, measurements, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from cds.core.gap import Gap
from cds.core.medication import Medication
from cds.core.quantity import Range
from cds.core.regimen import Regimen


class Completeness(StrEnum):
    """How much of one part of the record was given."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """Some was given, and some is known to be missing (another page, an error beside data)."""
    MISSING = "missing"


class RecordPart(StrEnum):
    """The parts of a record, by the prefetch key that brings each."""

    PATIENT = "patient"
    REQUESTS = "medicationRequests"
    DISPENSES = "medicationDispenses"
    STATEMENTS = "medicationStatements"
    CONDITIONS = "conditions"
    OBSERVATIONS = "observations"
    ENCOUNTER = "encounter"


class OrderState(StrEnum):
    """What the status of a MedicationRequest (or statement) means for taking."""

    DRAFT = "draft"
    RUNNING = "running"
    """active, or on hold with the patient still supplied."""
    ENDED = "ended"
    """stopped, cancelled, completed."""
    IN_ERROR = "entered in error"
    UNKNOWN = "unknown"


class Setting(StrEnum):
    """Where the drug is given."""

    COMMUNITY = "community"
    INPATIENT = "inpatient"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Order:
    """One MedicationRequest that was understood.

    `regimen` is None where the dose could not be read (a gap says why) or none was given. `days` is how many days one
    supply lasts, `supplies` how many supplies are allowed in all (refills and one), either None where not stated.
    `zero` is true for a dose or quantity of zero and for doNotPerform. `replaces` is the reference of the order that it follows.
    `reasons` are the value sets that its indication is in. `starts` may have been earlier where `since_earlier`: only a month or
    year is on record.
    """

    reference: str
    status: str
    state: OrderState
    medication: Medication
    regimen: Regimen | None = None
    starts: date | None = None
    since_earlier: bool = False
    ends: date | None = None
    days: Decimal | None = None
    supplies: int | None = None
    quantity: Decimal | None = None
    zero: bool = False
    replaces: str | None = None
    reasons: frozenset[str] = frozenset()
    setting: Setting = Setting.UNKNOWN
    kind: str = "MedicationRequest"
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Supply:
    """One period for which the patient had a drug in hand: from a dispense, a request or a statement.

    `days` is None where the supply has no stated end (`open_ended`: an active order or statement, taken until today) or its
    length could not be read. `mg` is mg of the agent a day, None where the dose could not be read. `order` is the request that
    a dispense was made on. `ended` is the day on which the order was stopped before its supply ran out, where that is on record.
    `as_needed` is true where the dose is taken only when needed, so that a supply may last longer than its days. `since_earlier`
    is true where only the month or year of its start is on record, so that it may have begun before `start`.
    """

    agent: str
    start: date
    source: str
    kind: str
    days: Decimal | None
    open_ended: bool = False
    mg: Range | None = None
    days_a_week: Decimal = Decimal(7)
    order: str | None = None
    ended: date | None = None
    as_needed: bool = False
    since_earlier: bool = False
    directed: int | None = None
    """For how many days its directions tell doses that change, where they do: beyond what one supply lasts."""


@dataclass(frozen=True, slots=True)
class RecordedCondition:
    """A condition on record, by the value sets that its code is in."""

    reference: str
    display: str
    value_sets: frozenset[str]
    active: bool
    """False for resolved, remission and inactive: it counts for history only."""
    onset: date | None = None
    onset_earlier: bool = False
    """Whether only the month or year of it is on record, so that it may have been earlier than `onset`."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """An observation that a fact needs: a score or a laboratory value, with its upper reference limit where given."""

    reference: str
    display: str
    value_sets: frozenset[str]
    value: Decimal | None
    unit: str | None
    taken: date | None
    upper_limit: Decimal | None = None
    answer: frozenset[str] = frozenset()
    """Value sets that a coded answer is in."""
    taken_since: date | None = None
    """The first day that it may have been taken on, where only the month or year is on record; `taken` is then the last."""


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """Everything that was understood of one patient on one call, and every gap.

    `orders` are the medication requests of the history (not the drafts); `supplies` are of benzodiazepines and Z-drugs only.
    """

    birth_date: date | None = None
    sex: str | None = None
    """`male` or `female`, as the record says; None where it says neither."""
    orders: tuple[Order, ...] = ()
    supplies: tuple[Supply, ...] = ()
    conditions: tuple[RecordedCondition, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    setting: Setting = Setting.UNKNOWN
    completeness: dict[RecordPart, Completeness] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()

    def has(self, part: RecordPart) -> Completeness:
        return self.completeness.get(part, Completeness.MISSING)


Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """The resources of one prefetch key.

    COMPLETE with no resources means that the client looked and there is no data. `said` tells in words why a part is
    PARTIAL or MISSING, fit to follow "was not read: ".
    """

    completeness: Completeness
    resources: tuple[Resource, ...] = ()
    said: str = ""


NOT_GIVEN = Delivery(Completeness.MISSING, said="not sent")
