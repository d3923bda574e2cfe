"""Exposure: for how long, how often and how much a drug of one kind was taken, and how earlier use ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise

from cds.core.period import Period, days_covered, joined, last_days, shifted, written
from cds.core.quantity import Range
from cds.core.record import Supply
from cds.core.supplies import DISPENSE, Stretch, SupplyLimits, stretches

YEAR = 365
EVERY_DAY = Decimal(7)


@dataclass(frozen=True, slots=True)
class ExposureLimits(SupplyLimits):
    """How use is told from supplies.

    `abrupt_stop_use`: the shortest daily use, in days, whose end at once is an abrupt stop. `taper_before_stop`: a dose below
    the usual one in this many last days means that it was tapered. `unstated_supply`: for how many days a supply of unknown
    length may have lasted.
    """

    abrupt_stop_use: int
    taper_before_stop: int
    unstated_supply: int

    @classmethod
    def of(cls, amounts: Mapping[str, Decimal]) -> ExposureLimits:
        """The limits among the parameters of a day, each under its own name in its own unit."""
        return cls(
            episode_gap=int(amounts["episode_gap"]),
            most_stockpile=int(amounts["most_stockpile"]),
            fewest_fills=int(amounts["fewest_fills"]),
            sparse_cover=amounts["sparse_cover"],
            stale_supply=int(amounts["start_lookback"]),
            abrupt_stop_use=int(amounts["abrupt_stop_use"]),
            taper_before_stop=int(amounts["taper_before_stop"]),
            unstated_supply=int(amounts["unstated_supply"]),
        )


@dataclass(frozen=True, slots=True)
class TakenDose:
    """What was taken on each day of a period, by agent: mg a day, None where no dose could be read.

    `at_least` names the agents of which some dose could not be read. `days_a_week` is on how many days something was taken.
    """

    period: Period
    mg: Mapping[str, Range | None]
    at_least: frozenset[str]
    days_a_week: Decimal


@dataclass(frozen=True, slots=True)
class Episode:
    """Use without a break longer than the episode gap. `days` counts those on which a drug was in hand.

    `known` is false where a supply of unknown length is part of it, so that it may have been longer.
    """

    period: Period
    days: int
    days_a_week: Decimal
    doses: tuple[TakenDose, ...]
    sources: tuple[str, ...]
    as_needed: bool
    known: bool


@dataclass(frozen=True, slots=True)
class Exposure:
    """Use of the agents of one kind up to a day, that day not included: agents that follow each other are one exposure.

    Units: lengths in days, doses in mg of the agent a day. `in_hand` is when a drug was in hand. `use_length` is 0 where
    nothing is taken now, and a lower bound where `length_unknown`, or where only the month or year of its start is known
    (`since_earlier`). `highest` is the highest daily dose of the last year by agent, a lower bound for the agents in `at_least`;
    `now` is the dose of the day itself. `last_supply_end` and `days_without_supply` are None where no supply says how long it
    lasts. `abrupt_stops` counts ends of daily use at once; `unclear_stops` those where a dose that it takes could not be read.
    """

    day: date
    in_hand: tuple[Period, ...] = ()
    episodes: tuple[Episode, ...] = ()
    current: Episode | None = None
    use_length: int = 0
    length_unknown: bool = False
    since_earlier: bool = False
    highest: Mapping[str, Range | None] = field(default_factory=dict)
    at_least: frozenset[str] = frozenset()
    now: Mapping[str, Range | None] = field(default_factory=dict)
    last_supply_end: date | None = None
    days_without_supply: int | None = None
    abrupt_stops: int = 0
    unclear_stops: int = 0
    evidence: str = ""

    @property
    def days_a_week(self) -> Decimal | None:
        """On how many days of a week it is taken in the current episode; None where there is none."""
        return self.current.days_a_week if self.current else None

    @property
    def sources(self) -> tuple[str, ...]:
        """The resources that the current use rests on, else those of the last."""
        last = self.current or (self.episodes[-1] if self.episodes else None)
        return last.sources if last else ()

    @property
    def first(self) -> date | None:
        return self.episodes[0].period.start if self.episodes else None

    @property
    def last(self) -> date | None:
        """The day after the last one on which a drug was in hand."""
        return self.episodes[-1].period.until if self.episodes else None

    def covered(self, window: int) -> int:
        """Days of the window before the day on which a drug was in hand. Units: days."""
        return days_covered(self.in_hand, last_days(self.day, window))


def exposure(supplies: Iterable[Supply], day: date, limits: ExposureLimits) -> Exposure:
    """The use that the supplies of one kind of drug prove up to the day.

    Each supply counts once, early refills are stacked, breaks up to the episode gap are bridged; supplies of a later day don't
    count. Units: as in `Exposure`.
    """
    found = stretches(supplies, day, limits)
    if not found:
        return Exposure(day)
    episodes = _episodes(found, day, limits)
    current = episodes[-1] if (day - episodes[-1].period.until).days <= limits.episode_gap else None
    past = episodes[:-1] if current else episodes
    doses = [dose for episode in episodes for dose in episode.doses]
    highest, at_least = _highest(doses, last_days(day, YEAR))
    ends = _last_supply_end(found, day)
    stops = [_abrupt_stop(episode, limits) for episode in past]
    return Exposure(
        day=day,
        in_hand=joined(stretch.period for stretch in found),
        episodes=episodes,
        current=current,
        use_length=(min(day, current.period.until) - current.period.start).days if current else 0,
        length_unknown=_length_unknown(current, past, day, limits.unstated_supply),
        since_earlier=current is not None and _since_earlier(found, current),
        highest=highest,
        at_least=at_least,
        now=next((dose.mg for dose in doses if day in dose.period), {}),
        last_supply_end=ends,
        days_without_supply=None if ends is None else max((day - ends).days, 0),
        abrupt_stops=stops.count(True),
        unclear_stops=stops.count(None),
        evidence=_evidence(found, episodes, current, day),
    )


def _length_unknown(current: Episode | None, past: Sequence[Episode], day: date, unstated_supply: int) -> bool:
    """Whether a supply of unknown length, had it lasted as long as it may have, would make the current use longer."""
    if current and not current.known and current.period.until < day:
        return True
    since = current.period.start if current else day
    return bool(past) and not past[-1].known and (since - past[-1].period.until).days < unstated_supply


def _since_earlier(found: Iterable[Stretch], current: Episode) -> bool:
    return any(stretch.since_earlier and stretch.period.start == current.period.start for stretch in found)


def _last_supply_end(found: Sequence[Stretch], day: date) -> date | None:
    """When the last of what was prescribed or dispensed runs out; None where that can't be told."""
    held = [stretch for stretch in found if not stretch.stated]
    ends = [(stretch.lasts_until, stretch.period.start) for stretch in held if stretch.lasts_until]
    if not ends:
        return None
    last, began = max(ends)
    untold = (stretch for stretch in held if stretch.lasts_until is None or not stretch.known)
    if last < day and any(stretch.open_ended or stretch.period.start >= began for stretch in untold):
        return None
    return last


# Episodes -------------------------------------------------------------------------------------------------------------


def _episodes(found: Sequence[Stretch], day: date, limits: ExposureLimits) -> tuple[Episode, ...]:
    tomorrow = shifted(day, 1)
    periods = [Period(stretch.period.start, min(stretch.period.until, tomorrow)) for stretch in found]
    result = []
    for episode in joined(periods, limits.episode_gap):
        own = [stretch for stretch in found if stretch.period.start in episode]
        doses = tuple(_doses(own, tomorrow, limits.most_stockpile))
        days = sum(dose.period.days for dose in doses)
        result.append(
            Episode(
                period=episode,
                days=days,
                days_a_week=sum((dose.days_a_week * dose.period.days for dose in doses), Decimal(0)) / days,
                doses=doses,
                sources=tuple(dict.fromkeys(source for stretch in own for source in stretch.sources)),
                as_needed=all(stretch.as_needed for stretch in own),
                known=all(stretch.known for stretch in own),
            )
        )
    return tuple(result)


def _doses(own: Sequence[Stretch], tomorrow: date, most_stockpile: int) -> list[TakenDose]:
    """What was taken on each day of the stretches, which are in the order of their start."""
    replaced = _replaced(own, most_stockpile)
    edges = {edge for stretch in own for edge in (stretch.period.start, min(stretch.period.until, tomorrow))}
    edges.update(replaced.values())
    coming, active = list(reversed(own)), list[Stretch]()
    result: list[TakenDose] = []
    for start, until in pairwise(sorted(edges)):
        while coming and coming[-1].period.start <= start:
            active.append(coming.pop())
        active = [stretch for stretch in active if stretch.period.until > start]
        if active:
            _append(result, _taken(active, Period(start, until), replaced))
    return result


def _append(doses: list[TakenDose], dose: TakenDose) -> None:
    last = doses[-1] if doses else dose
    same = (last.mg, last.at_least, last.days_a_week) == (dose.mg, dose.at_least, dose.days_a_week)
    if doses and same and last.period.until == dose.period.start:
        period = Period(last.period.start, dose.period.until)
        doses[-1] = TakenDose(period, dose.mg, dose.at_least, dose.days_a_week)
    else:
        doses.append(dose)


def _replaced(own: Sequence[Stretch], most_stockpile: int) -> dict[Stretch, date]:
    """Since when another stretch of the same agent has taken over from one.

    One that begins while another runs takes over from it where the other would have ended soon, like a refill at a new dose
    that is fetched early; where they run beside each other for longer, or from the same day, both are taken.
    """
    result: dict[Stretch, date] = {}
    for place, earlier in enumerate(own):
        if earlier.open_ended:
            continue
        for later in own[place + 1 :]:
            if later.period.start >= earlier.period.until:
                break
            left = (earlier.period.until - later.period.start).days
            follows = (
                later.agent == earlier.agent and later.period.start > earlier.period.start and later.stated == earlier.stated
            )
            if follows and left <= most_stockpile and later.period.until >= earlier.period.until:
                result[earlier] = later.period.start
                break
    return result


def _taken(active: Sequence[Stretch], period: Period, replaced: Mapping[Stretch, date]) -> TakenDose:
    by_agent: dict[str, list[Stretch]] = {}
    for stretch in active:
        by_agent.setdefault(stretch.agent, []).append(stretch)
    mg: dict[str, Range | None] = {}
    at_least: set[str] = set()
    days_a_week = Decimal(0)
    for agent, those in sorted(by_agent.items()):
        # What is only said to be taken adds nothing to what was prescribed or dispensed of the same agent.
        held = [stretch for stretch in those if not stretch.stated] or those
        taken = [stretch for stretch in held if replaced.get(stretch, date.max) > period.start]
        known = [stretch.mg for stretch in taken if stretch.mg is not None]
        mg[agent] = sum(known[1:], known[0]) if known else None
        if len(known) < len(taken):
            at_least.add(agent)
        days_a_week += max(stretch.days_a_week for stretch in held)
    return TakenDose(period, mg, frozenset(at_least), min(days_a_week, EVERY_DAY))


def _highest(doses: Iterable[TakenDose], window: Period) -> tuple[dict[str, Range | None], frozenset[str]]:
    highest: dict[str, Range | None] = {}
    at_least: set[str] = set()
    for dose in doses:
        if dose.period.start > window.until or dose.period.until <= window.start:
            continue
        at_least |= dose.at_least
        for agent, mg in dose.mg.items():
            so_far = highest.get(agent)
            highest[agent] = mg if so_far is None or (mg is not None and mg.high > so_far.high) else so_far
    return highest, frozenset(at_least)


# How earlier use ended ------------------------------------------------------------------------------------------------


def _abrupt_stop(episode: Episode, limits: ExposureLimits) -> bool | None:
    """Whether daily use of weeks ended without a lower dose before; None where a dose that it takes could not be read."""
    daily = episode.days_a_week >= EVERY_DAY and not episode.as_needed
    if not daily or not episode.known or episode.days < limits.abrupt_stop_use:
        return False
    final = last_days(episode.period.until, limits.taper_before_stop)
    last = [dose for dose in episode.doses if dose.period.within(final)]
    agents = {agent for dose in last for agent in dose.mg}
    if any(_lowered(episode.doses, last, agent) for agent in agents):
        return False
    unread = any(agent in dose.at_least for dose in episode.doses for agent in agents)
    return None if unread else True


def _lowered(doses: Iterable[TakenDose], last: Iterable[TakenDose], agent: str) -> bool:
    """Whether some dose of the last ones is below the dose that was taken on most days; of several such, the highest."""
    days: dict[Decimal, int] = {}
    for dose in doses:
        if (mg := dose.mg.get(agent)) is not None:
            days[mg.high] = days.get(mg.high, 0) + dose.period.days
    usual = max(days, key=lambda high: (days[high], high), default=None)
    return usual is not None and any(mg.high < usual for dose in last if (mg := dose.mg.get(agent)) is not None)


# In words -------------------------------------------------------------------------------------------------------------


def _evidence(found: Sequence[Stretch], episodes: Sequence[Episode], current: Episode | None, day: date) -> str:
    if current is None:
        return f"Last in hand on {written(shifted(episodes[-1].period.until, -1))}"
    own = [stretch for stretch in found if stretch.period.start in current.period]
    dispensed = [spell for stretch in own if stretch.kind == DISPENSE for spell in stretch.spells]
    prescribed = [stretch.period.start for stretch in own if stretch.kind != DISPENSE and not stretch.stated]
    said = [stretch.period.start for stretch in own if stretch.stated]
    since = current.period.start
    if dispensed:
        window = Period(min(dispensed).start, day)
        text = (
            f"Supplied on {days_covered(dispensed, window)} of the last {window.days} days" if window.days else "Supplied today"
        )
        if window.start == since:
            return text
        return f"{text}, {'prescribed' if since in prescribed else 'listed as taken'} since {written(since)}"
    if prescribed:
        earlier = f", listed as taken since {written(since)}" if min(prescribed) > since else ""
        return f"Prescribed since {written(min(prescribed))}{earlier}, no dispense on record"
    return f"Listed as taken since {written(min(said))}, no prescription or dispense on record"
