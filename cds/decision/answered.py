"""Whether each fact of the vocabulary is answered: one that nothing answers is unknown for ever, and a rule on it silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from cds.decision.decide import decide
from cds.engine.engine import Engine
from cds.hooks.messages import hook_call
from cds.knowledge.model import FactType, Knowledge, Status
from cds.knowledge.problems import Problems, nearest

SERVICE = "taper-order-sign"
EXPECTED = (
    "Answered without programming are: a yes_no or a quantity of value_sets, and a yes_no, a text or a quantity of drug_groups."
)


def check_answers(knowledge: Knowledge, problems: Problems) -> None:
    """Reports each word that a rule can ask and that no judged order has an answer to, known or not. A text is only shown."""
    body = _call(knowledge)
    if body is None:
        return
    engine = Engine(replace(knowledge, rules=tuple(replace(rule, examples=(), status=Status.DRAFT) for rule in knowledge.rules)))
    try:
        begun = (parameter.editions[-1].since for parameter in knowledge.parameters.values() if parameter.editions)
        day = max((*begun, *(rule.in_force_from for rule in knowledge.rules)), default=date.min)
        decision = decide(hook_call(SERVICE, body), engine.knowledge, engine, day, "check", lambda: "check")
    finally:
        engine.close()
    for judgement in decision.judgements:
        for name, word in knowledge.vocabulary.items():
            if name not in judgement.facts and word.type is not FactType.TEXT:
                near = nearest(name, judgement.facts.keys() - knowledge.vocabulary.keys())
                do = near or "Give it value_sets or drug_groups, or add the function that answers it."
                seen = f"nothing answers {name}, so no rule on it could ever be true."
                problems.add("RULE142", word.position, seen, EXPECTED, do)


def _call(knowledge: Knowledge) -> Any:
    """A call that orders an agent for a patient of whom the record says nothing; None where no agent has a code."""
    agents = ((key, drug) for key, drug in knowledge.medications.items() if drug.agent in knowledge.agents)
    found = next((key for key, drug in agents if drug.out_of_scope is None), None)
    if found is None:
        return None
    order = {
        "resourceType": "MedicationRequest",
        "id": "check",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/check"},
        "medicationCodeableConcept": {"coding": [{"system": found[0], "code": found[1]}]},
    }
    empty = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    return {
        "hook": "order-sign",
        "hookInstance": "00000000-0000-4000-8000-000000000000",
        "context": {
            "userId": "Practitioner/check",
            "patientId": "check",
            "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]},
        },
        "prefetch": {"medicationRequests": empty},
    }
