"""The rule book as pages: one a rule, one of all numbers, one of what helps alongside, and an index.

Made from the rule files and from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from cds.knowledge.files.adjuncts import PLACES, Adjunct
from cds.knowledge.model import Knowledge, Rule
from cds.knowledge.pages.rule_page import history, page, table
from cds.knowledge.site_overlay import local_statements, named

MADE = "<!-- Made by `cds rules book` from the files under rules/. Edit those, then run it again. -->"
INDEX, NUMBERS, ALONGSIDE = "README.md", "numbers.md", "alongside.md"
INTRODUCTION = """# The rule book

What the service advises, rule by rule: when, on what grounds, and what no guideline supports. No clinician has reviewed it yet.
First the risks, each with the pace that it asks for; then the advice, the most important card first.
A word such as `order_cut` is explained where it stands; [all numbers](numbers.md) have a page
of their own, and so have [what helps alongside a taper](alongside.md) and [how long a taper takes](totals.md)."""


def pages(knowledge: Knowledge) -> dict[str, str]:
    """The text of each page, by its path under the folder of the book."""
    made = {f"{named(rule)}.md": page(rule, knowledge) for rule in knowledge.rules}
    made |= {INDEX: _index(knowledge), NUMBERS: _numbers(knowledge), ALONGSIDE: _alongside(knowledge)}
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


def _alongside(knowledge: Knowledge) -> str:
    parts = ["# Alongside a taper", "What may help beside a taper, and what must not be used, from `rules/drugs/adjuncts.yaml`."]
    for place, heading in PLACES.items():
        held = [_adjunct(one, knowledge) for one in knowledge.adjuncts if one.place == place]
        parts += [f"## {heading}", table(("what", "for", "evidence", "cautions", "source"), held)] if held else []
    return "\n\n".join(parts) + "\n"


def _adjunct(adjunct: Adjunct, knowledge: Knowledge) -> Iterable[str]:
    source = knowledge.evidence.get(adjunct.cite)
    label = source.label if source else adjunct.cite
    told = label if adjunct.read in label else f"{label} ({adjunct.read})"
    return adjunct.name, adjunct.role, adjunct.evidence, "; ".join(adjunct.cautions), told
