"""Over the real rule book too the evaluators agree, at and beside every limit that it names; a third of the facts is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds.core.facts import Known, Unknown
from cds.core.quantity import Quantity
from cds.engine.engine import Engine
from cds.engine.fact_types import prepared
from cds.engine.reference import Answer, Finding, Questions, evaluate
from cds.knowledge.files.vocabulary import askable
from cds.knowledge.loader import knowledge
from cds.knowledge.model import FactDefinition, FactType, Knowledge, RuleKind

RULES = Path(__file__).parents[2] / "rules"
DAY = date(2026, 11, 23)
BOOK = knowledge(RULES)
MISSING = st.just(Unknown("it was not sent"))


def amounts(book: Knowledge, unit: str | None) -> Iterator[Decimal]:
    """Every value of a parameter in the unit, and a thousandth to either side."""
    yield Decimal(0)
    for parameter in book.parameters.values():
        for edition in parameter.editions:
            if parameter.unit == unit and isinstance(edition.value, Quantity):
                yield from (edition.value.value + Decimal(step) for step in ("-0.001", "0", "0.001", "1000"))


def values(definition: FactDefinition) -> st.SearchStrategy:
    known: st.SearchStrategy = st.just("words")
    if definition.type is FactType.QUANTITY:
        known = st.sampled_from(sorted(set(amounts(BOOK, definition.unit))))
    elif definition.type is FactType.YES_NO:
        known = st.booleans()
    elif definition.type is FactType.CHOICE:
        known = st.sampled_from(definition.choices)
    return st.one_of(known.map(Known), known.map(Known), MISSING)


FACTS = st.fixed_dictionaries({name: values(definition) for name, definition in askable(BOOK).items()})


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    built = Engine(BOOK)
    yield built
    built.close()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(FACTS)
def test_no_finding_of_the_rule_book_is_disputed(engine: Engine, facts: dict) -> None:
    found = [finding for kind in RuleKind for finding in engine.findings(kind, facts, DAY)]
    assert [finding for finding in found if finding.trouble] == []
    assert [finding for finding in found if finding.answer is not explained(engine, finding, facts)] == []


def explained(engine: Engine, finding: Finding, facts: dict) -> Answer:
    """The answer that the trace of a finding ends in."""
    words = askable(BOOK) if finding.kind is RuleKind.ADVICE else BOOK.vocabulary
    questions = Questions(lambda name: BOOK.parameters[name].on(DAY))
    again = evaluate(BOOK.rule(finding.rule_id, finding.kind), prepared(facts, words), questions)
    assert tuple(finding.trace) == again.trace
    return again.answer
