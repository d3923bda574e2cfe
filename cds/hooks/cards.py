"""CDS Hooks cards out of advice: the most important first, what offers the same folded together, every text filled and safe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

from cds.core.facts import Facts, Known
from cds.core.regimen import RegimenStep
from cds.core.taper_plan import NoPlan, Plan
from cds.hooks.card_sources import CardSources, card_sources
from cds.hooks.card_text import Lists, Wording
from cds.hooks.declined_card import INDICATOR, Shortened, line, what_it_was
from cds.hooks.markdown import escaped
from cds.hooks.messages import EXTENSION
from cds.hooks.plan_table import no_plan_text, plan_table
from cds.knowledge.files.rules import INDICATORS
from cds.knowledge.model import Because, Card, Knowledge, Rule, Status
from cds.knowledge.plan_basis import plan_basis

CONTINUE, TAPER, CROSSOVER, NALOXONE = "continue_dose", "taper_plan", "crossover_plan", "naloxone"
MOST_URGENT_FIRST = INDICATORS[::-1]
LONGEST_DETAIL = 5000
"""Characters: our own budget, CDS Hooks names none."""
FULL = "full"
SAID_BEFORE = "*Dose, risks, and what to expect: see the other card about this order.*"


def nothing(_: Sequence[str]) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    """No suggestion."""
    return {}


@dataclass(frozen=True, slots=True)
class Advice:
    """An advice rule that was true of one order, with the facts and lists that its texts show.

    `lists` holds `risk_factors` and `not_checked`, as plain sentences. `order` is the order's reference.
    """

    rule: Rule
    order: str
    facts: Facts
    lists: Lists = field(default_factory=dict)
    indicator: str = "info"
    cannot_tell: bool = False
    plans: Mapping[str, Plan | NoPlan] = field(default_factory=dict)
    """What was drawn up for each name of a suggestion."""
    ordered: tuple[RegimenStep, ...] = ()
    """The doses that the order gives, to be shown beside a plan; none where it changes nothing."""
    suggestions: Callable[[Sequence[str]], Mapping[str, tuple[Mapping[str, Any], ...]]] = nothing
    """What an EHR can apply for each of the names, in their order; only asked of advice that gets a card of its own."""

    @property
    def card(self) -> Card:
        if self.rule.card is None:
            raise ValueError(f"{self.rule.id} is no advice rule: it has no card")
        return self.rule.card

    @property
    def of_another_drug(self) -> bool:
        """Whether what is ordered is another drug, judged by what it does to the agent."""
        asked = self.facts.get("order_of_another_drug")
        return isinstance(asked, Known) and asked.value is True

    @property
    def wants_naloxone(self) -> bool:
        """Whether it offers naloxone, and none is on record."""
        known = self.facts.get("naloxone_on_record")
        return NALOXONE in self.card.suggest and not (isinstance(known, Known) and known.value is True)

    @property
    def agent(self) -> str | None:
        agent = self.facts.get("agent")
        return str(agent.value) if isinstance(agent, Known) else None


@dataclass(frozen=True, slots=True)
class Shown:
    """An advice that gets a card, and the less important ones that its card also tells of."""

    advice: Advice
    folded: tuple[Advice, ...] = ()

    def holds(self, other: Advice) -> bool:
        """Whether another advice is told on this card.

        About the same order it is, so that nobody accepts two plans; naloxone, which goes with any of them, has a card of its
        own. About what a drug beside does to another agent it is the same advice.
        """
        if self.advice.order != other.order:
            return other.of_another_drug and self.advice.rule.id == other.rule.id
        return not other.card.suggest or self.advice.wants_naloxone == other.wants_naloxone

    def with_folded(self, *others: Advice) -> Shown:
        return replace(self, folded=(*self.folded, *others))


def cards(
    advice: Iterable[Advice],
    knowledge: Knowledge,
    day: date,
    decision: str,
    new_id: Callable[[], str],
    shortened: Iterable[Shortened] = (),
    at_length: bool = False,
) -> list[dict[str, Any]]:
    """The cards of a call, most important first, at most `most_cards` of them, those that are shortened last.

    `at_length` asks for the long text of each; without it a site's parameter says which it is.
    A silent rule gives none, and so does advice that cannot be told: what was not checked is said by the cards that are shown.
    """
    full, short = _apart(_in_order(_to_be_told(advice)), shortened)
    most = int(knowledge.value("most_cards", day))
    shown = _folded(full, most)
    lines, beyond = short[: most - len(shown)], short[most - len(shown) :]
    mentioned = tuple(each for _, one in beyond for each in (one.advice, *one.folded))
    if shown:
        shown[0] = shown[0].with_folded(*mentioned)
    elif mentioned:
        lines[0] = (lines[0][0], lines[0][1].with_folded(*mentioned))
    long = at_length or knowledge.named("card_detail", day) == FULL
    call, said = _CardWriting(knowledge, day, decision, cache(escaped), long), dict[str, set[str]]()
    made = [_card(each, call, new_id(), said.setdefault(each.advice.order, set())) for each in shown]
    return made + [_line(one, each, knowledge, day, decision, new_id) for one, each in lines]


def subjects(advice: Iterable[Advice]) -> list[Shown]:
    """What the cards would be about if there were room for all of them, most important first."""
    told = _in_order(_to_be_told(advice))
    return _folded(told, len(told))


def _to_be_told(advice: Iterable[Advice]) -> list[Advice]:
    return [each for each in advice if each.rule.status is not Status.SILENT and not each.cannot_tell]


def _apart(told: list[Advice], shortened: Iterable[Shortened]) -> tuple[list[Advice], list[tuple[Shortened, Shown]]]:
    """What is told in full, and what is told in one line, each with what goes with it; both most important first."""
    lines = {(one.rule, one.order): one for one in shortened}
    short: list[tuple[Shortened, Shown]] = []
    for each in _folded(told, len(told)) if lines else ():
        one = lines.get((each.advice.rule.id, each.advice.order))
        if one is not None:
            with_it = (folded for folded in each.folded if (folded.rule.id, folded.order) in one.also)
            short.append((one, Shown(each.advice, tuple(with_it))))
    gone = {id(each) for _, shown in short for each in (shown.advice, *shown.folded)}
    return _in_order([each for each in told if id(each) not in gone]) if gone else told, short


@dataclass(frozen=True, slots=True)
class _CardWriting:
    """What all cards of a call are made with. `safe` escapes each text once: cards about one order tell much of the same."""

    knowledge: Knowledge
    day: date
    decision: str
    safe: Callable[[str], str]
    at_length: bool = False


def _in_order(told: Sequence[Advice]) -> list[Advice]:
    """The most important first: by indicator, then in the order of the rules."""

    def place(one: Advice) -> tuple[int, bool, int]:
        return MOST_URGENT_FIRST.index(one.indicator), one.card.only_alone, one.rule.priority

    return sorted(told, key=place)


def _folded(told: Sequence[Advice], most: int) -> list[Shown]:
    """One entry a card: advice about one order joins one card, what is over the limit joins the first."""
    shown: list[Shown] = []
    for advice in told:
        home = next((place for place, other in enumerate(shown) if other.holds(advice)), None)
        if home is None and len(shown) < most:
            shown.append(Shown(advice))
        else:
            shown[home or 0] = shown[home or 0].with_folded(advice)
    return shown


def _card(shown: Shown, call: _CardWriting, id: str, said: set[str]) -> dict[str, Any]:
    """One card.

    `said` holds the paragraphs of the more important cards about the same order; this card's own are added to it.
    """
    advice, knowledge, day = shown.advice, call.knowledge, call.day
    rule = card_sources(advice.rule, knowledge, _of_plans(shown, knowledge, day))
    wording = Wording(advice.facts, advice.lists, knowledge, day, {}, call.safe)
    members = {
        "uuid": id,
        "summary": wording.summary(advice.card.summary),
        "detail": in_full(shown, call, said) if call.at_length else _in_short(shown, wording, rule),
        "indicator": advice.indicator,
        "source": rule.source,
        **_suggestions(shown),
        "overrideReasons": rule.override_reasons,
        "links": rule.links,
        "extension": {EXTENSION: _extension(shown, call.decision)},
    }
    return {name: value for name, value in members.items() if value}


def _in_short(shown: Shown, wording: Wording, rule: CardSources) -> str:
    """The short detail: the rule's own text, what else there is about the order, what could not be read, and the sources."""
    advice, knowledge = shown.advice, wording.knowledge
    also = [_also_in_short(folded, shown, wording) for folded in _first_of_each_order(shown)]
    not_read = wording.value("not_read")
    parts = (
        wording.detail(advice.card.detail),
        " ".join(["**Also:**", *dict.fromkeys(filter(None, also))]) if any(also) else "",
        f"**Not read:** {wording.safe(not_read)}" if not_read else "",
        " ".join(filter(None, (rule.in_short, knowledge.texts.get("not_reviewed_short", "").strip()))),
    )
    return "\n\n".join(filter(None, parts))


def _first_of_each_order(shown: Shown) -> Iterable[Advice]:
    """What is folded: of another order only the most important, which says what to do."""
    others: set[str] = set()
    for folded in shown.folded:
        if folded.order == shown.advice.order or folded.order not in others:
            yield folded
        others.add(folded.order)


def _also_in_short(folded: Advice, shown: Shown, wording: Wording) -> str:
    """A folded advice in one line: of the same order what it adds, of another one its summary."""
    if folded.order != shown.advice.order:
        own = Wording(folded.facts, folded.lists, wording.knowledge, wording.day)
        summary = own.summary(folded.card.summary)
        return wording.safe(summary if summary[-1:] in {".", "…"} else f"{summary}.")
    if not folded.card.also:
        return ""
    return Wording(folded.facts, folded.lists, wording.knowledge, wording.day, {}, wording.safe).detail(folded.card.also)


def in_full(shown: Shown, call: _CardWriting, said: set[str]) -> str:
    """All that stands behind a card: its long text with the plans as tables, every risk, what was not read, and the basis."""
    advice, knowledge, day = shown.advice, call.knowledge, call.day
    rule, detail = card_sources(advice.rule, knowledge, _of_plans(shown, knowledge, day)), ""
    told: list[str] = []
    for most in _steps_shown(advice, knowledge, day):
        plans = {"plans": _plans(advice, knowledge, most, day)}
        wording = Wording(advice.facts, advice.lists, knowledge, day, plans, call.safe)
        detail, told = _detail(shown, wording, rule.basis, knowledge, said)
        if len(detail) <= LONGEST_DETAIL:
            break
    said.update(told)
    return detail


def _line(
    one: Shortened, shown: Shown, knowledge: Knowledge, day: date, decision: str, new_id: Callable[[], str]
) -> dict[str, Any]:
    """The card of what is shortened, in one line."""
    advice = shown.advice
    rule = card_sources(advice.rule, knowledge)
    summary = Wording(advice.facts, advice.lists, knowledge, day).summary(advice.card.summary)
    title = advice.rule.title
    parts = [what_it_was(one, title, advice.agent, summary, knowledge), _also_told(shown), _caution(knowledge)]
    members = {
        "uuid": new_id(),
        "summary": line(one, title, advice.agent, knowledge),
        "detail": "\n\n".join(filter(None, parts)),
        "indicator": INDICATOR,
        "source": rule.source,
        "links": rule.links,
        "extension": {EXTENSION: {**_extension(shown, decision), "shortened": one.json()}},
    }
    return {name: value for name, value in members.items() if value}


def _of_plans(shown: Shown, knowledge: Knowledge, day: date) -> tuple[Because, ...]:
    """What the plans that a card gives rest on; nothing where it gives none."""
    about = [one for one in (shown.advice, *shown.folded) if one.order == shown.advice.order]
    plans = {name: plan for one in about for name in one.card.suggest if isinstance(plan := one.plans.get(name), Plan)}
    paces = dict.fromkeys(plan.pace.pace for plan in plans.values())
    return tuple(because for pace in paces for because in plan_basis(tuple(plans), pace, knowledge, day))


def _detail(shown: Shown, wording: Wording, basis: str, knowledge: Knowledge, said: set[str]) -> tuple[str, list[str]]:
    """The detail without what an earlier card about the same order has said, and every paragraph that it then tells."""
    card = shown.advice.card
    whole = wording.detail(card.in_full or card.detail)
    own = _not_said_before(whole, said)
    also, caution = _also_told(shown), _caution(knowledge)
    told = [*_paragraphs(whole), caution]
    not_reviewed = "" if caution in {*said, *told[:-1]} else caution
    return "\n\n".join(part for part in (own, also, basis, not_reviewed) if part), told


def _also_told(shown: Shown) -> str:
    return "\n".join(["**Also:**", *(f"- {_also(folded, shown.advice)}" for folded in shown.folded)]) if shown.folded else ""


def _caution(knowledge: Knowledge) -> str:
    return knowledge.texts.get("not_reviewed", "").strip()


def _suggestions(shown: Shown) -> dict[str, Any]:
    """What can be applied, of everything about the order: at most one of them. Naloxone, on a card of its own, stands alone."""
    names = _names([shown.advice, *(one for one in shown.folded if one.order == shown.advice.order)])
    applicable = shown.advice.suggestions(names)
    found = [applicable.get(name, ()) for name in names]
    suggestions = [*(one for each in found for one in each[:1]), *(one for each in found for one in each[1:])]
    if not suggestions:
        return {}
    return {"suggestions": suggestions, "selectionBehavior": "at-most-one"}


def _names(advice: Sequence[Advice]) -> list[str]:
    """The suggestions of a card, each once: today's dose first; a crossover before the taper where one of them puts it there."""
    names = list(dict.fromkeys(name for one in advice for name in one.card.suggest))
    leads = any(one.card.suggest[:1] == (CROSSOVER,) for one in advice)
    place = {CONTINUE: 0, CROSSOVER: 1 if leads else 3, TAPER: 2}
    return sorted(names, key=lambda name: place.get(name, 4))


def _steps_shown(advice: Advice, knowledge: Knowledge, day: date) -> range:
    """How many steps of each plan to show, the most first: two plans share those of a card; a long card shows fewer, or none."""
    plans = sum(name in advice.plans for name in advice.card.suggest)
    most = -(-int(knowledge.value("steps_on_a_card", day)) // max(plans, 1))
    return range(most, -1, -1)


def _plans(advice: Advice, knowledge: Knowledge, most: int, day: date) -> str:
    """The plans that the card offers, each as a table of its first steps, or why there is none."""
    drawn = [advice.plans[name] for name in advice.card.suggest if name in advice.plans]
    told = [plan.once(plan_table, advice.ordered, day, most) if isinstance(plan, Plan) else no_plan_text(plan) for plan in drawn]
    if any(isinstance(plan, Plan) for plan in drawn):
        told.append(knowledge.texts.get("takes_the_place", "").strip())
    return "\n\n".join(dict.fromkeys(filter(None, told)))


def _not_said_before(detail: str, said: set[str]) -> str:
    """The paragraphs that no earlier card about the same order has; where some are left out, a line says where they stand."""
    paragraphs = _paragraphs(detail)
    new = [paragraph for paragraph in paragraphs if paragraph not in said]
    if len(paragraphs) > 1 and len(new) < len(paragraphs):
        new.append(SAID_BEFORE)
    return "\n\n".join(new)


def _paragraphs(text: str) -> list[str]:
    return [paragraph for paragraph in text.split("\n\n") if paragraph]


def _also(folded: Advice, shown: Advice) -> str:
    """The title of a folded advice, and its agent where it is about another order."""
    elsewhere = folded.order != shown.order and folded.agent
    return f"{folded.rule.title} ({folded.agent})" if elsewhere else folded.rule.title


def _extension(shown: Shown, decision: str) -> dict[str, Any]:
    rule = shown.advice.rule
    also = list(dict.fromkeys(folded.rule.id for folded in shown.folded))
    named = {"decision": decision, "rule": rule.id, "ruleVersion": rule.version, "order": shown.advice.order, "alsoSays": also}
    return {name: value for name, value in named.items() if value not in ("", [])}
