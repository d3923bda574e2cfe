"""Exposure: for how long, how often and how much a drug was taken, told from what was supplied."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.core.exposure import ExposureLimits, exposure
from cds.core.quantity import Range, exactly
from cds.core.record import Supply

DAY = date(2026, 11, 23)
LIMITS = ExposureLimits(
    episode_gap=14,
    most_stockpile=30,
    fewest_fills=3,
    sparse_cover=Decimal(60),
    stale_supply=90,
    abrupt_stop_use=28,
    taper_before_stop=14,
    unstated_supply=365,
)


def ago(days):
    return DAY - timedelta(days=days)


def supply(start, days, mg=3, agent="alprazolam", kind="dispense", source=None, **more):
    """A supply that began so many days ago; mg None is a dose that could not be read, days None a length."""
    return Supply(
        agent=agent,
        start=ago(start),
        source=source or f"{kind}/{agent}-{start}-{days}-{mg}",
        kind=kind,
        days=None if days is None else Decimal(str(days)),
        mg=None if mg is None else exactly(Decimal(str(mg))),
        **more,
    )


def request(start, days, mg=3, **more):
    return supply(start, days, mg, kind="request", open_ended=days is None, **more)


def statement(start, mg=3, **more):
    return supply(start, None, mg, kind="statement", open_ended=True, **more)


def taken(*supplies, limits=LIMITS):
    return exposure(supplies, DAY, limits)


def monthly(first, last, days=30, **more):
    return [supply(start, days, **more) for start in range(first, last - 1, -30)]


# Length of use: supplies, days of use up to today
USE = {
    "nothing on record is no use": ([], 0),
    "a supply counts from its start to today": ([supply(20, 30)], 20),
    "a supply that begins today has lasted no day yet": ([supply(0, 30)], 0),
    "a supply that begins tomorrow doesn't count": ([supply(-1, 30)], 0),
    "monthly supplies are one use": (monthly(240, 0), 240),
    "a break of the episode gap is bridged": ([supply(100, 30), supply(56, 60)], 100),
    "a break a day longer is not": ([supply(101, 30), supply(56, 60)], 56),
    "what ran out within the gap is still current use": ([supply(44, 30)], 30),
    "what ran out before it is not": ([supply(45, 30)], 0),
    "an early refill begins when the first supply ends": ([supply(50, 30), supply(40, 30)], 50),
    "and so lasts longer": ([supply(70, 30), supply(60, 30)], 60),
    "stock from early refills is kept only so long": ([supply(150, 30), *[supply(150 - n, 30) for n in range(1, 5)]], 0),
    "another agent of the kind carries on the use": ([supply(90, 60), supply(28, 30, 10, "diazepam")], 90),
    "an order without an end is taken until today": ([request(200, None)], 200),
    "unless it was stopped": ([request(200, None, ended=ago(100))], 0),
    "a supply is over when its order is stopped": ([supply(40, 60, ended=ago(10))], 30),
    "a request counts where nothing was dispensed on it": ([request(90, 90)], 90),
    "a dispense takes the place of its request": ([request(90, None, source="r/1"), supply(88, 30, order="r/1")], 0),
    "also without a link, by agent and time": ([request(90, None), supply(88, 30)], 0),
    "not of another agent": ([request(90, None), supply(88, 30, 10, "diazepam")], 90),
    "not at another dose on another request": (
        [request(90, None, 1, source="r/1"), request(90, None, 2, source="r/2"), supply(88, 30, 2, order="r/2")],
        90,
    ),
    "not one of unknown length": ([request(90, None, source="r/1"), supply(88, None, order="r/1")], 90),
    "a request long before its first dispense keeps that time": (
        [request(400, None, source="r/1"), supply(20, 30, order="r/1")],
        400,
    ),
    "a list of medicines counts": ([statement(700)], 700),
    "and reaches back before the first dispense": ([statement(700), *monthly(90, 0)], 700),
    "a supply of half days lasts into the last one": ([supply(7, "7.5"), supply(0, "7.5")], 7),
}


@pytest.mark.parametrize("case", USE.values(), ids=USE.keys())
def test_use_is_counted_in_days_without_a_break_up_to_today(case):
    supplies, expected = case
    assert taken(*supplies).use_length == expected


# Days covered: supplies, of the last 30, 90, 365
COVERED = {
    "nothing": ([], (0, 0, 0)),
    "one month that lasts": ([supply(20, 30)], (20, 20, 20)),
    "two that overlap by other drugs count once": ([supply(20, 30), supply(20, 30, 10, "diazepam")], (20, 20, 20)),
    "the window is full": (monthly(390, 0), (30, 90, 365)),
    "a gap is bridged for the use, but not covered": ([supply(100, 30), supply(60, 90)], (30, 80, 90)),
    "only what falls inside the window": ([supply(100, 80)], (10, 70, 80)),
}


@pytest.mark.parametrize("case", COVERED.values(), ids=COVERED.keys())
def test_days_covered_are_those_on_which_the_drug_was_in_hand(case):
    supplies, expected = case
    found = taken(*supplies)
    assert (found.covered(30), found.covered(90), found.covered(365)) == expected


# Days a week: supplies, answer
OFTEN = {
    "nothing is taken": ([], None),
    "daily": ([supply(20, 30)], 7),
    "three days a week": ([supply(20, 30, days_a_week=Decimal(3))], 3),
    "half of the time daily, half on three days": ([supply(40, 20, days_a_week=Decimal(3)), supply(20, 20)], 5),
    "two agents on three days each, perhaps on six": (
        [supply(20, 20, days_a_week=Decimal(3)), supply(20, 20, 10, "diazepam", days_a_week=Decimal(3))],
        6,
    ),
    "never more than seven": ([supply(20, 20), supply(20, 20, 10, "diazepam")], 7),
    "as needed, filled as fast as daily use needs": (
        [supply(start, 30, as_needed=True) for start in (90, 60, 30)],
        7,
    ),
    "as needed, and a month's supply lasts two": (
        [supply(start, 30, as_needed=True) for start in (180, 120, 60)],
        Decimal("3.5"),
    ),
    "two fills tell nothing yet": ([supply(start, 30, as_needed=True) for start in (90, 30)], 7),
    "daily use with late refills is daily use with breaks": ([supply(start, 30) for start in (130, 70, 10)], 7),
    "refilled at last without a break, it is taken daily": (
        [supply(start, 10, as_needed=True) for start in (300, 250, 200)]
        + [supply(start, 10, as_needed=True) for start in (30, 20, 10)],
        7,
    ),
}


@pytest.mark.parametrize("case", OFTEN.values(), ids=OFTEN.keys())
def test_days_a_week_tell_intermittent_use_from_daily_use(case):
    supplies, expected = case
    assert taken(*supplies).days_a_week == expected


def test_as_needed_supplies_that_last_longer_are_one_use_and_no_stops():
    found = taken(*[supply(start, 30, as_needed=True) for start in (240, 180, 120, 60)])
    assert (found.use_length, len(found.episodes), found.abrupt_stops) == (240, 1, 0)


# Doses: supplies, highest by agent, today's by agent
DOSES = {
    "one supply": ([supply(20, 30)], {"alprazolam": 3}, {"alprazolam": 3}),
    "two strengths dispensed on one day add up": ([supply(20, 30, 2), supply(20, 30, 1)], {"alprazolam": 3}, {"alprazolam": 3}),
    "two orders dispensed on one day add up": (
        [supply(20, 30, 1, order="r/1", source="d/1"), supply(20, 30, 1, order="r/2", source="d/2")],
        {"alprazolam": 2},
        {"alprazolam": 2},
    ),
    "a refill is no second dose": ([supply(40, 30), supply(15, 30)], {"alprazolam": 3}, {"alprazolam": 3}),
    "a new dose that is fetched early takes over": ([supply(40, 30, 2), supply(15, 30, 3)], {"alprazolam": 3}, {"alprazolam": 3}),
    "a lower one too": ([supply(40, 30, 3), supply(15, 30, 2)], {"alprazolam": 3}, {"alprazolam": 2}),
    "long side by side, both are taken": ([supply(70, 90, 2), supply(60, 90, 1)], {"alprazolam": 3}, {"alprazolam": 3}),
    "two running orders are both taken": ([request(70, None, 2), request(10, None, 1)], {"alprazolam": 3}, {"alprazolam": 3}),
    "the list adds nothing to the prescription": ([request(70, None, 2), statement(70, 2)], {"alprazolam": 2}, {"alprazolam": 2}),
    "agents are kept apart": (
        [supply(40, 30, 3), supply(10, 30, 10, "diazepam")],
        {"alprazolam": 3, "diazepam": 10},
        {"diazepam": 10},
    ),
    "what was taken over a year ago is not the highest": (
        [supply(800, 300, 6), supply(20, 30, 1)],
        {"alprazolam": 1},
        {"alprazolam": 1},
    ),
    "an unread dose is not 0": ([supply(20, 30, None)], {"alprazolam": None}, {"alprazolam": None}),
}


@pytest.mark.parametrize("case", DOSES.values(), ids=DOSES.keys())
def test_doses_are_kept_by_agent(case):
    supplies, highest, now = case
    found = taken(*supplies)

    def plain(doses):
        return {agent: mg and mg.high for agent, mg in doses.items()}

    assert (plain(found.highest), plain(found.now)) == (highest, now)


def test_a_dose_that_could_not_be_read_makes_the_highest_a_lower_bound():
    found = taken(supply(20, 30, 2), supply(20, 30, None))
    assert (found.highest, found.at_least) == ({"alprazolam": exactly(Decimal(2))}, {"alprazolam"})


def test_a_range_of_doses_stays_a_range():
    found = taken(replace(supply(20, 30), mg=Range(Decimal(1), Decimal(2))), replace(supply(20, 30, 4), mg=exactly(Decimal(4))))
    assert found.now == {"alprazolam": Range(Decimal(5), Decimal(6))}


# Days without supply: supplies, answer
WITHOUT = {
    "while it lasts": ([supply(20, 30)], 0),
    "on the day on which it ends": ([supply(30, 30)], 0),
    "after it": ([supply(50, 30)], 20),
    "early refills are used up first": ([supply(60, 30), supply(50, 30)], 0),
    "a running order's stated supply ran out": ([supply(50, 30, kind="request", open_ended=True)], 20),
    "a running order says no length": ([request(50, None)], None),
    "an earlier supply does not say when it ends": ([request(50, None), supply(100, 30, 10, "diazepam")], None),
    "the last supply is of unknown length": ([supply(90, 30), supply(40, None)], None),
    "an earlier one of unknown length doesn't matter": ([supply(90, None), supply(50, 30)], 20),
    "a list of medicines is no supply": ([statement(90)], None),
    "nothing": ([], None),
}


@pytest.mark.parametrize("case", WITHOUT.values(), ids=WITHOUT.keys())
def test_days_without_supply_count_from_the_end_of_the_last_one(case):
    supplies, expected = case
    assert taken(*supplies).days_without_supply == expected


# Abrupt stops: supplies, how many, of how many it can't be told
STOPS = {
    "use that goes on has not stopped": (monthly(240, 0), 0, 0),
    "two months that ended": ([supply(300, 60)], 1, 0),
    "twice": ([supply(500, 60), supply(300, 60)], 2, 0),
    "and taken again now": ([supply(500, 60), supply(300, 60), supply(20, 30)], 2, 0),
    "just long enough": ([supply(300, 28)], 1, 0),
    "too short to matter": ([supply(300, 27)], 0, 0),
    "a lower dose before the end": ([supply(300, 60, 3), supply(240, 30, 1)], 0, 0),
    "a lower dose that lasted long became the usual one": ([supply(300, 30, 3), supply(270, 60, 1)], 1, 0),
    "a switch is no stop": ([supply(300, 60, 3), supply(240, 60, 20, "diazepam")], 1, 0),
    "not daily": ([supply(300, 60, days_a_week=Decimal(3))], 0, 0),
    "as needed is not known to be daily": ([supply(300, 60, as_needed=True)], 0, 0),
    "no proof of an end": ([supply(300, 60), supply(245, None)], 0, 0),
    "an order that was stopped": ([request(300, None, ended=ago(200))], 1, 0),
    "doses that could not be read": ([supply(300, 60, None)], 0, 1),
}


@pytest.mark.parametrize("case", STOPS.values(), ids=STOPS.keys())
def test_daily_use_of_weeks_that_ended_without_a_lower_dose_is_an_abrupt_stop(case):
    supplies, expected, unclear = case
    found = taken(*supplies)
    assert (found.abrupt_stops, found.unclear_stops) == (expected, unclear)


# Unknown lengths: supplies, whether the use may be longer than told
UNKNOWN = {
    "all known": ([supply(20, 30)], False),
    "the only one": ([supply(40, None)], True),
    "one within a known use": ([supply(90, 90), supply(60, None)], False),
    "the one before the current use": ([supply(90, None), supply(20, 30)], True),
    "one too long before the current use to have lasted until then": ([supply(386, None), supply(20, 30)], False),
    "one that may just have lasted until then": ([supply(385, None), supply(20, 30)], True),
    "one that is long past and known to have ended after": ([supply(400, None), supply(300, 30), supply(20, 30)], False),
}


@pytest.mark.parametrize("case", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_supply_of_unknown_length_proves_its_first_day_only_and_is_told(case):
    supplies, expected = case
    assert taken(*supplies).length_unknown is expected


# In words
EVIDENCE = {
    "dispensed": ([supply(100, 30), supply(60, 60)], "Supplied on 90 of the last 100 days"),
    "dispensed today": ([supply(0, 30)], "Supplied today"),
    "prescribed": ([request(264, None)], "Prescribed since 4 March 2026, no dispense on record"),
    "listed": ([statement(264)], "Listed as taken since 4 March 2026, no prescription or dispense on record"),
    "prescribed and listed before": (
        [request(20, None), statement(264)],
        "Prescribed since 3 November 2026, listed as taken since 4 March 2026, no dispense on record",
    ),
    "dispensed and listed before": (
        [supply(20, 30), statement(264)],
        "Supplied on 20 of the last 20 days, listed as taken since 4 March 2026",
    ),
    "as needed": ([supply(start, 30, as_needed=True) for start in (180, 120, 60)], "Supplied on 90 of the last 180 days"),
    "over": ([supply(264, 30)], "Last in hand on 2 April 2026"),
    "nothing": ([], ""),
}


@pytest.mark.parametrize("case", EVIDENCE.values(), ids=EVIDENCE.keys())
def test_the_evidence_is_told_in_a_sentence(case):
    supplies, expected = case
    assert taken(*supplies).evidence == expected


def test_the_resources_behind_the_use_are_named():
    found = taken(supply(400, 30, source="old"), supply(40, 30, source="first"), supply(10, 30, source="second"))
    assert found.sources == ("first", "second")


def test_a_length_beyond_the_calendar_is_cut_and_not_refused():
    for days in ("1E+30", "Infinity", "NaN", "-5", "0"):
        assert taken(supply(10, days)).covered(30) in {1, 10}


# Truths --------------------------------------------------------------------------------------------------------------

agents = st.sampled_from(["alprazolam", "diazepam"])
amounts = st.none() | st.sampled_from([1, 2]).map(lambda mg: exactly(Decimal(mg)))


def supplies_of(kinds, agents=agents, amounts=amounts, earliest=500, latest=-60):
    return st.builds(
        Supply,
        agent=agents,
        start=st.integers(latest, earliest).map(ago),
        source=st.uuids().map(str),
        kind=st.sampled_from(kinds),
        days=st.none() | st.integers(1, 90).map(Decimal),
        open_ended=st.just(False),
        mg=amounts,
        days_a_week=st.sampled_from([Decimal(3), Decimal(7)]),
        as_needed=st.booleans(),
    )


records = st.lists(supplies_of(["dispense", "request", "statement"]), max_size=8)
dispenses = st.lists(supplies_of(["dispense"]), max_size=8)


def told(found):
    """Everything but which resources it was told from."""
    episodes = [replace(episode, sources=()) for episode in found.episodes]
    return replace(found, episodes=tuple(episodes), current=found.current and replace(found.current, sources=()))


@given(records, st.randoms(use_true_random=False))
def test_the_order_of_supplies_changes_nothing(supplies, shuffle):
    mixed = list(supplies)
    shuffle.shuffle(mixed)
    assert taken(*supplies) == taken(*mixed)


@given(records)
def test_a_supply_given_twice_counts_once(supplies):
    assert taken(*supplies) == taken(*supplies, *supplies)


@given(records, supplies_of(["dispense", "request", "statement"], earliest=-1))
def test_a_supply_of_a_later_day_changes_nothing(supplies, later):
    assert taken(*supplies) == taken(*supplies, later)


@given(dispenses, st.data())
def test_a_dispense_split_in_two_changes_nothing(supplies, data):
    long = [one for one in supplies if one.days is not None and one.days > 1]
    if long:
        whole = data.draw(st.sampled_from(long))
        days = data.draw(st.integers(1, int(whole.days) - 1))
        first = replace(whole, days=Decimal(days), source="first")
        second = replace(whole, start=whole.start + timedelta(days=days), days=whole.days - days, source="second")
        others = [one for one in supplies if one is not whole]
        # Today decides what is past: a supply split after today is one that is still to come.
        if second.start <= DAY:
            assert told(taken(whole, *others)) == told(taken(first, second, *others))


@given(st.integers(1, 500), st.integers(2, 90), st.data())
def test_a_request_split_in_two_changes_nothing(start, days, data):
    part = data.draw(st.integers(1, days - 1))
    parts = [request(start, part), request(start - part, days - part)]
    if start - part >= 0:
        assert told(taken(request(start, days))) == told(taken(*parts))


@given(records, st.sampled_from([1, 30, 90, 365]))
def test_days_covered_never_exceed_the_window(supplies, window):
    assert 0 <= taken(*supplies).covered(window) <= window


@given(supplies_of(["dispense"], latest=0), st.integers(0, 14), st.booleans())
def test_a_dispense_and_its_request_are_the_dispense_alone(dispense, before, linked):
    if dispense.days is None:
        dispense = replace(dispense, days=Decimal(30))
    ordered = replace(
        dispense, kind="request", source="r/1", start=dispense.start - timedelta(days=before), days=None, open_ended=True
    )
    dispense = replace(dispense, order="r/1") if linked else dispense
    assert taken(dispense, ordered) == taken(dispense)


@given(records)
def test_use_is_never_longer_than_since_the_first_supply_and_covers_no_more_than_its_days(supplies):
    found = taken(*supplies)
    if found.first:
        assert found.use_length <= (DAY - found.first).days
    assert all(0 < episode.days <= episode.period.days for episode in found.episodes)
    assert found.days_a_week is None or 0 < found.days_a_week <= 7
