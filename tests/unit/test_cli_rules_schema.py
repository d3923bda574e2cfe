"""The editor schemas: current, true of every shipped file, and offering a rule's author what fits."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from cds.cli.main import app
from cds.cli.rules.schema import with_header
from cds.knowledge.loader import files_of
from cds.knowledge.model import Knowledge
from cds.knowledge.problems import Problems
from cds.knowledge.schema.rule_schemas import header, schemas
from cds.knowledge.yaml_text import Items, Node, Pairs, Scalar, read

RULES = Path(__file__).parents[2] / "rules"
FILES = files_of(RULES)
WITH_SCHEMA = sorted(name for name in FILES if header(name))
NUMBER = re.compile(r"-?\d+(\.\d+)?")


@pytest.fixture(scope="module")
def held(book: Knowledge) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in schemas(book).items()}


def as_editor_reads(node: Node) -> Any:
    """The document as an editor's YAML 1.2 reads it: plain numbers are numbers; yes, no and days are texts."""
    if isinstance(node, Items):
        return [as_editor_reads(item) for item in node.items]
    if isinstance(node, Pairs):
        return {key.text: as_editor_reads(value) for key, value in node.pairs}
    if isinstance(node, Scalar) and not node.quoted and NUMBER.fullmatch(node.text):
        return float(node.text) if "." in node.text else int(node.text)
    return node.text.strip()


def document(name: str, content: bytes) -> Any:
    node = read(name, content, Problems())
    assert node is not None
    return as_editor_reads(node)


def schema_of(name: str, held: dict[str, Any]) -> Any:
    line = header(name)
    assert line is not None
    return held[line.rsplit("/", 1)[1]]


def test_the_schemas_that_are_shipped_are_current(book: Knowledge) -> None:
    """Where this fails: cds rules schema."""
    assert {path.name: path.read_text() for path in (RULES / "schema").glob("*.json")} == schemas(book)


def test_each_schema_is_one(held: dict[str, Any]) -> None:
    for schema in held.values():
        Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("name", WITH_SCHEMA)
def test_every_shipped_file_is_valid(name: str, held: dict[str, Any]) -> None:
    errors = Draft7Validator(schema_of(name, held)).iter_errors(document(name, FILES[name]))
    assert [f"{list(error.path)}: {error.message[:200]}" for error in errors] == []


@pytest.mark.parametrize("name", WITH_SCHEMA)
def test_every_shipped_file_names_its_schema_on_its_first_line(name: str) -> None:
    line = FILES[name].decode().splitlines()[0]
    assert line == header(name)
    assert ((RULES / name).parent / line.split("$schema=")[1]).is_file()


def test_every_yaml_file_has_a_schema() -> None:
    assert [name for name in FILES if name.endswith(".yaml") and name not in WITH_SCHEMA] == []


BROKEN = [
    ("risk/older-adult.yaml", "status: active", "status: live"),
    ("risk/older-adult.yaml", "title:", "titel:"),
    ("risk/older-adult.yaml", "- age: {is at least", "- agee: {is at least"),
    ("risk/older-adult.yaml", "{is at least: older_adult_age}", "{is at least: long_use}"),
    ("risk/older-adult.yaml", "{is at least: older_adult_age}", "{is at least: 65}"),
    ("risk/older-adult.yaml", "{is at least: older_adult_age}", "{at least: older_adult_age}"),
    ("risk/older-adult.yaml", "- age: {is at least: older_adult_age}", "- pace: {is: slower}"),
    ("risk/older-adult.yaml", "age: 65 years", "age: 65 days"),
    ("risk/older-adult.yaml", "pace: standard", "pace: slow"),
    ("risk/older-adult.yaml", "cite: asam-2025-r27", "cite: asam-2025-r72"),
    ("advice/cut-too-fast.yaml", "indicator: info", "indicator: hard"),
    ("advice/cut-too-fast.yaml", "[order-select,", "[order-selected,"),
    ("advice/abrupt-stop.yaml", "- order_action: {is: stop}", "- order_action: {is: stopped}"),
    ("parameters/taper.yaml", "cite: asam-2025-r6", "cit: asam-2025-r6"),
    ("vocabulary.yaml", "type: yes_no", "type: yesno"),
    ("paces.yaml", "cut: slower_cut", "cut: slower_interval"),
    ("advice/order.yaml", "- crossover\n", "- crossovr\n"),
    ("drugs/agents.yaml", "kind: benzodiazepine", "kind: benzo"),
    ("drugs/agents.yaml", "high_potency:", "potency:"),
    ("drugs/equivalents.yaml", "source: vadod-2021, low", "source: vadod, low"),
    ("drugs/equivalents.yaml", "low: 1,", "low: one,"),
    ("drugs/interactions.yaml", "kind: inhibitor", "kind: inhibits"),
    ("drugs/pharmacokinetics.yaml", "volume: 70", "volume: 0"),
    ("value-sets/index.yaml", "used_for:", "used:"),
    ("drugs/adjuncts.yaml", "    position: offer", "    position: ofer"),
    ("drugs/dosing.yaml", "of_one: 1", "of_on: 1"),
    ("drugs/dosing.yaml", "  as_needed:", "  as_need:"),
    ("drugs/naloxone.yaml", "from: 2 minutes", "from: 2 min"),
    ("drugs/presentations.yaml", "mg_in_1_mL: 0.1", "mg_in_1_mL: tenth"),
    ("sheet/en.yaml", "language: en", "langage: en"),
]


@pytest.mark.parametrize(("name", "old", "new"), BROKEN)
def test_an_editor_marks_what_the_check_would_refuse(name: str, old: str, new: str, held: dict[str, Any]) -> None:
    text = FILES[name].decode()
    assert old in text
    assert list(Draft7Validator(schema_of(name, held)).iter_errors(document(name, text.replace(old, new, 1).encode())))


def test_an_editor_offers_facts_with_their_meaning_then_operators_then_parameters_of_the_unit(
    held: dict[str, Any], book: Knowledge
) -> None:
    schema = held["advice.schema.json"]
    cut = schema["definitions"]["condition"]["properties"]["order_cut"]
    assert cut["description"].startswith(book.vocabulary["order_cut"].means)
    assert list(cut["properties"]) == [
        "is", "is at least", "is more than", "is at most", "is less than", "is between",
    ]  # fmt: skip
    amounts = schema["definitions"][cut["properties"]["is more than"]["$ref"].split("/")[-1]]["anyOf"]
    offered = {amount["const"] for amount in amounts if "const" in amount}
    assert offered == {name for name, parameter in book.parameters.items() if parameter.unit == "percent"}


def test_a_risk_rule_is_not_offered_what_is_decided_after_it(held: dict[str, Any]) -> None:
    risk, advice = (held[f"{kind}.schema.json"]["definitions"]["condition"]["properties"] for kind in ("risk", "advice"))
    assert "pace" in advice and "long_use" in advice
    assert "pace" not in risk and "long_use" not in risk


def test_writing_the_schemas_twice_changes_nothing(tmp_path: Path) -> None:
    rules = shutil.copytree(RULES, tmp_path / "rules")
    (rules / "risk/older-adult.yaml").write_bytes(FILES["risk/older-adult.yaml"].split(b"\n", 1)[1])
    shutil.rmtree(rules / "schema")
    first, second = (CliRunner().invoke(app, ["rules", "schema", "--rules", str(rules)]).output for _ in range(2))
    assert f"wrote {rules}/risk/older-adult.yaml" in first
    assert second == "All schemas are current.\n"
    assert files_of(rules) == FILES


def test_an_older_first_line_is_replaced_and_nothing_else() -> None:
    line = "# yaml-language-server: $schema=../schema/risk.schema.json"
    assert with_header(b"# yaml-language-server: $schema=old.json\nrisk: x\n", line) == f"{line}\nrisk: x\n".encode()
    assert with_header(b"risk: x\n", line) == f"{line}\nrisk: x\n".encode()
