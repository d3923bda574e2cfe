"""A seeded export of invented patients: the same seed gives the same patients, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

import orjson

from cds.population.generate.distributions import Distributions
from cds.population.generate.invented_courses import COURSES, InventedCourse
from cds.population.generate.invented_resources import Directions, Json, Writer

DAYS_A_YEAR = 365
PATIENTS_OF_ONE = 25
"""Patients for each prescriber, on the average."""

ALWAYS_TORN = 7
"""The one of its type that is cut off in every export, so that small ones hold a broken line too."""


@dataclass(frozen=True, slots=True)
class Span:
    """The days within which the orders of invented patients lie."""

    first: date
    last: date


def prescribers(seed: int, patients: int, told: Distributions) -> list[Json]:
    """The roles of those who prescribe, each with a specialty where one is said."""
    found: list[Json] = []
    for number in range(max(patients // PATIENTS_OF_ONE, 3)):
        specialty = told.drawn("specialties", Random(f"{seed}/prescriber/{number}"))
        said = {} if specialty == "not said" else {"specialty": [{"text": specialty}]}
        practitioner = {"reference": f"Practitioner/d{number}"}
        found.append({"resourceType": "PractitionerRole", "id": f"role-{number}", "practitioner": practitioner} | said)
    return found


def patient(number: int, seed: int, told: Distributions, span: Span, prescribers: int) -> list[Json]:
    """The resources of one invented patient."""
    random = Random(f"{seed}/{number}")
    writer = Writer(f"p{number}", random, told)
    low, high = map(int, told.drawn("users_by_age", random).split("-"))
    days = (span.last - span.first).days
    begins = span.first + timedelta(
        days=random.randint(0, max(days - 10, 1)) if random.random() < 0.4 else random.randint(0, days // 4)
    )
    woman = random.random() < told["women"]
    writer.person(begins - timedelta(days=random.randint(low, high) * DAYS_A_YEAR), woman, told.drawn("languages", random))
    _conditions(writer, random, told, span, begins, woman and low < 50)
    by = [f"Practitioner/d{int(prescribers * random.random() ** 2)}"]
    if random.random() < told["several_prescribers"]:
        by.append(f"Practitioner/d{int(prescribers * random.random() ** 2)}")
    product, times, at_a_time = told.dose(told.drawn("agents", random), random)
    course = InventedCourse(writer, random, told, begins, span.last, by, Directions(product, times, at_a_time))
    COURSES[told.drawn("courses", random)](course)
    _other_drugs(writer, random, told, span, begins, by)
    return writer.found


def _conditions(writer: Writer, random: Random, told: Distributions, span: Span, begins: date, fertile: bool) -> None:
    for name, share in told["conditions"].items():
        if random.random() < share and (fertile or name not in {"pregnancy", "breastfeeding"}):
            within = random.randint(1, 200) if random.random() < 0.5 else -random.randint(0, (span.last - begins).days)
            writer.condition(random.choice(told.conditions[name]), begins - timedelta(days=within))


def _other_drugs(writer: Writer, random: Random, told: Distributions, span: Span, begins: date, by: list[str]) -> None:
    """Orders beside: of drugs that rules ask about, within the course, and of drugs that none does."""
    last = (span.last - begins).days
    for group, share in told["other_drugs"].items():
        if random.random() < share and group in told.other_drugs:
            day = begins + timedelta(days=random.randint(-100, max(last, 1)))
            writer.other(
                random.choice(told.other_drugs[group]), min(day, span.last), random.choice((10, 30, 90)), random.choice(by)
            )
    low, high = told["unrelated_orders"]
    for _ in range(random.randint(low, high) * max(last // DAYS_A_YEAR, 1)):
        code, display = random.choice(list(told["unrelated"].items()))
        day = begins + timedelta(days=random.randint(-DAYS_A_YEAR, max(last, 1)))
        writer.other(told.unrelated(code, display), min(day, span.last), 90, random.choice(by))


def generate(
    out: Path, patients: int, seed: int, told: Distributions, span: Span, progress: Callable[[int], Any]
) -> Mapping[str, int]:
    """Writes the export, a file a type, and returns how many lines of each there are; `broken` are lines that were cut off."""
    out.mkdir(parents=True, exist_ok=True)
    counted: Counter[str] = Counter()
    files: dict[str, BinaryIO] = {}
    roles = prescribers(seed, patients, told)
    torn = Random(f"{seed}/torn")
    try:
        for resource in _all(roles, patients, seed, told, span, progress):
            type = resource["resourceType"]
            if type not in files:
                files[type] = (out / f"{type}.ndjson").open("wb", buffering=1 << 20)
            line = orjson.dumps(resource)
            counted[type] += 1
            if type in {"Condition", "MedicationDispense"} and (
                torn.random() < told["broken_lines"] or counted[type] == ALWAYS_TORN
            ):
                line = line[: len(line) // 2]
                counted["broken"] += 1
            files[type].write(line + b"\n")
    finally:
        for file in files.values():
            file.close()
    return dict(sorted(counted.items()))


def _all(
    roles: list[Json], patients: int, seed: int, told: Distributions, span: Span, progress: Callable[[int], Any]
) -> Iterator[Json]:
    yield from roles
    for number in range(patients):
        yield from patient(number, seed, told, span, len(roles))
        progress(number + 1)
