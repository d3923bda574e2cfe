"""A plan in plain language for the patient: dates, tablets by time of day, what to expect, when to call.

Every word on it is an argument: `SheetTexts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import reduce
from textwrap import wrap

from cds.core.medication import Form
from cds.core.period import on_a_working_day
from cds.core.placeholder import PLACEHOLDER
from cds.core.quantity import plain
from cds.core.regimen import DayTime
from cds.core.tablets import Presentation
from cds.core.taper_plan import AgentDose, Plan, PlanKind, PlanStep

WIDTH = 78
BLANK = "____________________"
WEEK = 7
FORMS = {Form.TABLET: "tablet", Form.CAPSULE: "capsule", Form.ODT: "melting_tablet", Form.FILM: "film"}
PARTS = {
    Decimal("0.5"): "half",
    Decimal("0.25"): "quarter",
    Decimal("0.75"): "three_quarters",
}


@dataclass(frozen=True, slots=True)
class SheetTexts:
    """The texts of one language, from `rules/sheet/`.

    `texts` and `lists` are by key, with `{{ name }}` where a value goes; `months` start with January, `weekdays` with Monday.
    """

    language: str
    """As BCP 47 writes it: `en`."""
    texts: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    months: tuple[str, ...]
    weekdays: tuple[str, ...]

    def text(self, key: str, **values: str) -> str:
        """The text with its values. Refuses: a key that there is not, a value that was not given."""
        return PLACEHOLDER.sub(lambda found: values[found[1]], self.texts[key])

    def items(self, key: str, **values: str) -> tuple[str, ...]:
        return tuple(PLACEHOLDER.sub(lambda found: values[found[1]], item) for item in self.lists[key])

    def day(self, day: date) -> str:
        """The day as it is said: `Monday 23 November 2026`."""
        named = {"weekday": self.weekdays[day.weekday()], "month": self.months[day.month - 1]}
        return self.text("date", day=str(day.day), year=str(day.year), **named)

    def number(self, value: Decimal) -> str:
        """The amount, never rounded."""
        text = format(value, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.replace(".", self.texts["decimal_mark"])


@dataclass(frozen=True, slots=True)
class SheetFor:
    """What the plan itself does not say. Units: `takes`, the daily dose now, in mg."""

    takes: Decimal
    short_acting: bool
    """Of the agent that is lowered: whether symptoms begin within a day or two of a step."""
    reach: int
    """How far one sheet reaches, in days from the first step; what begins later stands on the next."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One step: from when to when, what is taken at each of the sheet's times, and in all."""

    when: str
    length: str
    takes: tuple[tuple[str, ...], ...]
    total: tuple[str, ...]
    remark: str = ""
    stay: str = ""
    """What stands before the blank in which a later day is written, where the step is too hard."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it. `urgent` for what must not be missed."""

    title: str
    lead: str
    items: tuple[str, ...]
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole sheet, in the order in which it is read. `blanks` are filled in by hand."""

    language: str
    title: str
    checked: str
    blanks: tuple[str, ...]
    first: tuple[Section, ...]
    """What must be read before the steps."""
    steps_title: str
    before: str
    columns: tuple[str, ...]
    """When, one for each time of day, and the sum."""
    nothing: str
    """What stands where nothing is taken at a time."""
    rows: tuple[SheetRow, ...]
    after: str
    sections: tuple[Section, ...]
    foot: str


def sheet(plan: Plan, words: SheetTexts, about: SheetFor) -> Sheet:
    """The sheet of a plan."""
    shown = _shown(plan, about.reach)
    times = [time for time in DayTime if any(dose.times.get(time) for step in shown for dose in step.doses)]
    changes = plan.agent != plan.target
    return Sheet(
        language=words.language,
        title=words.text("title_change", drug=plan.agent, new_drug=plan.target)
        if changes
        else words.text("title", drug=plan.agent),
        checked=words.text("checked"),
        blanks=tuple(words.text(key) for key in ("name", "prescriber", "phone", "pharmacy")),
        first=tuple(_first(plan, words)),
        steps_title=words.text("steps_title"),
        before=words.text("before", drug=plan.agent, day=words.day(plan.start), mg=words.number(about.takes)),
        columns=(words.text("when"), *(words.text(time.value) for time in times), words.text("in_all")),
        nothing=words.text("nothing"),
        rows=tuple(_rows(plan, shown, words, times)),
        after=words.text("after", drug=plan.target, days=_length(plan.steps[-1].days, words))
        if shown[-1] is plan.steps[-1]
        else "",
        sections=tuple(_sections(plan, words, about)),
        foot=words.text("foot"),
    )


def _first(plan: Plan, words: SheetTexts) -> Iterator[Section]:
    yield Section(words.text("first_title"), "", words.items("first", drug=plan.agent), urgent=True)
    yield Section(words.text("urgent_title"), words.text("urgent"), words.items("urgent"), urgent=True)


def _shown(plan: Plan, reach: int) -> list[PlanStep]:
    """The steps that begin within the reach of one sheet; the first of them always."""
    until = plan.start + timedelta(days=reach)
    return [step for step in plan.steps if step is plan.steps[0] or step.start < until]


def _rows(plan: Plan, shown: list[PlanStep], words: SheetTexts, times: list[DayTime]) -> Iterator[SheetRow]:
    changes = plan.agent != plan.target
    end = plan.steps[-1]
    for step in shown:
        if step is end:
            break
        several = len(step.doses) > 1
        last = step.start + timedelta(days=step.days - 1)
        yield SheetRow(
            when=words.text("from_to", first=words.day(step.start), last=words.day(last)),
            length=_length(step.days, words),
            takes=tuple(tuple(_taken_at(step, time, words, changes)) for time in times),
            total=tuple(words.text("drug_mg" if several else "mg", **_sum(dose, words, several)) for dose in step.doses),
            remark=words.text("review", day=words.day(on_a_working_day(step.review or last))),
            stay=words.text("stay"),
        )
    nothing = tuple(() for _ in times)
    if shown[-1] is not end:
        later = plan.steps[len(shown)].start
        yield SheetRow(words.text("from", first=words.day(later)), "", nothing, (words.text("next_sheet"),))
        return
    yield SheetRow(words.text("from", first=words.day(end.start)), "", nothing, (words.text("none_left", drug=plan.target),))


def _sum(dose: AgentDose, words: SheetTexts, several: bool) -> dict[str, str]:
    return {"mg": words.number(dose.daily)} | ({"drug": dose.agent} if several else {})


def _taken_at(step: PlanStep, time: DayTime, words: SheetTexts, named: bool) -> Iterator[str]:
    """What is taken of each agent."""
    for dose in step.doses:
        counted = [counted_amount(each.count, each.presentation, words) for each in dose.amounts if each.time is time]
        if counted:
            amount = reduce(lambda first, second: words.text("plus", first=first, second=second), counted)
            yield words.text("of_drug", drug=dose.agent, amount=amount) if named else amount


def counted_amount(count: Decimal, presentation: Presentation, words: SheetTexts) -> str:
    """How much of one presentation, in words that a patient can follow: `half a tablet of 1 mg`."""
    mg = words.number(presentation.mg)
    if presentation.liquid:
        return words.text("liquid", mL=words.number(count), mg=mg)
    form = FORMS.get(presentation.form, "tablet")
    whole, part = count // 1, count % 1
    if not part:
        return words.text(f"{form}_one", mg=mg) if whole == 1 else words.text(f"{form}_many", count=plain(whole), mg=mg)
    key = PARTS[part]
    return words.text(f"tablet_{key}", mg=mg) if not whole else words.text(f"tablet_and_{key}", count=plain(whole), mg=mg)


def _length(days: int, words: SheetTexts) -> str:
    if days % WEEK:
        return words.text("days", count=str(days))
    return words.text("week") if days == WEEK else words.text("weeks", count=str(days // WEEK))


def _sections(plan: Plan, words: SheetTexts, about: SheetFor) -> Iterator[Section]:
    yield Section(words.text("take_title"), "", tuple(_how_to_take(plan, words, about)))
    onset = words.text("onset_short" if about.short_acting else "onset_long")
    yield Section(words.text("expect_title"), words.text("expect", onset=onset), words.items("expect"))
    yield Section(words.text("call_title"), words.text("call"), (*_changing(plan, words), *words.items("call")))
    yield Section(words.text("helps_title"), "", words.items("helps"))


def _how_to_take(plan: Plan, words: SheetTexts, about: SheetFor) -> Iterator[str]:
    """What to know of the tablets that the sheet names."""
    amounts = [amount for step in _shown(plan, about.reach) for dose in step.doses for amount in dose.amounts]
    yield from words.items("take")
    if len({amount.presentation for amount in amounts}) > 1:
        yield words.text("several_strengths")
    if any(amount.count % 1 for amount in amounts if not amount.presentation.liquid):
        yield words.text("splitting")
    if any(not amount.presentation.halves for amount in amounts if amount.presentation.form is not Form.LIQUID):
        yield words.text("not_splitting")
    if any(amount.presentation.form is Form.ODT for amount in amounts):
        yield words.text("melting")
    if any(amount.presentation.liquid for amount in amounts):
        yield words.text("measuring")
    if plan.agent != plan.target:
        yield words.text("changing", drug=plan.agent, new_drug=plan.target)
    elif plan.kind is PlanKind.CROSSOVER:
        yield words.text("changing_release", drug=plan.agent)


def _changing(plan: Plan, words: SheetTexts) -> tuple[str, ...]:
    return words.items("call_changing", new_drug=plan.target) if plan.agent != plan.target else ()


def as_text(sheet: Sheet) -> str:
    """The sheet as plain text, which is also Markdown."""
    parts = [f"# {sheet.title}", _wrapped(sheet.checked), *(f"{blank}: {BLANK}" for blank in sheet.blanks)]
    parts += [*(_section(section) for section in sheet.first), f"## {sheet.steps_title}", _wrapped(sheet.before)]
    parts += [_step(row, sheet) for row in sheet.rows]
    parts += [
        *([_wrapped(sheet.after)] if sheet.after else []),
        *(_section(section) for section in sheet.sections),
        _wrapped(sheet.foot),
    ]
    return "\n\n".join(parts) + "\n"


def _step(row: SheetRow, sheet: Sheet) -> str:
    _, *times, in_all = sheet.columns
    lines = [f"### {row.when}" + (f" ({row.length})" if row.length else "")]
    if not row.length:
        return "\n".join([*lines, *row.total])
    lines += [_wrapped(f"{time}: {', '.join(takes)}", "- ", "  ") for time, takes in zip(times, row.takes, strict=True) if takes]
    lines.append(f"- {in_all}: {', '.join(row.total)}")
    return "\n".join([*lines, *([f"- {row.remark}"] if row.remark else []), *([f"- {row.stay}: {BLANK}"] if row.stay else [])])


def _section(section: Section) -> str:
    items = "\n".join(_wrapped(item, "- ", "  ") for item in section.items)
    return "\n\n".join(part for part in (f"## {section.title}", _wrapped(section.lead), items) if part)


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    return "\n".join(wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False))
