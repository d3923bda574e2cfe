"""The directions of a plan for one product: FHIR R4 Dosages in sequence, each step in structure and in words for a pharmacist.

Where several times of day have one amount, one Dosage holds them; other amounts follow under the same sequence number. Between
the first and the last step that uses the product, a step that doesn't says so: a gap could be read as the dose going on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from cds.core.medication import Form
from cds.core.quantity import as_json, exact
from cds.core.regimen import DayTime
from cds.core.tablets import Presentation
from cds.core.taper_plan import PlanStep

UCUM = "http://unitsofmeasure.org"
WHEN = {DayTime.MORNING: "MORN", DayTime.MIDDAY: "NOON", DayTime.EVENING: "EVE", DayTime.NIGHT: "HS"}
AT = {
    DayTime.MORNING: "in the morning",
    DayTime.MIDDAY: "at midday",
    DayTime.EVENING: "in the evening",
    DayTime.NIGHT: "at night",
}
COUNTED_IN = {Form.TABLET: "tablet", Form.ODT: "tablet", Form.CAPSULE: "capsule", Form.FILM: "film"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Resource = dict[str, Any]


def products(steps: Iterable[PlanStep]) -> tuple[Presentation, ...]:
    """Every product that the steps use, in the order in which they are first taken."""
    return tuple(dict.fromkeys(amount.presentation for step in steps for dose in step.doses for amount in dose.amounts))


def taken(step: PlanStep, product: Presentation) -> dict[DayTime, Decimal]:
    """How many of the product are taken on each day of the step, by time of day."""
    return {amount.time: amount.count for dose in step.doses for amount in dose.amounts if amount.presentation == product}


def using(steps: Sequence[PlanStep], product: Presentation) -> Sequence[PlanStep]:
    """The steps from the first that uses the product to the last."""
    places = [number for number, step in enumerate(steps) if taken(step, product)]
    return steps[places[0] : places[-1] + 1]


def dosages(steps: Sequence[PlanStep], product: Presentation) -> list[Resource]:
    """The Dosages of one product, from the first of the ordered steps that uses it to the last.

    Where others follow without it, the last says to stop. Not so where all orders end with that step: what comes next is the next
    order's to say.
    """
    own = using(steps, product)
    last = steps.index(own[-1])
    follows = steps[last + 1] if last + 1 < len(steps) else None
    found: list[Resource] = []
    for sequence, step in enumerate(own, start=1):
        found += [{"sequence": sequence, **line} for line in _lines(step, product, follows if step is own[-1] else None)]
    return found


def _lines(step: PlanStep, product: Presentation, follows: PlanStep | None) -> Iterable[Resource]:
    """The Dosages of one step; `follows` is the next one where this is the last that uses the product."""
    period = {"start": step.start.isoformat(), "end": last_day(step).isoformat()}
    times = taken(step, product)
    with_others = _with_others(step, product, follows)
    if not times:
        yield {
            "text": f"None of {'this liquid' if product.liquid else f'these {unit(product)}s'}, {days_in_words(step)}.",
            **with_others,
            "timing": {"repeat": {"boundsPeriod": period, "frequency": 1, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": quantity(Decimal(0), product)}],
        }
    stop = ", then stop" if follows else ""
    for place, (count, parts) in enumerate(_by_amount(times)):
        yield {
            "text": f"Take {amount_in_words(count, product)} {_listed(parts)}, {days_in_words(step)}{stop}.",
            **(with_others if place == 0 else {}),
            "timing": {
                "repeat": {
                    "boundsPeriod": period,
                    "frequency": len(parts),
                    "period": 1,
                    "periodUnit": "d",
                    "when": [WHEN[part] for part in parts],
                }
            },
            "route": {"text": "By mouth"},
            "doseAndRate": [{"doseQuantity": quantity(count, product)}],
        }


def _by_amount(times: Mapping[DayTime, Decimal]) -> list[tuple[Decimal, list[DayTime]]]:
    """The amounts with the times at which each is taken, in the order of the day."""
    found: dict[Decimal, list[DayTime]] = {}
    for part in DayTime:
        if part in times:
            found.setdefault(times[part], []).append(part)
    return list(found.items())


def _with_others(step: PlanStep, product: Presentation, follows: PlanStep | None) -> Resource:
    """What else is taken on the same days, and what the taper goes on with after the last of them, both ordered apart.

    Said once a step, on its first Dosage.
    """
    says = []
    others = _names(step, product)
    if others:
        says.append(f"On these days {'with' if taken(step, product) else 'only'} {others}: {daily_in_words(step)} in all.")
    if follows and _names(follows, product):
        says.append(f"From {day_in_words(follows.start)} the taper goes on with {_names(follows, product)}.")
    return {"additionalInstruction": [{"text": text} for text in says]} if says else {}


def _names(step: PlanStep, product: Presentation) -> str:
    """The other products of a step."""
    others = dict.fromkeys(
        amount.presentation.name for dose in step.doses for amount in dose.amounts if amount.presentation != product
    )
    return " and ".join(others)


def quantity(count: Decimal, product: Presentation) -> Resource:
    """A number of the product as a FHIR Quantity: tablets, capsules, films or mL."""
    name = unit(product)
    return {"value": as_json(count), "unit": name, "system": UCUM, "code": name if product.liquid else f"{{{name}}}"}


def unit(product: Presentation) -> str:
    """What the product is counted in. Refuses: a form that no plan uses."""
    return "mL" if product.liquid else COUNTED_IN[product.form]


# In words --------------------------------------------------------------------------------------------------------------


def amount_in_words(count: Decimal, product: Presentation) -> str:
    """A number of the product with its mg: `1 and a half tablets (0.75 mg)`, `0.35 mL (0.35 mg)`.

    Halves are in words, since a fraction is easily misread.
    """
    mg = f"({exact(count * product.mg)} mg)"
    if product.liquid:
        return f"{exact(count)} mL {mg}"
    name = unit(product)
    if count == Decimal("0.5"):
        return f"half a {name} {mg}"
    if count % 1 == Decimal("0.5"):
        return f"{exact(count - Decimal('0.5'))} and a half {name}s {mg}"
    return f"{exact(count)} {name}{'' if count <= 1 else 's'} {mg}"


def daily_in_words(step: PlanStep) -> str:
    """What the step comes to in a day, by agent: `2.75 mg of alprazolam a day`."""
    return " and ".join(f"{exact(dose.daily)} mg of {dose.agent}" for dose in step.doses) + " a day"


def days_in_words(step: PlanStep) -> str:
    """The first and the last day of a step."""
    return f"{day_in_words(step.start)} to {day_in_words(last_day(step))}"


def day_in_words(day: date) -> str:
    """The day with the month in letters, so that no country reads it otherwise: `1 Feb 2027`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def last_day(step: PlanStep) -> date:
    return step.start + timedelta(days=step.days - 1)


def _listed(parts: Iterable[DayTime]) -> str:
    words = [AT[part] for part in parts]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
