"""Equivalence: doses in diazepam, as a range with its sources."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds.core.equivalence import diazepam_equivalent, dose_sum, equivalent_sum, sources
from cds.core.medication import Agent, AgentKind, DurationClass, Equivalent
from cds.core.quantity import Range, exactly
from cds.core.regimen import Dose


def agent(name, *rows):
    """An agent whose rows are (source, low, high): mg equal to diazepam 10 mg."""
    equivalents = tuple(Equivalent(source, Decimal(low), Decimal(high), "R2") for source, low, high in rows)
    return Agent(name, AgentKind.BENZODIAZEPINE, DurationClass.SHORT, False, False, frozenset(), equivalents, None, None)


ALPRAZOLAM = agent("alprazolam", ("vadod-2021", "1", "1"), ("ashton-2002", "0.5", "0.5"), ("bnf", "0.5", "0.5"))
CLONAZEPAM = agent("clonazepam", ("vadod-2021", "1", "1"), ("ashton-2002", "0.5", "0.5"))
LORAZEPAM = agent("lorazepam", ("vadod-2021", "2", "2"), ("bnf", "1", "2"))
OXAZEPAM = agent("oxazepam", ("vadod-2021", "30", "30"), ("ashton-2002", "20", "20"))
TEMAZEPAM = agent("temazepam", ("vadod-2021", "15", "15"), ("ashton-2002", "20", "20"))
FLURAZEPAM = agent("flurazepam", ("ashton-2002", "15", "30"))
NITRAZEPAM = agent("nitrazepam", ("ashton-2002", "10", "10"))
DIAZEPAM = agent("diazepam", ("ashton-2002", "10", "10"))
UNCONVERTED = agent("remimazolam")

# agent, mg a day at the least and the most, mg diazepam a day at the least and the most
EQUIVALENTS = [
    (ALPRAZOLAM, "3", "3", "30", "60"),
    (ALPRAZOLAM, "0.25", "0.25", "2.5", "5"),
    (ALPRAZOLAM, "1", "2", "10", "40"),
    (CLONAZEPAM, "1.5", "1.5", "15", "30"),
    (LORAZEPAM, "4", "4", "20", "40"),
    (OXAZEPAM, "60", "60", "20", "30"),
    (TEMAZEPAM, "30", "30", "15", "20"),
    (FLURAZEPAM, "30", "30", "10", "20"),
    (NITRAZEPAM, "5", "5", "5", "5"),
    (DIAZEPAM, "7.5", "7.5", "7.5", "7.5"),
    (ALPRAZOLAM, "0", "0", "0", "0"),
]


@pytest.mark.parametrize(("of", "least", "most", "low", "high"), EQUIVALENTS, ids=lambda value: getattr(value, "name", value))
def test_a_dose_in_diazepam_runs_from_the_lowest_source_to_the_highest(of, least, most, low, high):
    dose = Range(Decimal(least), Decimal(most))
    assert diazepam_equivalent(dose, of) == Range(Decimal(low), Decimal(high))


def test_an_agent_that_no_source_converts_has_no_equivalent_and_not_0():
    assert diazepam_equivalent(exactly(Decimal(5)), UNCONVERTED) is None


def test_several_agents_add_up():
    total = equivalent_sum([(ALPRAZOLAM, exactly(Decimal(1))), (DIAZEPAM, exactly(Decimal(5)))])
    assert (total.mg, total.at_least) == (Range(Decimal(15), Decimal(25)), False)


def test_an_unread_dose_or_an_unconverted_agent_leaves_a_lower_bound():
    one = (ALPRAZOLAM, exactly(Decimal(1)))
    for other in [(DIAZEPAM, None), (UNCONVERTED, exactly(Decimal(5)))]:
        total = equivalent_sum([one, other])
        assert (total.mg, total.at_least) == (Range(Decimal(10), Decimal(20)), True)


def test_nothing_that_could_be_converted_is_not_0():
    total = equivalent_sum([(DIAZEPAM, None)])
    assert (total.mg, total.at_least) == (None, True)
    assert equivalent_sum([]).mg is None


# dose, agent, the sum as a card shows it
SUMS = [
    (Dose(exactly(Decimal(3)), says="1 mg x 3"), ALPRAZOLAM, "alprazolam 1 mg x 3 = 3 mg a day, 30 to 60 mg diazepam equivalent"),
    (Dose(exactly(Decimal("0.5")), says="0.5 mg"), ALPRAZOLAM, "alprazolam 0.5 mg a day, 5 to 10 mg diazepam equivalent"),
    (Dose(exactly(Decimal("0.5"))), ALPRAZOLAM, "alprazolam 0.5 mg a day, 5 to 10 mg diazepam equivalent"),
    (Dose(exactly(Decimal(5)), says="5 mg"), NITRAZEPAM, "nitrazepam 5 mg a day, 5 mg diazepam equivalent"),
    (Dose(exactly(Decimal(10)), says="5 mg x 2"), DIAZEPAM, "diazepam 5 mg x 2 = 10 mg a day"),
    (Dose(exactly(Decimal(5))), UNCONVERTED, "remimazolam 5 mg a day, no diazepam equivalent known"),
    (
        Dose(Range(Decimal(1), Decimal(2)), says="1 to 2 mg"),
        ALPRAZOLAM,
        "alprazolam 1 to 2 mg a day, 10 to 40 mg diazepam equivalent",
    ),
    (
        Dose(exactly(Decimal(30)), days_a_week=Decimal(3)),
        TEMAZEPAM,
        "temazepam 30 mg on 3 days a week, 15 to 20 mg diazepam equivalent",
    ),
    (
        Dose(exactly(Decimal(2)), as_needed=True, says="0.5 mg x 4"),
        LORAZEPAM,
        "lorazepam 0.5 mg x 4 = 2 mg a day at most, 10 to 20 mg diazepam equivalent",
    ),
]


@pytest.mark.parametrize(("dose", "of", "text"), SUMS, ids=[text for _, _, text in SUMS])
def test_the_sum_is_shown_so_that_it_can_be_checked(dose, of, text):
    assert dose_sum(dose, of) == text


LABELS = {"vadod-2021": "VA/DoD 2021", "ashton-2002": "Ashton 2002"}


def test_the_basis_names_the_sources_of_each_end():
    expected = "diazepam 10 mg = alprazolam 1 mg (VA/DoD 2021) for the low end, 0.5 mg (Ashton 2002, bnf) for the high end"
    assert sources(ALPRAZOLAM, LABELS) == expected


def test_the_basis_of_sources_that_agree_and_of_none():
    assert sources(NITRAZEPAM, LABELS) == "diazepam 10 mg = nitrazepam 10 mg (Ashton 2002)"
    assert sources(UNCONVERTED, LABELS) == "no source gives a diazepam equivalent for remimazolam"


amounts = st.decimals(min_value="0.001", max_value=1000, places=3)
agents = st.lists(st.tuples(amounts, amounts), min_size=1, max_size=5).map(
    lambda rows: agent("some", *[(f"source {n}", min(row), max(row)) for n, row in enumerate(rows)])
)


@given(amounts, agents, st.sampled_from([2, 4, 10]))
def test_an_equivalent_scales_with_the_dose(mg, some, factor):
    one, more = diazepam_equivalent(exactly(mg), some), diazepam_equivalent(exactly(mg * factor), some)
    assert round(more.low, 6) == round(one.low * factor, 6)
    assert round(more.high, 6) == round(one.high * factor, 6)


@given(amounts, agents, amounts)
def test_another_source_never_narrows_the_range(mg, some, factor):
    more = agent("some", *[(e.source, e.low, e.high) for e in some.equivalents], ("another", factor, factor))
    before, after = diazepam_equivalent(exactly(mg), some), diazepam_equivalent(exactly(mg), more)
    assert after.low <= before.low <= before.high <= after.high
