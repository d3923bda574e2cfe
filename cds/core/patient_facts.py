"""Facts about the patient: age, what is on record, and scores."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from cds.core.cases import Case, OnRecord
from cds.core.facts import Fact, Known, Unknown
from cds.core.period import written
from cds.core.quantity import plain
from cds.core.record import Completeness, Measurement, Order, PatientRecord, RecordedCondition, RecordPart


def age(record: PatientRecord, day: date) -> Fact:
    """Age in whole years on the day, or why it is not known."""
    if record.birth_date is None:
        return Unknown("no birth date was given")
    born = record.birth_date
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return Known(Decimal(years), f"{years} years old", ("Patient",))


def sex(record: PatientRecord) -> Fact:
    """The sex on record, or that none is."""
    return Known(record.sex, record.sex, ("Patient",)) if record.sex else Unknown("no sex was given")


def sets_on_record(case: Case) -> frozenset[str]:
    """Every value set that a condition, an indication or an answer on record is in."""
    conditions = (item.value_sets for item in case.record.conditions)
    answers = (item.answer for item in case.record.measurements)
    return frozenset[str]().union(*conditions, *answers, *(order.reasons for order in _orders_of(case)))


def on_record(question: OnRecord, case: Case, seen: frozenset[str]) -> Fact:
    """Whether a condition, an indication or a coded answer of the value sets is on record. `seen`: see `sets_on_record`."""
    if seen.isdisjoint(question.value_sets):
        return _none_on_record(case)
    conditions = [item for item in case.record.conditions if _answers(item, question, case.day)]
    if conditions:
        return Known(True, _listed(conditions, case.day), tuple(item.reference for item in conditions))
    indicated = [order for order in _orders_of(case) if order.reasons & question.value_sets]
    if indicated:
        return Known(
            True, f"given as the reason for {indicated[0].medication.name}", tuple(order.reference for order in indicated)
        )
    answered = _newest_answer(question, case)
    if answered:
        return Known(True, answered.display, (answered.reference,))
    return _none_on_record(case)


def named(question: OnRecord, case: Case) -> Fact:
    """What is on record of it, by the name of the first."""
    found = [item for item in case.record.conditions if _answers(item, question, case.day)]
    return Known(BESIDE.sub("", found[0].display), "", (found[0].reference,)) if found else Unknown("none is on record")


BESIDE = re.compile(r"\s*\([^)]*\)|, unspecified\b")
"""What a classification adds to a name."""


def how_often(question: OnRecord, case: Case) -> Fact:
    """On how many days a condition or an observation of the value sets is on record, those that are over too.

    Unknown where what the question needs was not given in full, and where one has no date, so that it may be of any day.
    """
    for part in (RecordPart.CONDITIONS, RecordPart.OBSERVATIONS):
        if part.value in question.needs and case.record.has(part) is not Completeness.COMPLETE:
            return Unknown(f"the {part.value} were not given in full")
    conditions = [item for item in case.record.conditions if item.value_sets & question.value_sets]
    measured = [item for item in case.record.measurements if item.value_sets & question.value_sets]
    dated: list[tuple[date | None, RecordedCondition | Measurement]] = [
        *((item.onset, item) for item in conditions),
        *((item.taken, item) for item in measured),
    ]
    undated = tuple(item.reference for day, item in dated if day is None)
    if undated:
        return Unknown("one of them has no date", undated)
    since = date.min if question.within is None else case.day - timedelta(days=question.within)
    counted = [(day, item) for day, item in dated if day is not None and since <= day <= case.day]
    days = sorted({day for day, _ in counted})
    said = f"on {', '.join(map(written, days))}" if days else "none on record"
    return Known(Decimal(len(days)), said, tuple(item.reference for _, item in counted))


def _none_on_record(case: Case) -> Fact:
    if case.record.has(RecordPart.CONDITIONS) is Completeness.COMPLETE:
        return Known(False, "not among the conditions on record")
    given = case.record.has(RecordPart.CONDITIONS)
    return Unknown("the conditions were given only in part" if given is Completeness.PARTIAL else "the conditions were not given")


def prescribed_for_epilepsy(question: OnRecord, case: Case) -> Fact:
    """Whether the drug is prescribed for it, by the order or by what is taken now.

    Of an antiseizure agent, where neither gives a reason, also by what is on record. `question`: what counts as epilepsy.
    """
    orders = _orders_of(case)
    found = [order for order in orders if order.reasons & question.value_sets]
    if found:
        return Known(True, "the reason given in the order", tuple(order.reference for order in found))
    unsaid = case.agent_now.antiseizure and not any(order.reasons for order in orders)
    conditions = [item for item in case.record.conditions if unsaid and item.active and item.value_sets & question.value_sets]
    said = _listed(conditions, case.day) if conditions else ""
    return Known(bool(conditions), said, tuple(item.reference for item in conditions))


def prescribed_for(question: OnRecord, case: Case) -> Fact:
    """Whether the drug is prescribed for it: by the reason of an order, or, where none gives a reason, by what is on record.

    No condition on record is no reason: where the conditions were not given, it is taken for prescribed for something else.
    """
    orders = _orders_of(case)
    found = [order for order in orders if order.reasons & question.value_sets]
    if found:
        return Known(True, "the reason given in the order", tuple(order.reference for order in found))
    unsaid = not any(order.reasons for order in orders)
    conditions = [item for item in case.record.conditions if unsaid and _answers(item, question, case.day)]
    said = _listed(conditions, case.day) if conditions else ""
    return Known(bool(conditions), said, tuple(item.reference for item in conditions))


ACCEPTED = {
    "prescribed_for_catatonia": "catatonia",
    "prescribed_for_sleep_behaviour": "REM sleep behaviour disorder",
    "prescribed_for_spasticity": "spasticity",
    "prescribed_for_movement_disorder": "a movement disorder",
}
"""Of what a benzodiazepine may be an accepted long-term treatment; of several on record the first is named."""


def accepted_for(found: Mapping[str, Fact]) -> Fact:
    """The disorder that it is prescribed for, of those of which it may be an accepted long-term treatment."""
    for name, disorder in ACCEPTED.items():
        fact = found.get(name)
        if isinstance(fact, Known) and fact.value is True:
            return Known(disorder, "", fact.resources)
    return Unknown("it is prescribed for none of them")


def _answers(condition: RecordedCondition, question: OnRecord, day: date) -> bool:
    if not condition.value_sets & question.value_sets or not (condition.active or question.history):
        return False
    return question.within is None or condition.onset is None or day - condition.onset <= timedelta(days=question.within)


def _newest_answer(question: OnRecord, case: Case) -> Measurement | None:
    """The newest observation that the question names and that has an answer, where the answer is one that it names too."""
    asked = [item for item in case.record.measurements if item.value_sets & question.value_sets and item.answer]
    recent = [item for item in asked if _recent(item, question.within, case.day)]
    answers = ((_surely_since(item), bool(item.answer & question.value_sets), item.reference, item) for item in recent)
    newest = max(answers, key=lambda answer: answer[:3], default=None)
    return newest[3] if newest and newest[1] else None


def _listed(conditions: Iterable[RecordedCondition], day: date) -> str:
    return "; ".join(dict.fromkeys(_dated(item) for item in conditions))


def _dated(item: RecordedCondition) -> str:
    """`Panic disorder, 3 March 2026`; of one that is over, that it is."""
    latest = " at the latest" if item.onset_earlier else ""
    when = f", {written(item.onset)}{latest}" if item.onset else ""
    return f"{item.display}{when}" if item.active else f"{item.display} (in the past{when})"


def _orders_of(case: Case) -> tuple[Order, ...]:
    taken = case.situation.taking.orders if case.situation.taking else ()
    return (*case.situation.members, *taken)


def _recent(measurement: Measurement, within: int | None, day: date) -> bool:
    if measurement.taken is None or measurement.taken > day:
        return False
    return within is None or day - measurement.taken <= timedelta(days=within)


def _surely_since(measurement: Measurement) -> date:
    """The first day that it may have been taken on: of two, the one of a month only isn't the newer for its last day."""
    return measurement.taken_since or measurement.taken or date.min


def _when(measurement: Measurement) -> str:
    if measurement.taken is None:
        return ""
    return f", {written(measurement.taken)}{' at the latest' if measurement.taken_since else ''}"


def newest_score(question: OnRecord, case: Case) -> Fact:
    """The newest value of a score or scale within its window, or why there is none."""
    measurement = _newest(question, case)
    if measurement is None or measurement.value is None:
        return _none_measured(case)
    says = f"{measurement.display} {plain(measurement.value)}{_when(measurement)}"
    return Known(measurement.value, says, (measurement.reference,))


def newest_value(question: OnRecord, case: Case) -> Fact:
    """The newest value within its window, where it was measured in the unit that the question names; else why there is none."""
    measurement = _newest(question, case)
    if measurement is not None and measurement.unit != question.unit:
        seen = measurement.unit or "no unit"
        return Unknown(f"{measurement.display} was given in {seen}, and {question.unit} is expected", (measurement.reference,))
    return newest_score(question, case)


def times_upper_limit(question: OnRecord, case: Case) -> Fact:
    """The newest laboratory value within its window as a multiple of its upper reference limit, or why there is none."""
    measurement = _newest(question, case)
    if measurement is None or measurement.value is None:
        return _none_measured(case)
    if measurement.upper_limit is None:
        return Unknown("the result has no upper reference limit", (measurement.reference,))
    times = measurement.value / measurement.upper_limit
    limit = plain(measurement.upper_limit)
    said = f"{measurement.display} {plain(measurement.value)}, upper limit {limit}{_when(measurement)}"
    return Known(times, said, (measurement.reference,))


def _newest(question: OnRecord, case: Case) -> Measurement | None:
    found = [
        item
        for item in case.record.measurements
        if item.value_sets & question.value_sets and item.value is not None and _recent(item, question.within, case.day)
    ]
    return max(found, key=lambda item: (_surely_since(item), item.reference), default=None)


def _none_measured(case: Case) -> Fact:
    given = case.record.has(RecordPart.OBSERVATIONS)
    return Unknown("none was measured" if given is Completeness.COMPLETE else "the observations were not given in full")
