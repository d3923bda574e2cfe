"""All facts of one judged order, by the names of `rules/vocabulary.yaml`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from cds.core import dose_facts, drug_facts, order_facts, patient_facts, use_facts
from cds.core.cases import Case, OnRecord
from cds.core.facts import Fact, Facts, Known, Unknown
from cds.core.under_way import steps_not_borne, taper_under_way


class Word(Protocol):
    """What a word of the vocabulary tells of the data that answers it."""

    @property
    def name(self) -> str: ...
    @property
    def value_sets(self) -> tuple[str, ...]: ...
    @property
    def drug_groups(self) -> tuple[str, ...]: ...
    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def history(self) -> bool: ...
    @property
    def within(self) -> str | None: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def type(self) -> str: ...


SCORES = ("withdrawal_score", "audit_c", "phq9_item9", "phq9_item9_recent")
MULTIPLES = ("alt_times_limit",)
TIMES = "times"
"""The unit of a count of what is on record; in any other unit the newest value is meant."""
BY_ENDING = {"_started": drug_facts.newly_ordered, "_ordered": drug_facts.ordered_now}
"""How the names of facts end that ask for a drug ordered with the call; without either, one that is taken counts too."""
INDICATIONS = "prescribed_for_"
"""How the names of facts begin that ask what the drug is prescribed for."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The words that are answered by value sets and by groups of drugs, from the vocabulary."""

    on_record: tuple[OnRecord, ...]
    groups: Mapping[str, frozenset[str]]
    types: Mapping[str, str]

    def named(self, name: str) -> OnRecord:
        return next(question for question in self.on_record if question.name == name)


def questions(words: Sequence[Word], amounts: Mapping[str, object]) -> Inquiry:
    """The questions of the vocabulary, each with its window in days on the day that the amounts are of."""
    asked = tuple(
        OnRecord(
            name=word.name,
            value_sets=frozenset(word.value_sets),
            history=word.history,
            within=int(str(amounts[word.within])) if word.within else None,
            unit=word.unit,
            needs=word.needs,
        )
        for word in words
        if word.value_sets
    )
    groups = {word.name: frozenset(word.drug_groups) for word in words if word.drug_groups}
    return Inquiry(asked, groups, {word.name: word.type for word in words})


def facts(case: Case, asked: Inquiry) -> Facts:
    """Every fact that can be told before the risk rules have been weighed."""
    found = {**_of_order(case), **_of_use(case), **_of_drugs(case, asked.groups), **_of_patient(case, asked)}
    return {**_of_groups(case, asked, found), **found}


def _of_groups(case: Case, asked: Inquiry, found: Collection[str]) -> dict[str, Fact]:
    """The facts about groups of drugs that need no function of their own: what they ask is told by their type and their name."""
    answered: dict[str, Fact] = {}
    for name, groups in asked.groups.items():
        if name in found:
            continue
        type_ = asked.types[name]
        if type_ == "text":
            answered[name] = drug_facts.names(case, groups, drug_facts.all_of)
        elif type_ == "quantity":
            answered[name] = drug_facts.how_many(case, groups)
        elif type_ == "yes_no":
            which = next((fact for ending, fact in BY_ENDING.items() if name.endswith(ending)), drug_facts.taken_or_ordered)
            answered[name] = which(case, groups)
    return answered


def _of_order(case: Case) -> dict[str, Fact]:
    situation = case.situation
    low, high = order_facts.equivalents(case)
    dose_read, taken_read = order_facts.readable(case)
    sources = situation.taking.sources if situation.taking else ()
    switched = situation.from_agent
    above, limit = dose_facts.above_label(case)
    in_pieces, pieces = dose_facts.undeliverable(case)
    return {
        "order_action": order_facts.action(case),
        "order_of_another_drug": Known(situation.trigger is not None, "", (situation.request,)),
        "agent": Known(situation.agent, "", (situation.request,)),
        "agent_kind": Known(case.agent.kind.value),
        "agent_duration": Known(case.agent_now.duration.value),
        "agent_high_potency": Known(case.agent_now.high_potency),
        "order_daily_dose": order_facts.amount(situation.daily_dose, order_facts.NOT_READ, (situation.request,)),
        "takes_now": order_facts.amount(situation.takes_now, order_facts.TAKEN_NOT_READ, sources),
        "equivalent_low": low,
        "equivalent_high": high,
        "dose_band": dose_facts.dose_band(case),
        "order_cut": order_facts.cut(case),
        "order_increase": dose_facts.increase(case),
        "order_goes_back_up": dose_facts.goes_back_up(case),
        "order_above_label": above,
        "label_limit": limit,
        "order_undeliverable": in_pieces,
        "undeliverable_dose": pieces,
        "hypnotic_at_label_strength": dose_facts.at_label_strength(case),
        "order_to_next_strength": dose_facts.to_next_strength(case),
        "order_ends_without_taper": order_facts.ends_without_taper(case),
        "order_supply_at_once": dose_facts.supply_at_once(case),
        "order_supply": order_facts.supply(case),
        "order_taper_length": order_facts.taper_length(case),
        "order_dose_readable": dose_read,
        "taking_now_readable": taken_read,
        "switch_from": Known(switched) if switched else Unknown("the order is no switch"),
        "switches_to_long_acting": order_facts.switches_to_long_acting(case),
        "switched_at_once": dose_facts.switched_at_once(case),
        "benzodiazepines_taken": order_facts.at_once(case),
    }


def _of_use(case: Case) -> dict[str, Fact]:
    return {
        "use_length": use_facts.use_length(case),
        "days_a_week": use_facts.days_a_week(case),
        "days_covered_30": use_facts.covered(case, 30),
        "days_covered_90": use_facts.covered(case, 90),
        "days_covered_365": use_facts.covered(case, 365),
        "highest_daily_dose": use_facts.highest_daily_dose(case),
        "days_without_supply": order_facts.without_supply(case),
        "taper_under_way": Known(taper_under_way(case) is not None, "", case.exposure.sources),
        "steps_not_borne": Known(Decimal(steps_not_borne(case)), "", case.exposure.sources),
        "without_supply_for_long": dose_facts.long_without_supply(case),
        "abrupt_stops": use_facts.abrupt_stops(case),
        "history_readable": use_facts.readable(case),
    }


def _of_drugs(case: Case, groups: Mapping[str, frozenset[str]]) -> dict[str, Fact]:
    forbidden, forbidden_drug = drug_facts.contraindicated(case)
    sedatives, named = drug_facts.sedatives(case, groups["other_sedatives_count"])
    return {
        "opioid_on_record": drug_facts.taken_or_ordered(case, groups["opioid_on_record"]),
        "opioid_started": drug_facts.newly_ordered(case, groups["opioid_started"]),
        "opioid": drug_facts.names(case, groups["opioid"], drug_facts.all_of),
        "naloxone_on_record": drug_facts.taken_or_ordered(case, groups["naloxone_on_record"]),
        "other_sedatives_count": sedatives,
        "other_sedatives_named": named,
        "inhibitor_changed": drug_facts.changed(case, "inhibitor"),
        "inducer_changed": drug_facts.changed(case, "inducer"),
        "fluoroquinolone_on_record": drug_facts.taken_or_ordered(case, groups["fluoroquinolone_on_record"]),
        "fluoroquinolone_started": drug_facts.newly_ordered(case, groups["fluoroquinolone_started"]),
        "interacting_drug": drug_facts.interacting(case),
        "contraindicated_with": forbidden_drug,
        "contraindicated_pair_there": forbidden,
        "sedative_started": drug_facts.newly_ordered(case, groups["sedative_started"]),
        "sedative_named": drug_facts.names(case, groups["sedative_started"], drug_facts.started),
        "flumazenil_ordered": drug_facts.ordered_now(case, groups["flumazenil_ordered"]),
    }


def _of_patient(case: Case, asked: Inquiry) -> dict[str, Fact]:
    found: dict[str, Fact] = {
        "age": patient_facts.age(case.record, case.day),
        "sex": patient_facts.sex(case.record),
    }
    seen = patient_facts.sets_on_record(case)
    for question in asked.on_record:
        if question.name in SCORES:
            found[question.name] = patient_facts.newest_score(question, case)
        elif question.name in MULTIPLES:
            found[question.name] = patient_facts.times_upper_limit(question, case)
        elif asked.types[question.name] == "quantity" and question.unit == TIMES:
            found[question.name] = patient_facts.how_often(question, case)
        elif asked.types[question.name] == "quantity":
            found[question.name] = patient_facts.newest_value(question, case)
        elif question.name.startswith(INDICATIONS):
            found[question.name] = patient_facts.prescribed_for(question, case)
        else:
            found[question.name] = patient_facts.on_record(question, case, seen)
    found["accepted_for"] = patient_facts.accepted_for(found)
    found["breathing_disorder_named"] = patient_facts.named(asked.named("breathing_disorder_on_record"), case)
    treatment = "opioid_treatment_ordered"
    found[treatment] = drug_facts.opioid_treatment(
        case, asked.named(treatment), asked.groups[treatment], asked.groups["opioid"], found[treatment]
    )
    found["prescribed_for_epilepsy"] = patient_facts.prescribed_for_epilepsy(asked.named("seizure_disorder_on_record"), case)
    return found
