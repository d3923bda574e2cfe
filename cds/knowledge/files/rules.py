"""Reads one rule file, `risk/*.yaml` or `advice/*.yaml`, into a checked rule."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from cds.core.placeholder import PLACEHOLDER
from cds.knowledge.fields import Fields
from cds.knowledge.files.conditions import ConditionTerms, group
from cds.knowledge.files.evidence import check_cite
from cds.knowledge.files.examples import check_examples, examples
from cds.knowledge.files.vocabulary import risk_fact
from cds.knowledge.model import Because, Card, FactDefinition, FactType, RiskOutcome, Rule, RuleKind, Status
from cds.knowledge.model_parameters import EvidenceSource, Parameter
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed, nearest
from cds.knowledge.yaml_text import Node

HEAD = ("title", "status", "version", "in_force", "when", "because", "expect_false_alarms", "examples")
RISK = ("about", "then")
ADVICE = ("hooks", "card")
HOOKS = ("order-select", "order-sign", "patient-view", "medication-refill", "medication-prescribe")
ASKED_LIKE = {"medication-refill": "order-sign", "medication-prescribe": "order-sign"}
"""Hooks that ask what another hook asks: the rules of that one answer them too."""
ABOUT = ("agent", "indication", "use", "patient")
INDICATORS = ("info", "warning", "critical")
"""Of a card, the least urgent first."""
CROSSOVER = ("favours", "against")
LEADS, FLAGS = ("danger", "first"), ("short_supply", "ask_first")
SUGGESTIONS = ("continue_dose", "taper_plan", "crossover_plan", "naloxone")
LONGEST_SUMMARY = 139
"""CDS Hooks 2.0: a summary is shorter than 140 characters."""
OPTIONAL = re.compile(r"\[\[.*?\]\]", re.DOTALL)
"""What a text leaves out where it is not known or finds no room."""


@dataclass(frozen=True)
class RuleReferences:
    """What a rule file may refer to."""

    facts: Mapping[str, FactDefinition]
    """The vocabulary, and one fact for each risk rule."""
    parameters: Mapping[str, Parameter]
    sources: Mapping[str, EvidenceSource]
    paces: Mapping[str, object]
    override_reasons: Mapping[str, object]
    texts: Mapping[str, object]
    order: Sequence[str]
    problems: Problems
    units: frozenset[str] = field(default_factory=frozenset)

    def askable(self, kind: RuleKind) -> dict[str, FactDefinition]:
        return {name: fact for name, fact in self.facts.items() if kind is RuleKind.ADVICE or fact.asked_by != "advice rules"}

    def insertable(self) -> frozenset[str]:
        """What `{{ }}` may hold on a card.

        A fact; `text.` and the name of a shared text; `parameter.` and a parameter, for its value, or `origin.` for its source.
        """
        numbers = {f"{part}.{name}" for name in self.parameters for part in ("parameter", "origin")}
        return frozenset(self.facts) | self.shared() | numbers

    def shared(self) -> frozenset[str]:
        """The shared texts, as `{{ }}` names them. One can't hold another, so none can hold itself."""
        return frozenset(f"text.{name}" for name in self.texts)


def rule(file: str, node: Node, kind: RuleKind, around: RuleReferences) -> Rule:
    """The rule in a file; what is wrong in it is among the problems of the surroundings."""
    problems = around.problems
    own = RISK if kind is RuleKind.RISK else ADVICE
    fields = Fields(node, problems, [kind.value, *HEAD, *own])
    name = _name(fields, kind, file)
    since, until = _in_force(fields)
    askable = around.askable(kind)
    words = ConditionTerms(askable, around.facts, around.parameters, around.units, since, problems)
    when = group(fields.node("when"), words)
    worked = examples(fields, kind, askable)
    check_examples(worked, kind, when, askable, fields.position, problems)
    return Rule(
        kind=kind,
        id=name,
        title=fields.text("title"),
        status=Status(fields.one_of("status", [*Status]) or Status.DRAFT),
        version=fields.whole("version"),
        in_force_from=since or date.min,
        in_force_to=until,
        when=when,
        because=tuple(_because(fields, around)),
        expect_false_alarms=fields.texts("expect_false_alarms"),
        examples=worked,
        hooks=fields.each_of("hooks", HOOKS),
        about=fields.one_of("about", ABOUT) if kind is RuleKind.RISK else None,
        outcome=_outcome(fields, around) if kind is RuleKind.RISK else None,
        card=_card(fields, words, around) if kind is RuleKind.ADVICE else None,
        priority=_priority(fields, name, around) if kind is RuleKind.ADVICE else 0,
        position=fields.position,
    )


def _name(fields: Fields, kind: RuleKind, file: str) -> str:
    name = fields.text(kind.value)
    stem = file.rsplit("/", 1)[-1].removesuffix(".yaml")
    if name and name != stem:
        at = fields.at(kind.value)
        fields.problems.add("RULE024", at, f"the rule is `{name}`, its file `{stem}.yaml`.", "", "Give both one name.")
    return stem if kind is RuleKind.RISK else name or stem  # by its file's name advice asks about a risk


def _in_force(fields: Fields) -> tuple[date | None, date | None]:
    if fields.node("in_force") is None:
        return None, None
    span = Fields(fields.node("in_force"), fields.problems, ["from"], ["to"])
    since, until = span.day("from"), span.day("to")
    if since and until and until < since:
        fields.problems.add("RULE115", span.at("to"), "the rule ends before it begins.", "", "Correct `from` or `to`.")
    return since, until


def _because(fields: Fields, around: RuleReferences) -> Iterator[Because]:
    entries = fields.items("because")
    if not entries and fields.node("because") is not None:
        expected = "A rule stands on a source; what no guideline supports cites local-default."
        fields.problems.add("RULE022", fields.at("because"), "no support is given.", expected)
    for node in entries:
        entry = Fields(node, fields.problems, ["cite", "says"], ["strength"])
        check_cite(entry.text("cite"), entry.at("cite"), around.sources, fields.problems)
        yield Because(entry.text("cite"), entry.text("says"), entry.optional_text("strength"), node.position)


def _outcome(fields: Fields, around: RuleReferences) -> RiskOutcome:
    optional = ["pace", "pace_with_another_risk", "crossover", "setting", "watch", "brief", "instead", *LEADS, *FLAGS]
    then = Fields(fields.node("then"), fields.problems, ["says"], optional)
    for key in ("says", "watch", "brief", "instead", *LEADS):
        check_template(then.text(key), then.at(key), around.askable(RuleKind.RISK), fields.problems)
    return RiskOutcome(
        says=then.text("says"),
        pace=then.one_of("pace", tuple(around.paces)),
        pace_with_another_risk=then.one_of("pace_with_another_risk", tuple(around.paces)),
        crossover=then.one_of("crossover", CROSSOVER),
        setting=then.optional_text("setting"),
        watch=then.optional_text("watch"),
        brief=then.optional_text("brief"),
        instead=then.optional_text("instead"),
        danger=then.optional_text("danger"),
        first=then.optional_text("first"),
        short_supply=then.yes_no("short_supply"),
        ask_first=then.yes_no("ask_first"),
    )


def _card(fields: Fields, words: ConditionTerms, around: RuleReferences) -> Card:
    problems = fields.problems
    card = Fields(
        fields.node("card"),
        problems,
        ["indicator", "summary", "detail"],
        ["raise", "in_full", "also", "suggest", "if we cannot tell", "override_reasons", "only_alone"],
    )
    for key in ("summary", "detail", "in_full", "also", "if we cannot tell"):
        check_template(card.text(key), card.at(key), around.insertable(), problems)
    _check_length(card, around)
    raised, raise_when = None, None
    if card.node("raise") is not None:
        raising = Fields(card.node("raise"), problems, ["to", "when"])
        raised, raise_when = raising.one_of("to", INDICATORS), group(raising.node("when"), words)
    return Card(
        indicator=card.one_of("indicator", INDICATORS) or "info",
        summary=card.text("summary"),
        detail=card.text("detail"),
        suggest=card.each_of("suggest", SUGGESTIONS),
        if_we_cannot_tell=card.optional_text("if we cannot tell"),
        override_reasons=card.each_of("override_reasons", tuple(around.override_reasons), "RULE124"),
        raise_indicator=raised,
        raise_when=raise_when,
        in_full=card.optional_text("in_full"),
        also=card.optional_text("also"),
        only_alone=card.yes_no("only_alone"),
    )


def check_template(text: str, at: Position, known: Collection[str], problems: Problems) -> None:
    """Reports what stands in `{{ }}` and is not among the `known` words, and braces that insert nothing."""
    for match in PLACEHOLDER.finditer(text):
        if match[1] not in known:
            seen = f"`{{{{ {match[1]} }}}}` names nothing that can be inserted here."
            problems.add(
                "RULE121",
                at,
                seen,
                "Known are the facts, and on cards `text.` and `parameter.` with a name.",
                nearest(match[1], known),
            )
    rest = PLACEHOLDER.sub("", text)
    if "{{" in rest or "}}" in rest or "{%" in rest:
        problems.add("RULE122", at, "braces stand here that insert nothing.", "Write `{{ fact }}` and nothing else in them.")
    if not _closed(text):
        problems.add("RULE122", at, "`[[` and `]]` do not pair.", "Write `[[ ... ]]` around what may be left out.")


def _closed(text: str) -> bool:
    """Whether every `[[` has its `]]` after it."""
    depth = 0
    for bracket in re.findall(r"\[\[|\]\]", text):
        depth += 1 if bracket == "[[" else -1
        if depth < 0:
            return False
    return depth == 0


def _check_length(card: Fields, around: RuleReferences) -> None:
    always = OPTIONAL.sub("", card.text("summary"))
    longest = PLACEHOLDER.sub(lambda match: _widest(around.facts.get(match[1])), always)
    if len(longest) > LONGEST_SUMMARY:
        seen = f"the summary has {len(longest)} characters with the longest choices filled in."
        expected = f"At most {LONGEST_SUMMARY} fit."
        card.problems.add("RULE123", card.at("summary"), seen, expected, "Say less; the detail has room.")


def _widest(fact: FactDefinition | None) -> str:
    return max(fact.choices, key=len, default="") if fact and fact.type is FactType.CHOICE else ""


def _priority(fields: Fields, name: str, around: RuleReferences) -> int:
    if name in around.order:
        return around.order.index(name)
    seen = f"{name} is not in advice/order.yaml, so its place among the cards is not known."
    fields.problems.add("RULE027", fields.position, seen, "", "Add it there, most important first.")
    return len(around.order)


def check_names(rules: Sequence[Rule], vocabulary: Mapping[str, FactDefinition], problems: Problems) -> None:
    """Reports two rules of one kind and id, and a risk whose fact would have the name of a fact of the vocabulary."""
    seen: dict[tuple[RuleKind, str], Rule] = {}
    for one in rules:
        other = seen.setdefault((one.kind, one.id), one)
        if other is not one:
            problems.add("RULE025", one.position, f"the id {one.id} is also that of {other.position}.", "", "Rename one.")
        if one.kind is RuleKind.RISK and risk_fact(one.id) in vocabulary:
            expected = f"Advice rules ask about a risk by its id with _ for -, and {risk_fact(one.id)} is a fact already."
            problems.add("RULE026", one.position, f"the risk {one.id} has the name of a fact.", expected, "Rename one of them.")


def check_order(order: Sequence[tuple[str, Position]], advice: Sequence[str], problems: Problems) -> None:
    """Reports an id in `advice/order.yaml` that stands there twice or has no rule file."""
    for place, (name, at) in enumerate(order):
        if name not in advice:
            problems.add("RULE027", at, f"`{name}` is no advice rule.", f"There are: {listed(advice)}.", nearest(name, advice))
        elif name in [earlier for earlier, _ in order[:place]]:
            problems.add("RULE027", at, f"`{name}` stands here a second time.", "", "Keep one.")
