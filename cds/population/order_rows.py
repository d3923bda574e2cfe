"""What a decision means for the results: a row for each judged order, with its cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from cds.core.gap import GapKind
from cds.decision.decide import Decision
from cds.decision.judge import Judgement
from cds.engine.reference import Answer
from cds.fhir.json_access import Json, child, codings, earliest_day, local_reference, objects, text
from cds.hooks.messages import EXTENSION
from cds.knowledge.model import Knowledge, RuleKind, Status
from cds.population.calls import Replayed, Stored

Row = dict[str, Any]
AGE_BANDS = ((18, "under 18"), (45, "18 to 44"), (65, "45 to 64"), (75, "65 to 74"), (85, "75 to 84"))
OLDEST, UNKNOWN = "85 and over", "not known"
COLUMNS: Mapping[str, tuple[str, str]] = {
    "call": ("VARCHAR", "The hook call that the order was in: the same for orders that were signed together"),
    "patient": ("VARCHAR", "A hash of the patient's id, so that rows of one patient can be counted together"),
    "hook": ("VARCHAR", "`order-sign`, or `patient-view` for a chart that was opened"),
    "day": ("DATE", "The day of the call"),
    "place": ("INTEGER", "The order's place among those of the call, from 0"),
    "file": ("VARCHAR", "The file of the export in which the order stands; empty for a running regimen"),
    "line": ("BIGINT", "Its line there, from 1; 0 for a running regimen, and where the cluster read it"),
    "agent": ("VARCHAR", "The benzodiazepine or Z-drug, or what `other drug` means: an order that acts on one"),
    "action": ("VARCHAR", "`start`, `continue`, `increase`, `reduce`, `stop`, `switch`; empty where it could not be told"),
    "ordered_mg": ("DOUBLE", "mg a day that the order leads to; null where it could not be read"),
    "taken_mg": ("DOUBLE", "mg a day taken before it; null where it could not be read"),
    "change_percent": ("DOUBLE", "By how much the order changes what is taken"),
    "diazepam_low_mg": ("DOUBLE", "The larger of the two in diazepam, the low end"),
    "diazepam_high_mg": ("DOUBLE", "The high end"),
    "pace": ("VARCHAR", "The pace that the risks ask for; empty where none does"),
    "crossover": ("VARCHAR", "`favoured`, `against` or `not-relevant`"),
    "age_band": ("VARCHAR", "The age on that day, in bands"),
    "sex": ("VARCHAR", "As the record says, else `not known`"),
    "language": ("VARCHAR", "The preferred language, else `not known`"),
    "prescriber": ("VARCHAR", "A hash of who signed; empty where nobody is named"),
    "specialty": ("VARCHAR", "What a PractitionerRole says of who signed, else `not known`"),
    "risks": ("VARCHAR[]", "The risk rules that were true"),
    "advice": ("VARCHAR[]", "The advice rules that were true, shown or not"),
    "shown": ("VARCHAR[]", "The advice rules that have a card of their own about this order"),
    "indicators": ("VARCHAR[]", "The indicator of each of these cards"),
    "folded": ("VARCHAR[]", "The advice rules that another card tells of"),
    "silent": ("VARCHAR[]", "The advice rules that were true and are silent"),
    "untold": ("VARCHAR[]", "The advice rules that could not tell"),
    "gaps": ("VARCHAR[]", "The kinds of what could not be read"),
    "words": ("VARCHAR", "A hash of the words of the cards, by which a change of wording is seen"),
}
"""Name, type and meaning of each column of `orders.parquet`, in order."""
OTHER_DRUG = "other drug"


@dataclass(frozen=True, slots=True)
class Prescriber:
    """Who signed an order: a hash, empty where nobody is named, and the specialty."""

    hash: str = ""
    specialty: str = UNKNOWN


def hashed(text: str) -> str:
    """A name as the results hold it."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def rows(
    replayed: Replayed, decision: Decision, knowledge: Knowledge, patient: Json | None, shared: Mapping[str, Json]
) -> list[Row]:
    """A row for each order of a call that was judged, and one for each that could not be."""
    call = hashed(f"{replayed.call.patient_id}|{replayed.day}|{replayed.hook}")
    about = {
        "call": call,
        "patient": hashed(replayed.call.patient_id),
        "hook": replayed.hook,
        "day": replayed.day.isoformat(),
        "age_band": age_band(patient, replayed.day),
        "sex": (text(patient, "gender") or UNKNOWN) if patient else UNKNOWN,
        "language": language(patient),
    }
    cards = decision.answer["cards"]
    by_order = {order.reference: (place, order) for place, order in enumerate(replayed.orders)}
    found = []
    judged: set[str] = set()
    for place, judgement in enumerate(decision.judgements):
        for reference in dict.fromkeys(order.request for order in judgement.orders):
            judged.add(reference)
            found.append(about | _judged(judgement, reference, place, by_order, cards, decision, knowledge, shared))
    for gap in decision.unclear:
        if gap.resource not in judged and gap.resource in by_order:
            place, order = by_order[gap.resource]
            found.append(about | _not_judged(gap.kind, place, order, cards, shared))
    return found


def _judged(
    judgement: Judgement,
    reference: str,
    place: int,
    by_order: Mapping[str, tuple[int, Stored]],
    cards: Sequence[Mapping[str, Any]],
    decision: Decision,
    knowledge: Knowledge,
    shared: Mapping[str, Json],
) -> Row:
    order = next(each for each in judgement.orders if each.request == reference)
    place, stored = by_order.get(reference, (place, None))
    true = [finding.rule_id for finding in judgement.advice if finding.true]
    own = [card for card in cards if _of(card)["order"] == reference]
    shown = [_of(card)["rule"] for card in own]
    folded = {also for card in own for also in _of(card).get("alsoSays", ())}
    status = {id: knowledge.rule(id, RuleKind.ADVICE).status for id in true}
    kinds = {gap.kind.value for gap in order.gaps}
    kinds |= {f"{gap.kind.value}: {gap.resource}" for gap in decision.gaps if gap.resource.startswith("prefetch/")}
    return {
        "place": place,
        "agent": order.agent if _is_agent(order.agent, judgement, knowledge) else OTHER_DRUG,
        "action": order.action or "",
        "ordered_mg": _number(order.daily_dose),
        "taken_mg": _number(order.takes_now),
        "change_percent": _number(order.change_percent),
        "diazepam_low_mg": _number(order.equivalent.low) if order.equivalent else None,
        "diazepam_high_mg": _number(order.equivalent.high) if order.equivalent else None,
        "pace": order.pace or "",
        "crossover": order.crossover.advice,
        "risks": sorted(risk.id for risk in order.risk_factors),
        "advice": sorted(true),
        "shown": shown,
        "indicators": [card["indicator"] for card in own],
        "folded": sorted(folded & set(true)),
        "silent": sorted(id for id in true if status[id] is Status.SILENT),
        "untold": sorted(finding.rule_id for finding in judgement.advice if finding.answer is Answer.CANNOT_TELL),
        "gaps": sorted(kinds),
        "words": hashed("\n".join(f"{card['summary']}\n{card.get('detail', '')}" for card in own)) if own else "",
    } | _signer(stored, shared)


def _not_judged(kind: GapKind, place: int, order: Stored, cards: Sequence[Mapping[str, Any]], shared: Mapping[str, Json]) -> Row:
    """The row of a draft that may be of a benzodiazepine or Z-drug, and could not be judged."""
    own = [card for card in cards if _of(card)["order"] == order.reference]
    empty: Row = dict.fromkeys(("ordered_mg", "taken_mg", "change_percent", "diazepam_low_mg", "diazepam_high_mg"))
    lists: Row = {name: [] for name in ("risks", "folded", "silent", "untold")}
    return (
        empty
        | lists
        | {
            "place": place,
            "agent": "",
            "action": "",
            "pace": "",
            "crossover": "not-relevant",
            "advice": sorted(_of(card)["rule"] for card in own),
            "shown": [_of(card)["rule"] for card in own],
            "indicators": [card["indicator"] for card in own],
            "gaps": [kind.value],
            "words": hashed("\n".join(card["summary"] for card in own)) if own else "",
        }
        | _signer(order, shared)
    )


def _of(card: Mapping[str, Any]) -> Mapping[str, Any]:
    own: Mapping[str, Any] = card["extension"][EXTENSION]
    return own


def _is_agent(agent: str, judgement: Judgement, knowledge: Knowledge) -> bool:
    """Whether what was ordered is itself an agent; an order that acts on one is judged by the one that is taken."""
    asked = judgement.facts.get("order_of_another_drug")
    return agent in knowledge.agents and getattr(asked, "value", False) is not True


def _signer(stored: Stored | None, shared: Mapping[str, Json]) -> Row:
    if stored is None:
        return {"file": "", "line": 0, "prescriber": "", "specialty": UNKNOWN}
    who = prescriber(stored.resource, shared)
    return {"file": stored.file, "line": stored.line, "prescriber": who.hash, "specialty": who.specialty}


def prescriber(order: Json, shared: Mapping[str, Json]) -> Prescriber:
    """Who signed an order, and what a PractitionerRole says of the specialty."""
    named = text(child(order, "requester"), "reference")
    if named is None:
        return Prescriber()
    reference = local_reference(named)
    role = shared.get(f"role of {reference}") or shared.get(reference)
    said = next((name for concept in objects(role, "specialty") for name in _names(concept)), None) if role else None
    return Prescriber(hashed(reference), said or UNKNOWN)


def _names(concept: Json) -> Iterator[str]:
    if written := text(concept, "text"):
        yield written
    yield from (display for _, _, display in codings(concept) if display)


def age_band(patient: Json | None, day: date) -> str:
    """The patient's age on a day, in bands."""
    born = earliest_day(patient.get("birthDate")) if patient else None
    if born is None or born > day:
        return UNKNOWN
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return next((band for under, band in AGE_BANDS if years < under), OLDEST)


def language(patient: Json | None) -> str:
    """The preferred language of a patient, else the first that is spoken."""
    spoken = objects(patient, "communication") if patient else []
    for each in sorted(spoken, key=lambda each: each.get("preferred") is not True):
        for _, code, _ in codings(each.get("language")):
            return code.lower()
    return UNKNOWN


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(round(value, 6))
