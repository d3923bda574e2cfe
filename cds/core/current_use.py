"""What the patient takes now of each benzodiazepine and Z-drug, by the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from cds.core.gap import Gap, GapKind
from cds.core.period import shifted
from cds.core.quantity import exactly, plain
from cds.core.record import Order, OrderState, PatientRecord, Supply
from cds.core.regimen import NOTHING, DayTime, Dose


@dataclass(frozen=True, slots=True)
class CurrentUse:
    """One agent as it is taken now.

    Units: `mg` a day at the most, None where it could not be read. `orders` are what it was read from; `says` is the sum
    ("1 mg x 3"); `days_a_week` 7 for daily use.
    """

    agent: str
    mg: Decimal | None
    says: str = ""
    days_a_week: Decimal = Decimal(7)
    orders: tuple[Order, ...] = ()
    sources: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    dose: Dose | None = None
    times: tuple[tuple[DayTime, Decimal], ...] = ()
    """mg by part of day, where every order says it; empty otherwise."""
    renewed: tuple[Order, ...] = ()
    """Older orders that are still listed, and that one of `orders` only renews or replaces."""

    @property
    def average(self) -> Decimal | None:
        """mg a day over a week in which it is not taken on every day."""
        return None if self.mg is None else Dose(exactly(self.mg), self.days_a_week).average


def taking_now(record: PatientRecord, day: date, grace: int) -> Mapping[str, CurrentUse]:
    """What is taken now, by agent.

    An order listed as active counts; so does one that ended, or a dispense, whose supply reached to within `grace` days
    before today: that is a renewal that is due. Identical orders are one order, renewed; differing ones are taken together.
    """
    agents = sorted(
        {order.medication.agent for order in record.orders if order.medication.agent} | {s.agent for s in record.supplies}
    )
    found = (_taking(agent, record, day, grace) for agent in agents)
    return {taking.agent: taking for taking in found if taking is not None}


def _taking(agent: str, record: PatientRecord, day: date, grace: int) -> CurrentUse | None:
    of_agent = [order for order in record.orders if order.medication.agent == agent and _counts(order, day)]
    requests = [order for order in of_agent if order.kind != "MedicationStatement"]
    statements = [order for order in of_agent if order.kind == "MedicationStatement" and order.state is OrderState.RUNNING]
    dispenses = [supply for supply in record.supplies if supply.agent == agent and supply.kind == "dispense"]
    running = [order for order in requests if order.state is OrderState.RUNNING and not _is_over(order, day)]
    current = running or _recently_ended(requests, day, grace)
    if current or statements:
        listed = current or statements
        orders = _distinct(listed)
        taking = _with_statement(_of_orders(agent, orders, dispenses, day, grace), statements if current else [])
        return replace(taking, renewed=tuple(order for order in listed if order not in orders))
    return _of_dispenses(agent, dispenses, day, grace)


def unclear_ends(record: PatientRecord, day: date, within: int) -> Mapping[str, Gap]:
    """By agent, that its last order may have lasted until now.

    It has ended, began within so many days, and states no length; or its status is not known, and its supply is not long used up.
    """
    ended = [order for order in record.orders if order.status == "completed" and order.starts is not None and _counts(order, day)]
    newest = {order.medication.agent: order for order in sorted(ended, key=lambda order: order.starts or day)}
    said = "The last order on record has ended, and does not say for how long it lasted."
    untold = {
        order.medication.agent: Gap(GapKind.SUPPLY, "The status of an order on record is not known.", order.reference)
        for order in record.orders
        if order.medication.agent
        and order.state is OrderState.UNKNOWN
        and _counts(order, day)
        and _may_be_taken(order, day, within)
    }
    return untold | {
        agent: Gap(GapKind.SUPPLY, said, order.reference)
        for agent, order in newest.items()
        if agent and last_day(order) is None and _may_last(order, record.supplies, day - timedelta(days=within))
    }


def _may_be_taken(order: Order, day: date, within: int) -> bool:
    last = last_day(order) or order.starts
    return last is None or last >= day - timedelta(days=within)


def _may_last(order: Order, supplies: Iterable[Supply], since: date) -> bool:
    """Whether an order without a stated length began that late, and no dispense since tells its length in its place."""
    began = order.starts or date.min
    dispensed = any(s.kind == "dispense" and s.agent == order.medication.agent and s.days and s.start >= began for s in supplies)
    return began > since and not dispensed


def _counts(order: Order, day: date) -> bool:
    in_error = order.state is OrderState.IN_ERROR
    return not (in_error or order.zero or order.medication.out_of_scope or (order.starts is not None and order.starts > day))


def _is_over(order: Order, day: date) -> bool:
    """Whether an order that is still listed has itself said that taking stops, on a day that has passed."""
    dose = dose_on(order, day)
    return order.regimen is not None and order.regimen.stops and dose is not None and dose.mg.high == 0


def _recently_ended(requests: Sequence[Order], day: date, grace: int) -> list[Order]:
    """The newest ended order whose stated supply reached to within the grace; a stopped one is not taken any more."""
    ended = [order for order in requests if order.status == "completed" and last_day(order) is not None]
    recent = [order for order in ended if (last := last_day(order)) and last >= day - timedelta(days=grace)]
    return sorted(recent, key=lambda order: (last_day(order) or day, order.reference))[-1:]


def last_day(order: Order) -> date | None:
    """When an order ends, or what it supplies in all is used up, by what it says itself; None where it doesn't."""
    if order.ends is not None:
        return order.ends
    if order.starts is None or order.days is None:
        return None
    return shifted(order.starts, int(order.days * (order.supplies or 1)))


def _distinct(orders: Sequence[Order]) -> list[Order]:
    """The orders, each renewed one once: of those with the same strength and dose the newest stays.

    One that another of them names as the prescription that it replaces is gone, whatever its dose.
    """
    replaced = {order.reference for order in orders} & {order.replaces for order in orders if order.replaces != order.reference}
    newest: dict[object, Order] = {}
    for order in sorted(orders, key=lambda order: (order.starts or date.min, order.reference)):
        if order.reference not in replaced or len(replaced) == len(orders):
            newest[product_and_dose(order)] = order
    return sorted(newest.values(), key=lambda order: (order.starts or date.min, order.reference))


def product_and_dose(order: Order) -> object:
    """What two orders have in common of which one only renews the other; nothing else has it where the dose is unread."""
    dose = dose_on(order, None)
    return (
        order.medication.strength,
        order.medication.form,
        dose.mg if dose else order.reference,
        dose.times if dose else (),
    )


def dose_on(order: Order, day: date | None) -> Dose | None:
    """The dose of the step that an order is in on the day; of its first step where no day is given."""
    if order.regimen is None:
        return None
    steps = order.regimen.steps
    if day is None or len(steps) == 1:
        return steps[0].dose
    begins = order.starts or day
    current = steps[0].dose
    for step in steps:
        begins = step.start or begins
        if begins > day:
            break
        current = step.dose
        if step.days is None:
            return current
        begins = shifted(begins, step.days)
    return NOTHING if order.regimen.stops and begins <= day else current


def _of_orders(agent: str, orders: Sequence[Order], dispenses: Sequence[Supply], day: date, grace: int) -> CurrentUse:
    doses = [(order, dose_on(order, day)) for order in orders]
    unread = [order for order, dose in doses if dose is None]
    sources = tuple(order.reference for order in orders)
    if unread:
        dispensed = _of_dispenses(agent, dispenses, day, grace)
        if dispensed is not None and dispensed.mg is not None and len(orders) == 1:
            return CurrentUse(
                agent, dispensed.mg, dispensed.says, dispensed.days_a_week, tuple(orders), (*sources, *dispensed.sources)
            )
        gaps = tuple(gap for order in unread for gap in order.gaps)
        return CurrentUse(agent, None, orders=tuple(orders), sources=sources, gaps=gaps)
    known = [dose for _, dose in doses if dose is not None]
    return CurrentUse(
        agent=agent,
        mg=sum((dose.mg.high for dose in known), Decimal(0)),
        says=" + ".join(dose.says for dose in known if dose.says),
        days_a_week=max(dose.days_a_week for dose in known),
        orders=tuple(orders),
        sources=sources,
        dose=known[0] if len(known) == 1 else None,
        times=tuple(time for dose in known for time in dose.times) if all(dose.times for dose in known) else (),
    )


def _with_statement(taking: CurrentUse, statements: Iterable[Order]) -> CurrentUse:
    """The taking, raised to what a statement says where that is more; where the two differ, a gap says so."""
    stated = [(order, dose) for order in statements if (dose := dose_on(order, None)) is not None]
    total = sum((dose.mg.high for _, dose in stated), Decimal(0))
    if not stated or taking.mg is None or total == taking.mg:
        return taking
    said = f"Ordered are {plain(taking.mg)} mg a day, a medication statement says {plain(total)} mg; the higher is weighed."
    gap = Gap(GapKind.CONTRADICTION, said, stated[0][0].reference)
    return CurrentUse(
        agent=taking.agent,
        mg=max(taking.mg, total),
        says=taking.says if taking.mg >= total else " + ".join(dose.says for _, dose in stated),
        days_a_week=taking.days_a_week,
        orders=taking.orders,
        sources=(*taking.sources, *(order.reference for order, _ in stated)),
        gaps=(gap,),
    )


def _of_dispenses(agent: str, dispenses: Sequence[Supply], day: date, grace: int) -> CurrentUse | None:
    """What the newest dispenses supply, where they reach to within the grace; those of one day are taken together."""
    reached = [s for s in dispenses if s.start <= day and s.days is not None and shifted(s.start, int(s.days) + grace) >= day]
    if not reached:
        return None
    newest = max(supply.start for supply in reached)
    together = [supply for supply in reached if supply.start == newest]
    sources = tuple(supply.source for supply in together)
    if any(supply.mg is None for supply in together):
        said = "The dose of the last dispense could not be read."
        return CurrentUse(agent, None, sources=sources, gaps=tuple(Gap(GapKind.DOSE, said, source) for source in sources))
    mg = sum((supply.mg.high for supply in together if supply.mg is not None), Decimal(0))
    return CurrentUse(agent, mg, f"{plain(mg)} mg a day as dispensed", max(s.days_a_week for s in together), sources=sources)
