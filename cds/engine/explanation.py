"""The machine's story of a finding, generated from its trace: the same text in the terminal, on a page and in the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from cds.core.facts import Fact, FactValue, Unknown
from cds.core.quantity import Quantity, plain
from cds.engine.fact_types import ASSUMED
from cds.engine.reference import Answer, Finding, ResolvedOperand, TraceLine
from cds.knowledge.model import FactDefinition, FactType, Operator

MARKS = {Answer.TRUE: "true ", Answer.FALSE: "false", Answer.CANNOT_TELL: "?    "}
NEAR = Decimal("0.5")
"""A miss is near while it is at most this share of the limit. It only decides what the story tells."""


def explained(finding: Finding, day: date, vocabulary: Mapping[str, FactDefinition]) -> str:
    """The story of a finding, a line for each condition. `vocabulary` is that of the rule's kind."""
    lines = [f"{finding.rule_id} on {day.isoformat()}: {finding.answer}"]
    lines += [_line(line, vocabulary) for line in finding.trace]
    if finding.trouble:
        lines.append(f"the reference answer was used: {finding.trouble}")
    return "\n  ".join(lines)


def _line(line: TraceLine, vocabulary: Mapping[str, FactDefinition]) -> str:
    head = f"{'  ' * line.depth}{line.group:<5}[{MARKS[line.answer]}]"
    if line.condition is None or line.found is None:
        return f"{head} this group:"
    fact = line.condition.fact
    definition = vocabulary.get(fact)
    asked = " and ".join if line.condition.operator is Operator.BETWEEN else ", ".join
    question = f"{line.condition.operator} {asked(_asked(one) for one in line.asked)}"
    return f"{head} {fact} {_found(line.found, definition)}; asked: {question}{_near(line, definition)}"


def _found(found: Fact, definition: FactDefinition | None) -> str:
    if isinstance(found, Unknown):
        return f"is not known: {found.reason}"
    assumed = f" ({found.because})" if found.because.startswith(ASSUMED) else ""
    return f"is {written(found.value, definition)}{assumed}"


def written(value: FactValue, definition: FactDefinition | None) -> str:
    """The value of a fact as a person writes it, with its unit."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        unit = definition.unit if definition else None
        return f"{plain(value)} {unit}" if unit else plain(value)
    return value.isoformat() if isinstance(value, date) else value


def _asked(asked: ResolvedOperand) -> str:
    if asked.value is None:
        return f"{asked.parameter} (no value on that day)"
    value = str(asked.value) if isinstance(asked.value, Quantity) else written(asked.value, None)
    return f"{asked.parameter} ({value}, {asked.cite})" if asked.parameter else value


def _near(line: TraceLine, definition: FactDefinition | None) -> str:
    """By how much a quantity missed its limit, where it was near: `; 18 days short of 90 days`."""
    if line.answer is not Answer.FALSE or definition is None or definition.type is not FactType.QUANTITY:
        return ""
    value = None if isinstance(line.found, Unknown) or line.found is None else line.found.value
    limits = [one.value for one in line.asked if isinstance(one.value, Quantity)]
    if not isinstance(value, Decimal) or not limits:
        return ""
    limit = min(limits, key=lambda one: abs(one.value - value))
    miss = limit.value - value
    if abs(miss) > abs(limit.value) * NEAR:
        return ""
    if miss == 0:
        return f"; exactly {limit}"
    return f"; {plain(abs(miss))} {limit.unit} {'short of' if miss > 0 else 'above'} {limit}"
