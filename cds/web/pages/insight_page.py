"""What became of the cards, for a committee: shown, taken up, set aside and why; and a draft to quieten or delay a rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import yaml
from starlette.responses import Response

from cds.knowledge.model import RuleKind, Status
from cds.records.insight_queries import Seen, insights
from cds.records.store_errors import StoreUnavailable
from cds.web.pages.asking import Asked, PageContext
from cds.web.pages.rendering import page

PERIODS = {"30": "30 days", "90": "90 days", "365": "a year"}
USUAL = "90"
LONGEST_TEXT = 500
LONGEST_DELAY = 366


class InsightPage:
    """The page, and the draft of a site's overlay."""

    def __init__(self, desk: PageContext) -> None:
        self._desk = desk
        self._seen: Seen = {}

    def show(self, asked: Asked) -> Response:
        keeping = self._desk.keeping
        if keeping is None:
            return self._desk.refused(asked, 404, "Nothing is kept", "This service keeps no decisions.")
        period = asked.form.get("days", USUAL)
        period = period if period in PERIODS else USUAL
        since = asked.day - timedelta(days=int(period))
        seen = dict(self._seen)
        try:
            found = keeping.store.asked(lambda connection: insights(connection, since, asked.day, seen))
        except StoreUnavailable as error:
            return self._desk.refused(asked, 503, "The records can't be read now", str(error))
        self._seen = seen
        rules = {rule.id: rule for rule in asked.knowledge.advice()}
        silent = {id: many for id, many in found.true.items() if id in rules and rules[id].status is Status.SILENT}
        reasons = {one.code: one.display for one in asked.knowledge.override_reasons.values()}
        told = {"found": found, "titles": {id: rule.title for id, rule in rules.items()}, "silent": silent, "reasons": reasons}
        return page("insights.html", **self._desk.told(asked, **told, periods=PERIODS, period=period, since=since))

    def draft(self, asked: Asked) -> Response:
        """The lines for a file in `rules/sites/`; what is wrong stands at its field, and what was typed is kept."""
        form = asked.form
        problems: dict[str, str] = {}
        rule = form.get("rule", "")
        if rule not in {one.id for one in asked.knowledge.rules if one.kind is RuleKind.ADVICE}:
            problems["rule"] = f"Seen {rule[:40]!r}; expected an advice rule."
        for name, what in (("because", "the reason"), ("approved_by", "who answers for it")):
            if not 0 < len(form.get(name, "").strip()) <= LONGEST_TEXT:
                problems[name] = f"Expected {what}, in up to {LONGEST_TEXT} characters."
        until = self._until(form, asked.day, problems)
        told = {"problems": problems, "form": form, "draft": ""}
        if until is not None and not problems:
            told["draft"] = _lines(form, rule, until)
        return page("insights_draft.html", 422 if problems else 200, **self._desk.told(asked, **told))

    @staticmethod
    def _until(form: Mapping[str, str], day: date, problems: dict[str, str]) -> date | None:
        last = day + timedelta(days=LONGEST_DELAY)
        try:
            found = date.fromisoformat(form.get("until", ""))
        except ValueError:
            found = None
        if found is None or not day < found <= last:
            problems["until"] = f"Expected a day after today, to {last.isoformat()} at the latest."
            return None
        return found


def _lines(form: Mapping[str, str], rule: str, until: date) -> str:
    quiet: dict[str, object] = {"silent": True} if form.get("how") == "quieten" else {"silent_until": until}
    told = {
        **quiet,
        "because": form["because"].strip(),
        "approved_by": form["approved_by"].strip(),
        "review_by": date.fromordinal(until.toordinal()),  # a day of its own: one that stands twice becomes an anchor
    }
    text = yaml.safe_dump({"rules": {f"advice/{rule}": told}}, sort_keys=False, allow_unicode=True)
    return text.replace("silent: true", "silent: yes")
