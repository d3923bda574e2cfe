"""What is read of each resource is told as a view of SQL on FHIR."""

from __future__ import annotations

import json

import pytest

from cds.population.bulk_export import KEPT
from cds.population.known import DATES
from tests.population.conftest import ROOT

VIEWS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "docs/view-definitions").glob("*.json")}


def test_each_type_that_is_read_has_a_view() -> None:
    assert set(VIEWS) == KEPT - {"Practitioner"}


@pytest.mark.parametrize("type", sorted(VIEWS))
def test_a_view_has_what_sql_on_fhir_asks_for(type: str) -> None:
    view = VIEWS[type]
    assert (view["resourceType"], view["resource"], view["status"]) == ("ViewDefinition", type, "draft")
    columns = [column for select in view["select"] for column in select["column"]]
    assert len({column["name"] for column in columns}) == len(columns)
    assert all(set(column) == {"name", "path", "description"} for column in columns)


@pytest.mark.parametrize("type", sorted(set(DATES) - {"Encounter"}))
def test_a_view_holds_the_day_from_which_each_resource_was_known(type: str) -> None:
    paths = [column["path"] for select in VIEWS[type]["select"] for column in select["column"]]
    assert DATES[type][0] in paths
