"""What `cds rules explain` explains: how the rules were weighed, for a request now or in a decision that was stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds.core.gap import GapKind
from cds.decision.decide import Decision
from cds.decision.judge import weigh_unread
from cds.engine.engine import Engine
from cds.engine.reference import Finding
from cds.knowledge.model import Knowledge
from cds.knowledge.site_overlay import overlaid
from cds.records.decisions import DecisionRecord
from cds.records.errors import OtherKnowledge
from cds.records.replay import weighed


@dataclass(frozen=True, slots=True)
class Weighed:
    """How the rules were weighed on a day for a hook: what was judged, and the findings of the risk and of the advice rules."""

    day: date
    hook: str
    judged: tuple[tuple[str, tuple[Finding, ...]], ...]


def of_request(decision: Decision, engine: Engine) -> Weighed:
    """How the rules were weighed in a decision that was just made."""
    unread = ((gap.resource, gap.says, gap.kind) for gap in decision.unclear)
    named = ("; ".join(f"{order.request}: {order.agent}" for order in each.orders) for each in decision.judgements)
    judged = zip(_names(named), decision.findings, strict=True)
    return Weighed(decision.day, decision.hook, (*judged, *_unread(unread, decision.day, decision.hook, engine)))


def of_record(record: DecisionRecord, engine: Engine) -> Weighed:
    """How the rules were weighed in a stored decision, from the facts that were stored."""
    content = record.content()
    agents = {order["request"]: order["agent"] for order in content["orders"]}
    named = (f"{each['order']}: {agents[each['order']]}" if each["order"] in agents else "" for each in content["judgements"])
    judged = zip(_names(named), _findings(record, content, engine), strict=True)
    unread = ((gap.get("resource", ""), gap["says"], GapKind(gap["kind"])) for gap in content["unclear"])
    return Weighed(record.day, content["hook"], (*judged, *_unread(unread, record.day, content["hook"], engine)))


def _unread(
    gaps: Iterable[tuple[str, str, GapKind]], day: date, hook: str, engine: Engine
) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Orders whose drug could not be told, so that no rule could be weighed but what is said of just that."""
    for resource, says, kind in gaps:
        said = weigh_unread(engine, day, hook)[1] if kind is GapKind.CONTRADICTION else ()
        yield f"{resource}, not judged: {says}", tuple(finding for finding in said if finding.true)


def _findings(record: DecisionRecord, content: Mapping[str, Any], engine: Engine) -> Iterator[tuple[Finding, ...]]:
    for judgement in content["judgements"]:
        _, risks, advice = weighed(judgement, record, content["hook"], engine)
        yield (*risks, *advice)


def _names(named: Iterator[str]) -> Iterator[str]:
    yield from (name or "nothing that is shown" for name in named)


def rules_of(record: DecisionRecord, rules: Knowledge) -> Knowledge:
    """The rules as the decision was made with them, those of its site where it had one. Refuses other rules (OtherKnowledge)."""
    site = rules.sites.get(record.site or "")
    if record.revision != rules.revision or (record.site and site is None):
        raise OtherKnowledge(
            f"The decision was made with the rules {record.revision}; these are {rules.revision}. "
            f"Give the folder as it was on {record.day.isoformat()}: --rules DIR."
        )
    return overlaid(rules, site, record.day) if site else rules
