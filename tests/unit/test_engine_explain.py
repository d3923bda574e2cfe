"""The machine's story: one line a condition, generated from the trace."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from cds.core.facts import Known, Unknown
from cds.engine.engine import Engine
from cds.engine.explanation import explained
from cds.knowledge.files.vocabulary import askable
from cds.knowledge.model import RuleKind

DAY = date(2026, 11, 23)
NESTED = "  all:\n    - all: [use_length: {is at least: long_time}]\n      none: [hospice: {is: yes}]"


@pytest.fixture(scope="module")
def engine(rule_book):
    built = Engine(rule_book())
    yield built
    built.close()


def story(engine: Engine, kind: RuleKind, facts: dict) -> str:
    [finding] = engine.findings(kind, facts, DAY)
    return explained(finding, DAY, askable(engine.knowledge))


def test_a_story_tells_what_was_found_and_what_was_asked(engine: Engine) -> None:
    facts = {
        "order_action": Known("reduce"),
        "long_use": Unknown("no supply history was given"),
        "order_cut": Known(Decimal("50.000")),
        "hospice": Known(False),
    }
    assert story(engine, RuleKind.ADVICE, facts) == (
        "cut-too-fast on 2026-11-23: cannot tell\n"
        "  all  [true ] order_action is reduce; asked: is one of reduce, stop\n"
        "  all  [?    ] long_use is not known: no supply history was given; asked: is yes\n"
        "  all  [true ] order_cut is 50 percent; asked: is more than largest_cut_in_two_weeks (25 percent, asam)\n"
        "  none [false] hospice is no; asked: is yes"
    )


@pytest.mark.parametrize(
    ("length", "says"),
    [
        ("72", "; 18 days short of 90 days"),
        ("89.5", "; 0.5 days short of 90 days"),
        ("45", "; 45 days short of 90 days"),
        ("44", ""),
        ("0", ""),
    ],
)
def test_a_near_miss_tells_by_how_much(engine: Engine, length: str, says: str) -> None:
    assert story(engine, RuleKind.RISK, {"use_length": Known(Decimal(length))}).endswith(
        f"is at least long_time (90 days, asam){says}"
    )


def test_an_exact_limit_that_is_not_enough_is_told_as_such(engine: Engine) -> None:
    told = story(engine, RuleKind.ADVICE, {"order_cut": Known(Decimal(25))})
    assert "order_cut is 25 percent; asked: is more than largest_cut_in_two_weeks (25 percent, asam); exactly 25 percent" in told


def test_a_fact_that_nobody_gave_is_told(engine: Engine) -> None:
    assert "use_length is not known: it was not given; asked" in story(engine, RuleKind.RISK, {})


def test_a_nested_group_has_its_lines_below_it(rule_book) -> None:
    changes = [
        ("risk/long-use.yaml", "  all:\n    - use_length: {is at least: long_time}", NESTED),
        ("risk/long-use.yaml", "{use_length: 90 days}", "{use_length: 90 days, hospice: no}"),
    ]
    deeper = Engine(rule_book(*changes))
    told = story(deeper, RuleKind.RISK, {"use_length": Known(Decimal(90))})
    assert told == (
        "long-use on 2026-11-23: cannot tell\n"
        "  all  [?    ] this group:\n"
        "    all  [true ] use_length is 90 days; asked: is at least long_time (90 days, asam)\n"
        "    none [?    ] hospice is not known: it was not given; asked: is yes"
    )
    deeper.close()


def test_a_story_tells_when_the_reference_had_to_answer(engine: Engine) -> None:
    [finding] = engine.findings(RuleKind.RISK, {"use_length": Known(Decimal(90))}, DAY)
    told = explained(finding._replace(trouble="error 303"), DAY, askable(engine.knowledge))
    assert told.endswith("\n  the reference answer was used: error 303")
