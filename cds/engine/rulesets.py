"""Rules of one kind, compiled with the parameters of one day, in as many durable-rules rulesets as they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cds.engine.compile import Compiled, Field, compiled, message
from cds.engine.durable import MOST_FACTS, MOST_RULES, Ruleset
from cds.engine.fact_types import Ready
from cds.engine.reference import Questions
from cds.knowledge.model import FactDefinition, Rule


class Rulesets:
    """The rules as durable-rules holds them. Refuses: what can't be compiled, with EngineFailed or TooManyAlternatives."""

    def __init__(self, rules: Sequence[Rule], vocabulary: Mapping[str, FactDefinition], questions: Questions) -> None:
        self._packs: list[tuple[Ruleset, list[Field], dict[str, str]]] = []
        alternatives = [one for rule in rules for one in compiled(rule.id, rule.when, vocabulary, questions)]
        try:
            for place, pack in enumerate(packs(alternatives)):
                names = {f"r{number}": one for number, one in enumerate(pack)}
                ruleset = Ruleset(f"rules{place}", {name: one.definition() for name, one in names.items()})
                asked = [Field.of(vocabulary[fact]) for fact in sorted({fact for one in pack for fact in one.spans})]
                self._packs.append((ruleset, asked, {name: one.rule_id for name, one in names.items()}))
        except BaseException:
            self.close()
            raise

    def true(self, facts: Ready) -> frozenset[str]:
        """The ids of the rules that are true of the facts."""
        found: set[str] = set()
        for ruleset, asked, rule_ids in self._packs:
            found.update(rule_ids[name] for name in ruleset.fired(message(facts.compared, asked)))
        return frozenset(found)

    def close(self) -> None:
        for ruleset, _, _ in self._packs:
            ruleset.close()


def packs(alternatives: Sequence[Compiled]) -> Iterator[list[Compiled]]:
    """The alternatives in packs that one ruleset can hold, by the number of rules and of facts."""
    pack: list[Compiled] = []
    facts: set[str] = set()
    for one in alternatives:
        if pack and (len(pack) + 1 >= MOST_RULES or len(facts | set(one.spans)) > MOST_FACTS):
            yield pack
            pack, facts = [], set()
        pack.append(one)
        facts |= set(one.spans)
    if pack:
        yield pack
