"""What a plan rests on is on the card that gives it, and decides what a clinician has to sign off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from cds.cli.rules.folder import engine_of
from cds.cli.rules.list import row
from cds.decision.decide import decide
from cds.decision.plans import crossover_limits, plan_limits
from cds.engine.engine import Engine
from cds.hooks.messages import hook_call
from cds.knowledge.loader import knowledge
from cds.knowledge.model import Knowledge, Rule
from cds.knowledge.plan_basis import CROSSOVER, EVERY_PLAN, OF_A_CROSSOVER, TAPER, gives_a_plan, plan_basis

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 23)
BOOK = knowledge(ROOT / "rules")


@dataclass
class Asked:
    """Answers every parameter, and remembers which were asked for."""

    names: set[str] = field(default_factory=set)

    def value(self, name: str, day: date) -> Decimal:
        self.names.add(name)
        return Decimal(1)


def test_what_every_plan_and_crossover_counts_with_is_what_they_are_said_to_rest_on() -> None:
    plan, across = Asked(), Asked()
    plan_limits(cast(Knowledge, plan), DAY)
    crossover_limits(cast(Knowledge, across), DAY)
    assert plan.names | {"taper_basis"} == set(EVERY_PLAN)
    assert across.names | {"crossover_target"} == set(OF_A_CROSSOVER)


@pytest.mark.parametrize("pace", [pace.id for pace in BOOK.paces.values() if pace.plan])
def test_each_number_of_a_pace_is_said_with_its_value_beside_its_source(pace: str) -> None:
    held = BOOK.paces[pace]
    told = plan_basis((TAPER,), pace, BOOK, DAY)
    assert told[0].cite == held.cite
    by_cite = {one.cite: one.says for one in told}
    assert held.cut and held.interval
    assert "taper basis" in by_cite["local-default"]
    for name in (held.cut, held.interval):
        edition = BOOK.parameters[name].on(DAY)
        assert edition is not None
        assert f"{name.replace('_', ' ')} {edition.value}" in by_cite[edition.cite]


def test_a_pace_without_a_plan_rests_on_nothing() -> None:
    assert plan_basis((TAPER,), "hold", BOOK, DAY) == plan_basis((), "no such pace", BOOK, DAY) == ()


def test_a_crossover_rests_on_more_than_a_taper() -> None:
    both = " ".join(one.says for one in plan_basis((TAPER, CROSSOVER), "standard", BOOK, DAY))
    assert "crossover wait" in both
    assert "crossover" not in " ".join(one.says for one in plan_basis((TAPER,), "standard", BOOK, DAY))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = engine_of(BOOK)
    yield made
    made.close()


def answered(story: str, engine: Engine, at_length: bool) -> list[dict[str, Any]]:
    folder = ROOT / "fhir_examples" / story
    expected = json.loads((folder / "expected.json").read_text())
    call = hook_call(expected["service"], json.loads((folder / "request.json").read_text()))
    found = decide(call, engine.knowledge, engine, date.fromisoformat(expected["day"]), "d", lambda: "i", at_length=at_length)
    cards: list[dict[str, Any]] = found.answer["cards"]
    return cards


STORIES = (
    "cut-too-fast-alprazolam-halved",
    "crossover-alprazolam-renewed",
    "abrupt-stop-alprazolam",
    "slower-taper-after-earlier-withdrawal",
)


@pytest.mark.parametrize("story", STORIES)
def test_a_card_that_gives_a_plan_says_that_local_defaults_went_into_it(story: str, engine: Engine) -> None:
    card = answered(story, engine, at_length=False)[0]
    assert "local default" in card["detail"]
    card = answered(story, engine, at_length=True)[0]
    assert "Local default, needs clinical sign-off: in the plan," in card["detail"]
    assert "taper basis" in card["detail"]


def test_a_card_without_a_plan_says_nothing_of_one(engine: Engine) -> None:
    assert all("in the plan" not in card["detail"] for card in answered("hold-suicide-risk", engine, at_length=True))


def on_guidelines(rule: Rule) -> Rule:
    return replace(rule, because=tuple(one for one in rule.because if one.cite != "local-default"))


def test_a_rule_of_guidelines_alone_needs_a_sign_off_where_its_plan_rests_on_local_defaults() -> None:
    rule = on_guidelines(BOOK.rule("crossover"))
    assert gives_a_plan(rule)
    listed = row(rule, BOOK, DAY)
    assert listed["sign-off"] == "needed"
    assert {"slower_cut", "taper_basis", "crossover_wait"} <= {*str(listed["numbers to sign off"]).split(", ")}


def test_a_rule_needs_none_where_nothing_that_it_says_or_plans_is_local() -> None:
    cited = {
        name: replace(one, editions=tuple(replace(edition, cite="asam-2025-r6") for edition in one.editions))
        for name, one in BOOK.parameters.items()
    }
    assert row(on_guidelines(BOOK.rule("crossover")), replace(BOOK, parameters=cited), DAY)["sign-off"] == "not needed"


def test_a_number_that_a_rule_asks_about_has_to_be_signed_off_too() -> None:
    rule = on_guidelines(BOOK.rule("short-supplies"))
    assert not gives_a_plan(rule)
    assert "supply_at_risk" in str(row(rule, BOOK, DAY)["numbers to sign off"])
