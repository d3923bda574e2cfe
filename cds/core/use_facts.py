"""Facts about use so far: for how long, how often, how much, and how it ended before."""

from __future__ import annotations

from decimal import Decimal

from cds.core.cases import Case
from cds.core.equivalence import equivalent_sum
from cds.core.exposure import YEAR
from cds.core.facts import Fact, Known, Unknown
from cds.core.order_facts import without_supply
from cds.core.period import Period, last_days

UNSTATED = "a supply on record does not say for how long it lasted, so it could not be told for how long it was taken"
STOPPED = "so it may have been stopped already, and for how long it was taken could not be told"
MONTH_ONLY = "only the month or year of its start is on record, so it could not be told for how long it was taken"
UNDATED = "it could not be told since when it is taken"


def use_length(case: Case) -> Fact:
    """Days of use without a break up to today; 0 where nothing of its kind is taken."""
    exposure, taking = case.exposure, case.situation.taking
    if exposure.length_unknown and exposure.use_length < case.amounts["long_use"]:
        return Unknown(UNSTATED, exposure.sources)
    if exposure.since_earlier and exposure.use_length < case.amounts["long_use"]:
        return Unknown(MONTH_ONLY, exposure.sources)
    if taking is None and not case.situation.switched_from:
        return Known(Decimal(exposure.use_length), exposure.evidence or "nothing on record", exposure.sources)
    if exposure.use_length == 0:
        gap = without_supply(case)
        said = f"no supply for {gap.value} days, {STOPPED}" if isinstance(gap, Known) and gap.value else UNDATED
        return Unknown(said, taking.sources if taking else ())
    longer = exposure.length_unknown or exposure.since_earlier
    said = f"{exposure.evidence}; it may be longer" if longer else exposure.evidence
    return Known(Decimal(exposure.use_length), said, exposure.sources)


def days_a_week(case: Case) -> Fact:
    """On how many days of a week it is taken."""
    exposure, taking = case.exposure, case.situation.taking
    if exposure.use_length > 0 and exposure.days_a_week is not None:
        return Known(exposure.days_a_week, "", exposure.sources)
    if taking is None:
        return Known(Decimal(0), "nothing is taken")
    return Unknown(UNDATED, taking.sources)


def covered(case: Case, window: int) -> Fact:
    """Days of the window before today on which the patient had the drug."""
    return Known(Decimal(case.exposure.covered(window)), "", case.exposure.sources)


def highest_daily_dose(case: Case) -> Fact:
    """The highest daily dose of the last year, in mg of diazepam, at the high end of the range."""
    days = (dose.mg for episode in case.exposure.episodes for dose in episode.doses if _within_a_year(dose.period, case))
    sums = [equivalent_sum((case.agents[name], mg) for name, mg in doses.items()).mg for doses in days]
    found = [each.high for each in sums if each is not None]
    said = "at least: not every dose could be read" if case.exposure.at_least else ""
    return Known(max(found), said, case.exposure.sources) if found else Unknown("no earlier dose could be read")


def _within_a_year(period: Period, case: Case) -> bool:
    return period.until > last_days(case.day, YEAR).start


def abrupt_stops(case: Case) -> Fact:
    """How often, on record, daily use of weeks ended at once."""
    count, unclear = case.exposure.abrupt_stops, case.exposure.unclear_stops
    if unclear and count < case.amounts["abrupt_stops_many"] <= count + unclear:
        return Unknown("some doses before an earlier end could not be read", case.exposure.sources)
    return Known(Decimal(count), f"{count} on record", case.exposure.sources)


def readable(case: Case) -> Fact:
    """Whether it could be told for how long the drug was taken; yes where nothing was."""
    return Known(isinstance(use_length(case), Known), "", (case.situation.request,))
