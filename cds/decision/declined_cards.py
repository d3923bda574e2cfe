"""Which cards of a decision are shown in one line: declined, or left in a chart, with nothing worse since. Asks no store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from cds.core.fact_comparison import FactComparison, Worse, worsened
from cds.core.facts import Facts
from cds.core.gap import Gap
from cds.core.judged_order import JudgedOrder
from cds.core.period import shifted
from cds.core.regimen import RegimenStep
from cds.decision.decide import Decision
from cds.decision.judge import Judgement
from cds.engine.reference import Answer, Finding
from cds.hooks.cards import MOST_URGENT_FIRST, Advice, Shown, cards, subjects
from cds.hooks.declined_card import Shortened
from cds.hooks.messages import EXTENSION
from cds.knowledge.files.vocabulary import risk_fact
from cds.knowledge.model import Knowledge, Rule, Status


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Units: the equivalent in mg of diazepam a day (the high end), the change of the daily dose in percent; None: not known.

    `shortened` tells that the card was one line, since it had been declined before.
    """

    indicator: str
    equivalent: Decimal | None
    change: Decimal | None
    risks: frozenset[str]
    shortened: bool = False

    def worse_than(self, then: Fingerprint) -> bool:
        """Whether anything is worse than it was then. What can't be compared counts as worse: unknown is never "no"."""
        if MOST_URGENT_FIRST.index(self.indicator) < MOST_URGENT_FIRST.index(then.indicator) or self.risks - then.risks:
            return True
        if self.equivalent is None or then.equivalent is None or self.equivalent > then.equivalent:
            return True
        return self._changes_more(then)

    def _changes_more(self, then: Fingerprint) -> bool:
        """Whether the dose goes further up, or further down. Where neither order changes a dose, there is nothing to compare."""
        if self.change is None or then.change is None:
            return self.change is not then.change
        return self.change * then.change < 0 or abs(self.change) > abs(then.change)

    def json(self) -> dict[str, Any]:
        members = {"equivalent": self.equivalent, "change": self.change}
        known = {name: str(value) for name, value in members.items() if value is not None}
        line = {"shortened": True} if self.shortened else {}
        return {"indicator": self.indicator, **known, "risks": sorted(self.risks), **line}


def fingerprint(indicator: str, judged: JudgedOrder | None) -> Fingerprint:
    """The fingerprint of a card about an order; of one about no judged order, nothing but the indicator is known."""
    if judged is None:
        return Fingerprint(indicator, None, None, frozenset())
    equivalent = judged.equivalent.high if judged.equivalent else None
    return Fingerprint(indicator, equivalent, judged.change_percent, frozenset(risk.id for risk in judged.risk_factors))


def from_json(told: dict[str, Any]) -> Fingerprint:
    """The fingerprint that was written."""
    amounts = {name: Decimal(told[name]) if name in told else None for name in ("equivalent", "change")}
    return Fingerprint(told["indicator"], risks=frozenset(told["risks"]), shortened=told.get("shortened", False), **amounts)


def with_shortened(
    decision: Decision, shortened: Sequence[Shortened], knowledge: Knowledge, new_id: Callable[[], str]
) -> Decision:
    """The decision with some of its cards in one line; its answer says of which order."""
    if not shortened:
        return decision
    own = decision.answer["extension"][EXTENSION]
    lines: dict[str, list[dict[str, Any]]] = {}
    for one in shortened:
        lines.setdefault(one.order, []).append(one.json())
    orders = [{**order, "shortened": lines[order["request"]]} if order["request"] in lines else order for order in own["orders"]]
    answer = {
        "cards": cards(decision.told, knowledge, decision.day, decision.id, new_id, shortened),
        "extension": {EXTENSION: {**own, "orders": orders}},
    }
    return replace(decision, answer=answer, shortened=tuple(shortened))


def steps_json(steps: Iterable[RegimenStep]) -> list[Json]:
    """The ordered doses, each with the day on which it starts and for how many days it is taken where that is stated."""
    return [
        {
            "low": str(step.dose.mg.low),
            "high": str(step.dose.mg.high),
            **({"daysAWeek": str(step.dose.days_a_week)} if step.dose.intermittent else {}),
            **({"start": step.start.isoformat()} if step.start else {}),
            **({"days": step.days} if step.days is not None else {}),
        }
        for step in steps
    ]


Json = dict[str, Any]
Gaps = Counter[tuple[str, str]]
"""How often what could not be read: kind and words."""
GRAVEST = "declined_up_to"


@dataclass(frozen=True, slots=True)
class EarlierOrder:
    """One order as it was weighed when a card about it was declined: facts, risks among them, and the answers of the advice."""

    facts: Facts
    advice: Mapping[str, str]
    ordered: Any
    gaps: Gaps


@dataclass(frozen=True, slots=True)
class Declined:
    """A client's last word on a rule's card about an agent, for one patient: that it is set aside.

    With `left` it said nothing: the card was shown in full when the chart was opened, and no answer came.
    `reasons` are codes. `said` are the ids of the rules that the card told of, `of` how its order was weighed, and `others` how
    the other orders of its decision were, by agent.
    """

    rule: str
    agent: str | None
    on: date
    reasons: tuple[str, ...]
    bad: Fingerprint
    decision: str
    version: int
    said: frozenset[str]
    of: EarlierOrder
    others: Mapping[str, EarlierOrder]
    left: bool = False


def may_be_short(decision: Decision, knowledge: Knowledge) -> frozenset[tuple[str, str | None]]:
    """The rules and agents of the decision's cards that would be shown in one line, had they been declined or left."""
    if not decision.answer["cards"] or not longest(knowledge, decision.day):
        return frozenset()
    found = (shown.advice for shown in subjects(decision.told))
    return frozenset((one.rule.id, one.agent) for one in found if _mild_enough(one, knowledge, decision.day))


def longest(knowledge: Knowledge, day: date) -> int:
    """For how many days a card is shown in one line at most; 0: never."""

    def worked_out() -> int:
        names = (*knowledge.declining.days.values(), knowledge.declining.left) if knowledge.declining else ()
        return max((int(knowledge.value(name, day)) for name in names if name), default=0)

    return knowledge.remembered.recall((longest, day), worked_out)


def shortened(decision: Decision, declined: Iterable[Declined], knowledge: Knowledge) -> tuple[Shortened, ...]:
    """The cards of a decision that are shown in one line. What was declined tells more than what was left."""
    by_card: dict[tuple[str, str | None], list[Declined]] = {}
    for one in sorted(declined, key=lambda one: one.left):
        by_card.setdefault((one.rule, one.agent), []).append(one)
    if not by_card or knowledge.declining is None:
        return ()
    now = _Now(decision, knowledge)
    found = ((shown, by_card.get((shown.advice.rule.id, shown.advice.agent), ())) for shown in subjects(decision.told))
    lines = (next(filter(None, (now.line(shown, one) for one in several)), None) for shown, several in found)
    return tuple(line for line in lines if line is not None)


class _Now:
    """A decision beside how things were."""

    def __init__(self, decision: Decision, knowledge: Knowledge) -> None:
        self.decision = decision
        self.knowledge = knowledge
        self.judged = {judgement.case.situation.request: judgement for judgement in decision.judgements}
        self.ways = _ways(knowledge)

    def line(self, shown: Shown, one: Declined) -> Shortened | None:
        """The card as a line; None where it is shown in full."""
        advice, day, judgement = shown.advice, self.decision.day, self.judged.get(shown.advice.order)
        ids = reasons(one.reasons, advice.rule, self.knowledge)
        until = shifted(one.on, _days_left(self.knowledge, day) if one.left else _days(ids, self.knowledge, day))
        if not one.on <= day < until or advice.rule.version != one.version or not _mild_enough(advice, self.knowledge, day):
            return None
        if judgement is None or self._worse(judgement, one.of):
            return None
        bad = fingerprint(advice.indicator, judgement.orders[0])
        if bad.worse_than(one.bad):
            return None
        unchanged = bad == one.bad and self._same(judgement, one.of)
        also = tuple((each.rule.id, each.order) for each in shown.folded if self._goes_with(each, advice, one))
        return Shortened(advice.rule.id, advice.order, one.on, until, ids, one.decision, unchanged, also, one.left)

    def _goes_with(self, folded: Advice, advice: Advice, one: Declined) -> bool:
        """Whether the card told of it when it was declined; of another order, whether that is no worse either."""
        if folded.rule.id not in one.said:
            return False
        if folded.order == advice.order:
            return True
        judgement, then = self.judged.get(folded.order), one.others.get(folded.agent or "")
        return judgement is not None and then is not None and not self._worse(judgement, then)

    def _worse(self, judgement: Judgement, then: EarlierOrder) -> bool:
        """Whether a fact is worse, a rule newly true, a step of a taper another, or something can't be read that could be."""
        ordered = steps_json(judgement.ordered)
        return bool(
            worsened(then.facts, judgement.facts, self.ways)
            or any(_newly(finding.answer, then.advice.get(finding.rule_id)) for finding in self._shown(judgement))
            or (max(len(ordered), len(then.ordered)) > 1 and ordered != then.ordered)
            or self._gaps(judgement) - then.gaps
        )

    def _same(self, judgement: Judgement, then: EarlierOrder) -> bool:
        """Whether nothing that is compared is other than it was."""
        strictly = {name: way if way.worse is Worse.NOT_COMPARED else FactComparison() for name, way in self.ways.items()}
        return not worsened(then.facts, judgement.facts, strictly) and self._gaps(judgement) == then.gaps

    def _shown(self, judgement: Judgement) -> Iterator[Finding]:
        """The findings of the advice rules that are shown."""
        for finding in judgement.advice:
            if self.knowledge.rule(finding.rule_id).status is not Status.SILENT:
                yield finding

    def _gaps(self, judgement: Judgement) -> Gaps:
        return gaps_of((*judgement.orders[0].gaps, *self.decision.gaps))


def reasons(codes: Collection[str], rule: Rule, knowledge: Knowledge) -> tuple[str, ...]:
    """The ids of the reasons behind codes; none where one is not among those that the rule's card offers."""
    offered = {knowledge.override_reasons[id].code: id for id in (rule.card.override_reasons if rule.card else ())}
    return tuple(offered[code] for code in codes) if all(code in offered for code in codes) else ()


def gaps_of(gaps: Iterable[Gap]) -> Gaps:
    """The gaps, each by what it says."""
    return Counter((gap.kind.value, gap.says) for gap in gaps)


def _days(ids: Collection[str], knowledge: Knowledge, day: date) -> int:
    """For how many days the reasons shorten a card: the least of them; 0 where one does not, or none was given."""
    names = knowledge.declining.days if knowledge.declining else {}
    return min((int(knowledge.value(names[id], day)) if id in names else 0 for id in ids), default=0)


def _days_left(knowledge: Knowledge, day: date) -> int:
    """For how many days what was left without an answer is one line."""
    name = knowledge.declining.left if knowledge.declining else None
    return int(knowledge.value(name, day)) if name else 0


def _mild_enough(advice: Advice, knowledge: Knowledge, day: date) -> bool:
    """Whether a card of its indicator may be shown in one line at all."""
    return MOST_URGENT_FIRST.index(advice.indicator) >= MOST_URGENT_FIRST.index(knowledge.named(GRAVEST, day))


def _newly(now: Answer, then: str | None) -> bool:
    """Whether a rule that was asked then is true, or can't be told, and was not. One that was not asked speaks for itself."""
    return then is not None and now is not Answer.FALSE and now.value != then


def _ways(knowledge: Knowledge) -> Mapping[str, FactComparison]:
    """How each fact is compared; a risk is worse once it is true, a silent one is not looked at."""

    def worked_out() -> dict[str, FactComparison]:
        rules = knowledge.risks()
        risks = {risk_fact(rule.id): FactComparison(_of_risk(rule)) for rule in rules}
        return {**risks, **(knowledge.declining.ways if knowledge.declining else {})}

    return knowledge.remembered.recall(_ways, worked_out)


def _of_risk(rule: Rule) -> Worse:
    return Worse.NOT_COMPARED if rule.status is Status.SILENT else Worse.NEWLY_YES
