"""The stories of `fhir_examples/` as hook calls of today, each told of as many patients as are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from cds.cli.asked_on_a_day import moved, read, service_of

FOLDER = Path(__file__).parents[1] / "fhir_examples"
PATIENT = "p"
"""The id that the patient of every story has."""


@dataclass(frozen=True)
class Story:
    """A story, and where it is posted to."""

    name: str
    path: str
    body: bytes

    def of(self, patient: str) -> bytes:
        """The body of a call in which all this befalls the patient of that id."""
        told = self.body
        for place in (b'"Patient/%s"', b'"patientId":"%s"', b'"patient":"%s"', b'"resourceType":"Patient","id":"%s"'):
            told = told.replace(place % PATIENT.encode(), place % patient.encode())
        return told


def stories(day: date) -> list[Story]:
    """Every story, moved to the day."""
    return [_story(folder, day) for folder in sorted(FOLDER.iterdir()) if (folder / "request.json").is_file()]


def _story(folder: Path, day: date) -> Story:
    body: Any = moved(read(str(folder)), day)
    return Story(folder.name, f"/cds-services/{service_of(body)}", orjson.dumps(body))


def gist(answer: Any) -> tuple[object, ...]:
    """What an answer says, apart from its ids: the cards by rule and summary, and the orders that were judged."""
    own = answer["extension"]["org.taper-cds"]
    cards = [(card["extension"]["org.taper-cds"]["rule"], card["summary"]) for card in answer["cards"]]
    return tuple(cards), tuple(order["request"] for order in own["orders"]), len(own["gaps"])
