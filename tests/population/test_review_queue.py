"""Cases are drawn for two readers, and their verdicts told with intervals."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cds.cli.main import app
from cds.population.results import Results
from cds.population.review_queue import BadVerdicts, agreement, cohens_kappa, queue
from tests.population.test_report import results, shown


def filled(verdicts: list[tuple[str, str]]) -> str:
    return "case,reader_1,reader_2\n" + "".join(f"{n},{one},{other}\n" for n, (one, other) in enumerate(verdicts))


def test_the_same_seed_draws_the_same_cases_and_only_of_the_rule(tmp_path: Path) -> None:
    with Results(results(tmp_path / "r", [shown("a")] * 30 + [shown("b")] * 30)) as found:
        one, other = queue(found, "a", 10, 1), queue(found, "a", 10, 2)
        assert queue(found, "a", 10, 1) == one != other
        cases = list(csv.DictReader(one.splitlines()))
        assert len(cases) == 10
        assert {case["rule"] for case in cases} == {"a"}
        assert all(int(case["line"]) < 30 for case in cases)
        with pytest.raises(BadVerdicts, match="no order of this replay"):
            queue(found, "c", 10, 1)


def test_verdicts_give_predictive_value_number_needed_and_kappa() -> None:
    found = agreement(
        filled([("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15 + [("", "no")])
    )
    assert (found.both, found.right, found.disagree, found.unread) == (50, 20, 15, 1)
    assert found.predictive_value == 0.4
    assert found.number_needed_to_alert == 2.5
    assert found.kappa == pytest.approx(0.4)
    assert found.kappa_ends == pytest.approx((0.146, 0.654), abs=0.001)


def test_readers_who_always_agree_have_a_kappa_of_one_unless_they_say_one_word() -> None:
    assert cohens_kappa([(True, True), (False, False)]) == (1.0, (1.0, 1.0))
    assert cohens_kappa([(True, True)] * 9) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "are missing"),
        (filled([("maybe", "no")]), "line 2, reader_1: seen `maybe`"),
        (filled([("", "no")]), "No case"),
    ],
)
def test_verdicts_that_can_not_be_read_say_where(text: str, says: str) -> None:
    with pytest.raises(BadVerdicts, match=says):
        agreement(text)


def test_a_queue_is_drawn_filled_in_and_told_on_the_command_line(tmp_path: Path) -> None:
    folder, file = results(tmp_path / "r", [shown("a")] * 12), tmp_path / "queue.csv"
    drawn = CliRunner().invoke(app, ["population", "sample", str(folder), "--rule", "a", "--n", "5", "--out", str(file)])
    assert drawn.exit_code == 0, drawn.output
    again = CliRunner().invoke(app, ["population", "sample", str(folder), "--rule", "a", "--out", str(file)])
    assert again.exit_code == 2
    file.write_text(file.read_text().replace(",,,\n", ",yes,yes,\n"))
    told = CliRunner().invoke(app, ["population", "sample", "--verdicts", str(file)])
    assert "Positive predictive value: 1.00 (95 percent interval 0.57 to 1.00)" in told.output
    assert "Kappa: not told" in told.output
