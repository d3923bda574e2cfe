"""The language of rules: what each operator means, at and beside its boundary, in both evaluators."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from cds.core.facts import FactValue, Known
from cds.core.quantity import Quantity
from cds.engine.compile import Rulesets
from cds.engine.fact_types import prepared
from cds.engine.reference import Answer, Questions, evaluate
from cds.knowledge.model import (
    FactDefinition,
    FactType,
    Group,
    Operand,
    Operator,
    ParameterName,
    Rule,
    RuleCondition,
    RuleKind,
    Status,
)
from cds.knowledge.model_parameters import Parameter, ParameterEdition

DAY = date(2026, 11, 23)
ACTIONS = ("start", "continue", "reduce", "stop")
WORDS = {
    "cut": FactDefinition("cut", "", FactType.QUANTITY, "percent"),
    "action": FactDefinition("action", "", FactType.CHOICE, choices=ACTIONS),
    "pregnant": FactDefinition("pregnant", "", FactType.YES_NO),
    "born": FactDefinition("born", "", FactType.DATE),
}
LIMITS = {
    "limit": Parameter("limit", "", "percent", (ParameterEdition(date(2025, 1, 1), Quantity(Decimal(25), "percent"), "asam"),)),
    "to_come": Parameter(
        "to_come", "", "percent", (ParameterEdition(date(2030, 1, 1), Quantity(Decimal(25), "percent"), "asam"),)
    ),
    "named": Parameter("named", "", "name", (ParameterEdition(date(2025, 1, 1), "stop", "asam"),)),
}


def percent(text: str) -> Quantity:
    return Quantity(Decimal(text), "percent")


LIMIT = (ParameterName("limit"),)
BORN = date(1960, 5, 17)

OPERATORS = [
    # fact      operator            operands                         value            answer
    ("cut", "is", (percent("25"),), Decimal("25"), True),
    ("cut", "is", (percent("25"),), Decimal("25.0"), True),
    ("cut", "is", (percent("25"),), Decimal("25.001"), False),
    ("cut", "is at least", (percent("25"),), Decimal("25"), True),
    ("cut", "is at least", (percent("25"),), Decimal("24.999"), False),
    ("cut", "is more than", (percent("25"),), Decimal("25"), False),
    ("cut", "is more than", (percent("25"),), Decimal("25.001"), True),
    ("cut", "is more than", (percent("25"),), Decimal("25.0004"), False),
    ("cut", "is more than", (percent("25"),), Decimal("25.0005"), True),
    ("cut", "is at most", (percent("25"),), Decimal("25"), True),
    ("cut", "is at most", (percent("25"),), Decimal("25.001"), False),
    ("cut", "is less than", (percent("25"),), Decimal("25"), False),
    ("cut", "is less than", (percent("25"),), Decimal("24.999"), True),
    ("cut", "is less than", (percent("0"),), Decimal("-0.001"), True),
    ("cut", "is between", (percent("5"), percent("10")), Decimal("4.999"), False),
    ("cut", "is between", (percent("5"), percent("10")), Decimal("5"), True),
    ("cut", "is between", (percent("5"), percent("10")), Decimal("10"), True),
    ("cut", "is between", (percent("5"), percent("10")), Decimal("10.001"), False),
    ("cut", "is between", (percent("10"), percent("5")), Decimal("7"), False),
    ("cut", "is more than", LIMIT, Decimal("25"), False),
    ("cut", "is more than", LIMIT, Decimal("25.001"), True),
    ("cut", "is between", (percent("5"), ParameterName("limit")), Decimal("25"), True),
    ("cut", "is more than", (percent("25"),), Decimal("1E+20"), True),
    ("cut", "is less than", (percent("25"),), Decimal("-1E+20"), True),
    ("action", "is", ("stop",), "stop", True),
    ("action", "is", ("stop",), "reduce", False),
    ("action", "is", (ParameterName("named"),), "stop", True),
    ("action", "is one of", ("start", "stop"), "stop", True),
    ("action", "is one of", ("stop", "start"), "continue", False),
    ("action", "is one of", ACTIONS, "continue", True),
    ("pregnant", "is", (True,), True, True),
    ("pregnant", "is", (True,), False, False),
    ("pregnant", "is", (False,), False, True),
    ("born", "is", (BORN,), BORN, True),
    ("born", "is at least", (BORN,), date(1960, 5, 16), False),
    ("born", "is more than", (BORN,), date(1960, 5, 18), True),
    ("born", "is between", (BORN, DAY), DAY, True),
]


def both(when: Group, facts: dict[str, FactValue]) -> tuple[Answer, bool]:
    """The reference's answer, and whether durable-rules fires."""
    ready = prepared({name: Known(value) for name, value in facts.items()}, WORDS)
    rule = Rule(RuleKind.RISK, "rule", "", Status.ACTIVE, 1, DAY, None, when, (), (), ())
    questions = Questions(lambda name: LIMITS[name].on(DAY))
    rulesets = Rulesets([rule], WORDS, questions)
    try:
        return evaluate(rule, ready, questions).answer, "rule" in rulesets.true(ready)
    finally:
        rulesets.close()


def answered(true: bool) -> tuple[Answer, bool]:
    return (Answer.TRUE, True) if true else (Answer.FALSE, False)


@pytest.mark.parametrize(("fact", "operator", "operands", "value", "expected"), OPERATORS)
def test_an_operator(fact: str, operator: str, operands: tuple[Operand, ...], value: FactValue, expected: bool) -> None:
    condition = RuleCondition(fact, Operator(operator), operands)
    assert both(Group(all=(condition,)), {fact: value}) == answered(expected)


@pytest.mark.parametrize(("fact", "operator", "operands", "value", "expected"), OPERATORS)
def test_under_none_it_is_the_opposite(
    fact: str, operator: str, operands: tuple[Operand, ...], value: FactValue, expected: bool
) -> None:
    condition = RuleCondition(fact, Operator(operator), operands)
    assert both(Group(none=(condition,)), {fact: value}) == answered(not expected)


def test_a_parameter_without_a_value_on_the_day_can_not_be_told_either_way() -> None:
    condition = RuleCondition("cut", Operator.MORE_THAN, (ParameterName("to_come"),))
    for when in (Group(all=(condition,)), Group(none=(condition,))):
        assert both(when, {"cut": Decimal(50)}) == (Answer.CANNOT_TELL, False)


def test_groups_nest_one_level() -> None:
    """A large cut, or a stop in pregnancy; never when it is only continued."""
    stop_in_pregnancy = Group(
        all=(RuleCondition("action", Operator.IS, ("stop",)), RuleCondition("pregnant", Operator.IS, (True,)))
    )
    continued = RuleCondition("action", Operator.IS, ("continue",))
    when = Group(any=(RuleCondition("cut", Operator.MORE_THAN, LIMIT), stop_in_pregnancy), none=(continued,))
    assert both(when, {"cut": Decimal(50), "action": "reduce"}) == answered(True)
    assert both(when, {"cut": Decimal(10), "action": "stop", "pregnant": True}) == answered(True)
    assert both(when, {"cut": Decimal(50), "action": "stop", "pregnant": True}) == answered(True)
    assert both(when, {"cut": Decimal(10), "action": "stop", "pregnant": False}) == answered(False)
    assert both(when, {"cut": Decimal(50), "action": "continue", "pregnant": True}) == answered(False)
    assert both(when, {"cut": Decimal(10), "action": "stop"}) == (Answer.CANNOT_TELL, False)
