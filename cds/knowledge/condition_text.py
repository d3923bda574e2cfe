"""A condition in words, as a rule file asks it: for lists, messages and differences."""

from __future__ import annotations

from datetime import date

from cds.knowledge.model import Group, Operand, Operator, ParameterName, RuleCondition


def condition_in_words(condition: RuleCondition) -> str:
    """The condition in one line: `order_cut is more than largest_cut_in_two_weeks`."""
    joint = " and " if condition.operator is Operator.BETWEEN else ", "
    return f"{condition.fact} {condition.operator} {joint.join(operand_in_words(operand) for operand in condition.operands)}"


def entry_in_words(entry: RuleCondition | Group) -> str:
    """A condition, or a group in brackets: `any of (a is yes; b is yes)`."""
    if isinstance(entry, RuleCondition):
        return condition_in_words(entry)
    parts = (("all of", entry.all), ("any of", entry.any), ("none of", entry.none))
    return " and ".join(f"{name} ({'; '.join(entry_in_words(one) for one in entries)})" for name, entries in parts if entries)


def operand_in_words(operand: Operand) -> str:
    """The value as the rule file writes it."""
    if isinstance(operand, bool):
        return "yes" if operand else "no"
    if isinstance(operand, ParameterName):
        return operand.name
    return operand.isoformat() if isinstance(operand, date) else str(operand)
