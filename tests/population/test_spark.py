"""Spark gives the rows of the one-machine run. Needs the extra `spark` and Java: `make spark`."""

from __future__ import annotations

import shutil
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest

from cds.population.export_replay import Book, Machine, period_of, replay
from cds.population.results import Results
from cds.population.spark_replay import Cluster, NoSpark, replay_on_spark
from tests.population.conftest import ROOT
from tests.population.test_replay import rows, silent

EXPORT = ROOT / "fhir_examples/bulk-export"
DAY = date(2026, 11, 23)
BOOK = Book(ROOT / "rules", None, DAY, DAY)
IS_THERE = find_spec("pyspark") is not None and shutil.which("java") is not None


@pytest.mark.skipif(not IS_THERE, reason="PySpark or Java is not here; make spark installs the one and says how to get the other")
def test_spark_gives_the_rows_of_the_one_machine_run(tmp_path: Path) -> None:
    period = period_of(date(2026, 8, 1), None, [DAY])
    replay(EXPORT, tmp_path / "one", BOOK, period, Machine(1, "256MB"), silent)
    told = replay_on_spark(str(EXPORT), tmp_path / "spark", BOOK, period, Cluster("local[2]", 4))
    with Results(tmp_path / "one") as results:
        assert told["rows"] == results.run["rows"] > 0
    assert rows(tmp_path / "spark") == rows(tmp_path / "one")


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="PySpark is here")
def test_without_spark_it_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(NoSpark, match=r"pip install 'taper-cds\[spark\]'"):
        replay_on_spark(str(EXPORT), tmp_path, BOOK, period_of(None, None, []), Cluster())
