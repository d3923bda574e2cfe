"""One hook call, start to finish, without any input or output of its own: the day and the ids are arguments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from cds.core.cases import Case, concerns_agents, ordered_cases, running_cases, surroundings
from cds.core.fact_table import Inquiry, questions
from cds.core.gap import Gap, GapKind
from cds.core.judged_order import JudgedOrder
from cds.core.record import Completeness, Delivery, RecordPart
from cds.decision.judge import Judgement, judge, unread
from cds.decision.suggestions import Desktop, signable
from cds.engine.engine import Engine
from cds.engine.reference import Finding
from cds.errors import NeededDataMissing
from cds.fhir.dosage.dosage import reading_limits
from cds.fhir.json_access import earliest_day, local_reference, mapping, reference
from cds.fhir.legacy import in_r4, is_older, r4_reference
from cds.fhir.reader import ReadingContext
from cds.fhir.reading import by_name, draft_orders, patient_record
from cds.fhir.references import Library
from cds.fhir.validation import validity_gaps
from cds.fhir.write.requests import Visit
from cds.hooks.cards import Advice, cards
from cds.hooks.declined_card import Shortened
from cds.hooks.messages import HookCall, answer_extension, refuse_other_patients
from cds.hooks.prefetch import deliveries, full_urls
from cds.hooks.services import DRAFTS_IN
from cds.knowledge.model import Knowledge

MOST_DRAFTS, MOST_JUDGED, MOST_GAPS = 200, 20, 200
"""Of one call: how many draft orders are read, how many orders are judged, and how many gaps are told."""
MEDICATION_PARTS = (RecordPart.REQUESTS, RecordPart.DISPENSES, RecordPart.STATEMENTS)
"""Any one of these tells what the patient takes; without all of them nothing sound can be said."""
PATIENT_VIEW = "patient-view"
SOME_NOT_NAMED = "A selection names no draft order; the others were judged."
NONE_NAMED = "No selection names a draft order, so every draft was judged."
NOTHING_SENT = "The call held no draft order, so nothing was checked."
NO_ORDER = "An entry of the draft orders holds no order, so it was not checked."
PRESCRIBE_OF_1_0 = "medication-prescribe"
"""The one hook that has no orders of R4."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything about one hook call. `answer` is the body to send; `judgements` tell how each order was weighed."""

    id: str
    day: date
    knowledge: str
    hook: str
    answer: Mapping[str, Any]
    judgements: tuple[Judgement, ...]
    gaps: tuple[Gap, ...]
    unclear: tuple[Gap, ...] = ()
    """Of the gaps, those of drafts that were not judged, since their drug could not be told."""
    told: tuple[Advice, ...] = ()
    """The advice that the cards are made of."""
    shortened: tuple[Shortened, ...] = ()
    """The cards that are shown in one line, since they were declined and nothing is worse."""

    @property
    def judged(self) -> tuple[JudgedOrder, ...]:
        """The judged orders, an entry a draft."""
        return _judged(self.judgements)

    @property
    def findings(self) -> tuple[tuple[Finding, ...], ...]:
        """Of each judgement, the findings of the risk rules, then of the advice rules."""
        return tuple((*judgement.risks, *judgement.advice) for judgement in self.judgements)


def decide(
    call: HookCall,
    knowledge: Knowledge,
    engine: Engine,
    day: date,
    decision: str,
    new_id: Callable[[], str],
    go_on: Callable[[], None] = lambda: None,
    at_length: bool = False,
) -> Decision:
    """The decision about one call. `go_on` is asked before each part of the work, and ends it by raising.

    `at_length` asks for the long text of each card.

    Refuses: a call that mixes patients (OtherPatient), and a call that would need the medication list where none of its parts was
    given (NeededDataMissing).
    """
    refuse_other_patients(call)
    call, older = in_shape_of_r4(call)
    call, beyond = _bounded(call)
    given_drafts = by_name(call.drafts)
    selected, unmatched = _selection(call, given_drafts)
    amounts = knowledge.amounts(day)
    desk = _desk(call, knowledge, day)
    drafts, unclear = draft_orders(given_drafts, desk)
    unclear = (*unclear, *_nothing_sent(call))
    judgements: tuple[Judgement, ...] = ()
    amiss = (*unclear, *unmatched, *(Gap(GapKind.RESOURCE, NO_ORDER, place) for place in call.unread_drafts))
    gaps: tuple[Gap, ...] = amiss
    valid: Collection[str] = ()
    if call.hook == PATIENT_VIEW or concerns_agents(drafts, knowledge.drugs):
        given = deliveries(call.prefetch)
        _refuse_without_medications(given, call.not_read)
        go_on()
        record = patient_record(given, call.patient_id, desk)
        go_on()
        around = surroundings(record, drafts, knowledge.drugs, amounts, day)
        cases = running_cases(around) if call.hook == PATIENT_VIEW else ordered_cases(around, selected)
        cases, unjudged = _first(cases)
        asked = knowledge.remembered.recall((questions, day), lambda: questions(tuple(knowledge.vocabulary.values()), amounts))
        judgements = tuple(_judged_next(case, asked, knowledge, engine, call.hook, go_on) for case in cases)
        checked = {draft.reference: given_drafts[draft.reference] for draft in drafts if draft.medication.agent is not None}
        invalid = validity_gaps(list(checked.values()), knowledge.readings)
        unfit = {gap.resource for gap in invalid}
        valid = {name for name, resource in checked.items() if reference(resource) not in unfit}
        gaps = (*unjudged, *amiss, *invalid, *record.gaps)
    desktop = Desktop(given_drafts, valid, _visit(call, day), knowledge, new_id)
    told = [advice for judgement in judgements for advice in (judgement.told if older else signable(judgement, desktop))]
    told += unread(unclear, knowledge, engine, day, call.hook)
    gaps = _told(tuple(dict.fromkeys((*beyond, *gaps))))
    answer = {
        "cards": cards(told, knowledge, day, decision, new_id, at_length=at_length),
        "extension": answer_extension(decision, knowledge.revision, _judged(judgements), gaps),
    }
    return Decision(decision, day, knowledge.revision, call.hook, answer, judgements, gaps, unclear, tuple(told))


def needs_record(call: HookCall, knowledge: Knowledge, day: date) -> bool:
    """Whether deciding about the call will look at anything of the patient's record."""
    call, _ = in_shape_of_r4(call)
    if call.hook == PATIENT_VIEW:
        return True
    drafts, _ = draft_orders(by_name(call.drafts), _desk(call, knowledge, day))
    return concerns_agents(drafts, knowledge.drugs)


def in_shape_of_r4(call: HookCall) -> tuple[HookCall, bool]:
    """The call with its medication resources in the shape of R4, and whether its drafts are of an older version.

    An older client can't apply R4 resources, so it is offered none: its cards say everything in words.
    """
    older = call.hook == PRESCRIBE_OF_1_0 or any(is_older(resource) for _, resource in call.drafts)
    return (
        replace(
            call,
            drafts=tuple((url, in_r4(resource)) for url, resource in call.drafts),
            selections=call.selections and tuple(map(r4_reference, call.selections)),
            prefetch={key: in_r4(value) for key, value in call.prefetch.items()},
        ),
        older,
    )


def _bounded(call: HookCall) -> tuple[HookCall, tuple[Gap, ...]]:
    """The call with no more drafts than are read, and a gap where there were more."""
    if len(call.drafts) <= MOST_DRAFTS:
        return call, ()
    says = f"Of {len(call.drafts)} draft orders only the first {MOST_DRAFTS} were read; the others were not checked."
    return replace(call, drafts=call.drafts[:MOST_DRAFTS]), (Gap(GapKind.MORE, says, ""),)


def _first(cases: tuple[Case, ...]) -> tuple[tuple[Case, ...], tuple[Gap, ...]]:
    """The cases that are judged, and a gap for each that is not."""
    says = f"This order was not checked: of one call the first {MOST_JUDGED} are."
    return cases[:MOST_JUDGED], tuple(Gap(GapKind.MORE, says, case.situation.request) for case in cases[MOST_JUDGED:])


def _told(gaps: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """The gaps that are told, and how many more there are."""
    if len(gaps) <= MOST_GAPS:
        return gaps
    return (*gaps[:MOST_GAPS], Gap(GapKind.MORE, f"{len(gaps) - MOST_GAPS} more things could not be read.", ""))


def _judged_next(
    case: Case, asked: Inquiry, knowledge: Knowledge, engine: Engine, hook: str, go_on: Callable[[], None]
) -> Judgement:
    go_on()
    return judge(case, asked, knowledge, engine, hook)


def _desk(call: HookCall, knowledge: Knowledge, day: date) -> ReadingContext:
    patient = mapping(call.prefetch.get(RecordPart.PATIENT.value))
    born = earliest_day(patient.get("birthDate")) if patient.get("id") == call.patient_id else None
    library = Library((*call.drafts, *full_urls(call.prefetch)))
    return ReadingContext(knowledge, reading_limits(knowledge, day), library, day, born if born and born <= day else None)


def _visit(call: HookCall, day: date) -> Visit:
    return Visit(call.patient_id, day, call.encounter_id, call.user)


def _judged(judgements: Sequence[Judgement]) -> tuple[JudgedOrder, ...]:
    return tuple(order for judgement in judgements for order in judgement.orders)


def _selection(call: HookCall, drafts: Mapping[str, Mapping[str, Any]]) -> tuple[Callable[[str], bool], tuple[Gap, ...]]:
    """Whether a draft is selected, and the gaps of selections that name none.

    A draft is named by its reference, its fullUrl, or, as some clients write it, by its id alone. Without selections, and where
    none of them names a draft, every draft is selected.
    """
    if not call.selections:
        return (lambda _: True), ()
    urls = {id(resource): local_reference(url) for url, resource in call.drafts if url}
    named = {
        name: {name, reference(resource), urls.get(id(resource), name), resource.get("id")} for name, resource in drafts.items()
    }
    wanted = [local_reference(selection) for selection in call.selections]
    matched = [one for one in wanted if one and any(one in each for each in named.values())]
    lost = bool(drafts) and len(matched) < len(wanted)
    says = SOME_NOT_NAMED if matched else NONE_NAMED
    gaps = (Gap(GapKind.RESOURCE, says, "context.selections"),) if lost else ()
    if not matched:
        return (lambda _: True), gaps
    return (lambda name: any(one in named.get(name, ()) for one in matched)), gaps


def _nothing_sent(call: HookCall) -> tuple[Gap, ...]:
    """The gap of a call about orders that holds none: that there is no card must not be taken for an all-clear."""
    if call.hook not in DRAFTS_IN or call.drafts:
        return ()
    return (Gap(GapKind.NOT_JUDGED, NOTHING_SENT, f"context.{DRAFTS_IN[call.hook]}"),)


def _refuse_without_medications(given: Mapping[RecordPart, Delivery], not_read: str) -> None:
    if all(given[part].completeness is Completeness.MISSING for part in MEDICATION_PARTS):
        keys = ", ".join(f"{part.value} ({given[part].said or 'not sent'})" for part in MEDICATION_PARTS)
        why = f"of the prefetch {keys}; {not_read or 'nothing was to be read'}"
        raise NeededDataMissing(
            f"What the patient takes is not known, since none of these could be used: {why}. "
            "Expected at least medicationRequests, null where the patient has none.",
            why,
        )
