"""An invented export is the same for the same seed, holds what real ones hold, and tells which rules it reaches."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cds.cli.main import app
from cds.engine.engine import Engine
from cds.population.bulk_export import export_files, lines
from cds.population.generate.distributions import FILE, Distributions
from cds.population.generate.invented_courses import COURSES
from cds.population.generate.invented_export import Span, patient
from tests.population.conftest import ROOT

SPAN = Span(date(2024, 11, 20), date(2026, 11, 20))


@pytest.fixture(scope="module")
def told(engine: Engine) -> Distributions:
    return Distributions(engine.knowledge, ROOT / "rules")


def test_each_distribution_says_where_it_comes_from() -> None:
    for name, entry in yaml.safe_load(FILE.read_text()).items():
        assert set(entry) == {"origin", "source", "value"}, name
        assert entry["origin"] in {"study", "local default"}, name


def test_each_course_of_the_distribution_is_written(told: Distributions) -> None:
    assert set(told["courses"]) == set(COURSES)
    assert set(told["agents"]) == set(told["doses"])


def test_the_same_seed_gives_the_same_patient_whatever_the_number_of_them(told: Distributions) -> None:
    assert patient(7, 1, told, SPAN, 4) == patient(7, 1, told, SPAN, 4)
    assert patient(7, 1, told, SPAN, 4) != patient(7, 2, told, SPAN, 4)


def test_patients_have_what_records_have(told: Distributions) -> None:
    found = [resource for number in range(400) for resource in patient(number, 1, told, SPAN, 4)]
    orders = [each for each in found if each["resourceType"] == "MedicationRequest"]
    dispenses = [each for each in found if each["resourceType"] == "MedicationDispense"]
    words = {dosage.get("text", "") for order in orders for dosage in order["dosageInstruction"]}
    assert {order["status"] for order in orders} == {"active", "completed", "stopped"}
    assert any("as needed" in each or "prn" in each for each in words)
    assert any("then stop" in each for each in words)
    assert any("doseAndRate" not in dosage for order in orders for dosage in order["dosageInstruction"])
    assert any("authorizingPrescription" not in each for each in dispenses)
    assert all("2024-08" < each["authoredOn"] <= "2026-11-20" or each["authoredOn"] < "2024-11-20" for each in orders)


def test_an_export_is_written_and_its_yield_printed_with_what_it_missed(tmp_path: Path) -> None:
    out = tmp_path / "export"
    answered = CliRunner().invoke(
        app, ["population", "generate", "--patients", "12", "--out", str(out), "--measure", "2", "--to", "2026-11-20"]
    )
    assert answered.exit_code == 0, answered.output
    assert "advice/abrupt-stop" in answered.output
    assert "Reached by none of these" in answered.output
    read = [line for path in export_files(out) for line in lines(path)]
    assert {line.type for line in read} >= {"Patient", "MedicationRequest", "MedicationDispense", "PractitionerRole"}
    again = CliRunner().invoke(app, ["population", "generate", "--patients", "12", "--out", str(out), "--measure", "0"])
    assert again.exit_code == 2
    assert "holds files already" in again.stderr


def test_the_small_export_of_the_examples_is_one() -> None:
    read = [line for path in export_files(ROOT / "fhir_examples/bulk-export") for line in lines(path)]
    assert sum(line.type == "MedicationRequest" for line in read) > 20
    assert [line for line in read if line.broken], "it holds a broken line, as real ones do"
    assert all(json.loads(line.json)["resourceType"] == line.type for line in read if line.json)
