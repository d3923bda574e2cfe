"""Two replays of one export beside each other: cards gained, lost and changed, with examples by line of the export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cds.population.report.shares import FEWEST
from cds.population.results import NoResults, Results

MOST_EXAMPLES = 10
KEY = "patient, day, hook, place, agent"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What became of one rule's cards; examples are `file:line`. Counts are None where they are masked."""

    rule: str
    gained: int | None
    lost: int | None
    changed: int | None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two replays: the revisions, the orders that both weighed, what changed by rule, and that in words."""

    before: str
    after: str
    orders: int
    rules: tuple[RuleChange, ...]

    @property
    def words(self) -> list[str]:
        """The effect in sentences, the largest first."""
        if not self.rules:
            return ["No card is gained, lost or changed."]
        return [f"{change.rule}: {'; '.join(_said(change, self.orders))}." for change in self.rules]

    def masked(self) -> Comparison:
        """The comparison as it may leave the building: no line of the export, no small count, the others rounded."""
        rules = (
            replace(each, gained=_kept(each.gained), lost=_kept(each.lost), changed=_kept(each.changed), examples=())
            for each in self.rules
        )
        return replace(self, orders=_kept(self.orders) or 0, rules=tuple(rules))


def _kept(number: int | None) -> int | None:
    return 0 if number == 0 else None if number is None or number < FEWEST else FEWEST * ((number + FEWEST // 2) // FEWEST)


def _said(change: RuleChange, orders: int) -> list[str]:
    named = (("gained", change.gained), ("lost", change.lost), ("in other words or with another indicator", change.changed))
    found = []
    for what, number in named:
        if number is None:
            found.append(f"under {FEWEST} cards {what}")
        elif number:
            rate = f" ({100 * number / orders:.1f} for every 100 orders)" if orders else ""
            found.append(f"{number} {'card' if number == 1 else 'cards'} {what}{rate}")
    return found


def compared(before: Results, after: Results) -> Comparison:
    """What changes from one replay to another. Refuses: replays of other exports or days."""
    if (before.run["types"], before.run["lines"]) != (after.run["types"], after.run["lines"]):
        raise NoResults(
            f"{before.folder}: the results are of another export than those of {after.folder}. Replay the same one twice."
        )
    for name, results in (("before", before), ("after", after)):
        after.connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet('{results.orders}')")
    orders = after.all("SELECT count(*) FROM after")[0][0]
    return Comparison(before.run["rules"], after.run["rules"], orders, tuple(_changes(after)))


def _changes(results: Results) -> Sequence[RuleChange]:
    shown = "SELECT {key}, file, line, words, unnest(shown) AS rule, unnest(indicators) AS indicator FROM {view}"
    query = f"""
        WITH b AS ({shown.format(key=KEY, view="before")}), a AS ({shown.format(key=KEY, view="after")})
        SELECT rule, CASE WHEN b.words IS NULL THEN 'gained' WHEN a.words IS NULL THEN 'lost' ELSE 'changed' END AS what,
               coalesce(a.file, b.file) || ':' || coalesce(a.line, b.line) AS place
        FROM b FULL JOIN a USING ({KEY}, rule)
        WHERE b.words IS NULL OR a.words IS NULL OR b.indicator <> a.indicator OR b.words <> a.words ORDER BY 1, 2, 3
    """
    found: dict[str, dict[str, list[str]]] = {}
    for rule, what, place in results.all(query):
        found.setdefault(rule, {}).setdefault(what, []).append(place)
    changes = []
    for rule, by in found.items():
        gained, lost, changed = (len(by.get(what, ())) for what in ("gained", "lost", "changed"))
        changes.append(RuleChange(rule, gained, lost, changed, _examples(by)))
    return sorted(changes, key=lambda each: (-((each.gained or 0) + (each.lost or 0)), -(each.changed or 0), each.rule))


def _examples(by: dict[str, list[str]]) -> tuple[str, ...]:
    """Ten of each, named by what became of it."""
    return tuple(f"{what} {place}" for what in ("gained", "lost", "changed") for place in by.get(what, ())[:MOST_EXAMPLES])
