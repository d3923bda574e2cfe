"""What an author should know though the loader can do without: unused sources, numbers not in force yet, long summaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from cds.core.placeholder import PLACEHOLDER
from cds.knowledge.fields import Fields
from cds.knowledge.files.evidence import check_cite
from cds.knowledge.files.parameters import NUMBERS
from cds.knowledge.files.rules import LONGEST_SUMMARY, OPTIONAL
from cds.knowledge.files.vocabulary import askable
from cds.knowledge.model import FactDefinition, FactType, Knowledge, Rule, Status
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems, listed
from cds.knowledge.schema.rule_schemas import header, schemas
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar, read

OF_SOURCES = {"cite": "", "source": "drugs/", "default_sources": "drugs/"}
"""The keys whose values are ids of evidence.yaml, each in the files whose path begins so."""
WIDEST_NUMBER = "9999.999"
PER_CENT = "100.9%"
USED_BY_EVERY_CARD = "most_cards"


def check_files(files: Mapping[str, bytes], knowledge: Knowledge, problems: Problems) -> None:
    """Reports a source that nothing cites, and a citation of none that only the text of the files shows."""
    cited: set[str] = set()
    for name, node in _documents(files):
        for scalar in _cites(name, node):
            cited.add(scalar.text)
            check_cite(scalar.text, scalar.position, knowledge.evidence, problems)
    for name, position in _places(files):
        if name not in cited:
            problems.warn("RULE201", position, f"nothing cites `{name}`.", "", "Cite it, or remove it.")


def check_rule(rule: Rule, knowledge: Knowledge, problems: Problems) -> None:
    """Reports what a rule's texts could come to: a number that is not in force yet, a summary that is cut off."""
    if rule.card is None:
        return
    for name in sorted({*_parameters_of(rule), USED_BY_EVERY_CARD} & knowledge.parameters.keys()):
        _check_in_force(name, rule.in_force_from, f"the card of {rule.id}", rule.position, knowledge, problems)
    widest = PLACEHOLDER.sub(lambda match: widest_value(match[1], knowledge), OPTIONAL.sub("", rule.card.summary))
    if len(widest) > LONGEST_SUMMARY:
        seen = f"the summary of {rule.id} could have {len(widest)} characters: `{widest}`."
        problems.add("RULE123", rule.position, seen, f"At most {LONGEST_SUMMARY} fit.", "Say less; the detail has room.")


def check_numbers(knowledge: Knowledge, problems: Problems) -> None:
    """Reports a number that a pace or a fact uses, and that has no value yet on a day when rules are in force."""
    first = min((rule.in_force_from for rule in knowledge.rules if rule.status is Status.ACTIVE), default=date.min)
    if first == date.min:
        return
    for pace in knowledge.paces.values():
        for name in filter(None, (getattr(pace, part) for part in NUMBERS)):
            _check_in_force(name, first, f"the pace {pace.id}", Position("rules/paces.yaml"), knowledge, problems)
    for word in knowledge.vocabulary.values():
        if word.within:
            _check_in_force(word.within, first, word.name, word.position, knowledge, problems)


def check_schemas(files: Mapping[str, bytes], knowledge: Knowledge, held: Mapping[str, bytes], problems: Problems) -> None:
    """Reports editor schemas that are not those of these files, and a file whose first line names none."""
    wanted = {name: text.encode() for name, text in schemas(knowledge).items()}
    stale = sorted(name for name in wanted.keys() | held.keys() if wanted.get(name) != held.get(name))
    if stale:
        seen = f"what editors offer is not what the rules say now: {listed(stale)}."
        problems.warn("RULE150", Position(f"rules/schema/{stale[0]}"), seen, "", "Run `cds rules schema`.")
    for name, content in sorted(files.items()):
        line = header(name)
        if line is not None and content.split(b"\n", 1)[0].decode(errors="replace").strip() != line:
            seen = "the first line names no schema, so an editor can offer nothing here."
            problems.warn("RULE151", Position(f"rules/{name}"), seen, f"Expected: `{line}`.", "Run `cds rules schema`.")


def _check_in_force(name: str, day: date, user: str, at: Position, knowledge: Knowledge, problems: Problems) -> None:
    parameter = knowledge.parameters.get(name)
    if parameter is not None and parameter.editions and parameter.on(day) is None:
        seen = f"{user} uses {name}, which has no value on {day.isoformat()}; its first is of {parameter.editions[-1].since}."
        problems.add("RULE111", at, seen, "", "Add an earlier value with its source, or begin later.")


def _parameters_of(rule: Rule) -> set[str]:
    card = rule.card
    texts = (card.summary, card.detail, card.in_full or "", card.also or "", card.if_we_cannot_tell or "") if card else ()
    found = (match[1] for text in texts for match in PLACEHOLDER.finditer(text))
    return {name.removeprefix("parameter.") for name in found if name.startswith("parameter.")}


def widest_value(name: str, knowledge: Knowledge) -> str:
    """The longest text that may take the place of `{{ name }}`, as far as the rule files can tell."""
    if name.startswith("parameter."):
        parameter = knowledge.parameters.get(name.removeprefix("parameter."))
        return max((str(edition.value) for edition in parameter.editions), key=len, default="") if parameter else ""
    if name == "pace_advice":
        return max((pace.says for pace in knowledge.paces.values()), key=len, default="")
    if name == "pace_asked_by":
        return max((rule.outcome.says for rule in knowledge.rules if rule.outcome and rule.outcome.pace), key=len, default="")
    fact = askable(knowledge).get(name)
    return _widest_of(fact, knowledge) if fact else ""


def _widest_of(fact: FactDefinition, knowledge: Knowledge) -> str:
    if fact.type is FactType.CHOICE:
        return max(fact.choices, key=len, default="")
    if fact.type is FactType.QUANTITY:
        return PER_CENT if fact.unit == "percent" else f"{WIDEST_NUMBER} {fact.unit}"
    if fact.type is FactType.DATE:
        return date.min.isoformat()
    if fact.type is FactType.YES_NO:
        return "yes"
    groups = set(fact.drug_groups)
    names = (drug.name for drug in knowledge.names.values() if drug.groups & groups)
    return max(names, key=len, default="")


def _documents(files: Mapping[str, bytes]) -> Iterator[tuple[str, Node]]:
    for name, content in sorted(files.items()):
        node = read(f"rules/{name}", content, Problems()) if name.endswith(".yaml") else None
        if node is not None:
            yield name, node


def _cites(file: str, node: Node) -> Iterator[Scalar]:
    """Every id of a source that stands in a document, with its place."""
    if isinstance(node, Items):
        for item in node.items:
            yield from _cites(file, item)
    if isinstance(node, Pairs):
        for key, value in node.pairs:
            folder = OF_SOURCES.get(key.text)
            if folder is None or not file.startswith(folder):
                yield from _cites(file, value)
            else:
                entries = value.items if isinstance(value, Items) else (value,)
                yield from (entry for entry in entries if isinstance(entry, Scalar))


def _places(files: Mapping[str, bytes]) -> Iterator[tuple[str, Position]]:
    """Every source of evidence.yaml with its place."""
    document = read("rules/evidence.yaml", files.get("evidence.yaml", b""), Problems())
    sources = Fields(document, Problems(), ["sources"]).node("sources")
    yield from ((key.text, key.position) for key, _ in sources.pairs) if isinstance(sources, Pairs) else ()
