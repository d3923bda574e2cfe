"""The clinician's own taper, step by step beside a pace."""

from __future__ import annotations

from decimal import Decimal

from cds.core.cuts import Limit
from cds.core.ordered import judge
from tests.spec.plans import STANDARD, of_original

ALPRAZOLAM = [(14, Decimal("2.75")), (14, Decimal("2.5")), (14, Decimal("1.5"))]


def test_each_step_tells_its_day_and_its_cut_and_the_first_that_is_too_fast_is_marked():
    judged = judge(Decimal(3), ALPRAZOLAM, True, STANDARD)
    assert [(step.day, round(step.cut, 1), step.too_fast) for step in judged.steps] == [
        (0, Decimal("8.3"), False),
        (14, Decimal("9.1"), False),
        (28, Decimal(40), True),
        (42, Decimal(100), False),
    ]
    assert judged.first is not None and judged.first.limit is Limit.CUT


def test_of_the_original_dose_the_same_steps_cut_another_share():
    judged = judge(Decimal(3), ALPRAZOLAM, False, of_original(STANDARD))
    assert [round(step.cut_of_basis, 1) for step in judged.steps] == [Decimal("8.3"), Decimal("8.3"), Decimal("33.3")]


def test_after_a_length_that_is_not_stated_no_day_is_claimed():
    judged = judge(Decimal(10), [(None, Decimal(9)), (14, Decimal("8.1"))], False, STANDARD)
    assert [step.day for step in judged.steps] == [0, None]
    assert judged.first is None
