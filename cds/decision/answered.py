"""Whether each fact of the vocabulary is answered: one that nothing answers is unknown for ever, and a rule on it silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cds.core.cases import ordered_cases, surroundings
from cds.core.fact_table import questions
from cds.core.facts import Facts
from cds.core.record import Completeness, Order, OrderState, PatientRecord, RecordPart
from cds.decision.judge import judge
from cds.engine.engine import Engine
from cds.knowledge.model import FactType, Knowledge, Status
from cds.knowledge.problems import Problems, nearest

EXPECTED = (
    "Answered without programming are: a yes_no or a quantity of value_sets, and a yes_no, a text or a quantity of drug_groups."
)


def check_answers(knowledge: Knowledge, problems: Problems) -> None:
    """Reports each word that a rule can ask and that no judged order has an answer to, known or not. A text is only shown."""
    facts = _facts(knowledge)
    for name, word in knowledge.vocabulary.items() if facts else ():
        if name not in facts and word.type is not FactType.TEXT:
            near = nearest(name, facts.keys() - knowledge.vocabulary.keys())
            do = near or "Give it value_sets or drug_groups, or add the function that answers it."
            seen = f"nothing answers {name}, so no rule on it could ever be true."
            problems.add("RULE142", word.position, seen, EXPECTED, do)


def _facts(knowledge: Knowledge) -> Facts:
    """The facts of an order of an agent for a patient of whom the record says nothing; none where no agent has a code."""
    drugs = (drug for drug in knowledge.medications.values() if drug.agent in knowledge.agents)
    drug = next((drug for drug in drugs if drug.out_of_scope is None), None)
    if drug is None:
        return {}
    begun = (parameter.editions[-1].since for parameter in knowledge.parameters.values() if parameter.editions)
    day = max((*begun, *(rule.in_force_from for rule in knowledge.rules)), default=date.min)
    amounts = knowledge.amounts(day)
    order = Order("MedicationRequest/check", "draft", OrderState.DRAFT, drug)
    record = PatientRecord(completeness={RecordPart.REQUESTS: Completeness.COMPLETE})
    [case] = ordered_cases(surroundings(record, (order,), knowledge.drugs, amounts, day), lambda _: True)
    engine = Engine(replace(knowledge, rules=tuple(replace(rule, examples=(), status=Status.DRAFT) for rule in knowledge.rules)))
    try:
        asked = questions(tuple(knowledge.vocabulary.values()), amounts)
        return judge(case, asked, engine.knowledge, engine, "order-sign").facts
    finally:
        engine.close()
