"""Small steps: where no tablet follows a pace a step may be larger, and nowhere else; a stop of a whole dose is never small."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cds.core.equivalence import diazepam_equivalent
from cds.core.medication import AgentKind
from cds.core.quantity import exactly
from tests.spec.calls import DAY, Desk, desk, draft, order

NIGHT = "1 at bedtime"


@pytest.fixture(scope="module")
def asked() -> Iterator[Desk]:
    with desk() as one:
        yield one


def test_a_stop_of_the_least_tablet_of_any_agent_is_told_unless_it_is_one_small_step(asked: Desk) -> None:
    largest = asked.book.value("largest_small_step", DAY)
    for name, agent in sorted(asked.book.agents.items()):
        solids = [one for one in asked.book.presentations.get(name, ()) if not one.liquid and not one.extended_release]
        if not solids or not agent.equivalents:
            continue
        least = min(solids, key=lambda one: one.mg)
        equivalent = diazepam_equivalent(exactly(least.mg), agent)
        assert equivalent is not None
        taken = order("x", f"{name} {least.mg} mg {least.form.value}", NIGHT, since=200)
        answer = asked.ask([{**taken, "status": "stopped"}], requests=[taken])
        assert answer.orders[0]["takesNowMg"] == float(least.mg), name
        told = {"abrupt-stop", "z-drug-step"} if agent.kind is AgentKind.Z_DRUG else {"abrupt-stop"}
        assert told & answer.says or equivalent.high <= largest, (name, str(equivalent))


CUTS = [
    # taken, of mg                 ordered, of mg                          whether it is too fast, after 200 days
    ("flurazepam 30 mg capsule", "flurazepam 15 mg capsule", False),  # half, and the next strength of a hypnotic: none is between
    ("temazepam 30 mg capsule", "temazepam 22.5 mg capsule", False),  # the next strength of a hypnotic
    ("lorazepam 1 mg tablet", "lorazepam 0.75 mg tablet", False),  # a quarter, and no tablet comes nearer
    ("temazepam 30 mg capsule", "temazepam 15 mg capsule", True),
    ("diazepam 10 mg tablet", "diazepam 5 mg tablet", True),
    ("diazepam 2 mg tablet", "diazepam 1 mg tablet", False),  # 2, 1, 0: the end of published schedules
    ("zolpidem 10 mg tablet", "zolpidem 7.5 mg capsule", False),  # 5 mg diazepam: tablets do no less
    ("zolpidem 10 mg tablet", "zolpidem 5 mg tablet", False),  # a Z-drug by strengths; not every country sells 7.5 mg
    ("zolpidem 20 mg tablet", "zolpidem 10 mg tablet", True),  # above label strength
    ("alprazolam 2 mg tablet", "alprazolam 1.875 mg tablet", False),
    ("alprazolam 2 mg tablet", "alprazolam 1.5 mg tablet", True),
]


@pytest.mark.parametrize(("taken", "ordered", "fast"), CUTS)
def test_a_cut_may_be_as_small_as_tablets_allow_but_never_above_a_quarter_while_the_dose_is_not_small(
    asked: Desk, taken: str, ordered: str, fast: bool
) -> None:
    answer = asked.ask([draft("n", ordered, NIGHT)], requests=[order("x", taken, NIGHT, since=200)])
    assert answer.orders[0]["action"] == "reduce"
    assert ("cut-too-fast" in answer.says) == fast


TAPERS = [
    # of                            directions                                                                  too fast
    ("zolpidem 5 mg tablet", "1 tablet at bedtime for 2 weeks, then stop", False),
    ("diazepam 2 mg tablet", "1 tablet daily for 2 weeks, then half a tablet daily for 2 weeks, then stop", False),
    ("diazepam 2 mg tablet", "1 tablet daily for 2 weeks, then half a tablet daily for 3 days, then stop", True),
    ("diazepam 5 mg tablet", "1 tablet daily for 2 weeks, then stop", True),
]


@pytest.mark.parametrize(("drug", "sig", "fast"), TAPERS)
def test_the_last_steps_of_a_taper_are_judged_as_a_plan_takes_them(asked: Desk, drug: str, sig: str, fast: bool) -> None:
    before = {"zolpidem 5 mg tablet": "zolpidem 7.5 mg capsule", "diazepam 2 mg tablet": "diazepam 3 mg tablet"}
    taken = order("x", before.get(drug, "diazepam 5.5 mg tablet"), NIGHT, since=200)
    assert ("cut-too-fast" in asked.ask([draft("n", drug, sig)], requests=[taken]).says) == fast
