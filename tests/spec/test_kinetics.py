"""Plasma levels against published half-lives, averages at steady state and times to peak."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from cds.core.kinetics import DosesOverDays, Kinetics, Refused, accumulation, curves, steady_average, time_to_peak
from cds.knowledge.files.pharmacokinetics import pharmacokinetics
from cds.knowledge.problems import Problems

RULES = Path(__file__).parents[2] / "rules"
FILE = "drugs/pharmacokinetics.yaml"
PROBLEMS = Problems()
AGENTS = yaml.safe_load((RULES / "drugs/agents.yaml").read_text())["agents"]
TABLE = pharmacokinetics({FILE: (RULES / FILE).read_bytes()}, AGENTS, PROBLEMS)


def known(agent: str) -> Kinetics:
    found = TABLE[agent]
    assert isinstance(found, Kinetics)
    return found


DRAWN = sorted(agent for agent, found in TABLE.items() if isinstance(found, Kinetics))


def test_the_table_reads_without_a_problem():
    assert not PROBLEMS.found


@pytest.mark.parametrize(
    ("agent", "least", "most"),
    [
        ("alprazolam", 9, 16),
        ("clonazepam", 38, 42),
        ("diazepam", 43, 45),
        ("nordazepam", 36, 200),
        ("lorazepam", 8, 25),
        ("oxazepam", 4, 15),
        ("temazepam", 8, 22),
        ("chlordiazepoxide", 5, 30),
        ("nitrazepam", 15, 38),
    ],
)
def test_half_lives_in_hours_are_the_published_ones(agent, least, most):
    assert least <= known(agent).half_life <= most


@pytest.mark.parametrize(
    ("agent", "least", "most"),
    [
        ("alprazolam", 1, 2),
        ("alprazolam extended release", 5, 11),
        ("clonazepam", 1, 4),
        ("diazepam", 0.8, 1),
        ("lorazepam", 2, 4),
        ("oxazepam", 2, 4),
        ("temazepam", 1.2, 3),
    ],
)
def test_times_to_peak_in_hours_are_the_published_ones(agent, least, most):
    assert least <= time_to_peak(known(agent)) <= most


def test_1_mg_of_alprazolam_a_day_averages_10_to_12_micrograms_in_a_litre():
    assert 10 <= steady_average(known("alprazolam"), 1) <= 12


def test_clonazepam_once_a_day_accumulates_about_three_fold():
    assert accumulation(known("clonazepam"), 24) == pytest.approx(3.3, rel=0.15)


def test_nordazepam_is_about_as_high_as_diazepam_at_steady_state():
    parent, formed = curves(known("diazepam"), unchanged((8, 5), (22, 5)), 47)
    assert sum(formed.levels) / sum(parent.levels) == pytest.approx(1, rel=0.1)


def test_clorazepate_is_seen_as_nordazepam():
    (curve,) = curves(known("clorazepate"), unchanged((8, 15)), 24)
    assert curve.agent == "nordazepam"


@pytest.mark.parametrize("agent", ["zolpidem", "clobazam", "estazolam", "flurazepam"])
def test_an_agent_whose_numbers_do_not_fit_or_are_missing_is_refused_with_a_reason(agent):
    found = TABLE[agent]
    assert isinstance(found, Refused)
    assert found.reason


def unchanged(*doses: tuple[float, float]) -> list[DosesOverDays]:
    """Taken for long before hour 0, and for 40 days after it."""
    return [DosesOverDays(doses, None, 0), DosesOverDays(doses, 0, 40)]


@pytest.mark.parametrize("agent", DRAWN)
def test_a_steady_regimen_that_goes_on_stays_steady(agent):
    kinetics = known(agent)
    for curve in curves(kinetics, unchanged((8, 5), (22, 5)), 40 * 24 - 1):
        assert curve.levels[0:24] == pytest.approx(curve.levels[39 * 24 : 40 * 24], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("agent", DRAWN)
def test_the_average_of_the_curve_is_what_dose_and_clearance_give(agent):
    kinetics = known(agent)
    fine = curves(kinetics, unchanged(*((hour / 10, 0.1) for hour in range(240))), 23)[0]
    average = sum(fine.levels) / len(fine.levels)
    assert average == pytest.approx(steady_average(kinetics, 24), rel=0.02)


def test_a_stop_leaves_half_after_one_half_life():
    kinetics = known("clonazepam")
    (curve,) = curves(kinetics, [DosesOverDays(((0.0, 1.0),), None, 0)], 200)
    hours = round(kinetics.half_life)
    assert curve.levels[60 + hours] / curve.levels[60] == pytest.approx(math.exp(-kinetics.elimination * hours), rel=0.001)


def test_levels_add_up_dose_by_dose():
    kinetics = known("lorazepam")
    both = curves(kinetics, [DosesOverDays(((8.0, 1.0), (20.0, 2.0)), 0, 5)], 200)[0]
    first = curves(kinetics, [DosesOverDays(((8.0, 1.0),), 0, 5)], 200)[0]
    second = curves(kinetics, [DosesOverDays(((20.0, 2.0),), 0, 5)], 200)[0]
    assert both.levels == pytest.approx([a + b for a, b in zip(first.levels, second.levels, strict=True)])


def test_a_short_acting_agent_swings_more_than_a_long_acting_one():
    short = curves(known("alprazolam"), unchanged((8, 1), (22, 1)), 48)[0]
    long = curves(known("clonazepam"), unchanged((8, 1), (22, 1)), 48)[0]
    assert short.swing(0) > 2 * long.swing(0)


def test_no_level_has_no_swing():
    assert curves(known("diazepam"), [], 24)[0].swing(0) == 0


def test_a_number_that_is_none_is_a_problem_with_its_place():
    problems = Problems()
    broken = (RULES / FILE).read_text().replace("volume: 224", "volume: much")
    pharmacokinetics({FILE: broken.encode()}, AGENTS, problems)
    assert [problem.code for problem in problems.found] == ["RULE023"]


def test_an_agent_that_there_is_not_is_a_problem_with_the_nearest_name():
    problems = Problems()
    broken = (RULES / FILE).read_text().replace("  clonazepam:", "  clonazepan:")
    pharmacokinetics({FILE: broken.encode()}, AGENTS, problems)
    assert [(problem.code, problem.do) for problem in problems.found] == [("RULE023", "Did you mean clonazepam?")]
