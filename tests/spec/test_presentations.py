"""What can be dispensed, from the drug tables, and what plans keep to, from the parameters."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cds.core.cuts import PercentOf
from cds.core.medication import Form
from cds.core.regimen import DayTime
from cds.decision.plans import crossover_limits, plan_limits, taper_pace, times_of_day
from cds.knowledge.files.drugs import drugs
from cds.knowledge.files.presentations import presentations
from cds.knowledge.loader import knowledge
from cds.knowledge.problems import Problems

RULES = Path(__file__).parents[2] / "rules"
FILES = {path.relative_to(RULES).as_posix(): path.read_bytes() for path in RULES.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def rule_book():
    return knowledge(RULES)


DAY = date(2026, 11, 23)
PROBLEMS = Problems()
DRUGS = drugs(FILES, PROBLEMS)
SHELF = presentations(FILES, DRUGS.agents, DRUGS.medications, PROBLEMS)


def test_the_tables_read_without_a_problem():
    assert not PROBLEMS.found


def test_every_agent_has_a_shelf():
    assert set(SHELF.by_agent) == set(DRUGS.agents)


@pytest.mark.parametrize(
    ("agent", "form", "mg", "code", "halves"),
    [
        ("alprazolam", Form.TABLET, "0.25", "308047", True),
        ("clonazepam", Form.ODT, "0.125", "349194", False),
        ("diazepam", Form.TABLET, "2", "197590", True),
        ("temazepam", Form.CAPSULE, "30", "198242", False),
        ("lorazepam", Form.TABLET, "0.5", "197900", True),
        ("delorazepam", Form.TABLET, "0.5", None, False),
    ],
)
def test_a_strength_has_its_product_code_and_is_halved_only_where_a_scored_one_is_known_to_be_sold(agent, form, mg, code, halves):
    (found,) = [
        one
        for one in SHELF.by_agent[agent]
        if (one.form, one.mg, one.extended_release, one.liquid) == (form, Decimal(mg), False, False)
    ]
    assert (found.code, found.halves) == (code, halves)


def test_extended_release_and_capsules_are_never_halved():
    for held in SHELF.by_agent.values():
        assert not any(one.halves for one in held if one.extended_release or one.form is not Form.TABLET)


@pytest.mark.parametrize(
    ("agent", "mg", "mL"), [("lorazepam", "2", "0.05"), ("diazepam", "1", "0.1"), ("nitrazepam", "0.5", "0.5")]
)
def test_a_liquid_is_measured_no_finer_than_its_smallest_step_nor_than_a_syringes_marks(agent, mg, mL):
    (found,) = [one for one in SHELF.by_agent[agent] if one.liquid and one.mg == Decimal(mg)]
    assert found.smallest_volume == Decimal(mL)


def test_a_liquid_knows_the_syringes_that_it_is_measured_with():
    (found,) = [one for one in SHELF.by_agent["clonazepam"] if one.compounded]
    assert found.syringes[0] == (Decimal(1), Decimal("0.05"))
    assert [holds for holds, _ in found.syringes] == sorted(holds for holds, _ in found.syringes)


def test_a_syringe_without_marks_is_a_problem_with_its_place():
    problems = Problems()
    broken = FILES["drugs/presentations.yaml"].replace(b"{holds: 3, marks: 0.1}", b"{holds: 3}")
    presentations({**FILES, "drugs/presentations.yaml": broken}, DRUGS.agents, DRUGS.medications, problems)
    assert [(problem.code, problem.position.line > 1) for problem in problems.found] == [("RULE021", True)]


def test_what_a_pharmacy_prepares_is_told_apart_from_what_is_sold():
    assert [one.mg for one in SHELF.by_agent["clonazepam"] if one.compounded] == [Decimal("0.1")]


def test_a_liquid_that_is_not_sold_here_is_left_out():
    assert not any(one.liquid for one in SHELF.by_agent["temazepam"])


def test_hypnotics_are_taken_at_night():
    assert "temazepam" in SHELF.at_night and "diazepam" not in SHELF.at_night


def test_an_agent_that_does_not_exist_is_a_problem_with_its_place():
    problems = Problems()
    broken = {**FILES, "drugs/presentations.yaml": FILES["drugs/presentations.yaml"].replace(b"  lorazepam:", b"  lorazepan:")}
    presentations(broken, DRUGS.agents, DRUGS.medications, problems)
    assert [problem.code for problem in problems.found] == ["RULE023"]


@pytest.mark.parametrize(
    ("agent", "times"),
    [
        ("alprazolam", [DayTime.MORNING, DayTime.MIDDAY, DayTime.NIGHT]),
        ("diazepam", [DayTime.MORNING, DayTime.NIGHT]),
        ("temazepam", [DayTime.NIGHT]),
        ("zolpidem", [DayTime.NIGHT]),
    ],
)
def test_where_a_patients_own_times_are_not_known_an_agent_is_taken_as_often_as_it_lasts(rule_book, agent, times):
    assert list(times_of_day(rule_book, DRUGS.agents[agent], SHELF.at_night, DAY)) == times


def test_the_paces_and_limits_are_the_parameters_of_the_day(rule_book):
    slower = taper_pace(rule_book, "slower", DAY, PercentOf.CURRENT)
    assert slower is not None
    assert (slower.first_cut, slower.cut, slower.interval) == (5, 10, 28)
    assert taper_pace(rule_book, "hold", DAY, PercentOf.CURRENT) is None
    assert plan_limits(rule_book, DAY).small_step_limit == 10
    assert crossover_limits(rule_book, DAY).highest == 40
