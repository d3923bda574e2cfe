"""JSON schemas of the tables of dose forms and adjuncts, of the words of a dosage, and of the patient's sheet."""

from __future__ import annotations

from cds.knowledge.files.adjuncts import PLACES
from cds.knowledge.files.dosing import MEASURES, OF_TABLE, PARTS
from cds.knowledge.model import Knowledge
from cds.knowledge.schema.schema_parts import ORIGIN, TEXT, YES_NO, Schema, choice, cite, document, list_of, map_of, object_of

ANY_NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
WORDS: Schema = list_of(TEXT)
PART: Schema = {"enum": [*PARTS]}


def form_schemas(knowledge: Knowledge) -> dict[str, Schema]:
    """The schemas by their names."""
    source = cite(knowledge)
    return {
        "adjuncts": document(
            "What may help alongside a taper, and what must not be used", {"adjuncts": map_of(_adjunct(source))}
        ),
        "dosing": document("What the words and codes of a dosage mean", _dosing()),
        "naloxone": document("The naloxone that is offered with an opioid", _naloxone(source)),
        "published-tapers": document(
            "Tapers as guidance publishes them, beside which our totals are set", {"tapers": map_of(_taper(knowledge, source))}
        ),
        "presentations": document("What a plan needs to know of dose forms", _presentations(knowledge, source)),
        "sheet": document(
            "Every word on the patient's sheet, in one language",
            {"language": TEXT, "cite": list_of(source, 1), "months": WORDS, "weekdays": WORDS}
            | {"texts": map_of(TEXT), "lists": map_of(WORDS)},
        ),
    }


def _adjunct(source: Schema) -> Schema:
    own = {"name": TEXT, "role": TEXT, "position": choice(PLACES), "cite": source, "verified": ORIGIN}
    return object_of(own, {"evidence": TEXT, "cautions": WORDS})


def _taper(knowledge: Knowledge, source: Schema) -> Schema:
    own = {"agent": {"enum": sorted(knowledge.agents)}, "mg": ANY_NUMBER, "pace": {"enum": list(knowledge.paces)}, "cite": source}
    return object_of(own, {"at_night": YES_NO, "weeks": {"type": "string", "pattern": "^[0-9]+ to [0-9]+$"}})


def _naloxone(source: Schema) -> Schema:
    minutes: Schema = {"type": "string", "pattern": "^[0-9]+ minutes$"}
    said = {"cite": list_of(source, 1), "origin": ORIGIN}
    return {
        "product": object_of(dict.fromkeys(("system", "code", "display", "name"), TEXT) | said, {"says": TEXT}),
        "dose": object_of(
            {"mg": ANY_NUMBER, "repeat_after": object_of({"from": minutes, "to": minutes}), **said}, {"says": TEXT}
        ),
        "supply": object_of({"devices": WHOLE, **said}, {"says": TEXT}),
    }


def _presentations(knowledge: Knowledge, source: Schema) -> Schema:
    agents = list_of({"enum": sorted(knowledge.agents)}, 1)
    said = {"cite": source, "says": TEXT}
    return {
        "smallest_volume": object_of({"mL": ANY_NUMBER, **said}),
        "least_volume": object_of({"mL": ANY_NUMBER, **said}),
        "syringes": object_of({"sizes": list_of(object_of({"holds": ANY_NUMBER, "marks": ANY_NUMBER}), 1), **said}),
        "compounded": map_of(object_of({"mg_in_1_mL": ANY_NUMBER, **said})),
        "liquids_left_out": object_of({"agents": agents, **said}),
        "taken_at_night": object_of({"agents": agents, "cite": source}, {"says": TEXT}),
    }


def _dosing() -> Schema:
    unit = object_of({"measures": {"enum": [*MEASURES]}, "words": WORDS, "codes": WORDS}, {"of_one": ANY_NUMBER})
    often = object_of({"phrases": WORDS}, {"doses": ANY_NUMBER, "most": ANY_NUMBER, "days": ANY_NUMBER})
    return {
        "time_units": map_of(object_of({"seconds": WHOLE, "words": WORDS})),
        "dose_units": map_of(unit),
        "supply_counts": WORDS,
        "timing_codes": map_of(TEXT),
        "when": map_of(object_of({"doses": WHOLE}, {"part": PART, "any": YES_NO, "single": YES_NO})),
        "parts_from_hour": object_of(dict.fromkeys(PARTS, WHOLE)),
        "numbers": map_of(ANY_NUMBER),
        "ordinals": map_of(WHOLE),
        "fractions": map_of(ANY_NUMBER),
        "frequencies": list_of(often, 1),
        "frequency_phrases": _phrases("frequency_phrases"),
        "parts": _phrases("parts"),
        "same_part": map_of(PART),
        "meals": object_of({"doses": WHOLE, "phrases": WORDS}),
        "weekdays": _phrases("weekdays"),
        "weekday_letters": map_of({"enum": [*OF_TABLE["weekdays"]]}),
        "weekday_groups": map_of(list_of({"enum": [*OF_TABLE["weekdays"]]}, 1)),
        "clock": WORDS,
        "sig": _phrases("sig"),
        "abbreviations": WORDS,
    }


def _phrases(table: str) -> Schema:
    return object_of(dict.fromkeys(OF_TABLE[table], WORDS))
