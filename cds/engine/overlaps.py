"""What can be told of rules from their conditions alone: which never fire, double, stand in a shadow, or disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, permutations

from cds.engine.compile import Alternative, TooManyAlternatives, compiled
from cds.engine.durable import MOST_FACTS
from cds.engine.reference import Questions
from cds.knowledge.files.examples import conditions_of
from cds.knowledge.files.vocabulary import askable, risk_fact
from cds.knowledge.model import Card, FactDefinition, Knowledge, ParameterName, RiskOutcome, Rule, RuleCondition, RuleKind, Status
from cds.knowledge.problems import Problems

RUNNING = (Status.ACTIVE, Status.SILENT)


@dataclass(frozen=True, slots=True)
class Reach:
    """A rule with the alternatives under which it is true on one day."""

    rule: Rule
    alternatives: Sequence[Alternative]

    def lies_in(self, other: Reach) -> bool:
        """Whether the other rule is true wherever this one is. A no may be a yes that takes several alternatives to show."""
        return bool(self.alternatives) and all(any(_inside(a, b) for b in other.alternatives) for a in self.alternatives)


def check_conditions(knowledge: Knowledge, rules: Sequence[Rule], problems: Problems) -> None:
    """Reports what the conditions of the rules tell, each rule on every day on which a number that it asks for changes."""
    words = askable(knowledge)
    found = {(rule.kind, rule.id): _reaches(rule, knowledge, words, problems) for rule in rules}
    last = [reaches[-1] for reaches in found.values() if reaches and reaches[-1].rule.status in RUNNING]
    asked = frozenset(condition.fact for rule in knowledge.rules for condition in _asked_by(rule))
    for kind in RuleKind:
        _compare([reach for reach in last if reach.rule.kind is kind], knowledge, asked, problems)


def days_of(rule: Rule, knowledge: Knowledge) -> list[date]:
    """The day from which the rule is in force, and each later one on which a parameter that it asks for changes."""
    names = {one.name for condition in conditions_of(rule.when) for one in condition.operands if isinstance(one, ParameterName)}
    editions = (edition.since for name in names for edition in knowledge.parameters[name].editions)
    return sorted({rule.in_force_from, *(since for since in editions if since > rule.in_force_from and rule.in_force(since))})


def asked_on(knowledge: Knowledge, day: date) -> Questions:
    """What conditions ask on that day."""
    return Questions(lambda name: knowledge.parameters[name].on(day))


def _reaches(rule: Rule, knowledge: Knowledge, words: Mapping[str, FactDefinition], problems: Problems) -> list[Reach]:
    if rule.kind is RuleKind.ADVICE and not rule.hooks:
        problems.add("RULE210", rule.position, f"{rule.id} answers no hook, so it never fires.", "", "Name a hook in `hooks`.")
        return []
    found: list[Reach] = []
    for day in days_of(rule, knowledge):
        try:
            one = [each.spans for each in compiled(rule.id, rule.when, words, asked_on(knowledge, day))]
        except TooManyAlternatives:
            seen = f"the conditions of {rule.id} combine in too many ways."
            problems.add("RULE133", rule.position, seen, "", "Make one of its groups a fact, computed in core.")
            return []
        if not one:
            seen = f"{rule.id} can never fire on {day.isoformat()}: its conditions exclude each other."
            problems.add("RULE210", rule.when.position, seen, "", "Look for one fact that is asked twice with no value for both.")
            return []
        most = max(len(alternative) for alternative in one)
        if most > MOST_FACTS:
            seen = f"{rule.id} asks about {most} facts at once."
            problems.add("RULE134", rule.position, seen, f"At most {MOST_FACTS} fit in one.", "Make some of them one fact.")
        found.append(Reach(rule, one))
    return found


def _asked_by(rule: Rule) -> Iterator[RuleCondition]:
    yield from conditions_of(rule.when)
    if rule.card and rule.card.raise_when:
        yield from conditions_of(rule.card.raise_when)


def _compare(reaches: Sequence[Reach], knowledge: Knowledge, asked: frozenset[str], problems: Problems) -> None:
    for one, other in combinations(reaches, 2):
        if one.lies_in(other) and other.lies_in(one) and _meet(one.rule, other.rule):
            at = one.rule.position
            seen = f"{other.rule.id} is true exactly when {one.rule.id} is ({at.file.removeprefix('rules/')}:{at.line})."
            problems.add("RULE211", other.rule.when.position, seen, "", "Make them one rule, or say what sets them apart.")
    adds_nothing = _covers_card if reaches and reaches[0].rule.kind is RuleKind.ADVICE else _covers_outcome(knowledge, asked)
    for one, other in permutations(reaches, 2):
        if not one.lies_in(other) or other.lies_in(one) or not _meet(one.rule, other.rule):
            continue
        if adds_nothing(one.rule, other.rule):
            seen = f"wherever {one.rule.id} is true, {other.rule.id} is too, and asks for all that it does."
            problems.warn("RULE212", one.rule.when.position, seen, "", "Let it ask for more, or retire it.")
        elif _disagree(one.rule, other.rule):
            seen = f"wherever {one.rule.id} is true, {other.rule.id} is too, and both are shown with different indicators."
            problems.warn("RULE213", one.rule.when.position, seen, "", "Give both one indicator, or let one exclude the other.")


def _meet(one: Rule, other: Rule) -> bool:
    """Whether both ever run on one day and for one hook."""
    ends = [end for end in (one.in_force_to, other.in_force_to) if end]
    together = all(max(one.in_force_from, other.in_force_from) <= end for end in ends)
    return together and (one.kind is RuleKind.RISK or bool(set(one.hooks) & set(other.hooks)))


def _covers_card(one: Rule, other: Rule) -> bool:
    """Whether the more important card offers all that this one does, at least as urgently, for every hook of it."""
    mine, theirs = one.card, other.card
    if mine is None or theirs is None or other.priority > one.priority or not set(one.hooks) <= set(other.hooks):
        return False
    return bool(mine.suggest) and set(mine.suggest) <= set(theirs.suggest) and _indicators(mine) == _indicators(theirs)


def _disagree(one: Rule, other: Rule) -> bool:
    """Whether two cards have different indicators, and neither is folded into the other."""
    mine, theirs = one.card, other.card
    if mine is None or theirs is None or _folds(mine, theirs) or _folds(theirs, mine):
        return False
    return _indicators(mine).isdisjoint(_indicators(theirs))


def _folds(shown: Card, other: Card) -> bool:
    return other.only_alone or (bool(other.suggest) and set(other.suggest) <= set(shown.suggest))


def _indicators(card: Card) -> frozenset[str]:
    return frozenset(filter(None, (card.indicator, card.raise_indicator)))


def _covers_outcome(knowledge: Knowledge, asked: frozenset[str]) -> Callable[[Rule, Rule], bool]:
    def rank(outcome: RiskOutcome) -> int:
        return knowledge.paces[outcome.pace].rank if outcome.pace else -1

    counted = any(rule.outcome and rule.outcome.pace_with_another_risk for rule in knowledge.risks())

    def covers(one: Rule, other: Rule) -> bool:
        """Whether the other risk asks for all that this one does; not where another rule asks about this one by name."""
        mine, theirs = one.outcome, other.outcome
        if mine is None or theirs is None or risk_fact(one.id) in asked or rank(mine) > rank(theirs):
            return False
        if counted and one.about == "patient":  # it slows where it is there beside another, whatever it asks for by itself
            return False
        parts = ((mine.crossover, theirs.crossover), (mine.setting, theirs.setting), (mine.watch, theirs.watch))
        return all(wanted in (None, given) for wanted, given in parts)

    return covers


def _inside(one: Alternative, other: Alternative) -> bool:
    return all(fact in one and low <= one[fact][0] and one[fact][1] <= high for fact, (low, high) in other.items())
