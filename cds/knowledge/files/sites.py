"""Reads `rules/sites/*.yaml` and holds each change to what the rule book lets a site do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

from cds.knowledge.fields import Fields, kind
from cds.knowledge.files.examples import conditions_of
from cds.knowledge.files.parameters import bounds_in_words, inside, value_of
from cds.knowledge.files.vocabulary import risk_fact
from cds.knowledge.model import Knowledge, Rule, RuleCondition, RuleKind, Status
from cds.knowledge.model_sites import Approval, ChosenSources, MovedParameter, Reason, SignOff, SilencedRule, Site
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed, nearest
from cds.knowledge.site_overlay import is_local, local_statements, named, signs
from cds.knowledge.yaml_text import Node, Pairs, Scalar, read

FOLDER = "sites/"
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""What stands behind a revision, in counters and in the store."""
STATUSES = ("draft", "active")
REQUIRED = ("site", "title", "status")
CHANGES = ("parameters", "equivalence_source", "rules", "override_reasons", "sign_off")
APPROVAL = ("because", "approved_by", "review_by")


def sites(files: Mapping[str, bytes], knowledge: Knowledge, problems: Problems) -> dict[str, Site]:
    """The sites by id. That a review is due is not told here: it depends on the day."""
    found = {}
    for name in sorted(files):
        if name.startswith(FOLDER) and name.endswith(".yaml"):
            document = read(f"rules/{name}", files[name], problems)
            if document is not None:
                one = _site(name, document, knowledge, problems)
                found[one.id] = one
    return found


def _site(file: str, document: Node, knowledge: Knowledge, problems: Problems) -> Site:
    fields = Fields(document, problems, REQUIRED, CHANGES)
    id, stem = fields.text("site"), file.removeprefix(FOLDER).removesuffix(".yaml")
    if id and id != stem:
        problems.add("RULE024", fields.at("site"), f"the site is `{id}`, its file `{stem}.yaml`.", "", "Give both one name.")
    if ID.fullmatch(stem) is None:
        expected = "Expected: small letters, digits and hyphens, at most 63, such as north-hospital."
        problems.add("RULE023", fields.at("site"), f"`{stem}` is no id of a site.", expected, "Give its file such a name too.")
    made = Site(
        id=stem,
        title=fields.text("title"),
        active=fields.one_of("status", STATUSES) == "active",
        parameters=dict(_parameters(fields, knowledge)),
        equivalence=_equivalence(fields, knowledge),
        quiet=dict(_quiet(fields, knowledge)),
        signed_off=dict(_signed_off(fields, knowledge)),
        override_reasons=dict(_override_reasons(fields, knowledge)),
        position=fields.position,
    )
    _check_asked(made, knowledge, problems)
    return made


def _entries(fields: Fields, key: str) -> Iterator[tuple[Scalar, Node]]:
    node = fields.node(key)
    if isinstance(node, Pairs):
        yield from node.pairs
    elif node is not None:
        fields.problems.add("RULE022", node.position, f"`{key}` is {kind(node)}.", "Expected: names, each with its change.")


def _approval(entry: Fields) -> Approval | None:
    """The approval of a change; None where part of it is missing, which is told."""
    review_by = entry.day("review_by")
    because, approved_by = entry.text("because"), entry.text("approved_by")
    return Approval(because, approved_by, review_by, entry.at("review_by")) if because and approved_by and review_by else None


def _parameters(fields: Fields, knowledge: Knowledge) -> Iterator[tuple[str, MovedParameter]]:
    problems = fields.problems
    for key, node in _entries(fields, "parameters"):
        entry = Fields(node, problems, ["value", "from", *APPROVAL])
        parameter, approval, since = knowledge.parameters.get(key.text), _approval(entry), entry.day("from")
        open_ = sorted(name for name, one in knowledge.parameters.items() if one.site_may_change)
        if parameter is None:
            problems.add("RULE110", key.position, f"`{key.text}` is no parameter.", "", nearest(key.text, knowledge.parameters))
            continue
        if not parameter.site_may_change:
            expected = f"A site may move: {listed(open_)}."
            problems.add("RULE160", key.position, f"{key.text} is not for a site to change.", expected)
            continue
        value = value_of(entry, "value", parameter.unit) if entry.node("value") is not None else None
        if value is not None and not inside(value, parameter):
            seen, bounds = f"{key.text} is set to {value}.", f"A site keeps to: {bounds_in_words(parameter)}."
            problems.add("RULE161", entry.at("value"), seen, bounds)
        elif value is not None and approval and since:
            yield key.text, MovedParameter(since, value, approval)


def _equivalence(fields: Fields, knowledge: Knowledge) -> ChosenSources | None:
    if fields.node("equivalence_source") is None:
        return None
    entry = Fields(fields.node("equivalence_source"), fields.problems, ["use", *APPROVAL])
    agents = knowledge.agents.values()
    known = {row.source for agent in agents for row in (*agent.equivalents, *agent.other_equivalents)}
    sources = entry.each_of("use", sorted(known & knowledge.evidence.keys()), "RULE120")
    approval = _approval(entry)
    if not sources and entry.node("use") is not None and not entry.items("use"):
        fields.problems.add("RULE022", entry.at("use"), "no source is named.", "", "Name one, or take equivalence_source out.")
    return ChosenSources(sources, approval) if sources and approval else None


def _quiet(fields: Fields, knowledge: Knowledge) -> Iterator[tuple[str, SilencedRule]]:
    for key, node in _entries(fields, "rules"):
        entry = Fields(node, fields.problems, APPROVAL, ["silent", "silent_until"])
        approval, until = _approval(entry), entry.day("silent_until")
        rule = _rule(key, knowledge, fields.problems)
        always = entry.node("silent") is not None
        if not _one_of(key, entry, ("silent", "silent_until"), "`silent: yes` and `silent_until: 2027-01-01`"):
            continue
        if always and entry.one_of("silent", ("yes",)) is None:
            continue
        if rule and approval and (until or always):
            yield key.text, SilencedRule(until, approval)


def _override_reasons(fields: Fields, knowledge: Knowledge) -> Iterator[tuple[str, Reason]]:
    for key, node in _entries(fields, "override_reasons"):
        entry = Fields(node, fields.problems, APPROVAL, ["display", "left_out"])
        approval, display = _approval(entry), entry.optional_text("display")
        left_out = entry.node("left_out") is not None and entry.one_of("left_out", ("yes",)) == "yes"
        if key.text not in knowledge.override_reasons:
            do = nearest(key.text, knowledge.override_reasons)
            fields.problems.add("RULE124", key.position, f"`{key.text}` is no override reason.", "", do)
        elif not _one_of(key, entry, ("display", "left_out"), "`display: Our own words` and `left_out: yes`"):
            continue
        elif approval and (display or left_out):
            yield key.text, Reason(display, approval)


def _one_of(key: Scalar, entry: Fields, names: tuple[str, ...], expected: str) -> bool:
    """Whether exactly one of the keys stands there."""
    given = [name for name in names if entry.node(name) is not None]
    if len(given) != 1:
        entry.problems.add("RULE021", key.position, f"{listed(given)} stands here.", f"Expected one of {expected}.")
    return len(given) == 1


def _rule(key: Scalar, knowledge: Knowledge, problems: Problems) -> Rule | None:
    rules = {named(rule): rule for rule in knowledge.rules}
    if key.text not in rules:
        expected = "Expected: risk/ or advice/ and the rule's id."
        problems.add("RULE163", key.position, f"`{key.text}` is no rule.", expected, nearest(key.text, rules))
    return rules.get(key.text)


def _signed_off(fields: Fields, knowledge: Knowledge) -> Iterator[tuple[str, SignOff]]:
    for key, node in _entries(fields, "sign_off"):
        of_rule = "/" in key.text
        entry = Fields(node, fields.problems, ["version" if of_rule else "value", "on", *APPROVAL])
        approval, on = _approval(entry), entry.day("on")
        if on is None or approval is None:
            continue
        signed = _of_rule(key, entry, on, approval, knowledge) if of_rule else _of_value(key, entry, on, approval, knowledge)
        if signed is not None:
            yield key.text, signed


def _of_rule(key: Scalar, entry: Fields, on: date, approval: Approval, knowledge: Knowledge) -> SignOff | None:
    rule, problems = _rule(key, knowledge, entry.problems), entry.problems
    if rule is None:
        return None
    if not local_statements(rule, knowledge):
        problems.add("RULE164", key.position, f"{key.text} holds no local default.", "", "Take it out.")
        return None
    version = entry.whole("version")
    seen = f"version {version} of {key.text} was signed off; it is version {rule.version} now."
    if version > rule.version:
        problems.add("RULE165", entry.at("version"), seen, "A sign-off is of a version that is there.")
    elif version < rule.version:  # the rule book goes on without waiting for its sites; the sign-off no longer counts
        expected = "So it counts as not signed off."
        problems.warn("RULE165", entry.at("version"), seen, expected, "Read what changed, and sign that off.")
    return SignOff(on, approval, version=version)


def _of_value(key: Scalar, entry: Fields, on: date, approval: Approval, knowledge: Knowledge) -> SignOff | None:
    problems, parameter = entry.problems, knowledge.parameters.get(key.text)
    if parameter is None:
        expected = "Expected: a parameter, or a rule such as advice/cut-too-fast."
        problems.add("RULE110", key.position, f"`{key.text}` is no parameter.", expected, nearest(key.text, knowledge.parameters))
        return None
    value = value_of(entry, "value", parameter.unit)
    signed = SignOff(on, approval, value=value)
    if value is None:
        return None
    if not any(signs(signed, edition, knowledge) for edition in parameter.editions):
        local = [str(edition.value) for edition in parameter.editions if is_local(edition.cite, knowledge)]
        seen = f"{key.text} at {value} is no local default."
        problems.add("RULE165" if local else "RULE164", entry.at("value"), seen, f"Its local defaults: {listed(local)}.")
        return None
    return signed


def _check_asked(site: Site, knowledge: Knowledge, problems: Problems) -> None:
    """Reports a silent risk that advice asks about while it is shown: the advice would rest on what nobody sees."""
    quiet = {name: one.until or date.max for name, one in site.quiet.items()}
    for rule in knowledge.rules:
        if rule.kind is not RuleKind.RISK or named(rule) not in quiet:
            continue
        asking = [
            named(one)
            for one in knowledge.advice()
            if one.status is Status.ACTIVE
            and quiet.get(named(one), date.min) < quiet[named(rule)]
            and any(condition.fact == risk_fact(rule.id) for condition in _conditions(one))
        ]
        if asking:
            at: Position = site.quiet[named(rule)].approval.position
            seen = f"{site.id} silences {named(rule)}, and {listed(asking)} asks about it and is shown."
            problems.add("RULE107", at, seen, "", "Silence that too, for as long; or leave the risk as it is.")


def _conditions(rule: Rule) -> Iterator[RuleCondition]:
    yield from conditions_of(rule.when)
    if rule.card is not None and rule.card.raise_when is not None:
        yield from conditions_of(rule.card.raise_when)
