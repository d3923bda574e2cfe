"""JSON schemas of the rule files, made from the vocabulary and the parameters, so that an editor offers what a rule may say."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cds.knowledge.fields import DAY
from cds.knowledge.files.conditions import OPERATORS
from cds.knowledge.files.declined import COMPARED, DAYS
from cds.knowledge.files.evidence import ORIGINS
from cds.knowledge.files.examples import CANNOT_TELL, NOTHING, POSITIVE
from cds.knowledge.files.parameters import CHOICES, NAME, NUMBERS
from cds.knowledge.files.rules import ABOUT, CROSSOVER, HEAD, HOOKS, INDICATORS, LONGEST_SUMMARY, SUGGESTIONS
from cds.knowledge.files.vocabulary import ASKED_BY, askable
from cds.knowledge.model import FactDefinition, FactType, IfMissing, Knowledge, Operator, RuleKind, Status
from cds.knowledge.schema.schema_forms import form_schemas
from cds.knowledge.schema.schema_parts import (
    DATE,
    NUMBER,
    TEXT,
    YES_NO,
    Schema,
    choice,
    cite,
    constants,
    document,
    list_of,
    map_of,
    object_of,
    open_to,
    within_bounds,
)
from cds.knowledge.schema.schema_tables import table_schemas

DRAFT = "http://json-schema.org/draft-07/schema#"
FOLDER = "schema"
HEADER = "# yaml-language-server: $schema="
OF_FILE = {
    "vocabulary.yaml": "vocabulary",
    "evidence.yaml": "evidence",
    "paces.yaml": "paces",
    "texts.yaml": "texts",
    "override-reasons.yaml": "override-reasons",
    "alert-budget.yaml": "alert-budget",
    "declined.yaml": "declined",
    "advice/order.yaml": "order",
    "drugs/adjuncts.yaml": "adjuncts",
    "drugs/agents.yaml": "agents",
    "drugs/dosing.yaml": "dosing",
    "drugs/equivalents.yaml": "equivalents",
    "drugs/interactions.yaml": "interactions",
    "drugs/naloxone.yaml": "naloxone",
    "drugs/pharmacokinetics.yaml": "pharmacokinetics",
    "drugs/presentations.yaml": "presentations",
    "drugs/published-tapers.yaml": "published-tapers",
    "value-sets/index.yaml": "value-sets",
}
OF_FOLDER = {"risk": "risk", "advice": "advice", "parameters": "parameters", "sites": "site", "sheet": "sheet"}
SUMMARY = f"One line, at most {LONGEST_SUMMARY} characters with its values; {{{{ fact }}}} inserts a value"
DETAIL = "GitHub markdown; {{ fact }}, {{ parameter.name }}, {{ origin.name }} and {{ text.name }} insert, and nothing else does"


def schemas(knowledge: Knowledge) -> dict[str, str]:
    """The text of each schema, by the name of its file in `rules/schema/`."""
    made = {
        "risk": _rule(RuleKind.RISK, knowledge),
        "advice": _rule(RuleKind.ADVICE, knowledge),
        "order": document("The order of cards", {"order": list_of({"enum": [rule.id for rule in knowledge.advice()]})}),
        "parameters": {**map_of(_parameter(knowledge)), "title": "Parameters: dated, cited numbers with a unit"},
        "vocabulary": document("The facts that a rule may ask about", {"facts": map_of(_fact(knowledge))}),
        "evidence": document("The sources that a statement may cite", {"sources": map_of(_source())}),
        "paces": document("How fast a taper may go, the fastest first", {"paces": map_of(_pace(knowledge))}),
        "texts": document("Paragraphs that cards share", {"texts": map_of(TEXT)}),
        "site": {**_site(knowledge), "title": "What one site has otherwise"},
        "override-reasons": document("Why a card is set aside", {"override_reasons": map_of(_reason())}),
        "alert-budget": _alert_budget(knowledge),
        "declined": _declined(knowledge),
        **table_schemas(knowledge),
        **form_schemas(knowledge),
    }
    return {f"{name}.schema.json": _text({"$schema": DRAFT, **schema}) for name, schema in made.items()}


def header(file: str) -> str | None:
    """The first line of a rule file, by its path under `rules/`, by which an editor finds the schema; None where it has none."""
    folder, _, rest = file.rpartition("/")
    name = OF_FILE.get(file) or (OF_FOLDER.get(folder) if rest.endswith(".yaml") else None)
    return f"{HEADER}{'../' if folder else ''}{FOLDER}/{name}.schema.json" if name else None


def _text(schema: Schema) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _rule(kind: RuleKind, knowledge: Knowledge) -> Schema:
    words = askable(knowledge)
    facts = {name: fact for name, fact in words.items() if kind is RuleKind.ADVICE or fact.asked_by == ASKED_BY[0]}
    own: Schema = {"about": {"enum": [*ABOUT]}, "then": _outcome(knowledge)}
    if kind is RuleKind.ADVICE:
        own = {"hooks": list_of({"enum": [*HOOKS]}), "card": _card(knowledge)}
    parts: Schema = {
        kind.value: {**TEXT, "description": "The id: the name of the file without .yaml"},
        "title": {**TEXT, "description": "One line for a clinician"},
        "status": choice(
            {
                Status.DRAFT: "is checked and never runs",
                Status.SILENT: "runs and is logged, never shown",
                Status.ACTIVE: "runs and is shown",
                Status.RETIRED: "never runs again",
            }
        ),
        "version": {"type": "integer", "minimum": 1, "description": "Rises whenever the meaning changes"},
        "in_force": object_of({"from": DATE}, {"to": DATE}),
        "when": {"$ref": "#/definitions/group"},
        "because": list_of(object_of({"cite": cite(knowledge), "says": TEXT}, {"strength": TEXT}), 1),
        "expect_false_alarms": list_of(TEXT),
        "examples": list_of(_example(kind, facts), 2),
    }
    ordered = [kind.value, *HEAD[:4], *(["hooks"] if kind is RuleKind.ADVICE else ["about"]), *HEAD[4:7], *own, HEAD[7]]
    whole = {name: {**parts, **own}[name] for name in dict.fromkeys(ordered)}
    return {
        "title": f"An {kind} rule" if kind is RuleKind.ADVICE else "A risk rule",
        **object_of(whole),
        "definitions": _when(facts, knowledge),
    }


def _when(facts: Mapping[str, FactDefinition], knowledge: Knowledge) -> Schema:
    """The definitions of groups and conditions: a fact with its meaning, then the operators of its type, then what fits."""
    asked = {name: fact for name, fact in facts.items() if fact.type is not FactType.TEXT}
    condition = object_of({}, {name: _question(fact, knowledge) for name, fact in asked.items()}) | {
        "minProperties": 1,
        "maxProperties": 1,
    }
    inner = _groups({"$ref": "#/definitions/condition"})
    either = {"anyOf": [{"$ref": "#/definitions/condition"}, {"$ref": "#/definitions/inner group"}]}
    units = sorted({fact.unit for fact in asked.values() if fact.unit})
    amounts = {f"amount in {unit}": _amount(unit, knowledge) for unit in units}
    return {"group": _groups(either), "inner group": inner, "condition": condition, **amounts}


def _groups(entry: Schema) -> Schema:
    said = {"all": "All of these hold", "any": "At least one of these holds", "none": "None of these holds"}
    return object_of({}, {name: {**list_of(entry, 1), "description": means} for name, means in said.items()}) | {
        "minProperties": 1
    }


def _question(fact: FactDefinition, knowledge: Knowledge) -> Schema:
    value = _operand(fact, knowledge)
    operators: Schema = {}
    for operator in OPERATORS[fact.type]:
        many = {Operator.IS_ONE_OF: list_of(value, 1), Operator.BETWEEN: {**list_of(value, 2), "maxItems": 2}}
        operators[operator.value] = many.get(operator, value)
    return object_of({}, operators) | {"minProperties": 1, "maxProperties": 1, "description": meaning(fact)}


def meaning(fact: FactDefinition) -> str:
    """What an editor shows of a fact: its meaning, and what it rests on."""
    parts = [fact.means]
    if fact.unit:
        parts.append(f"In {fact.unit}")
    if fact.needs:
        parts.append(f"Needs {', '.join(fact.needs)}")
    if fact.if_missing is IfMissing.ASSUME_NO:
        parts.append("Where it is missing, no is assumed")
    return ". ".join(parts) + "."


def _operand(fact: FactDefinition, knowledge: Knowledge) -> Schema:
    if fact.type is FactType.QUANTITY:
        return {"$ref": f"#/definitions/amount in {fact.unit}"}
    if fact.type is FactType.CHOICE:
        held = {one.name: one.means for one in knowledge.parameters.values() if one.unit == NAME}
        named = {name: means for name, means in held.items() if _holds_choice(name, fact, knowledge)}
        return {"anyOf": [{"enum": [*fact.choices]}, *constants(named)]}
    return YES_NO if fact.type is FactType.YES_NO else DATE


def _holds_choice(name: str, fact: FactDefinition, knowledge: Knowledge) -> bool:
    return all(edition.value in fact.choices for edition in knowledge.parameters[name].editions)


def _amount(unit: str, knowledge: Knowledge) -> Schema:
    named = {one.name: one.means for one in knowledge.parameters.values() if one.unit == unit}
    return {"anyOf": [*constants(named), {**_written(unit), "description": f"A number in {unit}"}]}


def _written(unit: str) -> Schema:
    return {"type": "string", "pattern": f"^{NUMBER} {unit}$"}


def _example(kind: RuleKind, facts: Mapping[str, FactDefinition]) -> Schema:
    reason = {"enum": [*facts], "description": "The fact that alone decides"}
    blocked = [object_of({f"{answer} because": reason}) for answer in (NOTHING, CANNOT_TELL)]
    expect = {"anyOf": [{"enum": [POSITIVE[kind], NOTHING, CANNOT_TELL]}, *blocked]}
    values = {name: {**_given(fact), "description": meaning(fact)} for name, fact in facts.items()}
    return object_of({"name": TEXT, "given": object_of({}, values), "expect": expect})


def _given(fact: FactDefinition) -> Schema:
    if fact.type is FactType.QUANTITY:
        return _written(fact.unit or "")
    if fact.type is FactType.CHOICE:
        return {"enum": [*fact.choices]}
    return {FactType.YES_NO: YES_NO, FactType.DATE: DATE}.get(fact.type, TEXT)


def _outcome(knowledge: Knowledge) -> Schema:
    pace = choice({pace.id: pace.says for pace in knowledge.paces.values()})
    says = {**TEXT, "description": "What the card says of this risk; {{ fact }} inserts a value"}
    return object_of(
        {"says": says},
        {
            "pace": pace,
            "pace_with_another_risk": pace,
            "crossover": {"enum": [*CROSSOVER]},
            "setting": TEXT,
            "watch": TEXT,
            "brief": TEXT,
            "instead": TEXT,
            "danger": {**TEXT, "description": "What leads a card's summary, in a few words"},
            "first": {**TEXT, "description": "What to do about it before anything else"},
            "short_supply": YES_NO,
            "ask_first": YES_NO,
        },
    )


def _card(knowledge: Knowledge) -> Schema:
    indicator = {"enum": [*INDICATORS]}
    reasons = choice({name: reason.display for name, reason in knowledge.override_reasons.items()})
    return object_of(
        {"indicator": indicator, "summary": {**TEXT, "description": SUMMARY}, "detail": {**TEXT, "description": DETAIL}},
        {
            "raise": object_of({"to": indicator, "when": {"$ref": "#/definitions/group"}}),
            "in_full": {**TEXT, "description": "What stands behind the card: the long form"},
            "also": {**TEXT, "description": "One line that says it on another card about the same order"},
            "suggest": list_of({"enum": [*SUGGESTIONS]}),
            "if we cannot tell": TEXT,
            "override_reasons": list_of(reasons),
            "only_alone": YES_NO,
        },
    )


def _parameter(knowledge: Knowledge) -> Schema:
    value = {"type": ["number", "string"], "description": "The number alone, or with its unit"}
    edition = object_of({"value": value, "cite": cite(knowledge)}, {"says": TEXT})
    units = sorted({one.unit for one in knowledge.parameters.values()})
    dated = {
        "type": "object",
        "patternProperties": {f"^{DAY.pattern}$": edition},
        "additionalProperties": False,
        "minProperties": 1,
    }
    return object_of(
        {"means": TEXT, "unit": open_to(units), "values": {**dated, "description": "By the first day on which it holds"}},
        {"site_may_change": object_of({}, {"at_least": TEXT, "at_most": TEXT, "one_of": list_of(TEXT, 1)})},
    )


def _fact(knowledge: Knowledge) -> Schema:
    words = knowledge.vocabulary.values()
    days = [name for name, one in knowledge.parameters.items() if one.unit == "days"]
    groups = sorted({group for drug in knowledge.names.values() for group in drug.groups})
    return object_of(
        {"means": TEXT, "type": {"enum": [*FactType]}},
        {
            "unit": open_to(sorted({fact.unit for fact in words if fact.unit})),
            "choices": {"anyOf": [{"enum": ["agents", "paces"]}, list_of(TEXT, 1)]},
            "needs": list_of(open_to(sorted({need for fact in words for need in fact.needs}))),
            "if_missing": {"enum": [*IfMissing]},
            "because": TEXT,
            "value_sets": list_of({"enum": sorted(knowledge.value_sets)}),
            "history": YES_NO,
            "within": {"enum": sorted(days)},
            "drug_groups": list_of({"enum": groups}),
            "asked_by": {"enum": [*ASKED_BY]},
        },
    )


def _source() -> Schema:
    year = {"type": ["integer", "string"]}
    return object_of({"title": TEXT, "label": TEXT, "origin": {"enum": [*ORIGINS]}}, {"year": year, "url": TEXT, "read": TEXT})


def _pace(knowledge: Knowledge) -> Schema:
    by_unit = {unit: [n for n, one in knowledge.parameters.items() if one.unit == unit] for unit in ("percent", "days")}
    return object_of(
        {"says": TEXT, "plan": YES_NO, "cite": cite(knowledge)},
        {
            "after_short_use": TEXT,
            **{part: {"enum": sorted(by_unit[unit])} for part, unit in NUMBERS.items()},
            **dict.fromkeys(CHOICES, YES_NO),
            "if_not_borne": choice({pace.id: pace.says for pace in knowledge.paces.values() if pace.plan}),
            "says_where_moved": TEXT,
        },
    )


def _reason() -> Schema:
    return object_of({"system": TEXT, "code": TEXT, "display": TEXT}, {"source": TEXT})


def _alert_budget(knowledge: Knowledge) -> Schema:
    most = {"type": "number", "minimum": 0}
    by_rule = object_of({}, {rule.id: most for rule in knowledge.advice()})
    parts = {"cite": cite(knowledge), "says": TEXT, "cards": most, "critical_share": most, "by_rule": by_rule}
    return document("How many cards are too many", {"alert_budget": object_of(parts)})


def _declined(knowledge: Knowledge) -> Schema:
    days = {name: one.means for name, one in knowledge.parameters.items() if one.unit == DAYS}
    every = list_of({"$ref": "#/definitions/fact"})
    parts = {
        "cite": cite(knowledge),
        "says": TEXT,
        "reasons": object_of({}, {name: {"$ref": "#/definitions/parameter"} for name in knowledge.override_reasons}),
        "left": {"$ref": "#/definitions/parameter"},
        "worse_when": object_of({worse.value: every for worse in COMPARED}),
        "must_be_known": every,
        "not_compared": every,
    }
    facts = {word.name: meaning(word) for word in knowledge.vocabulary.values()}
    title = "When a card that was declined or left comes back as one line"
    return document(title, {"declined": object_of(parts)}) | {"definitions": {"parameter": choice(days), "fact": choice(facts)}}


def _site(knowledge: Knowledge) -> Schema:
    because = {**TEXT, "description": "Why this site has it otherwise"}
    approval = {"because": because, "approved_by": TEXT, "review_by": DATE}
    quiet = object_of(approval, {"silent": {"enum": ["yes"]}, "silent_until": DATE})
    signed = object_of({"on": DATE, **approval}, {"version": {"type": "integer"}, "value": {"type": ["number", "string"]}})
    numbers = {
        name: {**object_of({"value": within_bounds(one), "from": DATE, **approval}), "description": one.means}
        for name, one in knowledge.parameters.items()
        if one.site_may_change
    }
    rules = {f"{rule.kind}/{rule.id}": rule.title for rule in knowledge.rules}
    said = object_of(approval, {"display": TEXT, "left_out": {"enum": ["yes"]}})
    reasons = {name: {**said, "description": reason.display} for name, reason in knowledge.override_reasons.items()}
    local = {name: one.means for name, one in knowledge.parameters.items()}
    return object_of(
        {"site": TEXT, "title": TEXT, "status": {"enum": ["draft", "active"]}},
        {
            "parameters": object_of({}, numbers),
            "equivalence_source": object_of({"use": list_of(cite(knowledge), 1), **approval}),
            "rules": object_of({}, {name: {**quiet, "description": title} for name, title in rules.items()}),
            "sign_off": object_of({}, {name: {**signed, "description": means} for name, means in {**rules, **local}.items()}),
            "override_reasons": object_of({}, reasons),
        },
    )
