"""Plans: dated steps of doses that existing tablets deliver, or the reason why there is none and what can be done instead."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Any, TypeVar

from cds.core.cuts import PercentOf
from cds.core.period import on_a_working_day
from cds.core.quantity import Range, plain
from cds.core.regimen import DayTime
from cds.core.tablets import Fit, Presentation, in_mg

Made = TypeVar("Made")


class PlanKind(StrEnum):
    """Whether a plan lowers the agent that is taken, or exchanges it for another first."""

    DIRECT = "direct"
    CROSSOVER = "crossover"


@dataclass(frozen=True, slots=True)
class TaperPace:
    """One pace as numbers. Units: cuts in percent, intervals in days.

    A step cuts about `cut` of its basis, or `cut_of_start` of the dose at the start where that is more; the first step about
    `first_cut`. It lasts `interval`; one that cuts more than `longer_above`, and more than a small step, `longer_interval`.
    `longest_interval` is the longest that a patient may choose throughout.
    """

    pace: str
    cut: Decimal
    interval: int
    basis: PercentOf = PercentOf.CURRENT
    first_cut: Decimal | None = None
    cut_of_start: Decimal | None = None
    longer_above: Decimal | None = None
    longer_interval: int | None = None
    longest_interval: int | None = None
    by_strengths: bool = False
    """Whether steps are strengths and scored halves whatever the dose is equal to: one hypnotic dose at night."""
    finer: bool = False
    """Whether a liquid may make a step that tablets would make larger than the pace aims at: after one that was not borne."""
    compounded: bool = False
    """Whether a liquid that only a pharmacy prepares may be used where nothing else can follow."""


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What holds for every plan, from `rules/parameters/`. Units: percent, mg of diazepam a day, days."""

    largest_cut_in_two_weeks: Decimal
    free_cut: Decimal
    """Where tablets make it, a step may be this large at any pace."""
    small_step_limit: Decimal
    small_step: Decimal
    """At or below the limit a step is at most this, or one smallest step of tablets where that is more."""
    no_plan_above: Decimal
    dispensing_interval: int
    longest_plan: int
    """A plan that would take longer is not drawn up."""
    second_strength_saves: Decimal
    """How many tablets a day a second strength has to save."""
    most_tablets: Decimal
    """In one dose, where the patient does not take more already."""
    twice_a_day_from: Decimal
    """A long-acting agent is taken at most twice a day from this daily dose down."""
    ends_from: Decimal
    """Where nothing smaller is sold than one dose, up to this much may be stopped at once; a hypnotic's strength always."""
    once_at_night_from: Decimal
    """A long-acting agent is taken once, at night, from this daily dose down."""


@dataclass(frozen=True, slots=True)
class TabletCount:
    """How many of one presentation are taken at one time of day. Units: tablets, capsules or films; mL of a liquid."""

    presentation: Presentation
    time: DayTime
    count: Decimal


@dataclass(frozen=True, slots=True)
class AgentDose:
    """What is taken of one agent on each day of a step. `times` in mg; times at which nothing is taken are left out."""

    agent: str
    times: Mapping[DayTime, Decimal]
    amounts: tuple[TabletCount, ...]

    @property
    def daily(self) -> Decimal:
        """mg a day."""
        return sum(self.times.values(), Decimal(0))


@dataclass(frozen=True, slots=True)
class PlannedSupply:
    """What to dispense from one day on for some days: whole tablets by presentation, mL of a liquid."""

    start: date
    days: int
    items: tuple[tuple[Presentation, Decimal], ...]


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One dose, from when, and for how many days.

    `doses` has one entry an agent; in the last step, of 0, an agent with no times. The days of that step are the
    pace's interval: how long to watch after the last dose.
    `equivalent` is in mg of oral diazepam a day; `cut` in percent of the step before, at the low end of that range where
    two agents are taken, else in mg of the agent. `review` is the day to look at how a change of agent is borne.
    """

    start: date
    days: int
    doses: tuple[AgentDose, ...]
    equivalent: Range
    cut: Decimal
    below_small_step_limit: bool
    supplies: tuple[PlannedSupply, ...]
    review: date | None = None

    @property
    def daily(self) -> Decimal:
        """mg a day of the agent. Refuses: a step with more than one."""
        (dose,) = self.doses
        return dose.daily


@dataclass(frozen=True, slots=True)
class Plan:
    """A taper to 0. `ends` is the day on which the dose becomes 0, and starts the last step. `notes` are for the prescriber."""

    kind: PlanKind
    agent: str
    """What is taken now."""
    target: str
    """What the last steps lower: of a direct plan the same agent."""
    pace: TaperPace
    steps: tuple[PlanStep, ...]
    notes: tuple[str, ...] = ()
    _made: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, make: Callable[..., Made], *arguments: Hashable) -> Made:
        """What is made of the plan and nothing but the arguments, made the first time. Shared: it must not be changed."""
        question = (make, arguments)
        if question not in self._made:
            self._made[question] = make(self, *arguments)
        made: Made = self._made[question]
        return made

    @property
    def start(self) -> date:
        return self.steps[0].start

    @property
    def ends(self) -> date:
        return self.steps[-1].start

    @property
    def lengths(self) -> tuple[int, int]:
        """Days from the first step to 0: of this plan, and at the longest interval that the patient may choose throughout."""
        lowering = [step for step in self.steps if len(step.doses) == 1 and step.cut > 0] or list(self.steps)
        before, own = (lowering[0].start - self.start).days, (self.ends - self.start).days
        longest = self.pace.longest_interval or self.pace.interval
        return own, max(own, before + (len(lowering) - 1) * longest)

    def reviews(self, every: int) -> tuple[date, ...]:
        """The working days before the end on which the whole plan is looked at anew: one every so many days."""
        found = (on_a_working_day(self.start + timedelta(days=days)) for days in range(every, self.lengths[0], every))
        return tuple(day for day in found if day < self.ends)


class InsteadKind(StrEnum):
    """What can be done where no plan can be drawn up."""

    LIQUID = "liquid"
    CROSSOVER = "crossover"
    IMMEDIATE_RELEASE = "immediate release"
    SPECIALIST = "specialist"
    HOLD = "hold"
    SETTLE = "settle on one agent"
    DIRECT = "direct taper"
    BRIEF = "brief taper"


@dataclass(frozen=True, slots=True)
class Instead:
    """One thing to do instead, in a sentence."""

    kind: InsteadKind
    says: str


@dataclass(frozen=True, slots=True)
class NoPlan:
    """Why no plan was drawn up, in a sentence, and what can be done instead.

    `follows_to` is the lowest dose in mg a day that tablets reach at this pace, where they reach any.
    """

    reason: str
    instead: tuple[Instead, ...]
    follows_to: Decimal | None = None


def no_steps(pace: str, who: str) -> NoPlan | None:
    """What to do at a pace without steps, specialist or hold, and None for any other. `who` is whom to involve."""
    if pace == "specialist":
        says = f"Involve {who} before any cut. Until then keep the dose as it is: don't cut it, don't stop it, don't switch it."
        return NoPlan("At this pace no plan is drawn up automatically.", (Instead(InsteadKind.SPECIALIST, says),))
    if pace == "hold":
        says = "Keep the dose as it is for now: don't cut it, don't stop it, don't switch it. Treat what is urgent first."
        return NoPlan("The taper is on hold.", (Instead(InsteadKind.HOLD, says),))
    return None


def above_highest(equivalent: Decimal, limits: PlanLimits) -> NoPlan:
    """Why a dose above the largest published start gets no plan."""
    reason = (
        f"The dose is equal to up to {plain(equivalent)} mg of diazepam a day; above {plain(limits.no_plan_above)} mg, the "
        "largest start of a published schedule, no plan is drawn up."
    )
    says = "Involve a specialist, and consider inpatient care. Until then keep the dose as it is: don't cut it, don't stop it."
    return NoPlan(reason, (Instead(InsteadKind.SPECIALIST, says),))


def agent_dose(agent: str, times: Mapping[DayTime, int], fit: Fit | None) -> AgentDose:
    """The dose in mg and tablets."""
    amounts = tuple(TabletCount(one, time, _plain_count(count)) for one, time, count in fit.counts) if fit else ()
    return AgentDose(agent, {time: in_mg(times[time]) for time in DayTime if times.get(time)}, amounts)


def _plain_count(count: Decimal) -> Decimal:
    return count.quantize(Decimal(1)) if count == count.to_integral_value() else count.normalize()


def plan_step(
    start: date,
    days: int,
    doses: tuple[AgentDose, ...],
    equivalent: Range,
    cut: Decimal,
    small: bool,
    dispensing_interval: int,
    review: date | None = None,
) -> PlanStep:
    """A step with what to dispense for it, no more than the dispensing interval at a time."""
    supplies = []
    for first in range(0, days, dispensing_interval):
        many = min(dispensing_interval, days - first)
        items = _dispensed(doses, many)
        if items:
            supplies.append(PlannedSupply(start + timedelta(days=first), many, items))
    return PlanStep(start, days, doses, equivalent, cut, small, tuple(supplies), review)


def _dispensed(doses: Iterable[AgentDose], days: int) -> tuple[tuple[Presentation, Decimal], ...]:
    a_day: dict[Presentation, Decimal] = {}
    for dose in doses:
        for amount in dose.amounts:
            a_day[amount.presentation] = a_day.get(amount.presentation, Decimal(0)) + amount.count
    return tuple((one, (count * days).to_integral_value(ROUND_CEILING)) for one, count in a_day.items())
