"""What one hook call costs, as a multiple of a bare route that parses the same body.

Both servers are one process each and are asked in turn over one kept-alive connection, so that what else the machine does
falls on both. Each call is of a patient of its own. Cold, its drug, dose and history are drawn anew too, so that nothing is
cheaper for having been asked before; warm, they are the same each time. Exit code 1: a cold ratio is above its budget.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from http.client import HTTPConnection
from random import Random
from statistics import median

from bench.calls import drawn, hook_call
from bench.servers import BARE, OURS, NotReady, served

BUDGETS = {12: 3.0, 100: 4.0}
"""By prefetched resources, how many times a bare route a call may cost."""
CALLS = 300
WARM_UP = 50
PATH = "/cds-services/taper-order-sign"
PATIENT = b"bench"
"""The id of the patient, as it stands in every reference of a call."""


def main() -> int:
    day = datetime.now(UTC).date()
    try:
        with served(BARE) as (bare, _), served(OURS) as (ours, _):
            kept = []
            for resources, budget in BUDGETS.items():
                random = Random(resources)
                cold = [hook_call(resources, day, drawn(random)) for _ in range(WARM_UP + CALLS)]
                kept.append(_measured(bare, ours, cold, f"{resources} resources, cold", budget))
                _measured(bare, ours, [hook_call(resources, day)], f"{resources} resources, warm", budget)
    except NotReady as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if all(kept) else 1


def _measured(bare: int, ours: int, bodies: list[bytes], which: str, budget: float) -> bool:
    """Prints both medians and their ratio, and tells whether the ratio is within the budget."""
    servers = [HTTPConnection("127.0.0.1", port, timeout=30) for port in (bare, ours)]
    times: list[list[float]] = [[], []]
    try:
        for turn in range(WARM_UP + CALLS):
            of_patient = bodies[turn % len(bodies)].replace(PATIENT, b"%05d" % turn)
            for server, seconds in zip(servers, times, strict=True):
                took = _call(server, of_patient)
                if turn >= WARM_UP:
                    seconds.append(took)
    finally:
        for server in servers:
            server.close()
    limit, cost = (median(seconds) * 1000 for seconds in times)
    ratio = cost / limit
    verdict = "within" if ratio <= budget else "ABOVE"
    print(
        f"{which}, {len(bodies[0]) / 1000:.1f} kB: bare route {limit:.2f} ms, a call {cost:.2f} ms, "
        f"ratio {ratio:.2f}, {verdict} the budget of {budget:.1f}"
    )
    return ratio <= budget


def _call(server: HTTPConnection, body: bytes) -> float:
    started = time.perf_counter()
    server.request("POST", PATH, body, {"Content-Type": "application/json"})
    answer = server.getresponse()
    content = answer.read()
    took = time.perf_counter() - started
    if answer.status != 200:
        raise NotReady(f"a call was answered with {answer.status}: {content[:500].decode(errors='replace')}")
    return took


if __name__ == "__main__":
    sys.exit(main())
