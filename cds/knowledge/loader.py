"""Reads everything under `rules/` into the frozen model, or refuses it all with every problem that was found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from cds.knowledge.checks.cross_references import check_released, check_table_cites, check_words
from cds.knowledge.checks.required_names import check_needed
from cds.knowledge.checks.unread import check_read, is_rule_file
from cds.knowledge.drug_tables import Tables, tables
from cds.knowledge.fields import Fields
from cds.knowledge.files.alert_budget import FILE as ALERT_BUDGET
from cds.knowledge.files.alert_budget import alert_budget
from cds.knowledge.files.declined import FILE as DECLINED
from cds.knowledge.files.declined import declining
from cds.knowledge.files.evidence import evidence
from cds.knowledge.files.parameters import paces, parameters
from cds.knowledge.files.rules import RuleReferences, check_names, check_order, check_template, rule
from cds.knowledge.files.sheet import sheets
from cds.knowledge.files.sites import sites
from cds.knowledge.files.vocabulary import risk_definitions, vocabulary
from cds.knowledge.model import CodedValue, FactDefinition, Knowledge, Rule, RuleKind
from cds.knowledge.model_parameters import Parameter
from cds.knowledge.position import Position
from cds.knowledge.problems import EMPTY, Problems
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar, read

NEEDED = ("vocabulary.yaml", "paces.yaml", "evidence.yaml", "texts.yaml", "override-reasons.yaml", "advice/order.yaml")
ORDER = "advice/order.yaml"
AGENTS = "drugs/agents.yaml"
"""Where it stands the files are a whole rule book, from which calls are answered."""


def knowledge(folder: Path) -> Knowledge:
    """The knowledge in a folder such as `rules/`. Refuses: files with any problem, with BadKnowledge."""
    return from_files(files_of(folder))


def files_of(folder: Path) -> dict[str, bytes]:
    """The rule files of a folder, by their path in it: those too that no reader reads, so that this is told."""
    named = ((path.relative_to(folder), path) for path in sorted(folder.rglob("*")))
    found = {name.as_posix(): path for name, path in named if is_rule_file(PurePosixPath(name)) and path.is_file()}
    return {name: path.read_bytes() for name, path in found.items()}


def from_files(files: Mapping[str, bytes], read_tables: Callable[[Mapping[str, bytes], Problems], Tables] = tables) -> Knowledge:
    """The knowledge in files, by their path under `rules/`. Refuses: files with any problem, with BadKnowledge."""
    problems = Problems()
    found = assembled(files, problems, read_tables)
    problems.raise_any()
    return found


def assembled(
    files: Mapping[str, bytes], problems: Problems, read_tables: Callable[[Mapping[str, bytes], Problems], Tables] = tables
) -> Knowledge:
    """What could be read of the files, every problem added. To be served only where none was: what is wrong is left out."""
    documents = _documents(files, problems)
    for name in NEEDED:
        if name not in files:
            problems.add("RULE010", Position(f"rules/{name}"), "the file is missing.", "", "Add it.")
    check_read(files, problems)
    shelves = read_tables(files, problems)
    sources = evidence(documents.get("evidence.yaml"), problems)
    numbers = parameters([node for name, node in documents.items() if name.startswith("parameters/")], sources, problems)
    speeds = paces(documents.get("paces.yaml"), numbers, sources, problems)
    lists = {"agents": tuple(sorted(shelves.agents)), "paces": tuple(speeds)}
    words = vocabulary(documents.get("vocabulary.yaml"), lists, shelves.value_sets, problems)
    texts = _texts(documents.get("texts.yaml"), problems)
    reasons = _override_reasons(documents.get("override-reasons.yaml"), problems)
    order = list(_order(documents.get(ORDER), problems))
    around = RuleReferences(
        facts={**risk_definitions(_risk_titles(files, documents)), **words},
        parameters=numbers,
        sources=sources,
        paces=speeds,
        override_reasons=reasons,
        texts=texts,
        order=[name for name, _ in order],
        problems=problems,
        units=_units(words, numbers),
    )
    for text in texts.values():
        check_template(text, Position("rules/texts.yaml"), around.insertable() - around.shared(), problems)
    for speed in speeds.values():
        check_template(
            speed.says_where_moved or "", Position("rules/paces.yaml"), {f"parameter.{name}" for name in numbers}, problems
        )
    rules = tuple(rule(file, node, kind, around) for file, kind, node in _rule_documents(documents))
    check_names(rules, words, problems)
    check_order(order, [one.id for one in rules if one.kind is RuleKind.ADVICE], problems)
    check_released(rules, problems)
    check_words(words.values(), numbers, shelves, problems)
    check_table_cites(shelves, sources, problems)
    if AGENTS in files:
        check_needed(numbers, texts, shelves.agents, rules, problems)
    found = Knowledge(
        revision=revision(files),
        vocabulary=words,
        parameters=numbers,
        evidence=sources,
        paces=speeds,
        rules=_sorted(rules),
        agents=shelves.agents,
        equivalence_sources=shelves.equivalence_sources,
        medications=shelves.medications,
        names=shelves.names,
        stems=shelves.stems,
        interactions=shelves.interactions,
        value_sets=shelves.value_sets,
        codes=shelves.codes,
        dosing=shelves.dosing,
        override_reasons=reasons,
        texts=texts,
        presentations=shelves.presentations,
        taken_at_night=shelves.taken_at_night,
        naloxone=shelves.naloxone,
        adjuncts=shelves.adjuncts,
        published_tapers=shelves.published_tapers,
        pharmacokinetics=shelves.pharmacokinetics,
        sheets=sheets(documents, sources, problems),
        alert_budget=alert_budget(
            documents.get(ALERT_BUDGET), [one.id for one in rules if one.kind is RuleKind.ADVICE], sources, problems
        ),
        declining=declining(documents.get(DECLINED), words, reasons, numbers, sources, problems),
    )
    return replace(found, sites=sites(files, found, problems))


def revision(files: Mapping[str, bytes]) -> str:
    """The content hash of the files: it changes with every byte, and with nothing else."""
    whole = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            whole.update(len(part).to_bytes(8, "big") + part)
    return f"sha256:{whole.hexdigest()}"


def _documents(files: Mapping[str, bytes], problems: Problems) -> dict[str, Node]:
    """The documents that this module reads; the tables under drugs/ and value-sets/ have readers of their own."""
    found = {}
    for name in sorted(files):
        folder = name.split("/")[0]
        if not name.endswith(".yaml") or folder == "schema":
            continue
        own = Problems()
        node = read(f"rules/{name}", files[name], own)
        if node is None and not own.found:
            problems.add("RULE022", Position(f"rules/{name}"), EMPTY, "", "Write it, or remove the file.")
        elif folder in ("drugs", "value-sets", "sites"):
            continue
        problems.found += own.found
        if node is not None:
            found[name] = node
    return found


def _rule_documents(documents: Mapping[str, Node]) -> Iterator[tuple[str, RuleKind, Node]]:
    for name, node in documents.items():
        for kind in RuleKind:
            if name.startswith(f"{kind.value}/") and name != ORDER:
                yield name, kind, node


def _risk_titles(files: Mapping[str, bytes], documents: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    """The ids and titles of the risk rules, of files that can't be read too, so that no rule that asks about one is blamed."""
    for name in files:
        folder, _, stem = name.removesuffix(".yaml").partition("/")
        if folder == RuleKind.RISK and name.endswith(".yaml"):
            node = documents.get(name)
            title = node.get("title") if isinstance(node, Pairs) else None
            yield stem, title.text if isinstance(title, Scalar) else stem


def _units(words: Mapping[str, FactDefinition], numbers: Mapping[str, Parameter]) -> frozenset[str]:
    return frozenset(fact.unit for fact in words.values() if fact.unit) | frozenset(one.unit for one in numbers.values())


def _texts(document: Node | None, problems: Problems) -> dict[str, str]:
    node = Fields(document, problems, ["texts"]).node("texts")
    if not isinstance(node, Pairs):
        return {}
    fields = Fields(node, problems, [key.text for key, _ in node.pairs])
    return {key.text: fields.text(key.text) for key, _ in node.pairs}


def _override_reasons(document: Node | None, problems: Problems) -> dict[str, CodedValue]:
    node = Fields(document, problems, ["override_reasons"]).node("override_reasons")
    found = {}
    for key, entry in node.pairs if isinstance(node, Pairs) else ():
        fields = Fields(entry, problems, ["system", "code", "display"], ["source"])
        system = fields.text("system")
        found[key.text] = CodedValue(system, fields.text("code"), fields.text("display"), fields.text("source", system))
    return found


def _order(document: Node | None, problems: Problems) -> Iterator[tuple[str, Position]]:
    node = Fields(document, problems, ["order"]).node("order")
    for entry in node.items if isinstance(node, Items) else ():
        if isinstance(entry, Scalar):
            yield entry.text, entry.position


def _sorted(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Risk rules by id, then advice rules, most important first."""
    return tuple(sorted(rules, key=lambda one: (one.kind is RuleKind.ADVICE, one.priority, one.id)))
