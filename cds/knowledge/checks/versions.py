"""Whether what changed since an earlier revision was marked as changed: versions raised, numbers dated anew."""

from __future__ import annotations

from dataclasses import replace

from cds.knowledge.model import Group, Knowledge, Rule, RuleCondition
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems

NOWHERE = Position("-")


def check_versions(old: Knowledge, new: Knowledge, problems: Problems) -> None:
    """Reports a rule whose meaning changed under the same version, and a number that was changed in place."""
    before = {(rule.kind, rule.id): rule for rule in old.rules}
    for rule in new.rules:
        earlier = before.get((rule.kind, rule.id))
        if earlier is not None and meaning(rule) != meaning(earlier) and rule.version <= earlier.version:
            seen = f"{rule.id} means something else than before, and its version is {rule.version} as it was."
            do = f"Write `version: {earlier.version + 1}`."
            problems.add("RULE202", rule.position, seen, "A version rises whenever the meaning changes.", do)
    for name, parameter in new.parameters.items():
        earlier_values = {one.since: one.value for one in old.parameters[name].editions} if name in old.parameters else {}
        for edition in parameter.editions:
            was = earlier_values.get(edition.since, edition.value)
            if was != edition.value:
                seen = f"{name} was {was} from {edition.since.isoformat()} on, and is now {edition.value} from the same day."
                do = "Put the old line back, and add one below it with the day from which the new value holds."
                problems.add("RULE203", parameter.position, seen, "No number is edited in place.", do)


def meaning(rule: Rule) -> tuple[object, ...]:
    """What a rule asks, and what it answers then. Not its title, its sources, its examples, or whether it is released."""
    card = rule.card
    if card is not None and card.raise_when is not None:
        card = replace(card, raise_when=_anywhere(card.raise_when))
    return _anywhere(rule.when), frozenset(rule.hooks), rule.about, rule.outcome, card


def _anywhere(group: Group) -> Group:
    """The group without the places in which its parts stand."""

    def moved(entry: RuleCondition | Group) -> RuleCondition | Group:
        return _anywhere(entry) if isinstance(entry, Group) else replace(entry, position=NOWHERE)

    parts = [tuple(moved(entry) for entry in entries) for entries in (group.all, group.any, group.none)]
    return Group(parts[0], parts[1], parts[2], NOWHERE)
