"""JSON schemas of the tables that a drug or a value set is added to."""

from __future__ import annotations

from cds.core.medication import AgentKind, DurationClass
from cds.knowledge.model import Knowledge
from cds.knowledge.schema.schema_parts import (
    NUMBER,
    ORIGIN,
    TEXT,
    YES_NO,
    Schema,
    cite,
    document,
    list_of,
    map_of,
    object_of,
    open_to,
)

AMOUNT: Schema = {"type": "number", "exclusiveMinimum": 0}
MG: Schema = {"type": "string", "pattern": f"^{NUMBER} mg$", "description": "An amount such as 0.5 mg"}
KINDS = ("inhibitor", "inducer", "fluoroquinolone", "contraindicated")


def table_schemas(knowledge: Knowledge) -> dict[str, Schema]:
    """The schemas by their names: agents, their equivalents, interactions and kinetics, and the index of value sets."""
    agents, source = sorted(knowledge.agents), cite(knowledge)
    return {
        "agents": document("The agents that a taper is about", {"agents": map_of(_agent(source))}),
        "equivalents": document(
            "How many mg equal 10 mg of oral diazepam, by source",
            {"default_sources": list_of(source, 1), "guideline_source": source, "agents": map_of(_equivalents(source))},
        ),
        "interactions": document(
            "Drugs that change what an agent does",
            {"groups": map_of(TEXT), "interactions": list_of(_interaction(agents, source))},
        ),
        "pharmacokinetics": document("How agents are taken up and cleared", {"agents": map_of(_kinetics(agents, source))}),
        "value-sets": document(
            "What each value set holds, and what it is used for",
            {"value_sets": map_of(object_of({"title": TEXT, "used_for": TEXT, "source": TEXT}))},
        ),
    }


def _agent(source: Schema) -> Schema:
    hours = dict.fromkeys(("low", "typical", "high"), AMOUNT)
    form = object_of(
        {"form": TEXT}, {"strengths": list_of(AMOUNT, 1), "mg_in_1_mL": list_of(AMOUNT, 1), "scored": TEXT, "er": YES_NO}
    )
    return object_of(
        {
            "kind": {"enum": [*AgentKind]},
            "duration": {"enum": [*DurationClass], "description": "How long it acts, active metabolites included"},
            "high_potency": YES_NO,
            "glucuronidated_only": YES_NO,
            "enzymes": list_of(open_to(["CYP3A4", "CYP2C19", "CYP2C9", "CYP2D6"])),
            "half_life": {
                **object_of({}, {"parent": object_of({}, hours), "metabolites": object_of({}, hours)}),
                "description": "Hours",
            },
            "cite": list_of(source, 1),
            "verified": TEXT,
        },
        {
            "label_limits": list_of(_label_limit(source), 1),
            "dose_bands": object_of({"low_up_to": MG, "high_above": MG, "cite": source}),
            "antiseizure": YES_NO,
            "smallest_solid_step": MG,
            "smallest_liquid_step": MG,
            "highest_labelled_daily_dose": MG,
            "forms": list_of(form),
        },
    )


def _label_limit(source: Schema) -> Schema:
    return object_of(
        {"mg": AMOUNT, "cite": source},
        {"extended_release_mg": AMOUNT, "sex": {"enum": ["female", "male"]}, "from_age": AMOUNT},
    )


def _equivalents(source: Schema) -> Schema:
    row = object_of({"source": source, "low": AMOUNT, "high": AMOUNT, "origin": ORIGIN}, {"says": TEXT})
    why = {**TEXT, "description": "Why no source converts it; different from 0, and from absent"}
    return {**object_of({}, {"rows": list_of(row, 1), "not_converted": why}), "minProperties": 1, "maxProperties": 1}


def _interaction(agents: list[str], source: Schema) -> Schema:
    which: Schema = {"anyOf": [{"const": "all"}, list_of({"enum": agents}, 1)]}
    own = {"group": TEXT, "kind": {"enum": [*KINDS]}, "agents": which, "says": TEXT, "cite": source, "origin": TEXT}
    return object_of(own)


def _kinetics(agents: list[str], source: Schema) -> Schema:
    sources = list_of(source, 1)
    metabolite = {"agent": TEXT, "mg_for_mg": AMOUNT, "volume": AMOUNT, "clearance": AMOUNT, "cite": sources}
    share: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
    drawn = {
        "bioavailability": share,
        "absorption": {**AMOUNT, "description": "An hour"},
        "lag": {"type": "number", "minimum": 0, "description": "Hours"},
        "volume": {**AMOUNT, "description": "Litres"},
        "clearance": {**AMOUNT, "description": "Litres an hour"},
        "cite": sources,
        "origin": ORIGIN,
    }
    more = {"level_of": open_to(agents), "metabolite": object_of(metabolite), "says": TEXT}
    refused = {"refused": {**TEXT, "description": "Why no curve is drawn"}}
    return {"anyOf": [object_of(drawn, more), object_of(refused)]}
