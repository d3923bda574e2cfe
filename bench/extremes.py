"""What the costliest calls cost, as multiples of a bare route that parses the same body: the largest accepted, and of 4 KB.

Several bodies of each size are asked, since which one is the worst changes with the code; each is printed, the worst last.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPConnection
from statistics import median
from typing import Any

from bench.calls import RXNORM, hook_call
from bench.servers import BARE, OURS, NotReady, served
from cds.web.body import LARGEST_BODY, MOST_PARTS

SMALL = 4 * 1024
PATH = "/cds-services/taper-order-sign"
TIMES = {"4 KB": 20, "largest": 3}
TABLETS = (
    ("197321", "alprazolam 1 MG"),
    ("197590", "diazepam 2 MG"),
    ("197528", "clonazepam 1 MG"),
    ("197902", "lorazepam 2 MG"),
)
Json = dict[str, Any]


def main() -> int:
    day = datetime.now(UTC).date()
    try:
        with served(BARE) as (bare, _), served(OURS) as (ours, _):
            for size, bodies in (("4 KB", small(day)), ("largest", large(day))):
                told = [measured(bare, ours, size, name, body) for name, body in bodies]
                print(f"worst of {size}: {max(told):.1f} times the bare route")
    except NotReady as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def small(day: date) -> Iterator[tuple[str, bytes]]:
    """Bodies of 4 KB."""
    yield "many stops, each with a plan", filled(lambda size: call(day, [stop(day, n) for n in range(size)]))
    yield "one stop, many dispenses", filled(lambda size: call(day, [stop(day, 0)], size))
    yield "directions without spaces", filled(lambda size: call(day, [stop(day, 0, "a" * size)]))
    yield "directions of many steps", filled(lambda size: call(day, [stop(day, 0, STEPS * size)]))
    yield "lists in lists", filled(lambda size: call(day, [stop(day, 0)], x=nested(min(size, 900))))
    yield "names that are no drug", filled(lambda size: call(day, [named(f"benzodiazolam {n}") for n in range(size)]))


def large(day: date) -> Iterator[tuple[str, bytes]]:
    """Bodies of the largest size that is accepted: in bytes, or in objects and lists."""
    yield "a record of thousands", hook_call(9_000, day)
    yield "drafts, each with a plan", filled(lambda size: call(day, [stop(day, n) for n in range(size)]), LARGEST_BODY)
    yield "directions without spaces", filled(lambda size: call(day, [stop(day, 0, "a" * size)]), LARGEST_BODY)
    empty: Json = {"resourceType": "Bundle", "entry": [{}] * (MOST_PARTS - 200)}
    yield "empty objects", call(day, [stop(day, 0)], conditions=empty)
    conditions = [{"resource": {"resourceType": "Condition", "id": str(n)}} for n in range(MOST_PARTS // 3)]
    yield "conditions without a code", call(day, [stop(day, 0)], conditions={"resourceType": "Bundle", "entry": conditions})


STEPS = "take 3 tablets daily for 14 days, then "


def filled(made: Any, most: int = SMALL) -> bytes:
    """The largest of the bodies that fits; `made` makes one of a size."""
    fits, too_large = 0, 1
    while len(made(too_large)) <= most:
        fits, too_large = too_large, too_large * 2
    while too_large - fits > max(1, fits // 100):
        middle = (fits + too_large) // 2
        fits, too_large = (middle, too_large) if len(made(middle)) <= most else (fits, middle)
    found: bytes = made(fits)
    return found


def nested(depth: int) -> Any:
    found: Any = []
    for _ in range(depth):
        found = [found]
    return found


def call(day: date, drafts: list[Json], dispenses: int = 1, **prefetch: Any) -> bytes:
    supplied = [dispense(day, n) for n in range(dispenses)]
    told = {"medicationRequests": None, "medicationDispenses": bundle(supplied), **prefetch}
    context = {"userId": "Practitioner/b", "patientId": "b", "draftOrders": bundle(drafts)}
    id = "6d6ab1a2-2b34-4c61-9a39-0d6f0a3b1c55"
    return json.dumps(
        {"hook": "order-sign", "hookInstance": id, "context": context, "prefetch": told}, separators=(",", ":")
    ).encode()


def bundle(resources: list[Json]) -> Json:
    return {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}


def tablet(number: int) -> Json:
    code, name = TABLETS[number % len(TABLETS)]
    return {"coding": [{"system": RXNORM, "code": code}], "text": f"{name} Oral Tablet"}


def stop(day: date, number: int, text: str = "take 2 tablets 3 times a day") -> Json:
    told = {"status": "stopped", "intent": "order", "medicationCodeableConcept": tablet(number)}
    since = (day - timedelta(days=300)).isoformat()
    return {
        "resourceType": "MedicationRequest",
        "id": str(number),
        **told,
        "authoredOn": since,
        "dosageInstruction": [{"text": text}],
    }


def named(name: str) -> Json:
    return {"resourceType": "MedicationRequest", "id": name[-3:], "status": "draft", "medicationCodeableConcept": {"text": name}}


def dispense(day: date, number: int) -> Json:
    told = {
        "status": "completed",
        "medicationCodeableConcept": tablet(0),
        "quantity": {"value": 180},
        "daysSupply": {"value": 30},
    }
    return {"resourceType": "MedicationDispense", "id": str(number), **told,
            "whenHandedOver": (day - timedelta(days=20 + 29 * number)).isoformat()}  # fmt: skip


def measured(bare: int, ours: int, size: str, name: str, body: bytes) -> float:
    """Prints what one body costs on either side, and gives the ratio."""
    took, statuses = zip(*(asked(ours, body) for _ in range(TIMES[size])), strict=True)
    limit, cost = median([asked(bare, body)[0] for _ in range(TIMES[size])]), median(took)
    told = f"{len(body) / 1000:.0f} kB, bare route {limit * 1000:.1f} ms, a call {cost * 1000:.1f} ms, ratio {cost / limit:.1f}"
    print(f"{size}, {name}: {told}, answered {'/'.join(map(str, sorted(set(statuses))))}")
    return float(cost / limit)


def asked(port: int, body: bytes) -> tuple[float, int]:
    """Seconds until the answer was there, and its status."""
    server = HTTPConnection("127.0.0.1", port, timeout=120)
    started = time.perf_counter()
    server.request("POST", PATH, body, {"Content-Type": "application/json"})
    answer = server.getresponse()
    answer.read()
    took = time.perf_counter() - started
    server.close()
    return took, answer.status


if __name__ == "__main__":
    sys.exit(main())
