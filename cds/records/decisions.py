"""A decision as it is written down: what a replay needs, and nothing that names a patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import orjson

from cds.core.facts import Fact
from cds.decision.decide import Decision
from cds.decision.declined_cards import Fingerprint, fingerprint, steps_json
from cds.decision.judge import Judgement
from cds.hooks.declined_card import Shortened
from cds.hooks.messages import EXTENSION, HookCall, gap_json
from cds.knowledge.files.vocabulary import risk_fact
from cds.knowledge.model import Knowledge, RuleKind
from cds.knowledge.site_overlay import at_site, of_site
from cds.records.hashes import KeyedHashes
from cds.records.payload import fact_json, start_json
from cds.records.pseudonyms import Pseudonyms

Json = Mapping[str, Any]
TOLD_OF_ACTION = ("type", "description", "resourceId")
"""What is kept of a suggestion's action: its resource names the patient."""


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A card that was shown: the keyed hash of its uuid, what it was about, and how bad that was."""

    card: str
    rule: str
    agent: str | None
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision as it is stored. `patient` and `call` are keyed hashes; `payload` is JSON, its shape in docs/records.md.

    `revision` is that of the rule book, `site` the one as which it was judged.
    """

    id: str
    made_at: datetime
    day: date
    service: str
    client: str
    revision: str
    program: str
    patient: str
    call: str
    payload: str
    site: str | None = None
    cards: tuple[ShownCard, ...] = ()

    @property
    def knowledge(self) -> str:
        """The revision of the knowledge, as the answer had it."""
        return at_site(self.revision, self.site)

    def content(self) -> Any:
        """The payload, parsed."""
        return orjson.loads(self.payload)


class Recorder:
    """Writes decisions down in a form that names no patient: hashes under a key, resources by pseudonyms."""

    def __init__(self, keyed: KeyedHashes, program: str) -> None:
        self.keyed = keyed
        self.program = program

    def recorded(
        self,
        decision: Decision,
        call: HookCall,
        knowledge: Knowledge,
        client: str,
        made_at: datetime,
        prefetch: Mapping[str, str] | None = None,
    ) -> DecisionRecord:
        """The record of a decision about a call that a client made; `prefetch` tells what became of each prefetch key."""
        book, site = of_site(decision.knowledge)
        return DecisionRecord(
            id=decision.id,
            made_at=made_at,
            day=decision.day,
            service=call.service,
            client=client,
            revision=book,
            site=site,
            program=self.program,
            patient=self.keyed.patient(client, call.fhir_server, call.patient_id),
            call=self.keyed.call(call.hook_instance),
            payload=orjson.dumps(self._payload(decision, knowledge, prefetch or {})).decode(),
            cards=tuple(self._shown(card, decision) for card in decision.answer["cards"]),
        )

    def _payload(self, decision: Decision, knowledge: Knowledge, prefetch: Mapping[str, str]) -> dict[str, Any]:
        names = Pseudonyms()
        derived = knowledge.remembered.recall(_derived, lambda: _derived(knowledge))
        own = decision.answer["extension"][EXTENSION]
        payload = {
            "hook": decision.hook,
            "prefetch": {str(part): str(state) for part, state in prefetch.items()},
            "judgements": [_judgement(each, derived, names) for each in decision.judgements],
            "orders": [_order(order, names) for order in own["orders"]],
            "gaps": [_gap(gap, names) for gap in own["gaps"]],
            "unclear": [_gap(gap_json(gap), names) for gap in decision.unclear],
            "cards": [_card(card, names, self.keyed) for card in decision.answer["cards"]],
        }
        if decision.shortened:
            payload["shortened"] = [_shortened(one, names) for one in decision.shortened]
        return payload | {"inForce": self._in_force_on(decision.day, knowledge)} if decision.judgements else payload

    def _in_force_on(self, day: date, knowledge: Knowledge) -> orjson.Fragment:
        """The parameters and the rules in force on a day, as JSON; worked out once for a site's knowledge and a day."""
        question = ("in force, as it is written down", day)
        return knowledge.remembered.recall(question, lambda: orjson.Fragment(orjson.dumps(in_force(knowledge, day))))

    def _shown(self, card: Mapping[str, Any], decision: Decision) -> ShownCard:
        own = card["extension"][EXTENSION]
        judged = next((order for order in decision.judged if order.request == own.get("order")), None)
        agent = judged.agent if judged else None
        bad = replace(fingerprint(card["indicator"], judged), shortened="shortened" in own)
        return ShownCard(self.keyed.card(card["uuid"]), own["rule"], agent, bad)


def in_force(knowledge: Knowledge, day: date) -> dict[str, Any]:
    """The value of every parameter and the version of every rule that may run, on a day."""
    editions = {name: parameter.on(day) for name, parameter in knowledge.parameters.items()}
    return {
        "parameters": {name: str(edition.value) for name, edition in editions.items() if edition},
        "rules": {
            kind.value: {rule.id: rule.version for rule in knowledge.rules if rule.kind is kind and rule.in_force(day)}
            for kind in RuleKind
        },
    }


def _derived(knowledge: Knowledge) -> frozenset[str]:
    """The facts that are findings of risk rules. They are left out of a record: a replay finds them again."""
    return frozenset(risk_fact(rule.id) for rule in knowledge.risks())


def _judgement(judgement: Judgement, derived: frozenset[str], names: Pseudonyms) -> Json:
    """How one order was weighed."""
    order = names.of(judgement.case.situation.request)
    findings = (*judgement.risks, *judgement.advice)
    return {
        "order": order,
        "facts": {name: fact_json(fact, names) for name, fact in judgement.facts.items() if name not in derived},
        "risks": {finding.rule_id: finding.answer for finding in judgement.risks},
        "advice": {finding.rule_id: finding.answer for finding in judgement.advice},
        "trouble": {f"{finding.kind}/{finding.rule_id}": finding.trouble for finding in findings if finding.trouble},
        "givesWay": judgement.case.situation.gives_way_to is not None,
        "lists": dict(judgement.told[0].lists) if judgement.told else {},
        "words": {name: fact_json(fact, names) for name, fact in _words(judgement)},
        "start": start_json(judgement.start),
        "ordered": steps_json(judgement.ordered),
    }


def _words(judgement: Judgement) -> Iterator[tuple[str, Fact]]:
    """The facts that only the texts of cards hold: they come from the case, which is not kept."""
    if judgement.told:
        yield from ((name, fact) for name, fact in judgement.told[0].facts.items() if name not in judgement.facts)


# Parts of an answer, in which pseudonyms stand for references ------------------------------------------------------------


def _order(order: Json, names: Pseudonyms) -> Json:
    crossover = order["crossover"]
    kept = {
        **order,
        "request": names.of(order["request"]),
        "gaps": [_gap(gap, names) for gap in order["gaps"]],
        "crossover": {**crossover, "plan": _plan(crossover["plan"])} if "plan" in crossover else crossover,
    }
    return {**kept, "plan": _plan(order["plan"])} if "plan" in order else kept


def _plan(plan: Json) -> Json:
    """A plan without its steps: a replay draws it up again from its start."""
    return {**plan, "steps": len(plan["steps"])}


def _gap(gap: Json, names: Pseudonyms) -> Json:
    return {**gap, "resource": names.of(gap["resource"])} if "resource" in gap else gap


def _shortened(one: Shortened, names: Pseudonyms) -> Json:
    also = tuple((rule, names.of(order)) for rule, order in one.also)
    return replace(one, order=names.of(one.order), also=also).whole_json()


def _card(card: Json, names: Pseudonyms, keyed: KeyedHashes) -> Json:
    """A card without the resources of its suggestions; each has the keyed hash by which feedback names it."""
    own = card["extension"][EXTENSION]
    kept = {**card, "extension": {EXTENSION: {**own, "order": names.of(own["order"])} if "order" in own else own}}
    if "suggestions" in card:
        kept["suggestions"] = [_suggestion(one, names, keyed) for one in card["suggestions"]]
    return kept


def _suggestion(one: Json, names: Pseudonyms, keyed: KeyedHashes) -> Json:
    kept = {**one, "key": keyed.suggestion(one["uuid"])} if "uuid" in one else one
    return {**kept, "actions": [_action(action, names) for action in one["actions"]]} if "actions" in one else kept


def _action(action: Json, names: Pseudonyms) -> Json:
    kept = {name: action[name] for name in TOLD_OF_ACTION if name in action}
    return {**kept, "resourceId": names.of(action["resourceId"])} if "resourceId" in action else kept
