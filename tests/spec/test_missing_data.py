"""Missing data: a rule that needs an unknown fact can't tell, unless the known facts already decide.

Truth tables of all, any and none over true (T), false (F) and not known (?), and of what may be assumed.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from cds.core.facts import Fact, Known, Unknown
from cds.engine.fact_types import prepared
from cds.engine.reference import Answer, Questions, weigh
from cds.knowledge.model import FactDefinition, FactType, Group, IfMissing, Operator, RuleCondition

ANSWERS = {"T": Answer.TRUE, "F": Answer.FALSE, "?": Answer.CANNOT_TELL}
FACTS: dict[str, Fact] = {"T": Known(True), "F": Known(False), "?": Unknown("it was not sent")}


def asks(name: str) -> RuleCondition:
    return RuleCondition(name, Operator.IS, (True,))


def answer(group: Group, **facts: str) -> Answer:
    return weigh(group, {name: FACTS[letter] for name, letter in facts.items()}, Questions(lambda name: None))[0]


PAIRS = [
    # a    b    all  any  none
    ("T", "T", "T", "T", "F"),
    ("T", "F", "F", "T", "F"),
    ("T", "?", "?", "T", "F"),
    ("F", "T", "F", "T", "F"),
    ("F", "F", "F", "F", "T"),
    ("F", "?", "F", "?", "?"),
    ("?", "T", "?", "T", "F"),
    ("?", "F", "F", "?", "?"),
    ("?", "?", "?", "?", "?"),
]


@pytest.mark.parametrize(("a", "b", "all_", "any_", "none_"), PAIRS)
def test_two_conditions(a: str, b: str, all_: str, any_: str, none_: str) -> None:
    both = (asks("a"), asks("b"))
    assert answer(Group(all=both), a=a, b=b) is ANSWERS[all_]
    assert answer(Group(any=both), a=a, b=b) is ANSWERS[any_]
    assert answer(Group(none=both), a=a, b=b) is ANSWERS[none_]


@pytest.mark.parametrize(
    ("a", "b", "c", "expected"),
    [
        ("T", "T", "F", "T"),
        ("T", "T", "?", "?"),
        ("T", "T", "T", "F"),
        ("F", "?", "?", "F"),
        ("?", "F", "?", "F"),
        ("?", "?", "T", "F"),
        ("?", "T", "F", "?"),
    ],
)
def test_all_any_and_none_together(a: str, b: str, c: str, expected: str) -> None:
    assert answer(Group(all=(asks("a"),), any=(asks("b"),), none=(asks("c"),)), a=a, b=b, c=c) is ANSWERS[expected]


@pytest.mark.parametrize(
    ("a", "b", "expected"), [("T", "T", "F"), ("T", "F", "T"), ("F", "?", "T"), ("T", "?", "?"), ("?", "?", "?")]
)
def test_a_group_under_none(a: str, b: str, expected: str) -> None:
    assert answer(Group(none=(Group(all=(asks("a"), asks("b"))),)), a=a, b=b) is ANSWERS[expected]


def test_a_fact_that_nobody_gave_is_not_known() -> None:
    assert answer(Group(all=(asks("a"),))) is Answer.CANNOT_TELL


def test_a_question_and_its_opposite_can_not_be_told_of_an_unknown_fact() -> None:
    """Not known is neither: the known law `a or not a` does not make a rule true."""
    assert answer(Group(any=(asks("a"), RuleCondition("a", Operator.IS, (False,)))), a="?") is Answer.CANNOT_TELL


ASSUMED = IfMissing.ASSUME_NO
TOLD = Unknown("it was not sent")
UNREADABLE = Unknown("the score is no number", ("Observation/1",))

ASSUMPTIONS = [
    # what                                         type                if missing          given                  what holds
    ("a quantity that may be assumed", FactType.QUANTITY, ASSUMED, TOLD, Decimal(0)),
    ("a yes_no that may be assumed", FactType.YES_NO, ASSUMED, TOLD, False),
    ("one that may be assumed and was sent unreadable", FactType.QUANTITY, ASSUMED, UNREADABLE, None),
    ("one that may be assumed and is known", FactType.QUANTITY, ASSUMED, Known(Decimal(7)), Decimal(7)),
    ("a quantity that may not be assumed", FactType.QUANTITY, IfMissing.UNKNOWN, TOLD, None),
    ("a yes_no that may not be assumed", FactType.YES_NO, IfMissing.UNKNOWN, TOLD, None),
    ("an amount for a yes_no", FactType.YES_NO, IfMissing.UNKNOWN, Known(Decimal(1)), None),
    ("a text for an amount", FactType.QUANTITY, IfMissing.UNKNOWN, Known("7"), None),
    ("an amount that is none", FactType.QUANTITY, IfMissing.UNKNOWN, Known(Decimal("NaN")), None),
    ("an amount without end", FactType.QUANTITY, IfMissing.UNKNOWN, Known(Decimal("Infinity")), None),
    ("a choice outside the choices", FactType.CHOICE, IfMissing.UNKNOWN, Known("pause"), None),
    ("a choice inside them", FactType.CHOICE, IfMissing.UNKNOWN, Known("stop"), "stop"),
    ("a day", FactType.DATE, IfMissing.UNKNOWN, Known(date(2026, 1, 1)), date(2026, 1, 1)),
    ("a wrong value is not assumed away", FactType.YES_NO, ASSUMED, Known("no"), None),
]


@pytest.mark.parametrize(
    ("type_", "if_missing", "given", "holds"), [row[1:] for row in ASSUMPTIONS], ids=[row[0] for row in ASSUMPTIONS]
)
def test_what_holds_when_data_is_missing(type_: FactType, if_missing: IfMissing, given: Fact, holds: object) -> None:
    definition = FactDefinition("fact", "", type_, choices=("reduce", "stop"), if_missing=if_missing)
    found = prepared({"fact": given}, {"fact": definition})["fact"]
    assert (found.value if isinstance(found, Known) else None) == holds


def test_an_assumption_says_that_it_is_one() -> None:
    definition = FactDefinition("score", "", FactType.QUANTITY, if_missing=ASSUMED)
    assert prepared({"score": TOLD}, {"score": definition})["score"] == Known(Decimal(0), "assumed, since it was not sent")
