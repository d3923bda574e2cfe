"""The strict, frozen model of everything under `rules/`: it checks nothing; what builds it has checked it all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from cds.core.cases import Drugs
from cds.core.kinetics import Kinetics, Refused
from cds.core.medication import Agent, Medication
from cds.core.patient_sheet import SheetTexts
from cds.core.quantity import Quantity
from cds.core.tablets import Presentation
from cds.knowledge.files.drug_names import NO_STEMS, Stems
from cds.knowledge.model_parameters import EvidenceSource, Pace, Parameter
from cds.knowledge.position import Position
from cds.memo import Remembered

if TYPE_CHECKING:
    from cds.knowledge.files.adjuncts import Adjunct
    from cds.knowledge.files.alert_budget import AlertBudget
    from cds.knowledge.files.dosing import Dosing
    from cds.knowledge.files.naloxone import Naloxone
    from cds.knowledge.files.published_tapers import PublishedTaper
    from cds.knowledge.model_sites import Declining, Site


class FactType(StrEnum):
    """The types that a fact may have."""

    QUANTITY = "quantity"
    YES_NO = "yes_no"
    CHOICE = "choice"
    DATE = "date"
    TEXT = "text"
    """Only to be shown on a card; no rule may ask about it."""


class IfMissing(StrEnum):
    """What holds when the FHIR data behind a fact was not given. An assumption is a clinical decision."""

    UNKNOWN = "unknown"
    ASSUME_NO = "assume no"


@dataclass(frozen=True, slots=True)
class FactDefinition:
    """One word of the closed vocabulary."""

    name: str
    means: str
    type: FactType
    unit: str | None = None
    choices: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    if_missing: IfMissing = IfMissing.UNKNOWN
    because: str | None = None
    """Why an assumption may be made."""
    value_sets: tuple[str, ...] = ()
    """The value sets that answer it, for a fact that is a condition on record."""
    history: bool = False
    """Whether a resolved condition counts."""
    within: str | None = None
    """The parameter that says how old the evidence may be."""
    drug_groups: tuple[str, ...] = ()
    """The groups of `rules/drugs/other-drugs.csv` that answer it, for a fact about other drugs."""
    asked_by: str = "every rule"
    """`every rule`, or `advice rules` for what is decided only after the risk rules."""
    position: Position = Position("rules/vocabulary.yaml")


class Operator(StrEnum):
    """The operators, as words."""

    IS = "is"
    IS_ONE_OF = "is one of"
    AT_LEAST = "is at least"
    MORE_THAN = "is more than"
    AT_MOST = "is at most"
    LESS_THAN = "is less than"
    BETWEEN = "is between"
    """From the first to the second, both included."""


@dataclass(frozen=True, slots=True)
class ParameterName:
    """An operand that is the name of a parameter; its value depends on the day and the site."""

    name: str


Operand = Quantity | ParameterName | bool | str | date


@dataclass(frozen=True, slots=True)
class RuleCondition:
    """One question about one fact. `operands` holds one entry, two for `is between`, one or more for `is one of`."""

    fact: str
    operator: Operator
    operands: tuple[Operand, ...]
    position: Position = Position("-")


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which all, any or none must hold. Each list may be empty: then it asks nothing."""

    all: tuple[RuleCondition | Group, ...] = ()
    any: tuple[RuleCondition | Group, ...] = ()
    none: tuple[RuleCondition | Group, ...] = ()
    position: Position = Position("-")


@dataclass(frozen=True, slots=True)
class Because:
    """What supports a rule: a source of `evidence.yaml` (or `local default`), what it says, and how strongly."""

    cite: str
    says: str
    strength: str | None = None
    position: Position = Position("-")


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: facts given, and the answer expected: `card` or `found`, `nothing`, or `cannot tell`."""

    name: str
    given: Mapping[str, object]
    """Fact values as Decimal in the fact's unit, bool, or text."""
    expect: str
    because: str | None = None
    """The fact whose condition blocks a negative example, where the example names it."""
    position: Position = Position("-")


class Status(StrEnum):
    """How far a rule is released."""

    DRAFT = "draft"
    SILENT = "silent"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class RiskOutcome:
    """What a true risk asks for. `pace` is an id of `rules/paces.yaml`; `crossover` is `favours` or `against`.

    `danger` is what leads a card's summary in a few words, and `first` what to do about it before anything else. `short_supply`
    says that no more than a short supply is ordered at a time; `ask_first`, that none is before it is asked what is taken.
    """

    says: str
    pace: str | None = None
    pace_with_another_risk: str | None = None
    """Where one more risk of the patient's own is true."""
    crossover: str | None = None
    setting: str | None = None
    watch: str | None = None
    brief: str | None = None
    """The risk in a few words, as what speaks against a start."""
    instead: str | None = None
    """What to do in the place of a start, for this risk."""
    danger: str | None = None
    first: str | None = None
    short_supply: bool = False
    ask_first: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """The card of an advice rule: texts with `{{ fact }}` in them, and named builders of suggestions."""

    indicator: str
    summary: str
    detail: str
    suggest: tuple[str, ...] = ()
    if_we_cannot_tell: str | None = None
    override_reasons: tuple[str, ...] = ()
    raise_indicator: str | None = None
    """The indicator when `raise_when` holds."""
    raise_when: Group | None = None
    in_full: str | None = None
    """What stands behind the card: the long form of `detail`, None where it has none."""
    also: str | None = None
    """One line that says it on another card about the same order; None where that card says all of it."""
    only_alone: bool = False
    """Whether it is folded into any other card about the same order: all it would add is on that card already."""


class RuleKind(StrEnum):
    RISK = "risk"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Rule:
    """A risk or an advice rule. Exactly one of `outcome` (risk) and `card` (advice) is set."""

    kind: RuleKind
    id: str
    title: str
    status: Status
    version: int
    in_force_from: date
    in_force_to: date | None
    when: Group
    because: tuple[Because, ...]
    expect_false_alarms: tuple[str, ...]
    examples: tuple[Example, ...]
    hooks: tuple[str, ...] = ()
    about: str | None = None
    """Of a risk: `agent`, `indication`, `use` or `patient`."""
    outcome: RiskOutcome | None = None
    card: Card | None = None
    priority: int = 0
    """Of an advice rule: its place in `rules/advice/order.yaml`, most important first, from 0."""
    position: Position = Position("-")

    def in_force(self, day: date) -> bool:
        return self.in_force_from <= day and (self.in_force_to is None or day <= self.in_force_to)


@dataclass(frozen=True, slots=True)
class CodedValue:
    """One row of a value set."""

    system: str
    code: str
    display: str
    source: str


@dataclass(frozen=True, slots=True)
class Interaction:
    """A group of drugs that changes what an agent does: from `rules/drugs/interactions.yaml`."""

    group: str
    agents: frozenset[str] | None
    """None means all agents."""
    kind: str
    """`inhibitor`, `inducer`, `fluoroquinolone`."""
    says: str
    cite: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All rule files, tables and sources at one revision, a content hash of everything under the folder."""

    revision: str
    vocabulary: Mapping[str, FactDefinition]
    parameters: Mapping[str, Parameter]
    evidence: Mapping[str, EvidenceSource]
    paces: Mapping[str, Pace]
    rules: tuple[Rule, ...]
    agents: Mapping[str, Agent]
    medications: Mapping[tuple[str, str], Medication]
    """By (system, code)."""
    names: Mapping[str, Medication]
    """By a folded word: an ingredient or a brand."""
    interactions: tuple[Interaction, ...]
    value_sets: Mapping[str, tuple[CodedValue, ...]]
    stems: Stems = NO_STEMS
    """By which a name that no table holds shows that it is of a benzodiazepine or Z-drug."""
    codes: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """The value sets that each (system, code) is in."""
    dosing: Dosing = field(kw_only=True)
    """What the words and codes of a dosage mean."""
    override_reasons: Mapping[str, CodedValue] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    """Other texts that a card shows, from `rules/texts.yaml`: what to expect, when to pause, what helps."""
    presentations: Mapping[str, tuple[Presentation, ...]] = field(default_factory=dict)
    """What can be dispensed, by agent."""
    taken_at_night: frozenset[str] = frozenset()
    """The agents that are hypnotics: one dose, at night."""
    naloxone: Naloxone | None = None
    """What is offered where an opioid is taken too, from `rules/drugs/naloxone.yaml`."""
    adjuncts: tuple[Adjunct, ...] = ()
    published_tapers: tuple[PublishedTaper, ...] = ()
    """What may help alongside a taper, and what must not be used."""
    pharmacokinetics: Mapping[str, Kinetics | Refused] = field(default_factory=dict)
    """How each agent is taken up and cleared, or why no curve is drawn of it."""
    sheets: Mapping[str, SheetTexts] = field(default_factory=dict)
    """The texts of the patient's sheet, by language."""
    alert_budget: AlertBudget | None = None
    """How many cards for every 100 orders are too many, from `rules/alert-budget.yaml`."""
    declining: Declining | None = None
    """After which reasons a declined card comes back as one line, and what brings it back in full."""
    sites: Mapping[str, Site] = field(default_factory=dict)
    """What each site changed, by its id; not applied here: see `cds.knowledge.site_overlay.site`."""
    equivalence_sources: tuple[str, ...] = ()
    """The sources of equivalents that are read first; the others where none of these lists an agent."""
    rules_by_id: Mapping[str, Rule] = field(init=False, repr=False)
    drugs: Drugs = field(init=False, repr=False)
    """What the tables tell of agents and of the drugs that matter to them, as the core asks for it."""
    remembered: Remembered = field(init=False, repr=False, compare=False, default_factory=Remembered)
    """What was worked out with this revision: its plans, templates and days."""
    readings: Remembered = field(init=False, repr=False, compare=False, default_factory=Remembered)
    """What parts of records were read as. Apart, so that a flood of new directions drives out nothing else."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules_by_id", {rule.id: rule for rule in self.rules})
        object.__setattr__(
            self,
            "drugs",
            Drugs(
                self.agents,
                {a: self._acting_on(a) for a in self.agents},
                self._triggers(),
                self.presentations,
                self.taken_at_night,
            ),
        )

    def _acting_on(self, agent: str) -> Mapping[str, frozenset[str]]:
        acting = [each for each in self.interactions if each.agents is None or agent in each.agents]
        return {kind: frozenset(each.group for each in acting if each.kind == kind) for kind in {each.kind for each in acting}}

    def _triggers(self) -> frozenset[str]:
        """The groups of other drugs that a fact about what is ordered with this call asks for, and those that interact."""
        asked = (word.drug_groups for name, word in self.vocabulary.items() if name.endswith(("_started", "_ordered")))
        return frozenset(group for groups in asked for group in groups) | {each.group for each in self.interactions}

    def risks(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.kind is RuleKind.RISK)

    def advice(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.kind is RuleKind.ADVICE)

    def value(self, parameter: str, day: date) -> Decimal:
        """The parameter's amount in its unit on that day. Refuses: a parameter with no edition in force."""
        edition = self.parameters[parameter].on(day)
        if edition is None or not isinstance(edition.value, Quantity):
            raise KeyError(f"parameter {parameter} has no amount in force on {day.isoformat()}")
        return edition.value.value

    def amounts(self, day: date) -> Mapping[str, Decimal]:
        """Every parameter's amount on that day, by name, each in its own unit; those with no edition in force are left out."""
        return self.remembered.recall(("amounts", day), lambda: self._amounts(day))

    def _amounts(self, day: date) -> dict[str, Decimal]:
        editions = {name: parameter.on(day) for name, parameter in self.parameters.items()}
        return {name: each.value.value for name, each in editions.items() if each and isinstance(each.value, Quantity)}

    def named(self, parameter: str, day: date) -> str:
        """The name that a parameter of unit `name` holds on that day. Refuses: one with no edition in force."""
        edition = self.parameters[parameter].on(day)
        if edition is None or not isinstance(edition.value, str):
            raise KeyError(f"parameter {parameter} has no name in force on {day.isoformat()}")
        return edition.value

    def rule(self, id: str, kind: RuleKind | None = None) -> Rule:
        """The rule of that id. A risk and an advice rule may share one; without a kind, the advice rule is meant."""
        found = self.rules_by_id[id]
        if kind is None or found.kind is kind:
            return found
        return next(rule for rule in self.rules if (rule.kind, rule.id) == (kind, id))
