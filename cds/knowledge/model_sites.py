"""What a site may say otherwise, as the rule book holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from cds.core.fact_comparison import FactComparison
from cds.core.quantity import Quantity
from cds.knowledge.position import Position


@dataclass(frozen=True)
class Declining:
    """What shortens a card: the parameter of days by override reason, and of what was left; by fact how it is compared."""

    days: Mapping[str, str]
    left: str | None
    """For a card of a chart that was opened and left without an answer."""
    ways: Mapping[str, FactComparison]


@dataclass(frozen=True, slots=True)
class Approval:
    """Why a site changed something, who approved it, and until which day that holds."""

    because: str
    approved_by: str
    review_by: date
    position: Position


@dataclass(frozen=True, slots=True)
class MovedParameter:
    """A parameter's value at a site, from a day on."""

    since: date
    value: Quantity | str
    approval: Approval


@dataclass(frozen=True, slots=True)
class ChosenSources:
    """The sources of diazepam equivalents that a site reads."""

    sources: tuple[str, ...]
    approval: Approval


@dataclass(frozen=True, slots=True)
class SilencedRule:
    """A rule that runs and is logged and is not shown: until a day, or always where `until` is None."""

    until: date | None
    approval: Approval

    def on(self, day: date) -> bool:
        return self.until is None or day < self.until


@dataclass(frozen=True, slots=True)
class SignOff:
    """A local default that a site's clinicians took on: of a rule at one version, or of a parameter at one value."""

    on: date
    approval: Approval
    version: int | None = None
    value: Quantity | str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason to set a card aside in the site's own words; with none, it is on no card there. Its code stays."""

    display: str | None
    approval: Approval


@dataclass(frozen=True, slots=True)
class Site:
    """One file of `rules/sites/`. Rules are named by kind and id, such as `advice/cut-too-fast`."""

    id: str
    title: str
    active: bool
    position: Position
    parameters: Mapping[str, MovedParameter] = field(default_factory=dict)
    equivalence: ChosenSources | None = None
    quiet: Mapping[str, SilencedRule] = field(default_factory=dict)
    signed_off: Mapping[str, SignOff] = field(default_factory=dict)
    override_reasons: Mapping[str, Reason] = field(default_factory=dict)

    def approvals(self) -> Iterator[tuple[str, Approval]]:
        """Every change with its approval, by what was changed."""
        for changes in (self.parameters, self.quiet, self.signed_off, self.override_reasons):
            for name, change in changes.items():
                yield name, change.approval
        if self.equivalence:
            yield "equivalence_source", self.equivalence.approval
