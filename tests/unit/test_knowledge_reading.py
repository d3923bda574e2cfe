"""A folder of rule files becomes one frozen model, with a revision that changes with every byte."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import date
from decimal import Decimal

import pytest

from cds.core.quantity import Quantity
from cds.knowledge.files.vocabulary import askable
from cds.knowledge.loader import revision
from cds.knowledge.model import Group, IfMissing, Operator, ParameterName, RuleKind


def test_a_rule_is_read_with_everything_that_it_says(rule_book) -> None:
    [rule] = rule_book().advice()
    assert (rule.id, rule.kind, rule.hooks, rule.priority) == ("cut-too-fast", RuleKind.ADVICE, ("order-select", "order-sign"), 0)
    assert (rule.in_force_from, rule.in_force_to) == (date(2026, 1, 1), None)
    assert [condition.fact for condition in rule.when.all] == ["order_action", "long_use", "order_cut"]
    assert rule.when.all[0].operands == ("reduce", "stop")
    assert rule.when.all[1].operands == (True,)
    assert (rule.when.all[2].operator, rule.when.all[2].operands) == (
        Operator.MORE_THAN,
        (ParameterName("largest_cut_in_two_weeks"),),
    )
    assert str(rule.when.all[2].position) == "rules/advice/cut-too-fast.yaml:12:7"
    assert rule.examples[0].given == {"order_action": "reduce", "long_use": True, "order_cut": Decimal(50), "hospice": False}
    assert [(example.expect, example.because) for example in rule.examples] == [
        ("card", None),
        ("nothing", "order_cut"),
        ("cannot tell", None),
    ]
    assert rule.card is not None
    assert (rule.card.raise_indicator, type(rule.card.raise_when)) == ("critical", Group)


def test_a_parameter_has_its_newest_edition_first_and_answers_for_a_day(rule_book) -> None:
    long_time = rule_book().parameters["long_time"]
    assert [edition.since.year for edition in long_time.editions] == [2027, 2025]
    on = {day: long_time.on(day) for day in (date(2025, 5, 31), date(2025, 6, 1), date(2026, 12, 31), date(2027, 1, 1))}
    assert [edition and edition.value for edition in on.values()] == [
        None,
        Quantity(Decimal(90), "days"),
        Quantity(Decimal(90), "days"),
        Quantity(Decimal(60), "days"),
    ]


def test_named_lists_become_choices(rule_book) -> None:
    words = rule_book().vocabulary
    assert words["agent"].choices == ("alprazolam", "diazepam")
    assert words["pace"].choices == ("standard", "hold")
    assert (words["score"].if_missing, words["dose"].if_missing) == (IfMissing.ASSUME_NO, IfMissing.UNKNOWN)


def test_every_risk_is_a_yes_no_for_advice_rules(rule_book) -> None:
    book = rule_book()
    assert "long_use" not in book.vocabulary
    assert (askable(book)["long_use"].type, askable(book)["long_use"].means) == ("yes_no", "Taken for long")


def test_a_risk_and_an_advice_rule_may_share_an_id(rule_book, problems_of) -> None:
    renamed = [
        ("advice/cut-too-fast.yaml", "advice: cut-too-fast", "advice: long-use"),
        ("advice/order.yaml", "cut-too-fast", "long-use"),
    ]
    found = problems_of(*renamed)
    assert {problem.code for problem in found} == {"RULE024"}


def test_paces_are_ranked_in_the_order_written(rule_book) -> None:
    assert [(pace.id, pace.rank, pace.plan) for pace in rule_book().paces.values()] == [("standard", 0, True), ("hold", 1, False)]


def test_the_model_is_frozen(rule_book) -> None:
    with pytest.raises(FrozenInstanceError):
        rule_book().rules[0].title = "other"


def test_the_revision_changes_with_every_byte_and_every_name_and_with_nothing_else() -> None:
    files = {"a.yaml": b"1", "b.yaml": b"2"}
    assert revision(files) == revision(dict(reversed(files.items())))
    others = [
        {"a.yaml": b"1", "b.yaml": b"3"},
        {"a.yaml": b"1", "c.yaml": b"2"},
        {"a.yaml": b"12", "b.yaml": b""},
        {"a.yaml": b"1"},
        {},
    ]
    assert len({revision(other) for other in (files, *others)}) == len(others) + 1
    assert revision(files).startswith("sha256:")
