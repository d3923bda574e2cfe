"""The controls of a plan's page: what was chosen, read from the form, and what can't be taken with the reason at its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from urllib.parse import urlencode

from cds.core.cuts import PercentOf
from cds.decision.plan_choices import LATEST, Choices, Option, PlanSituation, crossover, intervals, paces, products
from cds.knowledge.model import Knowledge
from cds.web.pages.asking import Asked

BASES = (
    Option(PercentOf.CURRENT.value, "percent of the dose then (smaller and smaller mg)"),
    Option(PercentOf.ORIGINAL.value, "percent of the first dose (the same mg each time)"),
)
STOCK = "stock"
"""Set by the form where the boxes of products say something: an empty form says nothing of them."""


class PlanForm:
    """The form as it was sent: `chosen` what could be taken, `problems` by field, and every option with why it can't be taken."""

    def __init__(self, asked: Asked, situation: PlanSituation, knowledge: Knowledge) -> None:
        self.values: Mapping[str, str] = asked.form
        self.problems: dict[str, str] = {}
        self.day = situation.day
        self.paces = paces(situation, knowledge)
        self.own_pace = situation.named("pace") or ""
        pace = self._one_of("pace", self.paces)
        self.intervals = intervals(pace or self.own_pace, situation, knowledge) if self.own_pace else []
        self.crossover = crossover(situation, knowledge)
        target = situation.named("crossover_to") or knowledge.named("crossover_target", situation.day)
        kinds = [Option("direct", "Direct taper"), self.crossover]
        crossed = self._one_of("kind", kinds) == "crossover"
        self.products = products(situation, target if crossed else None, knowledge)
        interval = self._one_of("interval", self.intervals)
        basis = self._one_of("basis", BASES)
        self.chosen = Choices(
            pace=pace,
            interval=int(interval) if interval else None,
            basis=PercentOf(basis) if basis else None,
            start=self._start(),
            crossover=crossed,
            products=self._products(asked),
            not_borne=self._step(),
            back=self.values.get("back") == "yes",
        )

    @property
    def query(self) -> str:
        """What was chosen, as the end of an address."""
        return urlencode([(name, value) for name, value in self.sent if value], doseq=True)

    def _one_of(self, name: str, options: Sequence[Option]) -> str | None:
        value = self.values.get(name, "")
        if not value:
            return None
        found = next((one for one in options if one.value == value), None)
        if found is None:
            self.problems[name] = f"Seen {value[:40]!r}; expected one of {', '.join(one.value for one in options)}."
            return None
        if found.why_not:
            self.problems[name] = found.why_not
            return None
        return found.value

    def _start(self) -> date | None:
        text = self.values.get("start", "").strip()
        if not text:
            return None
        try:
            found = date.fromisoformat(text)
        except ValueError:
            self.problems["start"] = f"Seen {text[:20]!r}; expected a day such as {self.day.isoformat()}."
            return None
        last = self.day + timedelta(days=LATEST)
        if not self.day <= found <= last:
            self.problems["start"] = f"Expected a day from {self.day.isoformat()} to {last.isoformat()}."
            return None
        return found

    def _step(self) -> int | None:
        text = self.values.get("not_borne", "").strip()
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 200:
            self.problems["not_borne"] = f"Seen {text[:10]!r}; expected the number of a step, such as 3."
            return None
        return int(text)

    def _products(self, asked: Asked) -> frozenset[str] | None:
        self.sent = [(name, value) for name, values in asked.several.items() for value in values if name in FIELDS]
        if STOCK not in self.values:
            return None
        known = {one.name for one in self.products}
        has = frozenset(asked.several.get("has", ())) & known
        if not has:
            self.problems["has"] = "Expected at least one product; all are taken as there."
            return None
        return None if has == known else has

    def has(self, name: str) -> bool:
        """Whether the box of a product is ticked."""
        return self.chosen.products is None or name in self.chosen.products


FIELDS = ("pace", "interval", "basis", "start", "kind", "not_borne", "back", STOCK, "has")
