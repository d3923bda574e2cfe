"""Facts about the other drugs that are taken or ordered."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal

from cds.core.cases import Case, OnRecord
from cds.core.current_use import last_day
from cds.core.facts import Fact, Known, Unknown
from cds.core.order_action import Action, is_stop
from cds.core.record import Completeness, Order, OrderState, RecordPart


def matches(order: Order, groups: Collection[str]) -> bool:
    """Whether an order is of a drug in one of the groups."""
    return not order.medication.groups.isdisjoint(groups)


def running(case: Case, groups: Collection[str]) -> tuple[Order, ...]:
    """The orders of the groups that are taken now and not stopped with this call."""
    found = tuple(order for order in case.record.orders if matches(order, groups) and _is_taken(order, case.day))
    return tuple(order for order in found if not _is_stopped(order, case)) if found else ()


def _is_taken(order: Order, day: date) -> bool:
    """Whether an order is listed as running, or has ended and its own supply reaches to the day."""
    if order.zero or order.state is OrderState.IN_ERROR:
        return False
    end = last_day(order) if order.status == "completed" else None
    return order.state is OrderState.RUNNING or (end is not None and end >= day)


def _is_stopped(order: Order, case: Case) -> bool:
    """Whether a draft stops the order: it names it, or names no order on record and is of the same drug."""
    on_record = {each.reference for each in case.record.orders}
    for stop in (draft for draft in case.drafts if is_stop(draft)):
        named = {stop.reference, stop.replaces} & on_record
        if order.reference in named or (not named and set(_names(stop)) & set(_names(order))):
            return True
    return False


def ordered(case: Case, groups: Collection[str]) -> tuple[Order, ...]:
    """The drafts of the groups that order the drug, new or again."""
    return tuple(draft for draft in case.drafts if not is_stop(draft) and matches(draft, groups))


def started(case: Case, groups: Collection[str]) -> tuple[Order, ...]:
    """The drafts of the groups that are of a drug not taken now."""
    found = ordered(case, groups)
    if not found:
        return ()
    taken = {name for order in case.record.orders if _is_taken(order, case.day) for name in _names(order)}
    return tuple(draft for draft in found if not set(_names(draft)) & taken)


def stopped(case: Case, groups: Collection[str]) -> tuple[Order, ...]:
    """The drafts of the groups that end the drug."""
    return tuple(draft for draft in case.drafts if is_stop(draft) and matches(draft, groups))


def _names(order: Order) -> tuple[str, ...]:
    return order.medication.ingredients or (order.medication.name.casefold(),)


def taken_or_ordered(case: Case, groups: Collection[str]) -> Fact:
    """Whether a drug of the groups is taken or ordered."""
    return _found((*running(case, groups), *ordered(case, groups)), case)


def newly_ordered(case: Case, groups: Collection[str]) -> Fact:
    """Whether a drug of the groups that is not taken now is ordered with this call."""
    found = started(case, groups)
    return Known(bool(found), _named(found), _references(found))


def ordered_now(case: Case, groups: Collection[str]) -> Fact:
    """Whether a drug of the groups is ordered with this call."""
    found = ordered(case, groups)
    return Known(bool(found), _named(found), _references(found))


def changed(case: Case, kind: str) -> Fact:
    """Whether a drug that acts on the agent in this way is started or stopped with this call."""
    groups = case.acting.get(kind, frozenset())
    found = (*started(case, groups), *stopped(case, groups)) if groups else ()
    return Known(bool(found), _named(found), _references(found))


def names(case: Case, groups: Collection[str], which: Callable[[Case, Collection[str]], tuple[Order, ...]]) -> Fact:
    """The names of the drugs of the groups, in words."""
    found = which(case, groups)
    return Known(_named(found), "", _references(found)) if found else Unknown("there is none")


def all_of(case: Case, groups: Collection[str]) -> tuple[Order, ...]:
    """The drugs of the groups that are taken or ordered."""
    return (*running(case, groups), *ordered(case, groups))


def how_many(case: Case, groups: Collection[str]) -> Fact:
    """How many drugs of the groups are taken or ordered, each once; unknown where orders may be missing."""
    found = all_of(case, groups)
    if not _complete(case):
        return Unknown(_not_given(case), _references(found))
    return Known(Decimal(len({_names(order)[0] for order in found})), _named(found), _references(found))


def interacting(case: Case) -> Fact:
    """The names of the drugs that are started or stopped with this call and act on the agent."""
    groups = frozenset(group for some in case.acting.values() for group in some)
    found = (*started(case, groups), *stopped(case, groups))
    return Known(_named(found), "", _references(found)) if found else Unknown("there is none")


def contraindicated(case: Case) -> tuple[Fact, Fact]:
    """Whether the agent and a drug that a label forbids with it are taken or ordered together, and the drug's name."""
    groups = case.acting.get("contraindicated", frozenset())
    if case.situation.action is Action.STOP:
        return Known(False, "the order ends the agent"), Unknown("there is none")
    return _found(all_of(case, groups) if groups else (), case), names(case, groups, all_of)


AGONIST = "opioid-use-disorder-agonist"
"""The group of opioids that are given for opioid use disorder alone."""


def opioid_treatment(case: Case, question: OnRecord, groups: Collection[str], opioids: Collection[str], disorder: Fact) -> Fact:
    """Whether every opioid that this call orders treats opioid use disorder.

    Of `groups`, one that is given for pain too counts where the disorder is the order's reason or on record (`disorder`).
    """
    found = ordered(case, groups)
    others = [draft for draft in started(case, opioids) if draft not in found]
    if not found or others:
        return Known(False, "none is ordered" if not found else _named(tuple(others)), _references(tuple(others)))
    unsure = [draft for draft in found if AGONIST not in draft.medication.groups and not draft.reasons & question.value_sets]
    if unsure and not (isinstance(disorder, Known) and disorder.value):
        return disorder if isinstance(disorder, Unknown) else Known(False, "it is not on record for what")
    return Known(True, _named(found), _references(found))


def interactions(case: Case) -> tuple[str, ...]:
    """What is done with this call to drugs that act on the agent: `inhibitor_started`, `inducer_stopped` and so on."""
    done = {"started": started, "stopped": stopped}
    return tuple(f"{kind}_{name}" for kind, groups in case.acting.items() for name, which in done.items() if which(case, groups))


def sedatives(case: Case, groups: Collection[str]) -> tuple[Fact, Fact]:
    """How many other drugs that act on the central nervous system are taken or ordered, and their names.

    Z-drugs and benzodiazepines other than the judged one count; each drug counts once, however many orders it has.
    """
    found = all_of(case, groups)
    others = {name for name in case.takings if name not in {case.situation.agent, case.situation.agent_now}}
    named = sorted({_names(order)[0] for order in found} | others)
    count: Fact = Known(Decimal(len(named)), ", ".join(named), _references(found))
    if len(named) < case.amounts["other_sedatives_many"] and not _complete(case):
        count = Unknown(_not_given(case), _references(found))
    return count, Known(", ".join(named)) if named else Unknown("there is none")


def _found(orders: tuple[Order, ...], case: Case) -> Fact:
    if orders:
        return Known(True, _named(orders), _references(orders))
    return Known(False, "none on record") if _complete(case) else Unknown(_not_given(case))


def _complete(case: Case) -> bool:
    """Whether what is not among the orders is not taken."""
    return case.record.has(RecordPart.REQUESTS) is Completeness.COMPLETE


def _not_given(case: Case) -> str:
    part = case.record.has(RecordPart.REQUESTS) is Completeness.PARTIAL
    return "the medication requests were given only in part" if part else "the medication requests were not given"


def _named(orders: tuple[Order, ...]) -> str:
    """The drugs as a prescriber says them: `buprenorphine with naloxone`, without strength and form."""
    return ", ".join(dict.fromkeys(" with ".join(order.medication.ingredients) or order.medication.name for order in orders))


def _references(orders: tuple[Order, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(order.reference for order in orders))
