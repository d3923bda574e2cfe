"""The rule book: which risks and advice there are, and that each condition is decided by an example that stands beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cds.core.facts import Known
from cds.decision.decide import decide
from cds.engine.engine import Engine
from cds.engine.reference import Answer, Questions, evaluate
from cds.hooks.card_text import Wording
from cds.hooks.messages import hook_call
from cds.knowledge.files.examples import conditions_of
from cds.knowledge.files.vocabulary import askable
from cds.knowledge.model import Group, Knowledge, Operator, ParameterName, Rule, RuleCondition

STORIES = Path(__file__).parents[2] / "fhir_examples"
DAY = date(2026, 11, 23)

RISKS = [
    "accepted-indication",
    "dependence-possible",
    "dependence-likely",
    "short-use",
    "long-use",
    "very-long-use",
    "high-dose",
    "very-high-dose",
    "short-acting",
    "earlier-withdrawal",
    "withdrawal-now",
    "seizure-disorder",
    "alcohol-use",
    "substance-use",
    "opioid-taken",
    "other-sedatives",
    "several-benzodiazepines",
    "older-adult",
    "falls-or-frailty",
    "cognitive-impairment",
    "liver-disease",
    "breathing-disorder",
    "pregnancy",
    "breastfeeding",
    "anxiety-or-insomnia",
    "post-traumatic-stress",
    "bipolar-or-psychosis",
    "suicide-risk",
    "interacting-inhibitor",
    "interacting-inducer",
    "fluoroquinolone",
    "supply-gap",
    "end-of-life-care",
]
ADVICE = [
    "contraindicated-pair",
    "flumazenil",
    "abrupt-stop",
    "specialist-first",
    "undeliverable-dose",
    "short-supplies",
    "do-not-start",
    "overnight-switch",
    "crossover",
    "cut-too-fast",
    "slower-taper",
    "crossover-advised-against",
    "supply-gap",
    "comfort-care-stop",
    "dose-increase",
    "third-sedative",
    "opioid-and-benzodiazepine",
    "opioid-treatment",
    "hidden-dose-change",
    "several-benzodiazepines",
    "start-with-an-exit",
    "z-drug-step",
    "above-label-dose",
    "going-back-up",
    "review-long-use",
    "faster-is-fine",
    "could-not-check",
]

BOUNDARY = {
    Operator.AT_LEAST: Operator.MORE_THAN,
    Operator.MORE_THAN: Operator.AT_LEAST,
    Operator.AT_MOST: Operator.LESS_THAN,
    Operator.LESS_THAN: Operator.AT_MOST,
}

LONG_VALUES = {
    "agent": "ethyl loflazepate",
    "switch_from": "chlordiazepoxide",
    "crossover_to": "diazepam",
    "opioid": "hydrocodone and paracetamol",
    "interacting_drug": "clarithromycin 500 mg oral tablet",
    "pace_advice": "steps of about 5 percent every four weeks, slower still if needed",
    "pace_asked_by": "Thoughts of suicide or self-harm, or an attempt, on record: consider inpatient care",
    "use_length": Decimal(10000),
    "order_cut": Decimal("33.333"),
    "order_in_short": "The cut in switching chlordiazepoxide to ethyl loflazepate (33.3% in two weeks)",
    "order_taper_length": Decimal(1000),
    "benzodiazepines_taken": Decimal(10),
    "contraindicated_with": "lopinavir with ritonavir",
    "sedative_named": "cyclobenzaprine",
    "start_avoided_for": "pregnancy, alcohol, 80 years old, hydrocodone",
    "undeliverable_dose": "half of an extended-release tablet of 12.5 mg zolpidem",
    "order_supply_at_once": Decimal(90),
    "order_increase": Decimal(100),
    "order_daily_dose": Decimal("22.5"),
    "takes_now": Decimal("22.5"),
    "label_limit": Decimal("6.25"),
    "days_without_supply": Decimal(1000),
    "taken_in_short": "ethyl loflazepate 22.5 mg/day",
    "ordered_in_short": "ethyl loflazepate 22.5 mg/day",
    "change_in_short": "ethyl loflazepate 22.5 to 11.25 mg/day",
    "cut_in_short": "ethyl loflazepate 22.5 to 11.25 mg/day (50%)",
    "use_in_short": "daily for 6 months",
    "danger": "Suicide risk",
    "danger_first": "ask a psychiatrist first",
    "several_named": "ethyl loflazepate and chlordiazepoxide",
    "review_in_short": "ask what it does, and whether to taper",
    "regimen_now": "7.5 mg three times a day",
    "do_now": "Continue 7.5 mg three times a day.",
    "against_in_short": "liver disease",
}


def test_the_risks_and_the_advice_have_the_ids_that_others_key_on(book: Knowledge) -> None:
    assert sorted(rule.id for rule in book.risks()) == sorted(RISKS)


def test_the_advice_stands_most_important_first(book: Knowledge) -> None:
    assert [rule.id for rule in book.advice()] == ADVICE


def test_both_evaluators_answer_every_example_as_it_says(book: Knowledge) -> None:
    Engine(book).close()


def test_no_condition_and_no_boundary_is_left_undecided_by_the_examples(book: Knowledge) -> None:
    undecided = [
        f"{rule.id}: {changed}"
        for rule in book.rules
        for changed, when in changes(rule.when)
        if answers(replace(rule, when=when), book) == answers(rule, book)
    ]
    assert undecided == []


def answers(rule: Rule, book: Knowledge) -> list[Answer]:
    questions = Questions(lambda name: book.parameters[name].on(DAY))
    given = [{name: Known(value) for name, value in example.given.items()} for example in rule.examples]  # type: ignore[arg-type]
    return [evaluate(rule, facts, questions).answer for facts in given]


def changes(group: Group) -> Iterator[tuple[str, Group]]:
    """The group with one condition left out, one boundary moved by a hair, or one choice forgotten."""
    for name in ("all", "any", "none"):
        entries = getattr(group, name)
        for place, entry in enumerate(entries):
            rest = entries[:place], entries[place + 1 :]
            yield f"without entry {place} of {name}", replace(group, **{name: rest[0] + rest[1]})
            inner = changes(entry) if isinstance(entry, Group) else changed_conditions(entry)
            for said, other in inner:
                yield said, replace(group, **{name: (*rest[0], other, *rest[1])})


def changed_conditions(condition: RuleCondition) -> Iterator[tuple[str, RuleCondition]]:
    if condition.operator in BOUNDARY:
        yield f"the boundary of {condition.fact}", replace(condition, operator=BOUNDARY[condition.operator])
    if condition.operator is Operator.IS_ONE_OF:
        for choice in condition.operands:
            left = tuple(other for other in condition.operands if other != choice)
            yield f"{condition.fact} without {choice}", replace(condition, operands=left)


def test_every_fact_of_the_vocabulary_is_worked_out_known_or_not(book: Knowledge) -> None:
    """One that is not would be unknown for ever, and a rule that asks for it silent."""
    story = STORIES / "abrupt-stop-alprazolam/request.json"
    call = hook_call("taper-order-sign", json.loads(story.read_text()))
    (judgement,) = decide(call, book, Engine(book), DAY, "decision", lambda: "id").judgements
    shown_alone = {*judgement.told[0].lists, "plans"}
    assert askable(book).keys() - shown_alone == judgement.told[0].facts.keys()


def test_a_threshold_is_a_parameter_and_never_a_number_in_a_rule(book: Knowledge) -> None:
    """What is left is none or any: 0 days, 0 mg, 1 risks."""
    numbers = {
        f"{condition.fact} {operand}"
        for rule in book.rules
        for condition in conditions_of(rule.when)
        for operand in condition.operands
        if book.vocabulary.get(condition.fact) is not None
        and book.vocabulary[condition.fact].type.value == "quantity"
        and not isinstance(operand, ParameterName)
    }
    assert numbers == {"use_length 0 days", "order_taper_length 0 days", "takes_now 0 mg", "risks_beyond_indication 1 risks"}


TOLD_IN_COMFORT_CARE = {"contraindicated-pair", "undeliverable-dose", "comfort-care-stop"}
"""As wrong at the end of life: a pair that a label forbids, a dose that can't be given, a regular dose stopped at once."""


def test_no_advice_to_taper_is_given_in_end_of_life_care(book: Knowledge) -> None:
    for rule in book.advice():
        if rule.id in TOLD_IN_COMFORT_CARE:
            continue
        assert [entry.fact for entry in rule.when.none if isinstance(entry, RuleCondition)].count("end_of_life_care") == 1, (
            rule.id
        )


def test_every_rule_says_where_it_may_be_wrong_and_what_it_rests_on(book: Knowledge) -> None:
    for rule in book.rules:
        assert rule.because and rule.expect_false_alarms, rule.id
        assert len({example.name for example in rule.examples}) == len(rule.examples), rule.id


@pytest.mark.parametrize("rule_id", ADVICE)
def test_a_summary_fits_with_long_names_in_it(rule_id: str, book: Knowledge) -> None:
    rule = next(rule for rule in book.advice() if rule.id == rule_id)
    wording = Wording({name: Known(value) for name, value in LONG_VALUES.items()}, {}, book, DAY)  # type: ignore[arg-type]
    assert rule.card is not None
    summary = wording.summary(rule.card.summary)
    assert len(summary) < 140 and not summary.endswith("…"), summary
    assert "(not known)" not in summary


@pytest.mark.parametrize("rule_id", ADVICE)
def test_a_detail_is_markdown_without_html_and_has_no_table_heading_or_promise(rule_id: str, book: Knowledge) -> None:
    rule = next(rule for rule in book.advice() if rule.id == rule_id)
    assert rule.card is not None
    assert len(rule.card.detail) <= 1200
    assert "<" not in rule.card.detail and "#" not in rule.card.detail
    assert "plan is ready" not in rule.card.detail + rule.card.summary
