"""The rule book as pages: one a rule, one of all numbers, and an index; made from the rule files and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from cds.knowledge.model import Knowledge, Rule
from cds.knowledge.rule_page import history, page, table
from cds.knowledge.sites import local_statements, named

MADE = "<!-- Made by `cds rules book` from the files under rules/. Edit those, then run it again. -->"
INDEX, NUMBERS = "README.md", "numbers.md"
INTRODUCTION = """# The rule book

What the service advises, rule by rule: when, on what grounds, and what no guideline supports. No clinician has reviewed it yet.
First the risks, each with the pace that it asks for; then the advice, the most important card first.
A word such as `order_cut` is explained where it stands; [all numbers](numbers.md) have a page of their own."""


def pages(knowledge: Knowledge) -> dict[str, str]:
    """The text of each page, by its path under the folder of the book."""
    made = {f"{named(rule)}.md": page(rule, knowledge) for rule in knowledge.rules}
    made |= {INDEX: _index(knowledge), NUMBERS: _numbers(knowledge)}
    return {path: f"{MADE}\n\n{text}" for path, text in made.items()}


def _index(knowledge: Knowledge) -> str:
    risks = table(
        ("risk", "pace", "crossover", "status", "local defaults"), (_risk(rule, knowledge) for rule in knowledge.risks())
    )
    advice = table(("advice", "indicator", "status", "local defaults"), (_advice(rule, knowledge) for rule in knowledge.advice()))
    return f"{INTRODUCTION}\n\n## Risks\n\n{risks}\n\n## Advice\n\n{advice}\n"


def _risk(rule: Rule, knowledge: Knowledge) -> Iterable[str]:
    outcome = rule.outcome
    asks = (outcome.pace or "", outcome.crossover or "") if outcome else ("", "")
    return (_link(rule), *asks, rule.status.value, _local(rule, knowledge))


def _advice(rule: Rule, knowledge: Knowledge) -> Iterable[str]:
    indicator = rule.card.indicator if rule.card else ""
    raised = f", or {rule.card.raise_indicator}" if rule.card and rule.card.raise_indicator else ""
    return (_link(rule), indicator + raised, rule.status.value, _local(rule, knowledge))


def _link(rule: Rule) -> str:
    return f"[{rule.title}]({named(rule)}.md)"


def _local(rule: Rule, knowledge: Knowledge) -> str:
    held = len(local_statements(rule, knowledge))
    return str(held) if held else ""


def _numbers(knowledge: Knowledge) -> str:
    by_file = groupby(knowledge.parameters.values(), key=lambda one: one.position.file)
    parts = ["# Numbers", "Each value holds from its day on, until the next; none is edited in place."]
    for file, held in by_file:
        parts += [f"## `{file}`", *(history(one, knowledge) for one in held)]
    return "\n\n".join(parts) + "\n"
