"""One rule as a page: what it asks in the words of its conditions, what supports it, what does not, examples, numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from cds.core.placeholder import PLACEHOLDER
from cds.core.quantity import plain
from cds.knowledge.condition_text import operand_in_words
from cds.knowledge.files.examples import conditions_of
from cds.knowledge.files.parameters import bounds_in_words
from cds.knowledge.files.vocabulary import askable, risk_fact
from cds.knowledge.model import (
    Card,
    Example,
    FactDefinition,
    Group,
    IfMissing,
    Knowledge,
    Operand,
    Operator,
    ParameterName,
    RiskOutcome,
    Rule,
    RuleCondition,
    RuleKind,
)
from cds.knowledge.model_parameters import EvidenceSource, Parameter
from cds.knowledge.plan_basis import of_its_plans
from cds.knowledge.site_overlay import is_local, local_statements, named

HOLDS = {"all": "all of these hold", "any": "at least one of these holds", "none": "none of these holds"}
LOCAL_ONLY = "No guideline supports these; they need clinical sign-off."
ALL_SUPPORTED = "Everything that it says, and every number that it asks about, cites a source. No clinician has reviewed it yet."


def page(rule: Rule, knowledge: Knowledge) -> str:
    """The page of a rule, as Markdown."""
    words = askable(knowledge)
    numbers = [knowledge.parameters[name] for name in asked_numbers(rule) if name in knowledge.parameters]
    of_plans = [knowledge.parameters[name] for name in of_its_plans(rule, knowledge) if name in knowledge.parameters]
    parts = [
        f"# {rule.title}",
        _head(rule),
        "## When",
        *_when(rule, knowledge, words),
        *(_card(rule.card, knowledge, words) if rule.card else ()),
        *(_outcome(rule.outcome, knowledge) if rule.outcome else ()),
        *_asked_by(rule, knowledge),
        "## What supports it",
        _support(rule, knowledge),
        "## What no guideline supports",
        _unsupported(rule, [*numbers, *(one for one in of_plans if one not in numbers)], knowledge),
        "## Expected false alarms",
        bullets(rule.expect_false_alarms) or "None are known.",
        "## Examples",
        _examples(rule.examples, words),
        *(("## Numbers", *(history(one, knowledge) for one in numbers)) if numbers else ()),
    ]
    return "\n\n".join(parts) + "\n"


def asked_numbers(rule: Rule) -> tuple[str, ...]:
    """The names of the parameters that a rule asks about or shows, each once."""
    groups = [rule.when, *([rule.card.raise_when] if rule.card and rule.card.raise_when else [])]
    operands = (operand for group in groups for condition in conditions_of(group) for operand in condition.operands)
    asked = [operand.name for operand in operands if isinstance(operand, ParameterName)]
    texts = (rule.card.summary, rule.card.detail, rule.card.in_full or "") if rule.card else ()
    inserted = [match[1] for text in texts for match in PLACEHOLDER.finditer(text)]
    return tuple(dict.fromkeys([*asked, *(name[10:] for name in inserted if name.startswith("parameter."))]))


def history(parameter: Parameter, knowledge: Knowledge) -> str:
    """Every edition of a parameter, newest first, with its source."""
    may = f" A site may choose: {bounds_in_words(parameter)}." if parameter.site_may_change else ""
    rows = (
        (one.since.isoformat(), str(one.value), _label(one.cite, knowledge), one.says or "")
        for one in sorted(parameter.editions, key=lambda one: one.since, reverse=True)
    )
    return f"**`{parameter.name}`**: {parameter.means}.{may}\n\n" + table(("from", "value", "source", "says"), rows)


def bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown."""
    columns = [*head]
    lines = (columns, ["---"] * len(columns), *([cell.replace("|", "/").replace("\n", " ") for cell in row] for row in rows))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _head(rule: Rule) -> str:
    until = f" to {rule.in_force_to.isoformat()}" if rule.in_force_to else ""
    parts = [f"version {rule.version}", rule.status.value, f"in force from {rule.in_force_from.isoformat()}{until}"]
    parts += [f"asked at {', '.join(rule.hooks)}"] if rule.hooks else []
    parts += [f"about the {rule.about}"] if rule.about else []
    return f"[`{named(rule)}`](../../../rules/{named(rule)}.yaml): {'; '.join(parts)}."


def _when(rule: Rule, knowledge: Knowledge, words: Mapping[str, FactDefinition]) -> Iterator[str]:
    yield "The card appears when:" if rule.kind is RuleKind.ADVICE else "The risk is found when:"
    yield "\n".join(_group(rule.when, knowledge, words))
    assumed = [words[fact] for fact in _facts(rule.when, words) if words[fact].if_missing is IfMissing.ASSUME_NO]
    if assumed:
        yield "Taken as no where nothing was given:"
        yield bullets(f"`{fact.name}`: {fact.because}" for fact in assumed)
    yield "Where a fact that decides is not known, the rule cannot tell, and says so."


def _facts(when: Group, words: Mapping[str, FactDefinition]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.fact for one in conditions_of(when) if one.fact in words))


def _group(group: Group, knowledge: Knowledge, words: Mapping[str, FactDefinition], depth: int = 0) -> Iterator[str]:
    indent = "  " * depth
    for name, entries in (("all", group.all), ("any", group.any), ("none", group.none)):
        if entries:
            yield f"{indent}- {HOLDS[name]}:"
        for entry in entries:
            if isinstance(entry, Group):
                yield from _group(entry, knowledge, words, depth + 1)
            else:
                yield f"{indent}  - {_question(entry, knowledge)}{_meaning(entry.fact, knowledge, words)}"


def _question(condition: RuleCondition, knowledge: Knowledge) -> str:
    """The condition as the explanation of an answer writes it, with each value of a parameter."""
    joint = " and " if condition.operator is Operator.BETWEEN else ", "
    asked = joint.join(_operand(operand, knowledge) for operand in condition.operands)
    return f"`{condition.fact}` {condition.operator} {asked}"


def _operand(operand: Operand, knowledge: Knowledge) -> str:
    if not isinstance(operand, ParameterName) or not knowledge.parameters[operand.name].editions:
        return operand_in_words(operand)
    editions = knowledge.parameters[operand.name].editions
    values = [f"{one.value}, {one.cite}" + (f", from {one.since.isoformat()}" if len(editions) > 1 else "") for one in editions]
    return f"{operand.name} ({'; '.join(values)})"


def _meaning(fact: str, knowledge: Knowledge, words: Mapping[str, FactDefinition]) -> str:
    risk = next((rule for rule in knowledge.risks() if risk_fact(rule.id) == fact), None)
    if risk is not None:
        return f": the risk [{risk.title}](../risk/{risk.id}.md)"
    return f": {words[fact].means}" if fact in words else ""


def _card(card: Card, knowledge: Knowledge, words: Mapping[str, FactDefinition]) -> Iterator[str]:
    yield "## What the card says"
    yield f"Indicator: {card.indicator}." + (" Only where no other card about the order is shown." if card.only_alone else "")
    if card.raise_indicator and card.raise_when:
        yield f"It is {card.raise_indicator} where:"
        yield "\n".join(_group(card.raise_when, knowledge, words))
    yield f"```markdown\n{card.summary}\n\n{card.detail.strip()}\n```"
    if card.also:
        yield f"On another card about the order, in one line: {card.also}"
    if card.in_full:
        yield f"In full, where it is asked for:\n\n```markdown\n{card.in_full.strip()}\n```"
    if card.suggest:
        yield f"It suggests: {', '.join(card.suggest)}."
    if card.if_we_cannot_tell:
        yield f"Where it cannot tell: {card.if_we_cannot_tell}"
    if card.override_reasons:
        yield "It may be set aside because:"
        yield bullets(knowledge.override_reasons[name].display for name in card.override_reasons)


def _outcome(outcome: RiskOutcome, knowledge: Knowledge) -> Iterator[str]:
    yield "## What it asks for"
    asks = {
        "pace": f"{outcome.pace}: {knowledge.paces[outcome.pace].says}" if outcome.pace else None,
        "pace with another risk of the patient": outcome.pace_with_another_risk,
        "crossover": outcome.crossover,
        "setting": outcome.setting,
        "danger": f"`{outcome.danger}`" if outcome.danger else None,
        "first": f"`{outcome.first}`" if outcome.first else None,
        "short supply": "no more than a short supply at a time" if outcome.short_supply else None,
        "ask first": "no dose is offered before it is asked what is taken" if outcome.ask_first else None,
        "watch": outcome.watch,
        "says": f"`{outcome.says}`",
    }
    yield bullets(f"{name}: {value}" for name, value in asks.items() if value)


def _asked_by(rule: Rule, knowledge: Knowledge) -> Iterator[str]:
    """Of a risk, the advice that asks about it."""
    if rule.kind is RuleKind.ADVICE:
        return
    asking = [one for one in knowledge.advice() if any(each.fact == risk_fact(rule.id) for each in conditions_of(one.when))]
    if asking:
        yield "## Advice that asks about it"
        yield bullets(f"[{one.title}](../advice/{one.id}.md)" for one in asking)


def _support(rule: Rule, knowledge: Knowledge) -> str:
    rows = []
    for because in rule.because:
        source = knowledge.evidence[because.cite]
        rows.append((_linked(source), source.origin, because.strength or "", because.says, source.read or ""))
    return table(("source", "origin", "strength", "says", "how far it was read"), rows)


def _linked(source: EvidenceSource) -> str:
    return f"[{source.label}]({source.url})" if source.url else source.label


def _unsupported(rule: Rule, numbers: Iterable[Parameter], knowledge: Knowledge) -> str:
    said = [because.says for because in local_statements(rule, knowledge)]
    local = [one for one in numbers if one.editions and is_local(one.editions[0].cite, knowledge)]
    said += [f"`{one.name}`, {one.editions[0].value}: {one.editions[0].says or one.means}" for one in local]
    return f"{LOCAL_ONLY}\n\n{bullets(said)}" if said else ALL_SUPPORTED


def _examples(examples: Iterable[Example], words: Mapping[str, FactDefinition]) -> str:
    rows = ((one.name, _given(one, words), _expected(one)) for one in examples)
    return table(("example", "given", "answer"), rows)


def _given(example: Example, words: Mapping[str, FactDefinition]) -> str:
    return "; ".join(f"{fact} {_value(value, words.get(fact))}" for fact, value in example.given.items()) or "nothing"


def _value(value: object, fact: FactDefinition | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{plain(value)} {fact.unit}" if fact and fact.unit else plain(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _expected(example: Example) -> str:
    return f"{example.expect}, because of {example.because}" if example.because else example.expect


def _label(cite: str, knowledge: Knowledge) -> str:
    return knowledge.evidence[cite].label if cite in knowledge.evidence else cite
