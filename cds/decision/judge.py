"""One order weighed: facts, risks, pace, crossover, advice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from cds.core.cases import Case
from cds.core.fact_table import Inquiry, facts
from cds.core.facts import Fact, Facts, Known, Unknown
from cds.core.gap import Gap, GapKind
from cds.core.judged_order import Crossover, JudgedOrder, RiskFactor
from cds.core.medication import AgentKind
from cds.core.order_action import Action
from cds.core.order_facts import change_percent, equivalent
from cds.core.quantity import exactly
from cds.core.record import RecordPart
from cds.core.regimen import NOTHING, Dose, RegimenStep
from cds.core.taper_plan import NoPlan
from cds.decision.card_facts import FoundRisk, card_facts
from cds.decision.decided_facts import LONG_ACTING, Risk, decided_facts
from cds.decision.offers import CROSSOVER, TAPER, Offers, PlanStart, not_for_a_child, offers, start
from cds.engine.engine import Engine
from cds.engine.reference import Answer, Finding
from cds.hooks.card_text import Wording
from cds.hooks.cards import Advice
from cds.knowledge.files.rules import FLAGS
from cds.knowledge.model import Knowledge, Rule, RuleKind, Status
from cds.knowledge.model_parameters import Pace

STOP, SHORT, HYPNOTIC, STANDARD = "stop", "short", "hypnotic", "standard"
"""Ids of `rules/paces.yaml`."""
FAVOURED, AGAINST, NOT_RELEVANT = "favoured", "against", "not-relevant"
LIKELY = "dependence-likely"
UNCHECKED = {GapKind.CONTRADICTION, GapKind.NOT_JUDGED}
"""The kinds of gap of a draft without a judgement that a card tells of."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one order was weighed. `told` is the advice to show; `orders` what an answer tells machines, an entry a draft.

    `start` is what plans start from, `ordered` the doses of an order that lowers or ends what is taken.
    """

    case: Case
    facts: Facts
    risks: tuple[Finding, ...]
    advice: tuple[Finding, ...]
    told: tuple[Advice, ...]
    orders: tuple[JudgedOrder, ...]
    start: PlanStart
    ordered: tuple[RegimenStep, ...]
    asks: frozenset[str] = frozenset()
    """What the true risks ask of every order: `short_supply`, `ask_first`."""


def judge(case: Case, asked: Inquiry, knowledge: Knowledge, engine: Engine, hook: str) -> Judgement:
    """The judgement of one case: the risk rules first, then what they ask for, then the advice rules."""
    known = dict(facts(case, asked))
    risks = engine.findings(RuleKind.RISK, known, case.day)
    ruled = [Risk(knowledge.rule(finding.rule_id, RuleKind.RISK), finding) for finding in risks]
    counted = [risk for risk in ruled if risk.rule.status is not Status.SILENT]
    there = [risk for risk in counted if risk.finding.true]
    factors = _risk_factors(there, known, knowledge, case)
    pace = _pace(there, case, known, knowledge)
    begin, ordered = start(case, knowledge), _ordered(case)
    child = not_for_a_child(known, knowledge, case.day)
    crossover = _crossover(case, counted, pace, begin, child, knowledge)
    known |= engine.risk_facts(risks)
    known |= decided_facts(case, known, pace, crossover, counted, knowledge)
    advice = engine.findings(RuleKind.ADVICE, known, case.day, hook)
    gaps = _gaps(case)
    lists = {
        "risk_factors": _in_a_list(factors),
        "not_checked": _not_checked(case, known, gaps, advice, knowledge),
    }
    true = _true_advice(case, advice, knowledge)
    drawn = offers(begin, known, asked_for(true), knowledge, case.day)
    by_id = {risk.rule.id: risk.rule for risk in there}
    found = [FoundRisk(by_id[factor.id], factor) for factor in factors]
    words = (
        known
        | card_facts(case, known, found, begin.takes, pace, drawn, _not_checked(case, known, gaps, (), knowledge), knowledge)
        if true
        else known
    )
    told = tuple(advice_of(rule, case.situation.request, words, lists, drawn, ordered, engine, case.day) for rule in true)
    asks = frozenset(flag for rule in by_id.values() for flag in FLAGS if rule.outcome and getattr(rule.outcome, flag))
    judged = _judged(case, gaps, factors, pace, crossover, drawn)
    return Judgement(case, known, risks, advice, told, judged, begin, ordered, asks)


def unread(gaps: Sequence[Gap], knowledge: Knowledge, engine: Engine, day: date, hook: str) -> tuple[Advice, ...]:
    """The advice about orders that were not judged though they may be of a benzodiazepine or Z-drug: that they were not checked.

    Code and words contradict each other, of which one matters here; or the drug could not be told, and words or nothing tell that
    it is none. An order whose drug is in codes of an unknown kind only stays quiet.
    """
    contradicting = [gap for gap in gaps if gap.kind in UNCHECKED]
    if not contradicting:
        return ()
    known, advice = weigh_unread(engine, day, hook)
    rules = [knowledge.rule(finding.rule_id, RuleKind.ADVICE) for finding in advice if finding.true]
    return tuple(
        Advice(rule, gap.resource, {**known, "not_read": Known(gap.says)}, {"not_checked": (gap.says,)}, rule.card.indicator)
        for gap in contradicting
        for rule in rules
        if rule.card
    )


def weigh_unread(engine: Engine, day: date, hook: str) -> tuple[Facts, tuple[Finding, ...]]:
    """The facts of an order of which nothing could be told but that it is one, and the findings of the advice rules over them."""
    known: dict[str, Fact] = {
        "agent": Known("an order"),
        "order_dose_readable": Known(False),
        "taking_now_readable": Known(True),
        "history_readable": Known(True),
    }
    known |= engine.risk_facts(engine.findings(RuleKind.RISK, known, day))
    return known, engine.findings(RuleKind.ADVICE, known, day, hook)


def _risk_factors(there: Iterable[Risk], known: Facts, knowledge: Knowledge, case: Case) -> tuple[RiskFactor, ...]:
    """The risks that are there in words, each with what in the record it rests on; those of the strictest pace first."""
    wording = Wording(known, {}, knowledge, case.day)
    strictest = sorted(there, key=lambda risk: -_rank(risk.rule, knowledge))
    return tuple(_risk_factor(risk.finding, risk.rule, wording) for risk in strictest)


def _rank(rule: Rule, knowledge: Knowledge) -> int:
    """How strict a pace the rule asks for; -1 where it asks for none."""
    pace = rule.outcome.pace if rule.outcome else None
    return knowledge.paces[pace].rank if pace else -1


def _risk_factor(finding: Finding, rule: Rule, wording: Wording) -> RiskFactor:
    line = wording.line(rule.outcome.says) if rule.outcome else rule.title
    says = line[:1].upper() + line[1:]
    held = [line.found for line in finding.trace if line.answer is Answer.TRUE and line.group != "none"]
    evidence = dict.fromkeys(fact.because for fact in held if isinstance(fact, Known) and fact.because)
    told = [because for because in evidence if because.casefold() not in says.casefold()]
    resources = dict.fromkeys(source for fact in held if isinstance(fact, Known) for source in fact.resources)
    return RiskFactor(rule.id, says, tuple(told), tuple(resources))


def _in_a_list(factors: Iterable[RiskFactor]) -> tuple[str, ...]:
    """The risk factors as a card lists them: each piece of evidence once, with the first that rests on it."""
    said: set[str] = set()
    lines = []
    for factor in factors:
        lines.append(replace(factor, evidence=tuple(piece for piece in factor.evidence if piece not in said)).because)
        said.update(factor.evidence)
    return tuple(lines)


def _pace(there: Sequence[Risk], case: Case, known: Facts, knowledge: Knowledge) -> Pace | None:
    """The strictest pace that a true risk asks for, as it suits what is taken.

    One hypnotic dose at night goes by the strengths that are sold, and no high dose slows it. Use too short to be long is tapered
    over weeks, and short, low use may just stop, whatever asks for the standard pace; an earlier severe withdrawal still slows.
    """
    hypnotic = _one_hypnotic_dose(case, knowledge)
    asked = []
    for risk in there:
        outcome = risk.rule.outcome
        if outcome is None or outcome.pace is None:
            continue
        another = not hypnotic and any(other is not risk and other.rule.about == "patient" for other in there)
        asked.append(knowledge.paces[(another and outcome.pace_with_another_risk) or outcome.pace])
    pace = max(asked, key=lambda pace: pace.rank, default=None)
    if pace is None or pace.rank > knowledge.paces[STANDARD].rank:
        return _after_steps_not_borne(pace, known, knowledge)
    length = known.get("use_length")
    used = length.value if isinstance(length, Known) and isinstance(length.value, Decimal) else None
    if pace.id == STANDARD and used is not None and 0 < used < case.amounts["long_use"]:
        pace = knowledge.paces[SHORT]
    if pace.id == SHORT and used is not None and used < case.amounts["first_month"] and _is(known, "dose_band", "low"):
        return knowledge.paces[STOP]
    pace = knowledge.paces[HYPNOTIC] if pace.id == STANDARD and hypnotic else pace
    return _after_steps_not_borne(pace, known, knowledge)


def _after_steps_not_borne(pace: Pace | None, known: Facts, knowledge: Knowledge) -> Pace | None:
    """The pace at which one goes on after the steps that the record shows were not borne."""
    times = known.get("steps_not_borne")
    for _ in range(int(times.value) if isinstance(times, Known) and isinstance(times.value, Decimal) else 0):
        pace = knowledge.paces[pace.if_not_borne] if pace and pace.if_not_borne else pace
    return pace


def _is(known: Facts, name: str, value: str) -> bool:
    fact = known.get(name)
    return isinstance(fact, Known) and fact.value == value


def _one_hypnotic_dose(case: Case, knowledge: Knowledge) -> bool:
    """Whether what is taken is one hypnotic, a Z-drug among them, once a day, at no more than its label's dose."""
    taking = case.situation.taking
    agent = case.agent_now
    if taking is None or not taking.mg or taking.agent != agent.name or agent.name not in knowledge.taken_at_night:
        return False
    times = {time for time, mg in taking.times if mg}
    if len(times) > 1 or (taking.dose is not None and (taking.dose.doses_a_day or 1) > 1):
        return False
    most = agent.highest_labelled_daily_dose
    if most is not None:
        return taking.mg <= most
    found = equivalent(case)
    return found is not None and found.high <= case.amounts["high_dose"]


def _crossover(
    case: Case, risks: Sequence[Risk], pace: Pace | None, begin: PlanStart, child: NoPlan | None, knowledge: Knowledge
) -> Crossover:
    """Whether a longer-acting agent is favoured. Where a risk that would speak against it can't be told, it is not.

    Nor is it where no cut is to be begun, where several agents have to become one first, or for a child.
    """
    if case.agent_now.duration in LONG_ACTING:
        return Crossover(NOT_RELEVANT, because=(f"{case.agent_now.name} is long-acting already",))
    if case.agent_now.kind is AgentKind.Z_DRUG:
        return Crossover(NOT_RELEVANT, because=("a Z-drug is tapered itself",))
    to = knowledge.named("crossover_target", case.day)
    if case.agent_now.name == to:
        return Crossover(NOT_RELEVANT, because=(f"{to} is what a crossover would go to",))
    against = _that_ask(AGAINST, risks)
    if any(risk.finding.true for risk in against):
        return Crossover(AGAINST, because=_titles(against, Answer.TRUE))
    favours = [risk for risk in _that_ask("favours", risks) if risk.finding.true]
    likely = any(risk.rule.id == LIKELY and risk.finding.true for risk in risks)
    if not favours or not likely:
        return Crossover(NOT_RELEVANT)
    if pace is not None and not pace.plan:
        return Crossover(NOT_RELEVANT, because=(pace.says,))
    if child is not None:
        return Crossover(NOT_RELEVANT, because=(child.reason,))
    if _is_small(case, knowledge):
        return Crossover(NOT_RELEVANT, because=("a dose at or below the small-step limit is not worth a crossover",))
    if len(begin.agents) > 1:
        return Crossover(NOT_RELEVANT, because=("several are taken: settle on one first",))
    unknown = _titles(against, Answer.CANNOT_TELL)
    if unknown:
        return Crossover(
            NOT_RELEVANT, because=tuple(f"it could not be told whether this speaks against it: {title}" for title in unknown)
        )
    return Crossover(FAVOURED, to, _titles(favours, Answer.TRUE))


def _is_small(case: Case, knowledge: Knowledge) -> bool:
    """Whether what is taken is known to be no more than the small-step limit, by the highest of its equivalents."""
    found = equivalent(case)
    return found is not None and found.high <= knowledge.value("small_step_limit", case.day)


def _that_ask(crossover: str, risks: Iterable[Risk]) -> list[Risk]:
    return [risk for risk in risks if risk.rule.outcome and risk.rule.outcome.crossover == crossover]


def _titles(risks: Iterable[Risk], answer: Answer) -> tuple[str, ...]:
    return tuple(risk.rule.title for risk in risks if risk.finding.answer is answer)


def _gaps(case: Case) -> tuple[Gap, ...]:
    """What could not be read of this order and of what is taken of its agent."""
    situation = case.situation
    gaps = list(situation.gaps)
    if not case.agent.equivalents:
        gaps.append(Gap(GapKind.EQUIVALENCE, f"No source converts {case.agent.name} to diazepam.", situation.request))
    takings = (*situation.switched_from, *((situation.taking,) if situation.taking else ()))
    taken = {source for taking in takings for source in taking.sources}
    gaps += [gap for gap in case.record.gaps if gap.resource in taken]
    return tuple(dict.fromkeys(gaps))


def _not_checked(
    case: Case, known: Facts, gaps: Sequence[Gap], advice: Iterable[Finding], knowledge: Knowledge
) -> tuple[str, ...]:
    """What could not be read or was not given, and which advice could therefore not be weighed, in words."""
    unwanted = {f"prefetch/{part.value}" for part in (RecordPart.DISPENSES, RecordPart.STATEMENTS, RecordPart.OBSERVATIONS)}
    missing = [gap for gap in case.record.gaps if gap.kind is not GapKind.MISSING or gap.resource not in unwanted]
    length = known["use_length"]
    untold = [f"{length.reason[:1].upper()}{length.reason[1:]}."] if isinstance(length, Unknown) else []
    rules = (knowledge.rule(finding.rule_id, RuleKind.ADVICE) for finding in advice if finding.answer is Answer.CANNOT_TELL)
    cards = [rule.card for rule in rules if rule.card and rule.status is not Status.SILENT]
    missed = any(gap.kind is not GapKind.TEXT for gap in gaps)
    unweighed = [card.if_we_cannot_tell for card in cards if card.if_we_cannot_tell] if missed else []
    return tuple(dict.fromkeys([*(gap.says for gap in gaps), *untold, *(gap.says for gap in missing), *unweighed]))


def _true_advice(case: Case, advice: Iterable[Finding], knowledge: Knowledge) -> list[Rule]:
    """The advice rules that are true. An order that only gives way to another within this call is told of there."""
    if case.situation.gives_way_to is not None:
        return []
    return [knowledge.rule(finding.rule_id, RuleKind.ADVICE) for finding in advice if finding.true]


def asked_for(rules: Iterable[Rule]) -> frozenset[str]:
    """The names of the suggestions that the rules make. A silent rule makes none."""
    return frozenset(name for rule in rules if rule.card and rule.status is not Status.SILENT for name in rule.card.suggest)


def advice_of(
    rule: Rule,
    order: str,
    known: Facts,
    lists: Mapping[str, tuple[str, ...]],
    drawn: Offers,
    ordered: tuple[RegimenStep, ...],
    engine: Engine,
    day: date,
) -> Advice:
    """One true advice rule with all that its card shows."""
    plans = {TAPER: drawn.taper, CROSSOVER: drawn.crossover}
    return Advice(
        rule=rule,
        order=order,
        facts=known,
        lists=lists,
        indicator=indicator(rule, known, engine, day),
        plans={name: plan for name, plan in plans.items() if plan is not None},
        ordered=ordered,
    )


def _ordered(case: Case) -> tuple[RegimenStep, ...]:
    """The doses of an order that lowers or ends what is taken of the same agent."""
    situation = case.situation
    if situation.action is Action.STOP:
        return (RegimenStep(NOTHING),)
    lowers = situation.action is Action.REDUCE or (situation.steps is not None and len(situation.steps) > 1)
    if situation.steps is None or not lowers or situation.switched_from:
        return ()
    return (*situation.steps, RegimenStep(NOTHING)) if situation.ends else situation.steps


def indicator(rule: Rule, known: Facts, engine: Engine, day: date) -> str:
    """The indicator of an advice rule's card: the raised one where the facts ask for it."""
    card = rule.card
    if card is None:
        raise ValueError(f"{rule.id} is no advice rule")
    return card.raise_indicator if card.raise_indicator and engine.raised(rule, known, day) else card.indicator


def _average(mg: Decimal | None, days_a_week: Decimal | None) -> Decimal | None:
    """mg a day over a week in which it may not be taken on every day."""
    return mg if mg is None or days_a_week is None else Dose(exactly(mg), days_a_week).average


def _judged(
    case: Case,
    gaps: tuple[Gap, ...],
    factors: tuple[RiskFactor, ...],
    pace: Pace | None,
    crossover: Crossover,
    drawn: Offers,
) -> tuple[JudgedOrder, ...]:
    """What machines are told, once for each draft that was judged together with others."""
    situation = case.situation
    references = [situation.request, *(member.reference for member in situation.members if situation.trigger is None)]
    whole = JudgedOrder(
        request=situation.request,
        agent=situation.agent,
        action=situation.action.value if situation.action else None,
        daily_dose=_average(situation.daily_dose, situation.days_a_week),
        takes_now=_average(situation.takes_now, situation.taking.days_a_week if situation.taking else None),
        days_a_week=situation.days_a_week,
        equivalent=equivalent(case),
        change_percent=change_percent(case),
        gaps=gaps,
        risk_factors=factors,
        pace=pace.id if pace else None,
        crossover=replace(crossover, plan=drawn.crossover_plan),
        plan=drawn.taper_plan,
    )
    return tuple(replace(whole, request=reference) for reference in dict.fromkeys(references))
