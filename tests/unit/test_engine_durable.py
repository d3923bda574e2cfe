"""Durable-rules, used so that it is exact: sessions end, handles are given back, threads don't mix."""

from __future__ import annotations

import resource
from concurrent.futures import ThreadPoolExecutor

import pytest

from cds.engine.durable import MOST_RULES, EngineFailed, Ruleset


def asks(*tests: dict) -> dict:
    return {"all": [{"m": {"$and": [{"our_facts": 1}, *tests]}}]}


@pytest.fixture
def ruleset():
    opened = Ruleset(
        "test", {"large": asks({"known_dose": 1}, {"$gte": {"dose": 25001}}), "daily": asks({"known_daily": 1}, {"daily": 1})}
    )
    yield opened
    opened.close()


def test_every_rule_that_is_true_is_named_once(ruleset: Ruleset) -> None:
    fact = {"our_facts": 1, "dose": 25001, "known_dose": 1, "daily": 1, "known_daily": 1}
    assert ruleset.fired(fact) == {"large", "daily"}


@pytest.mark.parametrize(
    "fact", [{"our_facts": 1}, {"our_facts": 1, "dose": 25000, "known_dose": 1}, {}, {"dose": 99999, "known_dose": 1}]
)
def test_facts_that_match_nothing_fire_nothing(ruleset: Ruleset, fact: dict[str, int]) -> None:
    assert ruleset.fired(fact) == frozenset()


def test_nothing_of_one_order_is_left_for_the_next(ruleset: Ruleset) -> None:
    assert ruleset.fired({"our_facts": 1, "dose": 30000, "known_dose": 1}) == {"large"}
    assert ruleset.fired({"our_facts": 1, "daily": 1, "known_daily": 1}) == {"daily"}
    assert ruleset.fired({"our_facts": 1}) == frozenset()


def test_more_orders_than_the_engine_has_sessions_are_answered(ruleset: Ruleset) -> None:
    fact = {"our_facts": 1, "daily": 1, "known_daily": 1}
    assert all(ruleset.fired(fact) == {"daily"} for _ in range(3000))


def test_threads_get_their_own_answers(ruleset: Ruleset) -> None:
    cases = [({"our_facts": 1, "dose": 20000 + 10 * n, "known_dose": 1}, n > 500) for n in range(1000)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda case: "large" in ruleset.fired(case[0]), cases))
    assert answers == [expected for _, expected in cases]


def test_building_and_closing_often_keeps_memory_flat() -> None:
    def build(times: int) -> None:
        for _ in range(times):
            one = Ruleset("again", {f"r{n}": asks({"known_x": 1}, {"$gte": {"x": n}}) for n in range(20)})
            assert len(one.fired({"our_facts": 1, "x": 9, "known_x": 1})) == 10
            one.close()

    build(50)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    build(300)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 20_000, f"{grown} KB more after 300 rulesets"


def test_a_closed_ruleset_refuses() -> None:
    closed = Ruleset("closed", {"daily": asks({"daily": 1})})
    closed.close()
    closed.close()
    with pytest.raises(EngineFailed, match="closed"):
        closed.fired({"our_facts": 1, "daily": 1})


def test_a_ruleset_of_too_many_rules_is_refused_before_it_is_compiled() -> None:
    with pytest.raises(EngineFailed, match=f"at most {MOST_RULES - 1}"):
        Ruleset("many", {f"r{n}": asks({"x": n}) for n in range(MOST_RULES)})


def test_a_ruleset_that_can_not_be_compiled_is_refused() -> None:
    with pytest.raises(EngineFailed, match="could not be compiled"):
        Ruleset("bad", {"r": {"all": [{"m": {"$bad": {"x": 1}}}], "unknown": 1}})


def test_the_largest_ruleset_fires_all_of_its_rules() -> None:
    full = Ruleset("full", {f"r{n}": asks({"known_x": 1}, {"$gte": {"x": n}}) for n in range(MOST_RULES - 1)})
    assert len(full.fired({"our_facts": 1, "x": 10**15, "known_x": 1})) == MOST_RULES - 1
    assert full.fired({"our_facts": 1, "x": -(10**15), "known_x": 1}) == frozenset()
    full.close()
