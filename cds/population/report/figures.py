"""The figures of a replay, asked of its results."""

from __future__ import annotations

from collections.abc import Iterator

from cds.population.report.shares import ShareTable, table
from cds.population.results import Results

OWN = "hook = 'order-sign' AND agent <> 'other drug'"
"""Orders of a benzodiazepine or Z-drug, or of what may be one: of these a share is told."""
GROUPS = {
    "agent": "agent",
    "age band": "age_band",
    "sex": "sex",
    "language": "language",
    "specialty": "specialty",
    "action": "action",
}
FOLLOWED_FOR = 90
"""Days within which the next order is looked for."""
MOST_PAIRS = 15
ORDERS, CARDS = "orders", "cards"


def figures(results: Results) -> Iterator[ShareTable]:
    """Every table of the report, in order."""
    total = _one(results, f"SELECT count(*) FROM orders WHERE {OWN}")
    yield _whole(results, total)
    yield _by_rule(results, total)
    yield _by_indicator(results, total)
    for name, column in GROUPS.items():
        query = (
            f"SELECT {column}, count(*) FILTER (len(shown) > 0), count(*) FROM orders WHERE {OWN} GROUP BY 1 ORDER BY 3 DESC, 1"
        )
        yield table(f"Orders with a card, by {name}", "orders with a card", ORDERS, results.all(query))
    yield _several(results, total)
    yield _together(results, total)
    yield _repeats(results)
    yield _concentration(results)
    yield _gaps(results, total)
    yield _untold(results, total)
    yield _silent(results, total)
    yield from _followed(results)


def _one(results: Results, query: str) -> int:
    return int(results.all(query)[0][0])


def _whole(results: Results, total: int) -> ShareTable:
    with_card = _one(results, f"SELECT count(*) FROM orders WHERE {OWN} AND len(shown) > 0")
    cards = _one(results, f"SELECT coalesce(sum(len(shown)), 0) FROM orders WHERE {OWN}")
    beside = _one(results, "SELECT count(*) FROM orders WHERE hook = 'order-sign' AND agent = 'other drug' AND len(shown) > 0")
    views = _one(results, "SELECT count(*) FROM orders WHERE hook = 'patient-view'")
    rows = [
        ("orders with a card", with_card, total),
        ("cards", cards, total),
        ("orders of other drugs with a card", beside, total),
    ]
    if views:
        shown = _one(results, "SELECT count(*) FROM orders WHERE hook = 'patient-view' AND len(shown) > 0")
        rows.append(("charts opened, running regimens with a card", shown, views))
    return table("In all", CARDS, "benzodiazepine and Z-drug orders", rows)


def _by_rule(results: Results, total: int) -> ShareTable:
    shown = f"SELECT unnest(shown) AS rule FROM orders WHERE {OWN}"
    query = f"SELECT rule, count(*), {total} FROM ({shown}) GROUP BY 1 ORDER BY 2 DESC, 1"
    return table("Cards by rule", CARDS, ORDERS, results.all(query), "A card is counted for the rule that it leads with.")


def _by_indicator(results: Results, total: int) -> ShareTable:
    named = f"SELECT unnest(indicators) AS indicator FROM orders WHERE {OWN}"
    return table(
        "Cards by indicator",
        CARDS,
        ORDERS,
        results.all(f"SELECT indicator, count(*), {total} FROM ({named}) GROUP BY 1 ORDER BY 2 DESC"),
    )


def _several(results: Results, total: int) -> ShareTable:
    query = f"SELECT len(shown)::VARCHAR || ' cards', count(*), {total} FROM orders WHERE {OWN} GROUP BY 1 ORDER BY 1"
    return table("Cards of one order", ORDERS, ORDERS, results.all(query))


def _together(results: Results, total: int) -> ShareTable:
    true = f"SELECT call, place, unnest(advice) AS rule FROM orders WHERE {OWN}"
    query = (
        f"WITH t AS ({true}) SELECT a.rule || ' and ' || b.rule, count(*), {total} FROM t a JOIN t b USING (call, place) "
        f"WHERE a.rule < b.rule GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_PAIRS}"
    )
    return table("Rules that are true together", ORDERS, ORDERS, results.all(query), "Shown or folded into another card.")


def _repeats(results: Results) -> ShareTable:
    shown = f"SELECT patient, unnest(shown) AS rule FROM orders WHERE {OWN}"
    query = (
        f"WITH c AS (SELECT patient, rule, count(*) AS n FROM ({shown}) GROUP BY 1, 2) "
        "SELECT rule, sum(n - 1), sum(n) FROM c GROUP BY 1 HAVING sum(n - 1) > 0 ORDER BY 2 DESC, 1"
    )
    return table("Cards that repeat what one patient had before", "repeated cards", CARDS, results.all(query))


def _concentration(results: Results) -> ShareTable:
    counted = f"SELECT prescriber, sum(len(shown)) AS n FROM orders WHERE {OWN} AND prescriber <> '' GROUP BY 1"
    ranked = f"SELECT n, percent_rank() OVER (ORDER BY n DESC) AS rank, sum(n) OVER () AS total FROM ({counted})"
    query = "SELECT 'the tenth of prescribers with most cards', coalesce(sum(n) FILTER (rank < 0.1), 0), coalesce(max(total), 0)"
    return table("Concentration by prescriber", CARDS, CARDS, results.all(f"{query} FROM ({ranked})"))


def _gaps(results: Results, total: int) -> ShareTable:
    named = f"SELECT call, place, unnest(gaps) AS gap FROM orders WHERE {OWN}"
    query = f"SELECT gap, count(*), {total} FROM ({named}) GROUP BY 1 ORDER BY 2 DESC, 1"
    return table("What could not be read", ORDERS, ORDERS, results.all(query), "By kind of gap: `supply` is a length of supply.")


def _untold(results: Results, total: int) -> ShareTable:
    named = f"SELECT unnest(untold) AS rule FROM orders WHERE {OWN}"
    query = f"SELECT rule, count(*), {total} FROM ({named}) GROUP BY 1 ORDER BY 2 DESC, 1"
    return table("Rules that could not tell", ORDERS, ORDERS, results.all(query))


def _silent(results: Results, total: int) -> ShareTable:
    said = f"SELECT unnest(silent) AS rule FROM orders WHERE {OWN}"
    query = f"SELECT rule, count(*), {total} FROM ({said}) GROUP BY 1 ORDER BY 2 DESC, 1"
    return table("Rules that were true and are silent", ORDERS, ORDERS, results.all(query))


def _followed(results: Results) -> Iterator[ShareTable]:
    """What the next order of the same agent did, for orders with a card and for those without."""
    ordered = "PARTITION BY patient, agent ORDER BY day, place"
    query = f"""
        WITH last AS (SELECT max(day) AS day FROM orders),
        each AS (SELECT *, lead(day) OVER w AS next_day, lead(action) OVER w AS next_action FROM orders
                 WHERE {OWN} AND agent <> '' AND action <> 'stop' WINDOW w AS ({ordered})),
        stops AS (SELECT patient, agent, day FROM orders WHERE {OWN} AND action = 'stop'),
        after AS (SELECT e.*, (SELECT min(s.day) FROM stops s WHERE s.patient = e.patient AND s.agent = e.agent AND s.day > e.day
                  AND s.day <= e.day + {FOLLOWED_FOR}) AS stopped FROM each e)
        SELECT CASE
            WHEN stopped IS NOT NULL AND next_day > stopped AND next_day <= day + {FOLLOWED_FOR} THEN 'stopped and restarted'
            WHEN stopped IS NOT NULL AND (next_day IS NULL OR next_day >= stopped) THEN 'stopped'
            WHEN next_day <= day + {FOLLOWED_FOR} AND next_action = 'reduce' THEN 'dose lower'
            WHEN next_day <= day + {FOLLOWED_FOR} AND next_action = 'increase' THEN 'dose higher'
            WHEN next_day <= day + {FOLLOWED_FOR} AND next_action = 'continue' THEN 'unchanged'
            WHEN next_day <= day + {FOLLOWED_FOR} THEN 'not told'
            WHEN day + {FOLLOWED_FOR} > (SELECT day FROM last) THEN 'not followed that long'
            ELSE 'no further order' END AS outcome, count(*) FROM after WHERE len(shown) {{}} GROUP BY 1 ORDER BY 2 DESC, 1
    """
    note = "What the record shows is no proof of what a card would have changed: nobody saw these cards."
    for which, where in (("with a card", "> 0"), ("without a card", "= 0")):
        found = results.all(query.format(where))
        whole = sum(count for _, count in found)
        rows = [(outcome, count, whole) for outcome, count in found]
        yield table(f"What followed within {FOLLOWED_FOR} days, orders {which}", ORDERS, ORDERS, rows, note)
