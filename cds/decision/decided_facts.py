"""By whom an agent is converted to diazepam where none of the sources that are read first lists it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from cds.core.cases import Case
from cds.core.cuts import PaceLimits, PercentOf, TooFast
from cds.core.drug_facts import all_of, interactions
from cds.core.facts import Fact, Facts, Known, Unknown
from cds.core.judged_order import Crossover
from cds.core.medication import Agent, DurationClass
from cds.core.order_facts import order_in_short, sum_in_words, too_fast, too_fast_in_words
from cds.engine.reference import Answer, Finding
from cds.hooks.card_text import Wording
from cds.knowledge.model import Knowledge, Rule
from cds.knowledge.model_parameters import Pace

LONG_ACTING = {DurationClass.LONG, DurationClass.INTERMEDIATE_LONG}


class Risk(NamedTuple):
    """A risk rule that counts, with its finding."""

    rule: Rule
    finding: Finding


def decided_facts(
    case: Case, known: Facts, pace: Pace | None, crossover: Crossover, risks: Sequence[Risk], knowledge: Knowledge
) -> dict[str, Fact]:
    """The facts that only advice rules may ask about."""
    limits = _limits(case, pace)
    exceeds, first = _exceeds(case, pace, limits, knowledge)
    onset = "onset_long" if case.agent_now.duration in LONG_ACTING else "onset_short"
    brief = pace.after_short_use if pace and _is_no(known.get("dependence_likely")) else None
    basis = PercentOf(knowledge.named("taper_basis", case.day))
    said = too_fast_in_words(first, limits, case, basis) if first and limits and not brief else None
    wording, texts = Wording(known, {}, knowledge, case.day), knowledge.texts
    outcomes = [risk.rule.outcome for risk in risks if risk.finding.true]
    asking = [outcome for outcome in outcomes if outcome and pace and outcome.pace == pace.id]
    return {
        "pace": Known(pace.id) if pace else Unknown("no risk asks for a pace"),
        "pace_advice": Known(wording.line(brief or pace.says)) if pace else Unknown("no risk asks for a pace"),
        "pace_asked_by": Known(wording.line(asking[0].says)) if asking else Unknown("no risk asks for a pace"),
        "pace_watch": _joined([outcome.watch for outcome in asking if outcome.watch], " ", "the risks ask for no watch"),
        "crossover": Known(crossover.advice),
        "crossover_to": Known(crossover.to) if crossover.to else Unknown("no crossover is favoured"),
        "order_exceeds_pace": exceeds,
        "first_too_fast": Known(said) if said else Unknown("no step goes faster"),
        "risks_beyond_indication": _beyond_indication(risks),
        "order_in_short": Known(order_in_short(case, known["order_cut"], first)),
        "dose_sum": Known(sum_in_words(case)),
        "start_avoided_for": _joined(
            [wording.line(outcome.brief) for outcome in outcomes if outcome and outcome.brief], ", ", "nothing speaks against it"
        ),
        "start_instead": _joined(
            [wording.line(outcome.instead) for outcome in outcomes if outcome and outcome.instead],
            " ",
            "nothing speaks against it",
        ),
        "contraindication": _joined(_contraindications(case, knowledge), " ", "there is none"),
        "onset": Known(texts[onset]),
        "converted_by": _converted(case, knowledge),
        "interaction": _joined([wording.line(texts[name]) for name in interactions(case) if name in texts], " ", "there is none"),
    }


def _contraindications(case: Case, knowledge: Knowledge) -> list[str]:
    """What labels say of the other drugs that are taken or ordered with the agent, where they forbid one."""
    forbids = [each for each in knowledge.interactions if each.kind == "contraindicated"]
    own = [each for each in forbids if each.agents is None or case.situation.agent in each.agents]
    return [each.says for each in own if all_of(case, {each.group})]


def _converted(case: Case, knowledge: Knowledge) -> Fact:
    """By which other sources the agents of the order were converted, where those that are read first don't list them."""
    situation = case.situation
    taken = (taking.agent for taking in (*situation.switched_from, *((situation.taking,) if situation.taking else ())))
    agents = [case.agents[name] for name in dict.fromkeys((situation.agent, *taken))]
    said = converted_by(agents, knowledge)
    return Known(said) if said else Unknown("the sources that are read first list it")


def _joined(texts: Sequence[str], by: str, otherwise: str) -> Fact:
    return Known(by.join(texts)) if texts else Unknown(otherwise)


def _is_no(fact: Fact | None) -> bool:
    return isinstance(fact, Known) and fact.value is False


def _limits(case: Case, pace: Pace | None) -> PaceLimits | None:
    """The numbers of the pace; None where it has none, so that no cut is measured."""
    if pace is None or not pace.cut or not pace.interval:
        return None
    return PaceLimits(max(case.amounts[pace.cut], case.amounts["free_cut"]), int(case.amounts[pace.interval]))


def _exceeds(case: Case, pace: Pace | None, limits: PaceLimits | None, knowledge: Knowledge) -> tuple[Fact, TooFast | None]:
    """Whether the order goes faster than the pace, and the first step that does."""
    if pace is None:
        return Known(False, "no risk asks for a pace"), None
    return too_fast(case, limits, PercentOf(knowledge.named("taper_basis", case.day)))


def _beyond_indication(risks: Iterable[Risk]) -> Fact:
    """How many true risks are the patient's own: neither the agent's, nor its indication, nor use so far."""
    own = [risk.finding for risk in risks if risk.rule.about == "patient"]
    true = [finding for finding in own if finding.true]
    if not true and any(finding.answer is Answer.CANNOT_TELL for finding in own):
        return Unknown("some risks could not be told")
    return Known(Decimal(len(true)))


NAMED = 3
"""So many sources are named one by one."""


def converted_by(agents: Iterable[Agent], knowledge: Knowledge) -> str | None:
    """A sentence for each agent that another source converted, with the reason; None where there is none."""
    first = knowledge.equivalence_sources
    told = [_told(agent, first, knowledge) for agent in agents if _by_others(agent, first)]
    return " ".join(told) or None


def _by_others(agent: Agent, first: Sequence[str]) -> bool:
    return bool(first) and bool(agent.equivalents) and not any(row.source in first for row in agent.equivalents)


def _told(agent: Agent, first: Sequence[str], knowledge: Knowledge) -> str:
    used = _listed(list(dict.fromkeys(knowledge.evidence[row.source].label for row in agent.equivalents)))
    labels = [knowledge.evidence[source].label for source in first]
    if len(labels) > NAMED:
        labels = [*labels[: NAMED - 1], "the other sources that are read first"]
    does = "does" if len(labels) == 1 else "do"
    return f"{agent.name[:1].upper()}{agent.name[1:]} is converted by {used}, because {_listed(labels)} {does} not list it."


def _listed(labels: Sequence[str]) -> str:
    return " and ".join([", ".join(labels[:-1]), labels[-1]]) if len(labels) > 1 else labels[0]
