"""A taper that the record shows: a card judges against it, and going back to what was borne gets no new cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.spec.calls import Answer, Desk, Json, desk, draft, order

DRUG = "diazepam 5 mg tablet"


@pytest.fixture(scope="module")
def here() -> Iterator[Desk]:
    with desk() as found:
        yield found


def history(*levels: tuple[int, float]) -> list[Json]:
    """Orders that follow each other, each from so many days ago on, of so many tablets a day; the last one runs."""
    found = []
    for at, (since, tablets) in enumerate(levels):
        more: Json = {"prior": f"order-{at - 1}"} if at else {}
        if at + 1 < len(levels):
            more |= {"days": since - levels[at + 1][0], "status": "completed"}
        found.append(order(f"order-{at}", DRUG, f"Take {tablets:g} tablets daily", since=since, **more))
    return found


def asks(here: Desk, tablets: float, *levels: tuple[int, float]) -> Answer:
    """The answer where so many tablets a day are ordered next."""
    next_one = draft("next", DRUG, f"Take {tablets:g} tablets daily", days=28, prior=f"order-{len(levels) - 1}")
    return here.ask([next_one], requests=history(*levels))


UNDER_WAY = ((300, 4), (60, 3.5), (30, 3))


def test_a_renewal_during_a_taper_tells_of_the_taper_and_of_its_next_step(here: Desk) -> None:
    answer = asks(here, 3, *UNDER_WAY)
    assert answer.cards == ["review-long-use info"]
    assert "a taper is under way" in answer.body["cards"][0]["summary"]
    assert "(20 mg before, 15 mg a day since 24 October 2026)" in answer.text
    assert "If you both agree to taper" not in answer.text


def test_its_plan_goes_on_from_the_dose_before_the_taper(here: Desk) -> None:
    """No gentle first step again, and steps that are sized by the dose at the start."""
    on, anew = asks(here, 3, *UNDER_WAY), asks(here, 3, (300, 3))
    first, ends = on.orders[0]["plan"]["steps"][0], on.orders[0]["plan"]["ends"]
    assert first["start"] == "2026-11-23"
    assert ends <= anew.orders[0]["plan"]["ends"]


def test_the_next_step_waits_until_the_last_one_has_lasted(here: Desk) -> None:
    answer = asks(here, 3, (300, 4), (60, 3.5), (5, 3))
    assert answer.orders[0]["plan"]["steps"][0]["start"] == "2026-12-02"
    assert "from 2 December 2026 on" in answer.text
    labels = [one["label"] for card in answer.body["cards"] for one in card.get("suggestions", ())]
    assert labels == []


@pytest.mark.parametrize(
    ("days_ago", "cards"),
    [(2, ["cut-too-fast info"]), (6, ["cut-too-fast info"]), (7, []), (13, []), (30, [])],
)
def test_a_small_cut_too_soon_after_the_last_is_told(here: Desk, days_ago: int, cards: list[str]) -> None:
    answer = asks(here, 3.2, (300, 4), (days_ago, 3.6))
    assert answer.cards == cards
    if cards:
        assert f"{days_ago} days after the last cut" in answer.body["cards"][0]["summary"]


def test_a_renewal_soon_after_a_large_cut_is_no_cut(here: Desk) -> None:
    assert asks(here, 2, (300, 4), (5, 2)).cards == ["review-long-use info"]


def test_a_stop_in_a_taper_goes_on_with_the_taper(here: Desk) -> None:
    running = history(*UNDER_WAY)
    answer = here.ask([{**running[-1], "status": "stopped"}], requests=running)
    assert answer.cards == ["abrupt-stop critical"]
    assert "go on with the taper" in answer.body["cards"][0]["summary"]


@pytest.mark.parametrize(("raised", "says"), [(5, {"going-back-up"}), (27, {"going-back-up"}), (28, {"review-long-use"})])
def test_what_was_gone_back_to_is_held_for_weeks(here: Desk, raised: int, says: set[str]) -> None:
    answer = asks(here, 4, (300, 4), (60, 3), (raised, 4))
    assert answer.says == says
    if "going-back-up" in says:
        assert "plan" not in answer.orders[0] and "suggestions" not in answer.body["cards"][0]


def test_in_a_chart_nothing_is_said_while_it_is_held(here: Desk) -> None:
    assert here.ask(hook="patient-view", requests=history((300, 4), (60, 3), (10, 4))).cards == []


@pytest.mark.parametrize(
    ("levels", "pace"),
    [
        (((300, 3),), "standard"),
        (((300, 3), (120, 2), (90, 3)), "slower"),
        (((300, 3), (220, 2), (200, 3), (120, 2), (90, 3)), "very-slow"),
        (((300, 3), (200, 2), (90, 3)), "standard"),
    ],
)
def test_steps_that_were_not_borne_slow_what_follows(here: Desk, levels: Any, pace: str) -> None:
    assert asks(here, 3, *levels).orders[0]["pace"] == pace


@pytest.mark.parametrize(
    "levels",
    [((300, 4),), ((300, 3), (30, 4)), ((400, 4), (120, 3)), ((300, 4), (60, 3), (20, 3.5))],
    ids=["no change", "a rise", "a cut long ago", "a cut and a rise"],
)
def test_what_is_no_taper_under_way_is_told_as_before(here: Desk, levels: Any) -> None:
    answer = asks(here, levels[-1][1], *levels)
    assert "under way" not in answer.text


def test_two_orders_that_overlap_for_some_days_are_one_step(here: Desk) -> None:
    """The days on which both are listed are no dose that was taken: 20 mg before, not 35."""
    requests = history((300, 4), (30, 3))
    requests[0]["dispenseRequest"]["expectedSupplyDuration"]["value"] = 275
    answer = here.ask([draft("next", DRUG, "Take 3 tablets daily", days=28, prior="order-1")], requests=requests)
    assert "35 mg" not in answer.text
