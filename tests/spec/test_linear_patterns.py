"""Every pattern that reads the text of a record does work that grows with its length and no faster, counted in steps."""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import fields
from pathlib import Path

import pytest

import cds.fhir
from cds.fhir.dosage.sig_words import LONGEST_SIG, tokens
from cds.fhir.dosage.unreadable import Unreadable
from cds.knowledge.files import dosing as words_of_dosages
from cds.knowledge.files import drug_names
from cds.knowledge.files.dosing import dosing
from cds.knowledge.problems import Problems
from tests.spec.regex_steps import Steps, TooManySteps

RULES = Path(__file__).parents[2] / "rules/drugs/dosing.yaml"
WORDS = dosing({"rules/drugs/dosing.yaml": RULES.read_bytes()}, Problems())


def _patterns() -> dict[str, re.Pattern[str]]:
    found = {}
    for module in pkgutil.walk_packages(cds.fhir.__path__, "cds.fhir."):
        names = vars(importlib.import_module(module.name))
        found |= {f"{module.name}.{name}": value for name, value in names.items() if isinstance(value, re.Pattern)}
    for reader in (drug_names, words_of_dosages):
        found |= {f"{reader.__name__}.{name}": value for name, value in vars(reader).items() if isinstance(value, re.Pattern)}
    spelled = WORDS.spelled
    assert spelled is not None
    return found | {f"spelled.{field.name}": getattr(spelled, field.name) for field in fields(spelled)}


PATTERNS = _patterns()
REPEATED = ["a", "1", " ", ".", "a.", "1 ", "1/2 ", "one ", "1.1", "(", "<", ",", "1,", "..", "1-", "x ", "for 1", "to 1 ", "q."]
REPEATED += ["§1", "1 jan "]
SHORT, LONG = 60, 10_000
KB, MOST_STEPS = 1_000, 200_000
"""Up to 100 KB of what costs a pattern most, or as many KB as take so many steps."""


def steps(pattern: re.Pattern[str], text: str, most: int) -> int:
    return Steps(pattern, most).over(text)


@pytest.mark.parametrize("name", PATTERNS)
def test_a_text_ten_times_as_long_costs_ten_times_the_steps(name: str) -> None:
    for repeated in REPEATED:
        short = (repeated * SHORT)[:SHORT]
        cost = steps(PATTERNS[name], short, 2_000_000)
        try:
            steps(PATTERNS[name], short * 10, 11 * cost + 1_000)
        except TooManySteps as error:
            pytest.fail(f"{name} over {repeated!r}: {error}, after {cost} over {SHORT}")


@pytest.mark.parametrize("name", PATTERNS)
def test_up_to_a_hundred_kilobytes_each_costs_what_the_first_did(name: str) -> None:
    pattern = PATTERNS[name]
    worst = max(REPEATED, key=lambda repeated: steps(pattern, (repeated * SHORT)[:SHORT], 2_000_000))
    first = steps(pattern, (worst * KB)[:KB], 2_000_000)
    kilobytes = max(min(100, MOST_STEPS // first), 5)
    assert steps(pattern, (worst * kilobytes * KB)[: kilobytes * KB], 10**7) < 1.1 * kilobytes * first + KB


def test_the_counter_tells_a_quadratic_pattern_from_a_linear_one() -> None:
    quadratic, linear = re.compile(r"[a-z]*\."), re.compile(r"(?<![a-z])[a-z]*\.")
    few, many = steps(quadratic, "a" * 100, 10**6), steps(quadratic, "a" * 1_000, 10**7)
    assert many > 50 * few
    assert steps(linear, "a" * LONG, 10**7) < 11 * steps(linear, "a" * 1_000, 10**6)


@pytest.mark.parametrize("repeated", REPEATED)
def test_directions_longer_than_any_are_not_read_at_all(repeated: str) -> None:
    with pytest.raises(Unreadable):
        tokens((repeated * LONG)[: LONGEST_SIG + 1], WORDS)
