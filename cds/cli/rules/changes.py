"""What differs between two revisions of the rules, each difference as one sentence that a clinician can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date

from cds.core.quantity import Quantity, Range, plain
from cds.knowledge.checks.versions import meaning
from cds.knowledge.condition_text import entry_in_words
from cds.knowledge.files.examples import conditions_of
from cds.knowledge.model import Card, Group, Knowledge, Parameter, RiskOutcome, Rule, RuleKind

TABLES = "drugs/"
OF_AGENTS = ("drugs/agents.yaml", "drugs/equivalents.yaml")
"""The tables whose changes are told agent by agent."""
MOST_LINES = 20
"""Lines of one table that are quoted."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `begins` is the first day on which it can be seen, where it is of a number or a rule that has one."""

    what: str
    name: str
    says: str
    begins: date | None = None

    def as_json(self) -> dict[str, str | None]:
        return {
            "what": self.what,
            "name": self.name,
            "says": self.says,
            "begins": self.begins.isoformat() if self.begins else None,
        }


def changes(old: Knowledge, new: Knowledge, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[Change]:
    """Every difference: numbers first, then rules, words, paces and texts, then the tables by file."""
    yield from _parameters(old, new)
    yield from _rules(old, new)
    for name in _all(old.vocabulary, new.vocabulary):
        yield from _plain("fact", name, old.vocabulary.get(name), new.vocabulary.get(name))
    for name in _all(old.paces, new.paces):
        yield from _plain("pace", name, old.paces.get(name), new.paces.get(name))
    for name in _all(old.texts, new.texts):
        yield from _plain("text", name, old.texts.get(name), new.texts.get(name))
    for name in _all(old.evidence, new.evidence):
        yield from _plain("source", name, old.evidence.get(name), new.evidence.get(name))
    order = [[rule.id for rule in each.advice()] for each in (old, new)]
    if [name for name in order[0] if name in order[1]] != [name for name in order[1] if name in order[0]]:
        yield Change("order", "advice/order.yaml", f"cards stand in another order: {', '.join(order[1])}")
    for name in _all(old.value_sets, new.value_sets):
        yield from _value_set(name, old, new)
    yield from _agents(old, new)
    for name in _all(before, after):
        if name.startswith(TABLES) and name not in OF_AGENTS and before.get(name) != after.get(name):
            yield from _lines(name, before.get(name), after.get(name))


def _parameters(old: Knowledge, new: Knowledge) -> Iterator[Change]:
    for name in _all(old.parameters, new.parameters):
        was, now = old.parameters.get(name), new.parameters.get(name)
        if was is None and now is not None:
            yield Change("parameter", name, f"{name} is new: {now.means} ({', '.join(str(one.value) for one in now.editions)})")
        elif now is None:
            yield Change("parameter", name, f"{name} is gone")
        elif was is not None:
            yield from _editions(was, now)


def _editions(was: Parameter, now: Parameter) -> Iterator[Change]:
    held = {edition.since: edition for edition in was.editions}
    for edition in reversed(now.editions):
        earlier = held.pop(edition.since, None)
        source = f", {edition.cite}"
        if earlier is None:
            before = next((one for one in was.editions if one.since < edition.since), None)
            moved = _from_to(before.value, edition.value) if before else str(edition.value)
            says = f"{now.name} {moved} from {edition.since.isoformat()} on ({now.means[:1].lower()}{now.means[1:]}{source})"
            yield Change("parameter", now.name, says, edition.since)
        elif earlier.value != edition.value:
            moved = _from_to(earlier.value, edition.value)
            says = f"{now.name} {moved}, changed in place ({now.means[:1].lower()}{now.means[1:]}{source})"
            yield Change("parameter", now.name, says, edition.since)
        elif earlier.cite != edition.cite:
            yield Change("parameter", now.name, f"{now.name} rests on {edition.cite} in place of {earlier.cite}")
    for since in held:
        yield Change("parameter", now.name, f"{now.name}: the value from {since.isoformat()} on is gone")
    if (was.at_least, was.at_most) != (now.at_least, now.at_most):
        bounds = f"{now.at_least or 'none'} to {now.at_most or 'none'}"
        yield Change(
            "parameter", now.name, f"{now.name}: a site may choose from {bounds}, before {was.at_least} to {was.at_most}"
        )


def _from_to(was: Quantity | str, now: Quantity | str) -> str:
    if isinstance(was, Quantity) and isinstance(now, Quantity) and was.unit == now.unit:
        return f"{plain(was.value)} to {now}"
    return f"{was} to {now}"


def _rules(old: Knowledge, new: Knowledge) -> Iterator[Change]:
    held: dict[tuple[RuleKind, str], Rule] = {(rule.kind, rule.id): rule for rule in old.rules}
    for rule in new.rules:
        was = held.pop((rule.kind, rule.id), None)
        if was is None:
            yield _change(rule, f"is new ({rule.status}): {rule.title}")
        else:
            for says in _of_rule(was, rule):
                yield _change(rule, says)
    for rule in held.values():
        yield _change(rule, "is gone")


def _change(rule: Rule, says: str) -> Change:
    return Change(rule.kind.value, rule.id, f"{rule.kind} {rule.id} {says}", rule.in_force_from)


def _of_rule(was: Rule, now: Rule) -> Iterator[str]:
    if was.status != now.status:
        yield f"goes from {was.status} to {now.status}"
    if (was.in_force_from, was.in_force_to) != (now.in_force_from, now.in_force_to):
        ends = f" to {now.in_force_to.isoformat()}" if now.in_force_to else ""
        yield f"is in force from {now.in_force_from.isoformat()}{ends}"
    yield from _conditions(was.when, now.when)
    if was.hooks != now.hooks:
        yield f"answers {', '.join(now.hooks)}; before {', '.join(was.hooks)}"
    yield from _members(was.outcome, now.outcome)
    yield from _members(was.card, now.card)
    if meaning(was) != meaning(now) and was.version == now.version:
        yield f"means something else under the same version {now.version}"
    elif was.version != now.version:
        yield f"goes from version {was.version} to {now.version}"
    if [one.cite for one in was.because] != [one.cite for one in now.because]:
        yield f"rests on {', '.join(one.cite for one in now.because)}; before {', '.join(one.cite for one in was.because)}"


def _conditions(was: Group, now: Group) -> Iterator[str]:
    before, after = ([*_entries(each)] for each in (was, now))
    yield from (f"no longer asks: {entry}" for entry in before if entry not in after)
    yield from (f"now asks: {entry}" for entry in after if entry not in before)


def _entries(group: Group) -> Iterator[str]:
    for name, entries in (("all", group.all), ("any", group.any), ("none", group.none)):
        yield from (f"{name}: {entry_in_words(entry)}" for entry in entries)


def _members(was: Card | RiskOutcome | None, now: Card | RiskOutcome | None) -> Iterator[str]:
    """What of a card or an outcome is other than before; long texts are named, not quoted."""
    if was is None or now is None:
        return
    for member in fields(now):
        before, after = getattr(was, member.name), getattr(now, member.name)
        name = member.name.replace("_", " ")
        if isinstance(before, Group) and isinstance(after, Group):
            if [*conditions_of(before)] != [*conditions_of(after)]:
                yield from (f"{name}: {says}" for says in _conditions(before, after))
        elif before != after:
            short = all(len(str(value)) <= 140 for value in (before, after))
            yield f"{name}: {_shown(before)} to {_shown(after)}" if short else f"{name} has another text"


def _shown(value: object) -> str:
    if value is None or value == ():
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else f"{value}"


def _plain(what: str, name: str, was: object, now: object) -> Iterator[Change]:
    if was is None:
        yield Change(what, name, f"{what} {name} is new")
    elif now is None:
        yield Change(what, name, f"{what} {name} is gone")
    elif isinstance(was, str) or not hasattr(was, "__dataclass_fields__"):
        if was != now:
            yield Change(what, name, f"{what} {name} has another text")
    else:
        for member in was.__dataclass_fields__:
            before, after = getattr(was, member), getattr(now, member)
            if before != after and member != "position":
                yield Change(what, name, f"{what} {name}: {member.replace('_', ' ')} {_shown(before)} to {_shown(after)}")


def _value_set(name: str, old: Knowledge, new: Knowledge) -> Iterator[Change]:
    was, now = ({(row.system, row.code): row.display for row in each.value_sets.get(name, ())} for each in (old, new))
    more, less = [now[key] for key in now.keys() - was.keys()], [was[key] for key in was.keys() - now.keys()]
    for word, displays in (("gains", more), ("loses", less)):
        if displays:
            yield Change("value set", name, f"value set {name} {word} {len(displays)} codes: {_few(sorted(set(displays)))}")


def _agents(old: Knowledge, new: Knowledge) -> Iterator[Change]:
    """What changes of each agent: its equivalents by source, then the rest as the tables name it."""
    for name in _all(old.agents, new.agents):
        was, now = old.agents.get(name), new.agents.get(name)
        if was is None or now is None:
            yield Change("agent", name, f"agent {name} is {'new' if was is None else 'gone'}")
            continue
        before, after = ({one.source: Range(one.low, one.high) for one in each.equivalents} for each in (was, now))
        for source in _all(before, after):
            if before.get(source) != after.get(source):
                said = f"{before.get(source, 'not')} to {after.get(source, 'not')} mg for diazepam 10 mg, by {source}"
                yield Change("agent", name, f"agent {name} counts {said}")
        yield from _plain("agent", name, was, replace(now, equivalents=was.equivalents))


def _lines(name: str, before: bytes | None, after: bytes | None) -> Iterator[Change]:
    """The lines of a table that differ; the tables are written a drug or a product a line."""
    if before is None or after is None:
        yield Change("table", name, f"{name} is {'new' if before is None else 'gone'}")
        return
    was, now = (Counter(_says(each)) for each in (before, after))
    less, more = [*(was - now).elements()], [*(now - was).elements()]
    if len(less) == 1 and len(more) == 1:
        yield Change("table", name, f"{name}: `{less[0]}` to `{more[0]}`")
        return
    for word, lines in (("no longer says", less), ("now says", more)):
        yield from (Change("table", name, f"{name} {word}: {line}") for line in lines[:MOST_LINES])
        if len(lines) > MOST_LINES:
            yield Change("table", name, f"{name} {word}, besides: {len(lines) - MOST_LINES} more lines")


def _says(content: bytes) -> list[str]:
    lines = (line.strip() for line in content.decode("utf-8", errors="replace").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _few(names: list[str]) -> str:
    return "; ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _all(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return [*one, *(name for name in other if name not in one)]
