"""What a condition is called on a card: the words of our value sets, under every name of its code system."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cds.fhir.conditions_observations import condition
from cds.fhir.dosage.unreadable import reading_limits
from cds.fhir.reader import ReadingContext
from cds.fhir.references import Library
from cds.knowledge.model import Knowledge

DAY = date(2026, 11, 23)
SNOMED, ITS_OID = "http://snomed.info/sct", "urn:oid:2.16.840.1.113883.6.96"


def coded(system: str, **concept: Any) -> dict[str, Any]:
    code = {"coding": [{"system": system, "code": "371631005", "display": "as the client calls it"}], **concept}
    return {"resourceType": "Condition", "id": "1", "code": code}


@pytest.mark.parametrize("system", [SNOMED, ITS_OID])
def test_a_condition_is_called_as_our_value_set_calls_it(book: Knowledge, system: str) -> None:
    read = condition(
        coded(system, text="in the client's words"), ReadingContext(book, reading_limits(book, DAY), Library(()), DAY)
    ).value
    assert read is not None
    assert read.display == "Panic disorder"
