"""A plan by the rule book starts from what is taken, when it is taken, and goes by the figures of its day."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cds.core.cuts import PercentOf
from cds.core.regimen import DayTime
from cds.core.tablets import TAKEN_BY_MOUTH
from cds.core.taper_plan import InsteadKind, NoPlan, Plan, PlanKind
from cds.decision.plans import crossover_plan, direct_plan, immediate_release_plan, taken
from cds.decision.replanning import replanned
from cds.errors import BadKnowledge
from cds.knowledge.loader import files_of, from_files

DAY = date(2026, 11, 23)
RULES = Path(__file__).parents[2] / "rules"
MORNING, MIDDAY, EVENING, NIGHT = DayTime


def mg(**times: str) -> dict[DayTime, Decimal]:
    return {DayTime(time): Decimal(amount) for time, amount in times.items()}


@pytest.mark.parametrize(
    ("agent", "daily", "said", "expected", "stated"),
    [
        ("alprazolam", "3", {"times": ((MORNING, Decimal(1)), (NIGHT, Decimal(2)))}, mg(morning="1", night="2"), True),
        ("alprazolam", "3", {"times": ((NIGHT, Decimal(1)), (NIGHT, Decimal(2)))}, mg(night="3"), True),
        ("alprazolam", "3", {"times": ((NIGHT, Decimal(1)),)}, mg(morning="1", midday="1", night="1"), False),
        ("alprazolam", "2", {"doses_a_day": 2}, mg(morning="1", night="1"), False),
        ("alprazolam", "4", {"doses_a_day": 4}, mg(morning="1", midday="1", evening="1", night="1"), False),
        ("alprazolam", "6", {"doses_a_day": 6}, mg(morning="2", midday="2", night="2"), False),
        ("alprazolam", "1", {}, mg(morning="0.25", midday="0.375", night="0.375"), False),
        ("diazepam", "15", {}, mg(morning="7.5", night="7.5"), False),
        ("lorazepam", "1.25", {}, mg(morning="0.25", midday="0.5", night="0.5"), False),
        ("temazepam", "30", {}, mg(night="30"), False),
        ("zolpidem", "10", {}, mg(night="10"), False),
        ("alprazolam", "3", {"extended_release": True}, mg(night="3"), False),
    ],
)
def test_what_is_taken_is_as_it_was_said_else_as_often_as_it_was_said_else_as_the_agent_lasts(
    book, agent, daily, said, expected, stated
):
    found = taken(book, DAY, agent, Decimal(daily), **said)
    assert (dict(found.times), found.stated, found.daily) == (expected, stated, Decimal(daily))


def test_a_direct_plan_goes_by_the_rule_book(book):
    plan = direct_plan(book, DAY, taken(book, DAY, "diazepam", Decimal(20)), "standard")
    assert isinstance(plan, Plan)
    assert (plan.kind, plan.start, plan.steps[0].daily) == (PlanKind.DIRECT, DAY, Decimal("17.5"))
    assert (plan.pace.basis, plan.pace.cut, plan.pace.interval) == (PercentOf.CURRENT, 10, 14)


def test_a_plan_starts_on_the_day_it_is_asked_for(book):
    start = date(2027, 1, 4)
    plan = direct_plan(book, DAY, taken(book, DAY, "diazepam", Decimal(20)), "standard", PercentOf.ORIGINAL, start)
    assert isinstance(plan, Plan)
    assert (plan.start, plan.pace.basis) == (start, PercentOf.ORIGINAL)


def test_a_crossover_goes_to_the_rule_books_agent(book):
    plan = crossover_plan(book, DAY, taken(book, DAY, "alprazolam", Decimal(3), doses_a_day=3), "slower")
    assert isinstance(plan, Plan)
    assert (plan.kind, plan.agent, plan.target) == (PlanKind.CROSSOVER, "alprazolam", "diazepam")


def test_extended_release_is_not_exchanged_before_it_is_immediate_release(book):
    takes = taken(book, DAY, "alprazolam", Decimal(3), extended_release=True)
    refused = crossover_plan(book, DAY, takes, "slower")
    assert isinstance(refused, NoPlan)
    assert [one.kind for one in refused.instead] == [InsteadKind.IMMEDIATE_RELEASE]
    plan = immediate_release_plan(book, DAY, takes, "slower")
    assert isinstance(plan, Plan)
    assert plan.steps[0].daily == 3
    assert not any(amount.presentation.extended_release for amount in plan.steps[0].doses[0].amounts)


@pytest.mark.parametrize("pace", ["specialist", "hold"])
@pytest.mark.parametrize("draw", [direct_plan, crossover_plan, immediate_release_plan])
def test_a_pace_without_steps_draws_no_plan_and_says_to_keep_the_dose(book, pace, draw):
    found = draw(book, DAY, taken(book, DAY, "alprazolam", Decimal(3)), pace)
    assert isinstance(found, NoPlan)
    assert "keep the dose as it is" in found.instead[0].says.lower()


def test_an_agent_that_no_source_converts_gets_no_plan(book):
    agents = [name for name, agent in book.agents.items() if not agent.equivalents]
    assert agents
    for name in agents:
        found = direct_plan(book, DAY, taken(book, DAY, name, Decimal(10)), "standard")
        assert isinstance(found, NoPlan) and "converts" in found.reason


def test_no_agent_makes_a_plan_fail(book):
    for name in book.agents:
        for pace in book.paces:
            for daily in ("0.5", "7", "30"):
                takes = taken(book, DAY, name, Decimal(daily))
                assert takes.daily == Decimal(daily)
                for draw in (direct_plan, crossover_plan):
                    assert isinstance(draw(book, DAY, takes, pace), Plan | NoPlan)


@pytest.mark.parametrize("agent", ["zolpidem", "zopiclone", "eszopiclone", "zaleplon"])
def test_a_z_drug_is_never_exchanged_and_no_answer_names_a_crossover_from_one(book, agent):
    strengths = {one.mg for one in book.presentations[agent] if not one.liquid}
    for mg in strengths:
        takes = taken(book, DAY, agent, mg, ((DayTime.NIGHT, mg),))
        across = crossover_plan(book, DAY, takes, "standard")
        assert isinstance(across, NoPlan) and [one.kind for one in across.instead] == [InsteadKind.DIRECT]
        direct = direct_plan(book, DAY, takes, "standard")
        assert isinstance(direct, Plan) or InsteadKind.CROSSOVER not in [one.kind for one in direct.instead]


@pytest.mark.parametrize(("agent", "mg"), [("temazepam", "7.5"), ("triazolam", "0.125"), ("eszopiclone", "1")])
def test_from_the_smallest_dose_that_is_sold_the_answer_is_how_to_stop(book, agent, mg):
    """Unless a presentation that is halved makes a smaller one."""
    found = direct_plan(book, DAY, taken(book, DAY, agent, Decimal(mg), ((DayTime.NIGHT, Decimal(mg)),)), "standard")
    assert isinstance(found, Plan) or [one.kind for one in found.instead] == [InsteadKind.BRIEF]


def test_where_a_length_is_published_our_plan_ends_within_it_or_sooner_and_none_is_longer_than_a_tenth_more(book):
    for one in book.published_tapers:
        times = ((DayTime.NIGHT, one.mg),) if one.at_night else ()
        found = direct_plan(book, DAY, taken(book, DAY, one.agent, one.mg, times), one.pace)
        assert isinstance(found, Plan), one
        if one.weeks:
            assert found.lengths[0] / 7 <= one.weeks[1] * 1.1, one


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{agent: nobody, mg: 1, pace: standard, cite: cks}", "`nobody` is no agent"),
        ("{agent: diazepam, mg: none, pace: standard, cite: cks}", "`none` is no dose"),
        ("{agent: diazepam, mg: 1, pace: standard, weeks: some, cite: cks}", "`some` is no range of weeks"),
        ("{agent: diazepam, mg: 1, pace: standard, cite: nobody}", "`nobody` is no source"),
    ],
)
def test_a_published_taper_that_cannot_be_read_is_refused_with_its_place(line, says):
    files = files_of(RULES) | {"drugs/published-tapers.yaml": f"tapers:\n  one: {line}\n".encode()}
    with pytest.raises(BadKnowledge, match=re.escape(says)) as refused:
        from_files(files)
    assert "published-tapers.yaml" in str(refused.value)


def labelled(book):
    """Every oral agent of the rule book with each strength that is sold, at once or as extended release."""
    for name, sold in sorted(book.presentations.items()):
        for mg, extended in sorted(
            {(one.mg, one.extended_release) for one in sold if one.form in TAKEN_BY_MOUTH and not one.liquid}
        ):
            yield name, mg, extended


def test_each_agent_at_each_strength_has_a_plan_or_a_way_that_a_pharmacist_can_go(book):
    """Stop from the smallest strength, exchange it, take immediate release, or ask a specialist where nobody converts it."""
    sold = list(labelled(book))
    for name, mg, extended in sold:
        agent = book.agents[name]
        pace = "hypnotic" if name in book.taken_at_night else "standard"
        found = direct_plan(book, DAY, taken(book, DAY, name, mg, extended_release=extended), pace)
        if isinstance(found, Plan):
            assert found.steps[-1].doses[0].times == {}, (name, mg)
            continue
        ways = {way.kind for way in found.instead}
        smallest = mg == min(each for each_name, each, release in sold if (each_name, release) == (name, extended))
        high = agent.equivalents and mg * 10 / agent.equal_to_table_dose.low
        if not agent.equivalents:
            assert ways == {InsteadKind.SPECIALIST}, (name, mg)
        elif InsteadKind.BRIEF in ways:
            assert smallest, (name, mg)
            assert high <= book.value("ends_from", DAY) or pace == "hypnotic", (name, mg)
        else:
            assert ways & {InsteadKind.CROSSOVER, InsteadKind.IMMEDIATE_RELEASE}, (name, mg)


def test_a_hypnotic_is_never_to_be_split_over_the_day(book):
    for name, mg, extended in labelled(book):
        if name in book.taken_at_night:
            found = direct_plan(book, DAY, taken(book, DAY, name, mg, extended_release=extended), "hypnotic")
            assert isinstance(found, Plan) or all("split over the day" not in way.says for way in found.instead)


def test_a_liquid_makes_the_smaller_steps_after_one_that_was_not_borne(book):
    takes = taken(book, DAY, "lorazepam", Decimal(1))
    before, after = direct_plan(book, DAY, takes, "standard"), replanned(book, DAY, takes, "standard", not_borne=1).plan
    assert not any(amount.presentation.liquid for step in before.steps for amount in step.doses[0].amounts)
    assert (before.steps[0].daily, after.steps[0].daily) == (Decimal("0.75"), Decimal("0.9"))
    assert after.steps[0].doses[0].amounts[0].presentation.liquid


def test_where_tablets_make_small_steps_no_liquid_comes_after_one_that_was_not_borne(book):
    takes = taken(book, DAY, "diazepam", Decimal(20))
    after = replanned(book, DAY, takes, "standard", not_borne=1).plan
    assert not any(amount.presentation.liquid for step in after.steps for amount in step.doses[0].amounts)
