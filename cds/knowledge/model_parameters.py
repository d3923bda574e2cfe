"""Sources, the dated numbers that cite them, and the paces of a taper that name these, as the rule book holds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cds.core.quantity import Quantity
from cds.knowledge.position import Position


@dataclass(frozen=True, slots=True)
class ParameterEdition:
    """A parameter's value from one day on, with its source. Nothing is edited in place."""

    since: date
    value: Quantity | str
    cite: str
    says: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A dated, cited number with a unit (or a named choice, with unit `name`)."""

    name: str
    means: str
    unit: str
    editions: tuple[ParameterEdition, ...]
    """Newest first."""
    at_least: Quantity | None = None
    at_most: Quantity | None = None
    position: Position = Position("-")
    one_of: tuple[str, ...] = ()
    """What a site may choose, of a parameter of unit `name`."""

    @property
    def site_may_change(self) -> bool:
        return bool(self.at_least or self.at_most or self.one_of)

    def on(self, day: date) -> ParameterEdition | None:
        return next((edition for edition in self.editions if edition.since <= day), None)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a taper may go. `rank` orders them, 0 the fastest; cuts and intervals name parameters, None without a plan.

    A step cuts about `cut`, or `cut_of_start` of the dose at the start where that is more, the first one `first_cut`; it lasts
    `interval`, or `longer_interval` where it cuts more than `longer_above`; a patient may choose up to `longest_interval`.
    `by_strengths`: steps are the strengths that are sold. `compounded`: also a liquid that only a pharmacy prepares.

    `after_short_use` is what it means where use was too short for dependence to be likely; None where that is the same.
    `says_where_moved` takes the place of `says` at a site that moved one of the parameters that it names in `{{ }}`.
    """

    id: str
    rank: int
    says: str
    after_short_use: str | None
    plan: bool
    cut: str | None
    interval: str | None
    cite: str
    says_where_moved: str | None = None
    first_cut: str | None = None
    cut_of_start: str | None = None
    longer_above: str | None = None
    longer_interval: str | None = None
    longest_interval: str | None = None
    by_strengths: bool = False
    compounded: bool = False
    if_not_borne: str | None = None
    """The pace at which one goes on after a step that was not borne; None where this one stays."""


@dataclass(frozen=True, slots=True)
class EvidenceSource:
    """One source of `evidence.yaml`: a guideline, label, study, or local default."""

    id: str
    title: str
    label: str
    """The short name that a card shows."""
    origin: str
    year: str | None = None
    url: str | None = None
    read: str | None = None
    """How far it was read when the content was written."""
