"""`cds rules parameters` and `cds rules pack`: what holds at a site, and one file that replicas serve."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jsonschema import Draft7Validator
from typer.testing import CliRunner, Result

from cds.cli.main import app
from cds.knowledge.loader import files_of, knowledge, revision
from cds.knowledge.pack import unpacked
from cds.knowledge.schema.schema_parts import within_bounds

ROOT = Path(__file__).parents[2]
RULES = str(ROOT / "rules")
STORY = str(ROOT / "fhir_examples/abrupt-stop-alprazolam")


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, [*arguments], env={"CDS_RULES": None, "CDS_SITE": None, "CDS_RULES_KEY": None, **environment})


@pytest.mark.parametrize(
    ("site", "day", "value", "since"),
    [
        ([], "2026-12-05", "25 percent", "2025-06-01"),
        (["--site", "example-site"], "2026-11-30", "25 percent", "2025-06-01"),
        (["--site", "example-site"], "2026-12-01", "20 percent", "2026-12-01"),
        ([], "2020-01-01", "none in force", ""),
    ],
)
def test_the_values_of_a_site_and_a_day_are_listed(site: list[str], day: str, value: str, since: str) -> None:
    told = json.loads(run("rules", "parameters", "--rules", RULES, "--on", day, "--format", "json", *site).stdout)
    [row] = [one for one in told["parameters"] if one["parameter"] == "largest_cut_in_two_weeks"]
    assert (row["value"], row["since"], row["a site may choose"]) == (value, since, "5 percent to 25 percent")


def test_everything_else_that_the_site_changed_is_listed() -> None:
    told = run("rules", "parameters", "--rules", RULES, "--site", "example-site", "--on", "2028-01-01").stdout
    assert "equivalence sources: Ashton 2002" in told
    assert "etizolam" in told
    assert "silent: advice/faster-is-fine\n" in told
    assert "signed off: advice/cut-too-fast, small_step_limit" in told


def test_a_site_without_a_file_ends_the_command_with_the_nearest_name() -> None:
    ran = run("rules", "parameters", "--rules", RULES, "--site", "example")
    assert (ran.exit_code, "Did you mean example-site?" in ran.stderr) == (2, True)


def test_a_pack_holds_the_rules_and_is_served_like_their_folder(tmp_path: Path) -> None:
    packed = tmp_path / "rules.taper"
    ran = run("rules", "pack", str(packed), "--rules", RULES)
    assert (ran.exit_code, revision(files_of(ROOT / "rules")) in ran.stdout) == (0, True)
    assert unpacked(packed.read_bytes()).files == files_of(ROOT / "rules")
    of_folder, of_pack = (json.loads(run("ask", "--json", STORY, CDS_RULES=place).stdout) for place in (RULES, str(packed)))
    for answer in (of_folder, of_pack):
        answer["extension"]["org.taper-cds"].pop("decision")
    assert of_folder["extension"] == of_pack["extension"]
    assert run("plan", "--agent", "diazepam", "--dose", "5 mg at night", "--pace", "slower", CDS_RULES=str(packed)).exit_code == 0


def test_with_a_key_only_the_pack_that_it_signed_is_served(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    secret, known = tmp_path / "key.pem", tmp_path / "public.pem"
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    known.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    signed, unsigned = tmp_path / "signed.taper", tmp_path / "unsigned.taper"
    assert "signed" in run("rules", "pack", str(signed), "--rules", RULES, "--key", str(secret)).stdout
    run("rules", "pack", str(unsigned), "--rules", RULES)
    endings = {
        place: run("ask", STORY, CDS_RULES=place, CDS_RULES_KEY=str(known)).exit_code
        for place in (str(signed), str(unsigned), RULES)
    }
    assert endings == {str(signed): 0, str(unsigned): 2, RULES: 2}
    environment = {**os.environ, "CDS_RULES": str(unsigned), "CDS_RULES_KEY": str(known)}
    command = [str(Path(sys.executable).with_name("cds")), "serve", "--port", "1"]
    refused = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (refused.returncode, "The pack is not signed" in refused.stderr) == (2, True)


def test_rules_that_could_not_be_served_are_not_packed(tmp_path: Path) -> None:
    rules = shutil.copytree(RULES, tmp_path / "rules")
    rule = rules / "advice/abrupt-stop.yaml"
    rule.write_text(rule.read_text().replace("expect: card", "expect: nothing", 1))
    ran = run("rules", "pack", str(tmp_path / "rules.taper"), "--rules", str(rules))
    assert (ran.exit_code, "RULE131" in ran.stderr) == (2, True)
    assert not (tmp_path / "rules.taper").exists()


def test_a_site_is_asked_by_its_name_and_a_draft_is_refused() -> None:
    ran = run("ask", STORY, CDS_RULES=RULES, CDS_SITE="example-site")
    assert (ran.exit_code, "RULE166" in ran.stderr) == (2, True)


def test_a_parameter_is_listed_with_what_it_means() -> None:
    told = run("rules", "parameters", "--rules", RULES, "--format", "json").stdout
    (row,) = [one for one in json.loads(told)["parameters"] if one["parameter"] == "slower_cut"]
    assert (row["means"], row["a site may choose"]) == (
        "First cut at the slower pace; then as at the standard pace",
        "1 percent to 10 percent",
    )


def test_the_book_of_a_site_shows_its_own_numbers_in_a_folder_of_its_own(tmp_path: Path) -> None:
    rules = Path(shutil.copytree(RULES, tmp_path / "rules"))
    (rules / "sites/north.yaml").write_text(
        "site: north\ntitle: North Hospital\nstatus: active\nparameters:\n  slower_cut: {value: 10 percent, from: 2026-01-01, "
        "because: the guideline goes so far, approved_by: the committee, review_by: 2099-01-01}\n"
    )
    refused = run("rules", "book", "--rules", str(rules), "--site", "north")
    assert (refused.exit_code, "--out" in refused.stderr) == (2, True)
    assert run("rules", "book", "--rules", str(rules), "--site", "north", "--out", str(tmp_path / "pages")).exit_code == 0
    assert "North Hospital, approved by the committee" in (tmp_path / "pages/numbers.md").read_text()


def test_a_pace_may_go_as_far_as_its_guideline() -> None:
    book = knowledge(ROOT / "rules")
    far = {"slower_cut": 10, "standard_cut": 25, "free_cut": 25, "largest_cut_in_two_weeks": 25, "very_slow_cut": 10}
    most = {name: book.parameters[name].at_most for name in far}
    assert {name: bound.value for name, bound in most.items() if bound} == far


@pytest.mark.parametrize(
    ("value", "good"),
    [(5, True), (10, True), (10.5, False), (0.5, False), ("7.5 percent", True), ("10 percent", True), ("11 percent", False),
     ("7 days", False), ("about 7 percent", False)],
)  # fmt: skip
def test_an_editor_knows_the_bounds_and_the_unit_of_what_a_site_may_move(value: object, good: bool) -> None:
    schema = within_bounds(knowledge(ROOT / "rules").parameters["slower_cut"])
    assert Draft7Validator(schema).is_valid(value) is good


def test_the_example_site_speaks_only_when_it_is_asked(tmp_path: Path) -> None:
    none = str(tmp_path / "stories")
    assert "example-site" not in run("rules", "test", "--rules", RULES, "--stories", none).output
    assert (
        "At example-site (a draft)" in run("rules", "test", "--rules", RULES, "--stories", none, "--site", "example-site").output
    )
    wrong = run("rules", "check", "--rules", RULES, "--site", "exampel-site")
    assert (wrong.exit_code, "Did you mean example-site?" in wrong.stderr) == (2, True)
