"""The examples and the stories as each site would have them: what they answer otherwise there, and what breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from cds.cli.rules.decided import check_decisions
from cds.cli.rules.report import counted
from cds.cli.rules.story import StoryChange
from cds.engine.coverage import given, vocabulary_of
from cds.engine.engine import Engine
from cds.engine.explanation import written
from cds.engine.overlaps import asked_on, check_conditions
from cds.engine.reference import Answer, weigh
from cds.errors import BadKnowledge
from cds.knowledge.files.examples import CANNOT_TELL, NOTHING, POSITIVE, conditions_of
from cds.knowledge.files.vocabulary import risk_fact
from cds.knowledge.model import Example, Knowledge, ParameterName, Rule, RuleKind
from cds.knowledge.model_sites import Site
from cds.knowledge.problems import CODES, Problem, Problems, Severity
from cds.knowledge.site_overlay import overlaid

DIFFERS, STORY = "RULE138", "RULE139"


@dataclass(frozen=True, slots=True)
class SiteOutcome:
    """A site once all that it changes is in force: the examples that it answers otherwise, the stories, and what is wrong."""

    site: Site
    differing: tuple[Problem, ...]
    wrong: tuple[Problem, ...]
    stories: tuple[StoryChange, ...]

    def says(self, stories: int) -> Iterator[str]:
        """What differs there, line by line, of so many stories."""
        yield f"At {self.site.id}{'' if self.site.active else ' (a draft)'}, once all that it changes is in force:"
        if not self.wrong:
            yield from (f"  {problem.seen.removeprefix(f'at {self.site.id} ')}" for problem in self.differing)
            yield (
                f"  {counted(len(self.differing), 'example')} answered otherwise."
                if self.differing
                else "  every example as here."
            )
        if stories and not self.wrong:
            yield from (f"  {line}" for line in self._of_stories(stories))

    def _of_stories(self, told: int) -> Iterator[str]:
        others = [story for story in self.stories if story.in_cards]
        goes = "goes" if len(others) == 1 else "go"
        yield f"{len(others)} of {counted(told, 'story')} {goes} otherwise{':' if others else '.'}"
        yield from (f"  {story.says()}" for story in others)
        if len(self.stories) > len(others):
            yield f"in {len(self.stories) - len(others)} more the same cards have other words or plans."

    def story_notices(self) -> Iterator[Problem]:
        """The stories that go otherwise there, for programs."""
        for story in self.stories:
            seen = f"at {self.site.id} the story {story.says()}."
            yield Problem(STORY, CODES[STORY], self.site.position, seen, severity=Severity.NOTICE)


Stories = Callable[[Site], Sequence[StoryChange]]
"""What changes in the stories at a site."""


def chosen_sites(book: Knowledge, asked: str | None = None) -> list[Site]:
    """The active sites by id. A draft, such as the example to copy, is looked at where it alone is `asked` for."""
    return [site for id, site in sorted(book.sites.items()) if (site.active if asked is None else id == asked)]


def at_sites(
    book: Knowledge, decided: bool = True, stories: Stories = lambda site: (), asked: str | None = None
) -> list[SiteOutcome]:
    """Each chosen site of rules that have no error: conditions, examples; decided also in both evaluators and whole decisions."""
    return [_at(site, book, decided, stories, _known(book)) for site in chosen_sites(book, asked)]


def _at(site: Site, book: Knowledge, decided: bool, stories: Stories, known: set[tuple[str, str]]) -> SiteOutcome:
    there = lasting(book, site)
    differing: list[Problem] = []
    rules = [_as_there(rule, own, book, there, site, differing) for rule, own in zip(book.rules, there.rules, strict=True)]
    found = _wrong(replace(there, rules=tuple(rules)), decided)
    wrong = tuple(_named(one, site) for one in found if (one.code, one.seen) not in known)
    return SiteOutcome(site, tuple(differing), wrong, () if wrong else tuple(stories(site)))


def _known(book: Knowledge) -> set[tuple[str, str]]:
    """What the conditions are warned of wherever they are asked."""
    problems = Problems()
    check_conditions(book, book.rules, problems)
    return {(one.code, one.seen) for one in problems.found}


def lasting(book: Knowledge, site: Site) -> Knowledge:
    """The rules as the site will have them for good: from when on it moves a number, or shows a card, is not looked at."""
    moved = {name: replace(change, since=date.min) for name, change in site.parameters.items()}
    return overlaid(book, replace(site, parameters=moved), date.max)


def _as_there(rule: Rule, own: Rule, book: Knowledge, there: Knowledge, site: Site, differing: list[Problem]) -> Rule:
    """The rule at the site, its examples with the answers that they have there; those that are others are told."""
    words, questions = vocabulary_of(rule, there), asked_on(there, rule.in_force_from)
    kept = []
    for example in rule.examples:
        against = _against(example, rule, there)
        if against and not _against(example, rule, book):
            differing.append(_notice(example, rule, site, f"means nothing: {against}"))
            continue
        answer = _word(weigh(rule.when, given(example, words), questions)[0], rule.kind)
        if answer != example.expect:
            differing.append(_notice(example, rule, site, f"answers {answer} in place of {example.expect}", _moved(rule, site)))
            example = replace(example, expect=answer, because=None)
        kept.append(example)
    return replace(own, examples=tuple(kept))


def _against(example: Example, rule: Rule, knowledge: Knowledge) -> str:
    """What an advice rule's example says of a risk that the site's numbers, over the same example, say otherwise; or nothing."""
    if rule.kind is not RuleKind.ADVICE:
        return ""
    facts = given(example, knowledge.vocabulary)
    for risk in knowledge.risks():
        said = example.given.get(risk_fact(risk.id))
        answer = weigh(risk.when, facts, asked_on(knowledge, rule.in_force_from))[0] if isinstance(said, bool) else None
        if answer is not None and answer is not Answer.CANNOT_TELL and (answer is Answer.TRUE) != said:
            return f"it gives {risk_fact(risk.id)} as {written(bool(said), None)}, and by its other facts it is not so there"
    return ""


def _word(answer: Answer, kind: RuleKind) -> str:
    return {Answer.TRUE: POSITIVE[kind], Answer.FALSE: NOTHING, Answer.CANNOT_TELL: CANNOT_TELL}[answer]


def _moved(rule: Rule, site: Site) -> str:
    """The numbers that the rule asks about and the site moved."""
    names = {one.name for condition in conditions_of(rule.when) for one in condition.operands if isinstance(one, ParameterName)}
    return "; ".join(f"{name} is {site.parameters[name].value} there" for name in sorted(names & site.parameters.keys()))


def _notice(example: Example, rule: Rule, site: Site, says: str, because: str = "") -> Problem:
    seen = f"at {site.id} the example `{example.name}` of {rule.id} {says}{f': {because}' if because else ''}."
    return Problem(DIFFERS, CODES[DIFFERS], example.position, seen, severity=Severity.NOTICE)


def _wrong(knowledge: Knowledge, decided: bool) -> list[Problem]:
    """What is wrong with the conditions, and with the examples in both evaluators and in a whole decision."""
    problems = Problems()
    check_conditions(knowledge, knowledge.rules, problems)
    if not decided:
        return list(problems.in_order())
    try:
        engine = Engine(knowledge)
    except BadKnowledge as refused:
        problems.found += [one for one in refused.problems if isinstance(one, Problem)]
        return list(problems.in_order())
    try:
        check_decisions(engine, problems)
    finally:
        engine.close()
    return list(problems.in_order())


def _named(problem: Problem, site: Site) -> Problem:
    return replace(problem, seen=f"at {site.id}: {problem.seen}")
