"""Durable-rules and the reference evaluator, explained or not, give the same answers.

Over random rules, and facts of which a third is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds.core.facts import Known, Unknown
from cds.core.quantity import Quantity
from cds.engine.compile import Rulesets, TooManyAlternatives
from cds.engine.fact_types import prepared
from cds.engine.reference import Answer, Questions, answering, evaluate
from cds.knowledge.model import FactDefinition, FactType, Group, Operator, ParameterName, Rule, RuleCondition, RuleKind, Status
from cds.knowledge.model_parameters import Parameter, ParameterEdition

DAY = date(2026, 11, 23)
AGENTS = tuple(f"agent-{letter}" for letter in "abcdefghijklmnopqrstuvwxyzäöü")
VOCABULARY = {
    definition.name: definition
    for definition in (
        FactDefinition("dose", "", FactType.QUANTITY, "mg"),
        FactDefinition("share", "", FactType.QUANTITY, "percent"),
        FactDefinition("length", "", FactType.QUANTITY, "days"),
        FactDefinition("action", "", FactType.CHOICE, choices=("start", "continue", "reduce", "stop")),
        FactDefinition("agent", "", FactType.CHOICE, choices=AGENTS),
        FactDefinition("pregnant", "", FactType.YES_NO),
        FactDefinition("hospice", "", FactType.YES_NO),
        FactDefinition("born", "", FactType.DATE),
    )
}
AMOUNTS = [
    Decimal(text)
    for text in ("-5", "-0.001", "0", "0.0004", "0.0005", "0.001", "24.999", "25", "25.000", "25.001", "2.5E+1", "1E-7", "1E+14")
]
DAYS = [date(1, 1, 1), date(1999, 12, 31), date(2000, 1, 1), DAY]
PARAMETERS = {
    "limit": Parameter("limit", "", "mg", (ParameterEdition(date(2020, 1, 1), Quantity(Decimal(25), "mg"), "source"),)),
    "later": Parameter("later", "", "mg", (ParameterEdition(date(2030, 1, 1), Quantity(Decimal(25), "mg"), "source"),)),
}
OPERATORS = [Operator.IS, Operator.AT_LEAST, Operator.MORE_THAN, Operator.AT_MOST, Operator.LESS_THAN, Operator.BETWEEN]


def value_of(definition: FactDefinition) -> st.SearchStrategy:
    return {
        FactType.QUANTITY: st.sampled_from(AMOUNTS),
        FactType.YES_NO: st.booleans(),
        FactType.CHOICE: st.sampled_from(definition.choices or ("-",)),
        FactType.DATE: st.sampled_from(DAYS),
    }[definition.type]


@st.composite
def conditions(draw) -> RuleCondition:
    definition = draw(st.sampled_from(list(VOCABULARY.values())))
    value = value_of(definition)
    if definition.type is FactType.QUANTITY:
        value = value.map(lambda amount: Quantity(amount, definition.unit))
        if definition.unit == "mg":
            value = st.one_of(value, st.sampled_from([ParameterName("limit"), ParameterName("later")]))
    if definition.type is FactType.YES_NO:
        operator = Operator.IS
    elif definition.type is FactType.CHOICE:
        operator = draw(st.sampled_from([Operator.IS, Operator.IS_ONE_OF]))
    else:
        operator = draw(st.sampled_from(OPERATORS))
    count = {Operator.BETWEEN: st.just(2), Operator.IS_ONE_OF: st.integers(1, 6)}.get(operator, st.just(1))
    return RuleCondition(definition.name, operator, tuple(draw(value) for _ in range(draw(count))))


def groups(entries: st.SearchStrategy) -> st.SearchStrategy:
    def up_to(many: int) -> st.SearchStrategy:
        return st.lists(entries, max_size=many).map(tuple)

    return st.builds(Group, all=up_to(2), any=up_to(3), none=up_to(1)).filter(lambda group: group.all or group.any or group.none)


WHENS = groups(st.one_of(conditions(), groups(conditions())))
FACTS = st.fixed_dictionaries(
    {
        name: st.one_of(value_of(definition).map(Known), value_of(definition).map(Known), st.just(Unknown("it was not sent")))
        for name, definition in VOCABULARY.items()
    }
)


def rule(name: str, when: Group) -> Rule:
    return Rule(RuleKind.RISK, name, name, Status.ACTIVE, 1, date(2020, 1, 1), None, when, (), (), ())


def edition(name: str) -> ParameterEdition | None:
    return PARAMETERS[name].on(DAY)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.lists(WHENS, min_size=1, max_size=6), st.lists(FACTS, min_size=1, max_size=8))
def test_a_rule_fires_exactly_when_the_reference_says_true(whens: list[Group], cases: list) -> None:
    rules = [rule(f"rule-{place}", when) for place, when in enumerate(whens)]
    try:
        questions = Questions(edition)
        rulesets = Rulesets(rules, VOCABULARY, questions)
    except TooManyAlternatives:
        return
    try:
        for case in cases:
            facts = prepared(case, VOCABULARY)
            explained = {one.id: evaluate(one, facts, questions).answer for one in rules}
            assert rulesets.true(facts) == {id for id, answer in explained.items() if answer is Answer.TRUE}
            assert {one.id: answering(one.when, questions)(facts.compared) for one in rules} == explained
    finally:
        rulesets.close()


def conditions_in(group: Group) -> Iterator[tuple[str, RuleCondition]]:
    """Each condition with where it stands: under all, any or none, of the rule or of a group in it."""
    for name in ("all", "any", "none"):
        for entry in getattr(group, name):
            if isinstance(entry, Group):
                yield from ((f"{name} of a group under {where}", condition) for where, condition in conditions_in(entry))
            else:
                yield name, entry


def test_what_is_tried_has_each_answer_each_operator_and_each_place_in_good_number() -> None:
    answers: Counter[Answer] = Counter()
    asked: Counter[tuple[Operator, FactType]] = Counter()
    places: Counter[str] = Counter()

    @settings(max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck])
    @given(st.lists(WHENS, min_size=1, max_size=6), st.lists(FACTS, min_size=1, max_size=8))
    def drawn(whens: list[Group], cases: list) -> None:
        questions = Questions(edition)
        for when in whens:
            for place, condition in conditions_in(when):
                places[place] += 1
                asked[condition.operator, VOCABULARY[condition.fact].type] += 1
            for case in cases:
                answers[evaluate(rule("tried", when), prepared(case, VOCABULARY), questions).answer] += 1

    drawn()
    total = sum(answers.values())
    assert min(answers[answer] for answer in Answer) > total / 6, answers
    compared = {(operator, type) for operator in OPERATORS for type in (FactType.QUANTITY, FactType.DATE)}
    named = {(Operator.IS, FactType.YES_NO), (Operator.IS, FactType.CHOICE), (Operator.IS_ONE_OF, FactType.CHOICE)}
    assert asked.keys() == compared | named
    assert min(asked.values()) > 20, asked
    groups = ("all", "any", "none")
    assert places.keys() == {*groups, *(f"{inner} of a group under {outer}" for inner in groups for outer in groups)}


def test_the_harness_would_see_a_difference() -> None:
    """A rule whose compiled form asks something else must be caught by the same comparison."""
    asks, other = (
        Group(all=(RuleCondition("pregnant", Operator.IS, (True,)),)),
        Group(all=(RuleCondition("pregnant", Operator.IS, (False,)),)),
    )
    rulesets = Rulesets([rule("rule-0", other)], VOCABULARY, Questions(edition))
    facts = prepared({"pregnant": Known(True)}, VOCABULARY)
    expected = {"rule-0"} if evaluate(rule("rule-0", asks), facts, Questions(edition)).answer is Answer.TRUE else set()
    assert rulesets.true(facts) != expected
    rulesets.close()
