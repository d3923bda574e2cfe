"""A report tells what the results hold; where it leaves the building no small count can be worked out of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cds.cli.main import app
from cds.errors import BadKnowledge
from cds.knowledge.loader import files_of, from_files
from cds.population.order_rows import COLUMNS
from cds.population.report.figures import figures
from cds.population.report.intervals import wilson
from cds.population.report.pages_of_figures import as_page
from cds.population.report.replays_compared import compared
from cds.population.report.shares import FEWEST, table
from cds.population.results import BROKEN, ORDERS, RUN, NoResults, Results, as_line, write_broken, write_orders, write_run
from tests.population.conftest import ROOT

EMPTY = {name: [] if type.endswith("[]") else None for name, (type, _) in COLUMNS.items()}


def results(folder: Path, rows: list[dict[str, object]], **run: object) -> Path:
    """Results of a replay with these rows."""
    parts = folder / "parts"
    parts.mkdir(parents=True)
    known = {"call": "c", "hook": "order-sign", "day": "2026-11-23", "agent": "alprazolam", "action": "continue", "sex": "female"}
    known |= {
        "age_band": "45 to 64",
        "language": "en",
        "specialty": "Psychiatry",
        "prescriber": "d",
        "file": "orders",
        "words": "",
    }
    lines = [EMPTY | known | {"patient": f"{n:04}", "place": 0, "line": n} | row for n, row in enumerate(rows)]
    (parts / "0.ndjson").write_bytes(b"".join(map(as_line, lines)))
    write_orders(parts, folder / ORDERS, "256MB")
    write_broken([], folder / BROKEN, folder)
    write_run({"rules": "sha256:0", "from": None, "to": None, "types": {}, "lines": 1, "broken": {}} | run, folder / RUN)
    return folder


def shown(rule: str, indicator: str = "warning") -> dict[str, object]:
    return {"shown": [rule], "indicators": [indicator], "advice": [rule], "words": rule}


@pytest.fixture
def some(tmp_path: Path) -> Path:
    rows = [shown("abrupt-stop", "critical")] * 30 + [shown("crossover")] * 4 + [{}] * 66
    return results(tmp_path / "some", rows)


def test_cards_are_told_for_every_100_orders_with_an_interval(some: Path) -> None:
    with Results(some) as found:
        tables = {each.title: each for each in figures(found)}
    whole = tables["In all"].lines[0]
    assert (whole.count, whole.of, whole.for_each_100) == (34, 100, 34.0)
    assert [(line.label, line.count) for line in tables["Cards by rule"].lines] == [("abrupt-stop", 30), ("crossover", 4)]
    assert whole.interval == pytest.approx((25.5, 43.7), abs=0.1)


def test_the_page_needs_nothing_from_elsewhere(some: Path) -> None:
    with Results(some) as found:
        page = as_page(found.run, list(figures(found)), None, False)
    assert "<svg" in page
    assert not re.search(r"""(src|href)=|url\(|<script|@import""", page)


def test_a_published_report_tells_no_small_count(some: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    answered = CliRunner().invoke(app, ["population", "report", str(some), "--publish", "--out", str(page)])
    assert answered.exit_code == 0, answered.output
    numbers = {int(number) for number in re.findall(r'<td class="number">(\d+)</td>', page.read_text())}
    assert numbers
    assert all(number % FEWEST == 0 for number in numbers)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=12))
def test_no_hidden_count_can_be_taken_from_a_total(counts: list[int]) -> None:
    total = sum(counts) + 50
    whole = table("t", "cards", "orders", [(str(n), count, total) for n, count in enumerate(counts)])
    masked = whole.masked()
    hidden = [line.count or 0 for line, seen in zip(whole.lines, masked.lines, strict=True) if seen.count is None]
    assert all(seen.count is None or (seen.count >= FEWEST and seen.count % FEWEST == 0) for seen in masked.lines)
    assert not hidden or len(hidden) == len(counts) or (len(hidden) >= 2 and sum(hidden) >= FEWEST)


def test_cards_gained_lost_and_changed_are_told_with_their_lines(tmp_path: Path) -> None:
    before = results(tmp_path / "before", [shown("a"), shown("b"), {}, shown("c") | {"words": "once"}])
    after = results(tmp_path / "after", [shown("a"), {}, shown("d"), shown("c") | {"words": "now"}], rules="sha256:1")
    with Results(before) as one, Results(after) as other:
        found = compared(one, other)
    assert {(each.rule, each.gained, each.lost, each.changed) for each in found.rules} == {
        ("b", 0, 1, 0),
        ("d", 1, 0, 0),
        ("c", 0, 0, 1),
    }
    assert [each.examples for each in found.rules if each.rule == "d"] == [("gained orders:2",)]
    assert found.masked().rules[0].examples == ()
    assert "d: 1 card gained (25.0 for every 100 orders)." in found.words


def test_results_of_another_export_are_not_compared(tmp_path: Path) -> None:
    one, other = results(tmp_path / "one", [{}]), results(tmp_path / "other", [{}], lines=2)
    with Results(one) as before, Results(other) as after, pytest.raises(NoResults, match="another export"):
        compared(before, after)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    answered = CliRunner().invoke(app, ["population", "report", str(tmp_path)])
    assert answered.exit_code == 2
    assert "no whole results of a replay" in answered.stderr


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_an_interval_holds_the_share(count: int, of: int) -> None:
    low, high = wilson(min(count, of), of)
    assert 0 <= low <= min(count, of) / of + 1e-9
    assert min(count, of) / of - 1e-9 <= high <= 1


def test_a_replay_within_the_budget_passes_and_one_above_it_fails(tmp_path: Path) -> None:
    few = results(tmp_path / "few", [shown("crossover", "info")] + [{}] * 19)
    many = results(tmp_path / "many", [shown("abrupt-stop", "critical")] * 19 + [{}])
    within = CliRunner().invoke(app, ["population", "check", str(few)])
    above = CliRunner().invoke(app, ["population", "check", str(many)])
    assert (within.exit_code, above.exit_code) == (0, 1)
    assert "cards in all: 1 of 20, 5.0 for every 100" in within.output
    assert "abrupt-stop: 19 of 20, 95.0 for every 100" in above.output
    assert "ABOVE, beyond chance" in above.output


def test_a_budget_is_held_to_the_rules_that_there_are() -> None:
    files = dict(files_of(ROOT / "rules"))
    files["alert-budget.yaml"] = files["alert-budget.yaml"].replace(b"abrupt-stop: 10", b"abrupt-stops: many")
    with pytest.raises(BadKnowledge, match="`abrupt-stops` is no advice rule"):
        from_files(files)
