"""Drugs: the agents that a taper is about, and one medication as an order names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from cds.core.quantity import Range


class AgentKind(StrEnum):
    """Whether an agent is a benzodiazepine or a Z-drug."""

    BENZODIAZEPINE = "benzodiazepine"
    Z_DRUG = "z-drug"

    def covers(self, other: AgentKind) -> bool:
        """Whether it acts where the other does, so that it can take its place: a Z-drug can't take a benzodiazepine's."""
        return self is other or self is AgentKind.BENZODIAZEPINE


class DurationClass(StrEnum):
    """How long an agent acts, active metabolites included, from the agents table."""

    ULTRA_SHORT = "ultra-short"
    SHORT = "short"
    SHORT_INTERMEDIATE = "short-intermediate"
    INTERMEDIATE = "intermediate"
    INTERMEDIATE_LONG = "intermediate-long"
    LONG = "long"


class Form(StrEnum):
    """A dose form, as far as it matters to what a dose is counted in."""

    TABLET = "tablet"
    CAPSULE = "capsule"
    ODT = "orally disintegrating tablet"
    SUBLINGUAL = "sublingual tablet"
    FILM = "film"
    LIQUID = "liquid"
    ORAL_SPRAY = "oral spray"
    INJECTION = "injection"
    RECTAL = "rectal"
    NASAL = "nasal"
    BUCCAL = "buccal"
    OTHER = "other"


class Certainty(StrEnum):
    """What told which drug is meant, most certain first."""

    PRODUCT = "product code"
    INGREDIENT = "ingredient code"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Equivalent:
    """How many mg of an agent one source holds equal to 10 mg of oral diazepam, as a range."""

    source: str
    low: Decimal
    high: Decimal
    origin: str


@dataclass(frozen=True, slots=True)
class DoseBands:
    """The guideline's own bands of an agent's daily dose. Units: mg a day."""

    low_up_to: Decimal
    high_above: Decimal
    cite: str


@dataclass(frozen=True, slots=True)
class LabelLimit:
    """The most a day that the label begins with, of plain and of extended-release products; for whom, where not for all.

    Units: mg a day; years.
    """

    mg: Decimal
    extended_release_mg: Decimal | None
    sex: str | None
    from_age: Decimal | None
    cite: str


@dataclass(frozen=True, slots=True)
class Agent:
    """A benzodiazepine or Z-drug, from `rules/drugs/agents.yaml`.

    `equivalents` is empty where no source converts the agent (`not_converted`).
    Units: steps in mg, half-lives in hours.
    """

    name: str
    kind: AgentKind
    duration: DurationClass
    high_potency: bool
    glucuronidated_only: bool
    enzymes: frozenset[str]
    equivalents: tuple[Equivalent, ...]
    smallest_solid_step: Decimal | None
    smallest_liquid_step: Decimal | None
    highest_labelled_daily_dose: Decimal | None = None
    other_equivalents: tuple[Equivalent, ...] = ()
    """Rows of sources that are not read, for a site that chooses one of them."""
    antiseizure: bool = False
    """Whether it is taken for epilepsy for good, above all."""
    label_limits: tuple[LabelLimit, ...] = ()
    """Empty where the label sets no limit by age or sex."""
    bands: DoseBands | None = None
    """None where the guideline names no figures for it: its dose is banded by `guideline_equivalent`."""
    guideline_equivalent: Equivalent | None = None
    """What the guideline holds equal; where it doesn't list the agent, the first of the sources that are read first."""
    equal_to_table_dose: Range | None = field(init=False, repr=False, compare=False)
    """The least and the most of it, in mg, that a source holds equal to the dose of diazepam of the equivalents table."""

    def __post_init__(self) -> None:
        held = self.equivalents
        equal = Range(min(row.low for row in held), max(row.high for row in held)) if held else None
        object.__setattr__(self, "equal_to_table_dose", equal)

    @property
    def long_acting(self) -> bool:
        """Of long duration, metabolites included, so that one or two doses a day last."""
        return self.duration in {DurationClass.INTERMEDIATE_LONG, DurationClass.LONG}

    @property
    def short_acting(self) -> bool:
        """Of short or intermediate duration, so that withdrawal starts in 1 to 2 days."""
        return self.duration in {
            DurationClass.ULTRA_SHORT,
            DurationClass.SHORT,
            DurationClass.SHORT_INTERMEDIATE,
            DurationClass.INTERMEDIATE,
        }


@dataclass(frozen=True, slots=True)
class Medication:
    """One medication as a resource names it.

    `agent` is a name in the agents table, or None for any other drug; `groups` are the interaction groups of
    `rules/drugs/other-drugs.csv` that it belongs to. `strength` is mg of the agent in one tablet, capsule or film;
    `concentration` is mg in one mL. Either is None where the code or the words don't say.
    `out_of_scope` says why an order of it gets no taper advice (injection, rectal, nasal, buccal).
    """

    name: str
    agent: str | None
    groups: frozenset[str] = field(default_factory=frozenset)
    ingredients: tuple[str, ...] = ()
    strength: Decimal | None = None
    concentration: Decimal | None = None
    form: Form | None = None
    extended_release: bool = False
    code: str | None = None
    certainty: Certainty = Certainty.WORDS
    out_of_scope: str | None = None

    def __hash__(self) -> int:
        """By what tells nearly all medications apart; equality looks at everything."""
        return hash((self.name, self.agent, self.strength, self.concentration))
