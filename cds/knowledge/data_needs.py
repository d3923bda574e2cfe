"""What of a patient's record each rule looks at: by the `needs` of the facts that it asks about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cds.knowledge.files.examples import conditions_of
from cds.knowledge.files.vocabulary import risk_fact
from cds.knowledge.model import IfMissing, Knowledge, Rule, Status


@dataclass(frozen=True, slots=True)
class RulesAsking:
    """The rules that look at one part of the record.

    `silenced` may be left without an answer where the part is missing; `assuming` then go on as if nothing stood there.
    """

    silenced: tuple[Rule, ...] = ()
    assuming: tuple[Rule, ...] = ()


def asking(knowledge: Knowledge) -> dict[str, RulesAsking]:
    """By prefetch key, the rules that look at it; an advice rule also looks at what the risks that it asks about need."""
    looks = [(rule, _needs(rule, knowledge)) for rule in knowledge.rules if rule.status is not Status.SILENT]
    keys = dict.fromkeys(key for _, needs in looks for key in needs)
    return {
        key: RulesAsking(
            tuple(rule for rule, needs in looks if needs.get(key) is True),
            tuple(rule for rule, needs in looks if needs.get(key) is False),
        )
        for key in keys
    }


def _needs(rule: Rule, knowledge: Knowledge) -> Mapping[str, bool]:
    """The parts that a rule looks at, and whether a fact that needs the part is unknown without it."""
    found: dict[str, bool] = {}
    for key, unknown in _each_need(rule, knowledge):
        found[key] = found.get(key, False) or unknown
    return found


def _each_need(rule: Rule, knowledge: Knowledge) -> Iterator[tuple[str, bool]]:
    risks = {risk_fact(risk.id): risk for risk in knowledge.risks()}
    for condition in conditions_of(rule.when):
        if condition.fact in risks:
            yield from _each_need(risks[condition.fact], knowledge)
        elif condition.fact in knowledge.vocabulary:
            definition = knowledge.vocabulary[condition.fact]
            for key in definition.needs:
                yield key, definition.if_missing is IfMissing.UNKNOWN
