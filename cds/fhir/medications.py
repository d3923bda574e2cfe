"""Which medication a resource means: by code, by ingredient, and last by words. A contradiction is a gap, never a pick."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import SequenceMatcher

from cds.core.gap import Gap, GapKind, Reading
from cds.core.medication import Certainty, Form, Medication
from cds.fhir import json_access as views
from cds.fhir.drug_words import DrugText, form_of, in_mg, same_drug, words
from cds.fhir.json_access import Json
from cds.fhir.references import Library
from cds.knowledge.code_systems import ATC, OIDS, RXNORM, SNOMED
from cds.knowledge.files.drug_names import BY_STEM, UNLISTED, folded
from cds.knowledge.files.drugs import OUT_OF_SCOPE, joint_groups
from cds.knowledge.model import Knowledge

SYSTEMS = {OIDS[system]: system for system in (RXNORM, ATC, SNOMED)}
COVERED = {RXNORM: re.compile(r"\d{1,8}"), ATC: re.compile(r"[A-Z]\d\d[A-Z]{2}\d\d", re.IGNORECASE)}
"""What a code looks like in the systems of which the tables hold every benzodiazepine: one that isn't there is another drug."""
ATC_LENGTHS = (7, 5, 4, 3)
ABSENT = frozenset({"data-absent-reason", "v3-NullFlavor", "NullFlavor"})
"""The code systems that tell why something is not known."""
OTHER_DRUG = "another medicine"
STRANGE = "Its name is built like a benzodiazepine's or Z-drug's and stands in no table, so its dose can't be judged."
ALIKE = 0.8
"""How much of two spellings is the same, from 0 to 1, where an unknown one beside a code is taken for the code's name."""
MASS = re.compile(r"mg|mcg|ug|µg|μg|g", re.IGNORECASE)
RANK = {Certainty.PRODUCT: 0, Certainty.INGREDIENT: 1, Certainty.WORDS: 2}
FORM_CODES = {"385055001": Form.TABLET, "385049006": Form.CAPSULE, "385219001": Form.INJECTION, "385023001": Form.LIQUID}
FAMILIES = (
    {Form.TABLET, Form.CAPSULE, Form.ODT, Form.SUBLINGUAL, Form.FILM}, {Form.LIQUID}, {Form.ORAL_SPRAY}, {Form.INJECTION},
    {Form.RECTAL}, {Form.NASAL}, {Form.BUCCAL},
)  # fmt: skip
"""Forms that one word may stand for another of; a form of another family contradicts."""


@dataclass
class _Evidence:
    """What the codes and the texts of one resource say."""

    coded: list[Medication] = field(default_factory=list)
    texts: list[DrugText] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    """Forms stated apart from code and words."""
    covered: bool = False
    """Whether some code is of a system that the tables cover."""


def medication(resource: Json, library: Library, knowledge: Knowledge) -> Reading[Medication]:
    """The medication of a request, dispense, statement or Medication, in any version of FHIR.

    None with a gap where nothing could be read, or where codes and words name different drugs of which one matters. The agent
    without strength, with a gap, where they agree on the agent and not on the strength or form. Never raises on any JSON.
    """
    where = views.reference(resource)
    evidence = _Evidence()
    for concept in _concepts(resource):
        _add_concept(evidence, concept, knowledge)
    for link in _links(resource):
        _add_text(evidence, views.text(link, "display"), knowledge)
        target = library.find(link, resource)
        if target is not None:
            _add_medication(evidence, target, resource, library, knowledge)
    if views.text(resource, "resourceType") == "Medication":
        _add_medication(evidence, resource, resource, library, knowledge)
    return _reading(evidence, where)


def unresolved(resource: Json, library: Library) -> bool:
    """Whether the medication is only referred to, and what is referred to is not there."""
    links = list(_links(resource))
    return bool(links) and all(library.find(link, resource) is None for link in links)


def says_unknown(resource: Json, library: Library) -> bool:
    """Whether the order says nothing of its medication, or codes say that it is not known."""
    concepts = [*_concepts(resource), *(views.child(library.find(link, resource), "code") for link in _links(resource))]
    absent = [views.child(each, "extension") or views.objects(each, "extension") for each in concepts if each]
    return (
        not any(concepts) or any(absent) or any(_is_unknown(system) for each in concepts for system, _, _ in views.codings(each))
    )


def _is_unknown(system: str) -> bool:
    return system.rstrip("/").rpartition("/")[2] in ABSENT


def linked(resource: Json, library: Library) -> list[Json | None] | None:
    """The Medications that a request, dispense or statement refers to; None where they refer further, and for a Medication."""
    if resource.get("resourceType") == "Medication":
        return None
    if "medicationReference" not in resource and "medication" not in resource:
        return []
    targets = [library.find(link, resource) for link in _links(resource)]
    items = [item for target in targets for item in _items(views.mapping(target))]
    return None if any(_item_link(item) for item in items) else targets


def _concepts(resource: Json) -> Iterator[Json]:
    yield views.child(resource, "medicationCodeableConcept")
    yield views.child(resource, "medication", "concept")
    if "coding" in views.child(resource, "medication"):
        yield views.child(resource, "medication")


def _links(resource: Json) -> Iterator[Json]:
    for link in (views.child(resource, "medicationReference"), views.child(resource, "medication", "reference")):
        if link:
            yield link
    direct = views.child(resource, "medication")
    if isinstance(direct.get("reference"), str):
        yield direct


def _add_concept(evidence: _Evidence, concept: Json, knowledge: Knowledge) -> None:
    coded = list(views.codings(concept))
    if coded and all(_is_unknown(system) for system, _, _ in coded):
        coded, concept = [], {"text": concept["text"]} if "text" in concept else {}
    for system, code, _ in coded:
        system = _system(system)
        known = _by_code(system, code, knowledge)
        if known is not None:
            evidence.coded.append(known)
        elif system in COVERED:
            evidence.covered |= COVERED[system].fullmatch(code) is not None
        elif not code.isdecimal():
            _add_named_code(evidence, code, knowledge)
    texts = [views.text(coding, "display") for coding in views.objects(concept, "coding")]
    for text in dict.fromkeys([*texts, views.text(concept, "text")]):
        _add_text(evidence, text, knowledge)


def _add_text(evidence: _Evidence, text: str | None, knowledge: Knowledge) -> None:
    if text is not None:
        evidence.texts.append(words(text, knowledge.names, knowledge.stems))


def _add_named_code(evidence: _Evidence, code: str, knowledge: Knowledge) -> None:
    """Some systems write the drug's name as its code."""
    said = words(code, knowledge.names, knowledge.stems)
    if said.drugs:
        evidence.texts.append(said)


def _system(system: str) -> str:
    plain = system.rstrip("/").replace("https://", "http://", 1)
    return SYSTEMS.get(plain, plain)


def _by_code(system: str, code: str, knowledge: Knowledge) -> Medication | None:
    if system != ATC:
        return knowledge.medications.get((system, code))
    prefixes = (code.upper()[:length] for length in ATC_LENGTHS if length <= len(code))
    return next((found for prefix in prefixes if (found := knowledge.medications.get((ATC, prefix)))), None)


def _add_medication(evidence: _Evidence, target: Json, within: Json, library: Library, knowledge: Knowledge) -> None:
    """What a Medication resource says: its code, its ingredients with their strength, its form."""
    _add_concept(evidence, views.child(target, "code"), knowledge)
    items = _items(target)
    parts = [part for item in items if (part := _ingredient(item, target, within, library, knowledge))]
    evidence.coded.extend(_compounded(parts))
    form = _stated_form(views.child(target, "form") or views.child(target, "doseForm") or views.child(target, "product", "form"))
    evidence.forms.extend([form] if form else [])


def _ingredient(item: Json, target: Json, within: Json, library: Library, knowledge: Knowledge) -> Medication | None:
    if item.get("isActive") is False:
        return None
    link = _item_link(item)
    named = library.find(link, target) or library.find(link, within)
    found = _Evidence()
    said = [views.child(item, "itemCodeableConcept"), views.child(item, "item", "concept"), views.child(named, "code")]
    if not link:
        said.append(views.child(item, "item"))
    for concept in said:
        _add_concept(found, concept, knowledge)
    _add_text(found, views.text(link, "display"), knowledge)
    drug = _reading(found, "").value
    if drug is None or not drug.ingredients:
        return None
    strength, concentration = _ratio(item)
    if drug.certainty is Certainty.PRODUCT and strength is None and concentration is None:
        return drug
    return replace(drug, strength=strength, concentration=concentration, certainty=_at_best_ingredient(drug.certainty))


def _items(medication: Json) -> list[Json]:
    """The ingredients of a Medication; DSTU2 has them under `product`."""
    return views.objects(medication, "ingredient") or views.objects(views.child(medication, "product"), "ingredient")


def _item_link(item: Json) -> Json:
    direct = views.child(item, "item")
    return views.child(item, "itemReference") or views.child(direct, "reference") or (direct if "reference" in direct else {})


def _at_best_ingredient(certainty: Certainty) -> Certainty:
    return Certainty.INGREDIENT if certainty is Certainty.PRODUCT else certainty


def _ratio(item: Json) -> tuple[Decimal | None, Decimal | None]:
    """mg in one unit, or mg in one mL. A denominator that is neither one unit nor a volume is not to be relied on."""
    ratio = views.child(item, "strength") or views.child(item, "strengthRatio") or views.child(item, "amount")
    above = views.child(ratio, "numerator") or views.child(item, "strengthQuantity")
    below = views.child(ratio, "denominator")
    amount, unit = views.number(above.get("value")), _unit(above)
    if amount is None or amount <= 0 or unit is None or not MASS.fullmatch(unit):
        return None, None
    mg = amount * in_mg(unit)
    count = views.number(below.get("value")) if "value" in below else Decimal(1)
    if count is None or count <= 0:
        return None, None
    if (_unit(below) or "").lower().strip("{}") == "ml":
        return None, mg / count
    return (mg, None) if count == 1 else (None, None)


def _unit(quantity: Json) -> str | None:
    return views.text(quantity, "code") or views.text(quantity, "unit")


def _stated_form(concept: Json) -> Form | None:
    for _, code, display in views.codings(concept):
        form = FORM_CODES.get(code) or form_of(folded(display or code))
        if form:
            return form
    return form_of(folded(views.text(concept, "text") or ""))


def _compounded(parts: list[Medication]) -> list[Medication]:
    """The ingredients as one medication where at most one of them is an agent; else each by itself, so that they contradict."""
    if len(parts) < 2 or len({part.agent for part in parts if part.agent}) > 1:
        return parts
    main = next((part for part in parts if part.agent), parts[0])
    ingredients = tuple(dict.fromkeys(name for part in (main, *parts) for name in part.ingredients))
    groups = joint_groups(part.groups for part in parts)
    return [replace(main, ingredients=ingredients, groups=groups)]


# What it all comes to -------------------------------------------------------------------------------------------------


def _reading(evidence: _Evidence, where: str) -> Reading[Medication]:
    coded = _without_classes(evidence)
    agents = {one.agent for one in coded if one.agent}
    named = [text for text in evidence.texts if text.drugs and not _spells(text.strange, agents)]
    if not coded and not named:
        return _unrecognised(evidence, where)
    chosen = min(coded, key=lambda one: (RANK[one.certainty], one.agent is None)) if coded else _from_words(named)
    if chosen is None or not _agree(chosen, coded, named):
        return Reading(None, (_contradiction(chosen, coded, named, where),))
    if chosen.agent is None:
        local = any(text.local for text in evidence.texts)
        form = next((form for form in (chosen.form, *evidence.forms, *(text.form for text in evidence.texts)) if form), None)
        told = replace(chosen, form=form, out_of_scope=OUT_OF_SCOPE.get(form) if form else None)
        return _with_unlisted(
            replace(chosen, groups=frozenset()) if local else told if UNLISTED in chosen.groups else chosen, where
        )
    return _amounts(chosen, [one for one in coded if one.agent == chosen.agent], evidence, where)


def _spells(strange: Iterable[str], agents: Collection[str | None]) -> bool:
    """Whether the unknown words are but another spelling of the agent that codes name."""
    agent = next(iter(agents), None) if len(agents) == 1 else None
    return agent is not None and any(SequenceMatcher(None, word, agent).ratio() >= ALIKE for word in strange)


def _without_classes(evidence: _Evidence) -> list[Medication]:
    """The coded drugs. A class (ATC N02A) tells less than any drug, so it counts alone, or where it contradicts an agent."""
    drugs = [one for one in evidence.coded if one.ingredients]
    classes = [one for one in evidence.coded if not one.ingredients]
    agent = any(one.agent for one in drugs) or any(drug.agent for text in evidence.texts for drug in text.drugs)
    if agent:
        return [*drugs, *(one for one in classes if UNLISTED not in one.groups)]
    return drugs or ([] if any(text.drugs for text in evidence.texts) else classes)


def _unrecognised(evidence: _Evidence, where: str) -> Reading[Medication]:
    """Another drug, where a text or a covered code says so much; else a gap."""
    if any(not text.unread for text in evidence.texts) or evidence.covered:
        certainty = Certainty.INGREDIENT if evidence.covered else Certainty.WORDS
        return Reading(Medication(OTHER_DRUG, None, certainty=certainty))
    return Reading(None, (Gap(GapKind.MEDICATION, "Which drug is meant could be told neither by code nor by words.", where),))


def _from_words(named: list[DrugText]) -> Medication | None:
    """The drug that the texts name; None where they name two agents."""
    drugs = [drug for text in named for drug in text.drugs]
    agents = {drug.agent for drug in drugs if drug.agent}
    if len(agents) > 1:
        return None
    main = max((drug for drug in drugs if drug.agent or not agents), key=lambda drug: len(drug.ingredients))
    first = next(text for text in named if text.names(main))
    ingredients = tuple(dict.fromkeys(name for drug in (main, *first.drugs) for name in drug.ingredients))
    return replace(
        main, name=" with ".join(ingredients), ingredients=ingredients, groups=joint_groups(drug.groups for drug in first.drugs)
    )


def _agree(chosen: Medication, coded: Iterable[Medication], named: Iterable[DrugText]) -> bool:
    """Whether every code and every text names the chosen drug; where none of those that differ matters, they need not."""
    others = [one for one in coded if one is not chosen and not same_drug(one, chosen)]
    others += [drug for text in named if not text.names(chosen) for drug in text.drugs]
    return not others or not any(one.agent or one.groups for one in (chosen, *others))


def _contradiction(chosen: Medication | None, coded: list[Medication], named: list[DrugText], where: str) -> Gap:
    drugs = [*([chosen] if chosen else []), *coded, *(drug for text in named for drug in text.drugs)]
    names = list(dict.fromkeys(_short_name(drug) for drug in drugs))
    says = f"It names different drugs ({', '.join(names)}), so which one is meant can't be told."
    return Gap(GapKind.CONTRADICTION, says, where)


def _short_name(drug: Medication) -> str:
    return drug.agent or " with ".join(drug.ingredients) or drug.name


def _with_unlisted(drug: Medication, where: str) -> Reading[Medication]:
    if UNLISTED not in drug.groups:
        return Reading(drug)
    if drug.ingredients == BY_STEM.ingredients:
        return Reading(drug, (Gap(GapKind.MEDICATION, STRANGE, where),))
    says = f"{drug.name} is a benzodiazepine or Z-drug that the agents table doesn't hold, so its dose can't be judged."
    return Reading(drug, (Gap(GapKind.MEDICATION, says, where),))


def _amounts(chosen: Medication, coded: list[Medication], evidence: _Evidence, where: str) -> Reading[Medication]:
    """The agent with its strength and form, completed from every source; without them where two sources differ."""
    about = [text for text in evidence.texts if not text.drugs or text.names(chosen)]
    strengths = {one.strength for one in coded if one.strength is not None}
    concentrations = {one.concentration for one in coded if one.concentration is not None}
    stated = (chosen.form if coded else None, *(one.form for one in coded), *(text.form for text in about), *evidence.forms)
    forms = [form for form in stated if form]
    if not strengths and not concentrations:
        strengths = {text.strength for text in about if text.strength is not None}
        concentrations = {value for text in about for value in text.concentrations}
        doubted = len(strengths) + len(concentrations) > 1
    else:
        doubted = len(strengths) + len(concentrations) > 1 or any(_differs(text, strengths, concentrations) for text in about)
    form = next(iter(forms), None) or next((text.usual_form for text in about if text.usual_form), None)
    agreed = form if _families(forms) <= 1 else None
    if doubted or agreed is not form:
        scope = OUT_OF_SCOPE.get(agreed) if agreed else None
        bare = replace(chosen, name=_short_name(chosen), strength=None, concentration=None, form=agreed, out_of_scope=scope)
        says = f"Its codes and words agree on {chosen.agent}, but not on the strength or form, so neither was used."
        return Reading(bare, (Gap(GapKind.CONTRADICTION, says, where),))
    return Reading(
        replace(
            chosen,
            strength=next(iter(strengths), None),
            concentration=next(iter(concentrations), None),
            form=form,
            extended_release=any(one.extended_release for one in coded) or any(text.extended_release for text in about),
            out_of_scope=OUT_OF_SCOPE.get(form) if form else None,
        )
    )


def _differs(text: DrugText, strengths: set[Decimal], concentrations: set[Decimal]) -> bool:
    """Whether a text states other amounts than the codes; amounts of another kind (mg for mg in one mL) are told by the form."""
    return bool(
        (strengths and text.amounts and strengths.isdisjoint(text.amounts))
        or (concentrations and text.concentrations and concentrations.isdisjoint(text.concentrations))
        or (strengths and text.concentrations and not text.amounts)
    )


def _families(forms: Iterable[Form]) -> int:
    return len({index for form in forms for index, family in enumerate(FAMILIES) if form in family})
