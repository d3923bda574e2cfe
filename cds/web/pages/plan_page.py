"""The plan behind a card: what was ordered, what is advised and why, with controls that recompute it, and its files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from starlette.responses import Response

from cds.core.patient_sheet import Section, Sheet, SheetFor, sheet
from cds.core.quantity import plain
from cds.core.taper_plan import NoPlan, Plan, PlanStep
from cds.decision.plan_choices import Drawn, drawn, latest_end
from cds.decision.plan_files import as_page, calendar, lines, rows
from cds.decision.plasma_levels import Curves, curves
from cds.fhir.write.care_plan import care_plan
from cds.fhir.write.requests import Visit
from cds.knowledge.model import Knowledge, RuleKind
from cds.records.store_errors import StoreUnavailable
from cds.records.stored_plans import NoSuchPlan, PlanIsOver, StoredPlan, stored_plan
from cds.web.pages.asking import Asked, PageContext
from cds.web.pages.charts import dose_chart, equivalent_bars, level_charts
from cds.web.pages.pdf import CanNotPrint, can_print, printed
from cds.web.pages.plan_form import BASES, PlanForm
from cds.web.pages.rendering import html, page, wants_a_part

LANGUAGE = "en"
WEEKS_SHOWN = 12
WHOSE = {"display": "the patient of the order"}
"""The subject of a care plan that names nobody."""


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """One plan as it was asked for."""

    stored: StoredPlan
    knowledge: Knowledge
    form: PlanForm
    drawn: Drawn | NoPlan

    @property
    def plan(self) -> Plan | NoPlan:
        return self.drawn if isinstance(self.drawn, NoPlan) else self.drawn.plan

    def sheet(self) -> Sheet | None:
        """The patient's sheet of the plan; None where there is no plan or no words for it."""
        words = self.knowledge.sheets.get(LANGUAGE)
        if isinstance(self.plan, NoPlan) or isinstance(self.drawn, NoPlan) or words is None:
            return None
        reach = int(self.knowledge.value("plan_review", self.stored.situation.day))
        about = SheetFor(self.drawn.takes.daily, self.knowledge.agents[self.plan.target].short_acting, reach)
        return sheet(self.plan, words, about)


class PlanPages:
    """The page of a plan and its files, each by the token of a card's link alone."""

    def __init__(self, desk: PageContext) -> None:
        self._desk = desk

    def show(self, asked: Asked) -> Response:
        return self._with(asked, lambda shown: self._page(asked, shown))

    def sheet(self, asked: Asked) -> Response:
        return self._with(asked, lambda shown: self._of_sheet(asked, shown, lambda told: html(as_page(told))))

    def pdf(self, asked: Asked) -> Response:
        try:
            return self._with(asked, lambda shown: self._of_sheet(asked, shown, _as_pdf))
        except CanNotPrint as error:
            says = f"{error} Open the sheet and print it from the browser instead."
            return self._desk.refused(asked, 501, "No PDF here", says)

    def file(self, asked: Asked) -> Response:
        """The plan as CSV, calendar or FHIR JSON, by the ending of its name."""
        kind = asked.request.path_params["kind"]
        make = {"csv": _csv, "ics": _ics, "json": _fhir}.get(kind)
        if make is None:
            return self._desk.refused(asked, 404, "No such file", "The plan is given out as plan.csv, plan.ics and plan.json.")
        return self._with(asked, lambda shown: self._of_plan(asked, shown, lambda plan: make(plan, shown)))

    def _with(self, asked: Asked, answer: Callable[[ShownPlan], Response]) -> Response:
        """The answer about the plan of a token; where it leads to none, a page that says so kindly."""
        keeping = self._desk.keeping
        if keeping is None:
            return self._desk.refused(asked, 404, "No plan here", "This service keeps no decisions.")
        token, days = asked.request.path_params["token"], min(self._desk.settings.plan_days, 3650)
        try:
            stored = keeping.store.asked(
                lambda connection: stored_plan(connection, keeping.recorder.keyed, token, keeping.now(), days)
            )
        except PlanIsOver as error:
            return page("plan_over.html", 410, **self._desk.told(asked, says=str(error)))
        except NoSuchPlan as error:
            return page("plan_over.html", 404, **self._desk.told(asked, says=str(error)))
        except StoreUnavailable as error:
            return self._desk.refused(asked, 503, "The plan can't be read now", str(error))
        site = stored.record.site
        here = asked.revision.at(site if asked.revision.serves(site) else None)
        knowledge = here.on(stored.situation.day)
        form = PlanForm(asked, stored.situation, knowledge)
        return answer(ShownPlan(stored, knowledge, form, _drawn(stored, form, knowledge)))

    def _of_sheet(self, asked: Asked, shown: ShownPlan, make: Callable[[Sheet], Response]) -> Response:
        told = shown.sheet()
        return make(told) if told is not None else self._none(asked, shown)

    def _of_plan(self, asked: Asked, shown: ShownPlan, make: Callable[[Plan], Response]) -> Response:
        return make(shown.plan) if isinstance(shown.plan, Plan) else self._none(asked, shown)

    def _none(self, asked: Asked, shown: ShownPlan) -> Response:
        reason = shown.plan.reason if isinstance(shown.plan, NoPlan) else "There are no words for a sheet."
        return self._desk.refused(asked, 409, "There is no plan to print", reason)

    def _page(self, asked: Asked, shown: ShownPlan) -> Response:
        part = wants_a_part(asked.request)
        told = self._desk.told(asked, **_told(shown), form=shown.form, can_print=can_print(), part=part)
        return page("plan_part.html" if part else "plan.html", 422 if shown.form.problems and not part else 200, **told)


def _drawn(stored: StoredPlan, form: PlanForm, knowledge: Knowledge) -> Drawn | NoPlan:
    """The plan as chosen; none where the card of the order drew none, since the page must never say more than its card."""
    found = drawn(stored.situation, form.chosen, knowledge)
    if isinstance(found, Drawn) and stored.order and "plan" not in stored.order:
        return NoPlan("The card draws no plan for this order; what it says comes first.", ())
    return found


def _told(shown: ShownPlan) -> dict[str, Any]:
    """What the page tells beside its frame."""
    stored, knowledge, plan = shown.stored, shown.knowledge, shown.plan
    day, takes = stored.situation.day, stored.situation.begin.takes
    labels = {id: source.label for id, source in knowledge.evidence.items()}
    told: dict[str, Any] = {
        "stored": stored,
        "day": day,
        "takes": takes,
        "order": stored.order,
        "cards": stored.cards,
        "plan": plan if isinstance(plan, Plan) else None,
        "refused": plan if isinstance(plan, NoPlan) else None,
        "changed": () if isinstance(shown.drawn, NoPlan) else shown.drawn.changed,
        "chart": None,
        "levels": [],
        "levels_say": "",
        "not_drawn": (),
        "bases": BASES,
        "basis": knowledge.named("taper_basis", day),
        "bars": equivalent_bars(knowledge.agents[takes.agent], takes.daily, labels) if takes else [],
        "statements": list(_statements(stored, knowledge)),
        "moved_on": stored.record.knowledge != knowledge.revision,
        "sections": (),
        "rows": (),
        "later": (),
        "base": f"/plans/{{}}{'?' + shown.form.query if shown.form.query else ''}",
    }
    if isinstance(plan, Plan) and isinstance(shown.drawn, Drawn):
        reviews = plan.reviews(int(knowledge.value("plan_review", day)))
        levels = _levels(shown, plan, day)
        made = shown.sheet()
        soon = plan.start + timedelta(weeks=WEEKS_SHOWN)
        told |= {
            "chart": dose_chart(shown.drawn, stored.ordered, day, reviews),
            "levels": level_charts(levels),
            "levels_say": levels.says,
            "not_drawn": tuple(dict.fromkeys(f"{one.agent}: {one.reason}" for one in levels.not_drawn)),
            "reviews": reviews,
            "latest_end": latest_end(plan),
            "sections": _sections(made) if made else (),
            "rows": [_row(place, step) for place, step in enumerate(plan.steps, start=1) if step.start < soon],
            "later": [_row(place, step) for place, step in enumerate(plan.steps, start=1) if step.start >= soon],
        }
    return told


def _levels(shown: ShownPlan, plan: Plan, day: date) -> Curves:
    """The levels, worked out once for a plan and an order; the controls ask for the same ones again and again."""
    assert isinstance(shown.drawn, Drawn)
    takes, ordered, knowledge = shown.stored.situation.begin.takes, shown.stored.ordered, shown.knowledge
    assert takes is not None
    asked = (curves, day, takes.agent, tuple(takes.times.items()), takes.extended_release, ordered, rows(plan))
    return knowledge.remembered.recall(asked, lambda: curves(knowledge, day, takes, plan, ordered))


def _sections(made: Sheet) -> tuple[Section, ...]:
    """What to expect, when to pause and when to seek help, in the words of the patient's sheet."""
    return (*made.first, *made.sections)


def _row(place: int, step: PlanStep) -> dict[str, Any]:
    return {
        "place": place,
        "start": step.start,
        "doses": [(dose.agent, plain(dose.daily), lines(dose)) for dose in step.doses],
        "cut": plain(round(step.cut, 1)),
        "small": step.below_small_step_limit,
        "review": step.review,
        "days": step.days,
    }


def _statements(stored: StoredPlan, knowledge: Knowledge) -> Iterable[dict[str, Any]]:
    """Every statement of the rules that were true, once, with its source, origin and strength."""
    true = {(RuleKind.ADVICE, id) for id in stored.advice} | {(RuleKind.RISK, id) for id in stored.situation.risks}
    seen: set[tuple[str, str]] = set()
    for rule in knowledge.rules:
        for because in rule.because if (rule.kind, rule.id) in true else ():
            source = knowledge.evidence.get(because.cite)
            if source is None or (because.cite, because.says) in seen:
                continue
            seen.add((because.cite, because.says))
            url = source.url if source.url and source.url.startswith(("https://", "http://")) else None
            yield {"says": because.says, "label": source.label, "origin": source.origin, "url": url, "strength": because.strength}


# Files -------------------------------------------------------------------------------------------------------------------


def _attached(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type=media_type)


def _csv(plan: Plan, shown: ShownPlan) -> Response:
    return _attached(rows(plan).encode(), "text/csv; charset=utf-8", "taper-plan.csv")


def _ics(plan: Plan, shown: ShownPlan) -> Response:
    return _attached(calendar(plan, datetime.now(UTC)), "text/calendar; charset=utf-8", "taper-plan.ics")


def _fhir(plan: Plan, shown: ShownPlan) -> Response:
    """A draft CarePlan without a patient: who takes it over says whose it is."""
    whole = care_plan(plan, {"subject": {}}, Visit("", shown.stored.situation.day))
    return _attached(orjson.dumps({**whole, "subject": WHOSE}), "application/fhir+json", "taper-plan.json")


def _as_pdf(told: Sheet) -> Response:
    text = as_page(told)
    name = f"patient-sheet-{hashlib.sha256(text.encode()).hexdigest()[:8]}.pdf"
    return _attached(printed(text), "application/pdf", name)
