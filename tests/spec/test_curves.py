"""The plasma levels beside a plan: of what is taken now, of what is ordered, and of the plan, marked as an illustration."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from cds.core.quantity import Range, exactly
from cds.core.regimen import NOTHING, DayTime, Dose, RegimenStep
from cds.core.taper_plan import Plan
from cds.decision.plans import crossover_plan, direct_plan, immediate_release_plan, taken
from cds.decision.plasma_levels import ILLUSTRATION, Curves, Levels, LevelsOf, curves, curves_json
from cds.knowledge.model import Knowledge

DAY = date(2026, 11, 23)
HOURS = 24


def takes(book: Knowledge, agent: str, daily: str, **said):
    return taken(book, DAY, agent, Decimal(daily), **said)


def drawn(book: Knowledge, agent: str, daily: str, pace: str = "standard", ordered=(), **said) -> Curves:
    now = takes(book, agent, daily, **said)
    plan = direct_plan(book, DAY, now, pace)
    assert isinstance(plan, Plan)
    return curves(book, DAY, now, plan, ordered)


def level(found: Curves, which: LevelsOf, substance: str) -> Levels:
    (one,) = [each for each in found.levels if (each.which, each.substance) == (which, substance)]
    return one


def ordered(mg: str, days: int | None = None, **more) -> RegimenStep:
    return RegimenStep(Dose(exactly(Decimal(mg)), **more), days=days)


def test_every_curve_says_that_it_is_an_illustration_and_no_measure_of_withdrawal_risk(book):
    found = drawn(book, "alprazolam", "3")
    assert found.says == curves_json(found)["says"] == ILLUSTRATION
    assert "illustration" in ILLUSTRATION and "Plasma level is not withdrawal risk" in ILLUSTRATION


def test_the_curves_are_hourly_over_the_days_of_the_rule_book(book):
    found = drawn(book, "alprazolam", "3")
    assert found.days == book.value("curve_days", DAY)
    for each in found.levels:
        assert len(each.hourly) == found.days * HOURS + 1 and len(each.swings) == found.days


def test_what_is_taken_now_stays_as_it_is(book):
    now = level(drawn(book, "alprazolam", "3"), LevelsOf.NOW, "alprazolam")
    assert now.averages() == pytest.approx([now.averages()[0]] * len(now.swings), rel=1e-6)
    assert now.swings == pytest.approx([now.swings[0]] * len(now.swings), rel=1e-6)


def test_the_plan_starts_where_the_patient_is_and_goes_down(book):
    found = drawn(book, "alprazolam", "3")
    now, advised = (level(found, which, "alprazolam") for which in (LevelsOf.NOW, LevelsOf.ADVISED))
    assert advised.hourly[0] == now.hourly[0]
    assert advised.averages()[-1] < now.averages()[-1]
    steps = direct_plan(book, DAY, takes(book, "alprazolam", "3"), "standard").steps
    in_effect = [step for step in steps if (step.start - DAY).days < found.days][-1]
    assert advised.averages()[-1] / now.averages()[-1] == pytest.approx(float(in_effect.daily) / 3, rel=0.01)


def test_until_the_plan_starts_what_is_taken_now_goes_on(book):
    now = takes(book, "lorazepam", "3")
    plan = direct_plan(book, DAY, now, "standard", start=DAY + timedelta(days=7))
    assert isinstance(plan, Plan)
    found = curves(book, DAY, now, plan)
    same, advised = (level(found, which, "lorazepam").hourly for which in (LevelsOf.NOW, LevelsOf.ADVISED))
    assert advised[: 7 * HOURS] == pytest.approx(same[: 7 * HOURS])
    assert advised[14 * HOURS] < same[14 * HOURS]


def test_an_ordered_stop_falls_away_while_the_plan_holds(book):
    found = drawn(book, "alprazolam", "3", ordered=(RegimenStep(NOTHING),))
    stop, advised = (level(found, which, "alprazolam") for which in (LevelsOf.ORDERED, LevelsOf.ADVISED))
    assert stop.averages()[5] < stop.averages()[0] / 20
    assert advised.averages()[5] > stop.averages()[0] / 2
    assert stop.swings == (None,) * found.days


def test_ordered_steps_follow_one_another_and_the_last_goes_on(book):
    found = drawn(book, "lorazepam", "3", ordered=(ordered("1.5", 7), ordered("0.5")))
    one = level(found, LevelsOf.ORDERED, "lorazepam")
    now = level(found, LevelsOf.NOW, "lorazepam").averages()[0]
    assert one.averages()[6] / now == pytest.approx(0.5, rel=0.02)
    assert one.averages()[-1] / now == pytest.approx(1 / 6, rel=0.02)


def test_an_ordered_step_with_a_day_starts_on_it(book):
    later = replace(ordered("0.5"), start=DAY + timedelta(days=10))
    found = drawn(book, "lorazepam", "3", ordered=(later,))
    one, now = level(found, LevelsOf.ORDERED, "lorazepam"), level(found, LevelsOf.NOW, "lorazepam")
    assert one.hourly[: 10 * HOURS] == pytest.approx(now.hourly[: 10 * HOURS])
    assert one.averages()[-1] < now.averages()[-1] / 5


@pytest.mark.parametrize(
    "dose",
    [
        Dose(Range(Decimal(1), Decimal(2))),
        Dose(exactly(Decimal(1)), as_needed=True),
        Dose(exactly(Decimal(1)), days_a_week=Decimal(3)),
    ],
)
def test_an_order_that_is_not_the_same_on_every_day_is_not_drawn_and_says_so(book, dose):
    found = drawn(book, "lorazepam", "3", ordered=(RegimenStep(dose),))
    assert LevelsOf.ORDERED not in {each.which for each in found.levels}
    (missing,) = found.not_drawn
    assert (missing.which, missing.agent) == (LevelsOf.ORDERED, "lorazepam") and "not the same on every day" in missing.reason


def test_the_active_metabolite_has_a_curve_of_its_own(book):
    substances = {each.substance for each in drawn(book, "diazepam", "20").levels}
    assert substances == {"diazepam", "nordazepam"}


def test_in_a_crossover_the_old_agent_falls_as_the_new_one_rises_and_swings_less(book):
    now = takes(book, "alprazolam", "3", doses_a_day=3)
    plan = crossover_plan(book, DAY, now, "standard")
    assert isinstance(plan, Plan)
    found = curves(book, DAY, now, plan)
    old, new = (level(found, LevelsOf.ADVISED, substance) for substance in ("alprazolam", "diazepam"))
    assert old.averages()[-1] < old.averages()[0] / 100
    assert new.hourly[0] == 0 and new.averages()[-1] > new.averages()[1]
    assert new.swings[0] is None
    assert new.swings[-1] < level(found, LevelsOf.NOW, "alprazolam").swings[-1]


def test_a_substance_that_two_agents_turn_into_has_one_curve(book):
    now = takes(book, "clorazepate", "15", doses_a_day=2)
    plan = crossover_plan(book, DAY, now, "standard")
    assert isinstance(plan, Plan)
    found = curves(book, DAY, now, plan)
    advised = [each.substance for each in found.levels if each.which is LevelsOf.ADVISED]
    assert sorted(advised) == ["diazepam", "nordazepam"]


@pytest.mark.parametrize("agent", ["zolpidem", "clobazam"])
def test_an_agent_whose_figures_are_refused_says_so_for_each_regimen(book, agent):
    found = drawn(book, agent, "10", ordered=(RegimenStep(NOTHING),))
    assert found.levels == ()
    assert {each.which for each in found.not_drawn} == {LevelsOf.NOW, LevelsOf.ADVISED}
    assert all(each.agent == agent and each.reason == book.pharmacokinetics[agent].reason for each in found.not_drawn)


def test_an_agent_without_figures_says_so(book):
    now = takes(book, "loprazolam", "1")
    (missing,) = curves(book, DAY, now, None).not_drawn
    assert missing.agent == "loprazolam" and missing.reason


def test_extended_release_has_figures_of_its_own_and_swings_less(book):
    slow, quick = (takes(book, "alprazolam", "3", doses_a_day=1, extended_release=release) for release in (True, False))
    one, other = (level(curves(book, DAY, each, None), LevelsOf.NOW, "alprazolam") for each in (slow, quick))
    assert one.swings[0] < other.swings[0]
    assert one.averages()[0] == pytest.approx(other.averages()[0], rel=0.05)


def test_the_release_that_each_step_is_taken_in_is_drawn(book):
    now = takes(book, "alprazolam", "3", extended_release=True)
    plan = immediate_release_plan(book, DAY, now, "standard")
    assert isinstance(plan, Plan)
    found = curves(book, DAY, now, plan)
    advised = level(found, LevelsOf.ADVISED, "alprazolam")
    assert advised.averages()[10] == pytest.approx(level(found, LevelsOf.NOW, "alprazolam").averages()[10], rel=0.05)


def test_a_night_dose_peaks_after_its_hour(book):
    now = takes(book, "lorazepam", "2", times=((DayTime.NIGHT, Decimal(2)),))
    day = level(curves(book, DAY, now, None), LevelsOf.NOW, "lorazepam").hourly[HOURS : 2 * HOURS]
    assert day.index(min(day)) == book.value("night_hour", DAY)


def test_the_json_of_the_curves_is_plain_and_keeps_what_was_not_drawn(book):
    found = drawn(book, "zolpidem", "10")
    told = json.loads(json.dumps(curves_json(found)))
    assert told["levels"] == [] and told["starts"] == "2026-11-23"
    assert {each["agent"] for each in told["notDrawn"]} == {"zolpidem"}
    (now, advised) = json.loads(json.dumps(curves_json(drawn(book, "lorazepam", "3"))))["levels"]
    assert (now["which"], advised["which"], now["substance"]) == ("now", "advised", "lorazepam")
    assert len(now["swingPercentByDay"]) == told["days"]
