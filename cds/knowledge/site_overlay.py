"""A site's overlay of the rule book: what it moves, chooses, quietens and signs off. It never forks a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from cds.core.medication import Agent
from cds.core.placeholder import PLACEHOLDER
from cds.knowledge.files.evidence import LOCAL
from cds.knowledge.files.examples import conditions_of
from cds.knowledge.model import Because, CodedValue, Knowledge, ParameterName, Rule, Status
from cds.knowledge.model_parameters import EvidenceSource, Pace, Parameter, ParameterEdition
from cds.knowledge.model_sites import ChosenSources, Reason, SignOff, Site
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed, nearest

NEEDS_SIGN_OFF = ", needs clinical sign-off"
EQUIVALENCE_NOTE = "equivalence_note"


def at_site(revision: str, site: str | None) -> str:
    """The revision of a rule book as a site has it; as it is where there is none."""
    return f"{revision}+{site}" if site else revision


def of_site(revision: str) -> tuple[str, str | None]:
    """The revision of the rule book, and the site, of the revision of a knowledge.

    >>> of_site("sha256:0+north")
    ('sha256:0', 'north')
    """
    book, _, site = revision.partition("+")
    return book, site or None


def named(rule: Rule) -> str:
    """A rule's name among both kinds, which is its path: `advice/cut-too-fast`."""
    return f"{rule.kind.value}/{rule.id}"


def site(knowledge: Knowledge, id: str, day: date, goes_on: bool = False) -> Knowledge:
    """The knowledge as a site has it on a day; its revision names the site.

    Refuses, with BadKnowledge: a site without a file, a draft, and, unless the site only goes on being served, a change whose
    review was due before that day.
    """
    problems = Problems()
    found = _chosen(knowledge, id, problems)
    if found is not None and not goes_on:
        check_reviews([found], day, problems)
    problems.raise_any()
    assert found is not None
    return overlaid(knowledge, found, day)


def _chosen(knowledge: Knowledge, id: str, problems: Problems) -> Site | None:
    found = knowledge.sites.get(id)
    if found is None:
        expected = f"There are: {listed(sorted(knowledge.sites))}."
        problems.add("RULE166", Position("rules/sites"), f"`{id}` is no site.", expected, nearest(id, knowledge.sites))
    elif not found.active:
        do = "Make it `status: active` once everything in it is approved."
        problems.add("RULE166", found.position, f"the site {id} is a draft.", "A draft is checked and never served.", do)
    return found


def check_reviews(sites: Iterable[Site], day: date, problems: Problems) -> None:
    """Reports every change of the active sites whose review was due before the day."""
    for one in sites:
        for name, approval in one.approvals() if one.active else ():
            if approval.review_by < day:
                seen = f"{one.id} changed {name}, to be reviewed by {approval.review_by.isoformat()}; it is {day.isoformat()}."
                do = "Review it, then set a new review_by; or take the change out."
                problems.add("RULE162", approval.position, seen, "A change holds until its review.", do)


def overlaid(knowledge: Knowledge, site: Site, day: date) -> Knowledge:
    """The knowledge as the site has it on the day, its reviews not looked at. Only what is shown and said depends on the day."""
    moved = {name: _moved(knowledge.parameters[name], name, site) for name in site.parameters}
    rules, known = (_at_site(rule, site, day) for rule in knowledge.rules), knowledge.override_reasons
    signed = {name: _signed_parameter(one, site, knowledge) for name, one in {**knowledge.parameters, **moved}.items()}
    return replace(
        knowledge,
        revision=at_site(knowledge.revision, site.id),
        parameters=signed,
        evidence={**knowledge.evidence, **_sources(knowledge, site)},
        rules=tuple(_signed_rule(rule, site, knowledge) for rule in rules),
        agents={name: _converted(agent, site.equivalence) for name, agent in knowledge.agents.items()},
        equivalence_sources=site.equivalence.sources if site.equivalence else knowledge.equivalence_sources,
        texts=_texts(knowledge, site.equivalence),
        paces={name: _paced(pace, site, day) for name, pace in knowledge.paces.items()},
        override_reasons={name: _worded(reason, site.override_reasons.get(name)) for name, reason in known.items()},
    )


def _moved(parameter: Parameter, name: str, site: Site) -> Parameter:
    """The parameter with the site's value from its day on, in place of every later edition of the rule book."""
    change = site.parameters[name]
    earlier = tuple(edition for edition in parameter.editions if edition.since < change.since)
    own = ParameterEdition(change.since, change.value, _cite(site, name), change.approval.because)
    return replace(parameter, editions=(own, *earlier))


def _at_site(rule: Rule, site: Site, day: date) -> Rule:
    """The rule, silent where the site wants it so that day.

    Its examples were decided with the rule book's own numbers; a rule that asks about one that was moved is left without.
    """
    quiet = site.quiet.get(named(rule))
    if quiet is not None and quiet.on(day) and rule.status is Status.ACTIVE:
        rule = replace(rule, status=Status.SILENT)
    if rule.card is not None:
        offered = tuple(name for name in rule.card.override_reasons if not _left_out(site.override_reasons.get(name)))
        rule = replace(rule, card=replace(rule.card, override_reasons=offered))
    return replace(rule, examples=()) if _asks_about(rule) & site.parameters.keys() else rule


def _paced(pace: Pace, site: Site, day: date) -> Pace:
    """The pace in words that follow the site's numbers, where it has one of theirs otherwise that day."""
    named = {match[1].removeprefix("parameter.") for match in PLACEHOLDER.finditer(pace.says_where_moved or "")}
    moved = any(change.since <= day and name in named for name, change in site.parameters.items())
    return replace(pace, says=pace.says_where_moved or pace.says) if moved else pace


def _left_out(reason: Reason | None) -> bool:
    return reason is not None and reason.display is None


def _worded(ours: CodedValue, reason: Reason | None) -> CodedValue:
    """The reason in the site's words. One that is left out is still understood where it is reported."""
    return replace(ours, display=reason.display) if reason is not None and reason.display else ours


def _asks_about(rule: Rule) -> set[str]:
    operands = (operand for condition in conditions_of(rule.when) for operand in condition.operands)
    return {operand.name for operand in operands if isinstance(operand, ParameterName)}


def _converted(agent: Agent, chosen: ChosenSources | None) -> Agent:
    """The agent with the rows of the chosen sources alone; as it was where they have none."""
    every = (*agent.equivalents, *agent.other_equivalents)
    rows = tuple(row for row in every if chosen is not None and row.source in chosen.sources)
    if not rows:
        return agent
    return replace(agent, equivalents=rows, other_equivalents=tuple(row for row in every if row not in rows))


def not_converted_by(knowledge: Knowledge, sources: Iterable[str]) -> tuple[str, ...]:
    """The agents for which none of the sources has a row, so that the rule book's own sources are read."""
    wanted = set(sources)
    return tuple(
        name
        for name, agent in sorted(knowledge.agents.items())
        if agent.equivalents and not any(row.source in wanted for row in (*agent.equivalents, *agent.other_equivalents))
    )


def _texts(knowledge: Knowledge, chosen: ChosenSources | None) -> Mapping[str, str]:
    """The texts of cards, the note on equivalents with what the site reads."""
    if chosen is None or EQUIVALENCE_NOTE not in knowledge.texts:
        return knowledge.texts
    labels = ", ".join(knowledge.evidence[source].label for source in chosen.sources)
    others = "; where it has no row, the range of the other sources" if not_converted_by(knowledge, chosen.sources) else ""
    note = f"*This site reads {labels}{others}.*"
    return {**knowledge.texts, EQUIVALENCE_NOTE: f"{knowledge.texts[EQUIVALENCE_NOTE].strip()} {note}"}


def _signed_parameter(parameter: Parameter, site: Site, knowledge: Knowledge) -> Parameter:
    signed = site.signed_off.get(parameter.name)
    if signed is None:
        return parameter
    editions = (
        replace(one, cite=_signed_cite(site, parameter.name, one.cite)) if signs(signed, one, knowledge) else one
        for one in parameter.editions
    )
    return replace(parameter, editions=tuple(editions))


def _signed_rule(rule: Rule, site: Site, knowledge: Knowledge) -> Rule:
    signed = site.signed_off.get(named(rule))
    if signed is None or signed.version != rule.version:
        return rule
    because = (
        replace(one, cite=_signed_cite(site, named(rule), one.cite)) if is_local(one.cite, knowledge) else one
        for one in rule.because
    )
    return replace(rule, because=tuple(because))


def signs(signed: SignOff, edition: ParameterEdition, knowledge: Knowledge) -> bool:
    """Whether the sign-off is of this edition: a local default of that value."""
    return edition.value == signed.value and is_local(edition.cite, knowledge)


def is_local(cite: str, knowledge: Knowledge) -> bool:
    """Whether what cites it is our own choice, which a clinician has to sign off."""
    source = knowledge.evidence.get(cite)
    return source is not None and source.origin == LOCAL


def local_statements(rule: Rule, knowledge: Knowledge) -> tuple[Because, ...]:
    """What a rule says that no guideline supports."""
    return tuple(one for one in rule.because if is_local(one.cite, knowledge))


def _cite(site: Site, name: str) -> str:
    return f"{site.id}/{name}"


def _signed_cite(site: Site, name: str, cite: str) -> str:
    return f"{_cite(site, name)}/{cite}"


def _sources(knowledge: Knowledge, site: Site) -> dict[str, EvidenceSource]:
    """A source for each number that the site moved, and for each local default that it signed off."""
    found = {}
    for name, change in site.parameters.items():
        label = f"{site.title}, approved by {change.approval.approved_by}"
        found[_cite(site, name)] = EvidenceSource(_cite(site, name), f"{name} at {site.title}", label, LOCAL)
    for name, signed in site.signed_off.items():
        for cite, source in knowledge.evidence.items():
            if source.origin == LOCAL:
                own = _signed_cite(site, name, cite)
                label = source.label.removesuffix(NEEDS_SIGN_OFF)
                label += f", signed off by {signed.approval.approved_by} on {signed.on.isoformat()}"
                found[own] = replace(source, id=own, label=label)
    return found
