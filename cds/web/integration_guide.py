"""What a site types in where its EHR reads no discovery, and what each client has brought so far: `GET /integration`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from prometheus_client.parser import text_string_to_metric_families

from cds.core.record import RecordPart
from cds.hooks.card_sources import TOPICS
from cds.hooks.prefetch import PrefetchState
from cds.hooks.services import DRAFTS_IN, services, templates
from cds.knowledge.data_needs import RulesAsking, asking
from cds.knowledge.model import Knowledge
from cds.trust.client_registry import Client
from cds.trust.keys import ALGORITHMS
from cds.trust.tokens import LEEWAY_SECONDS, LONGEST_LIFE_SECONDS

TEMPLATE = "integration.html"
COUNTER, WITHOUT_ORDERS = "cds_prefetch_total", "cds_calls_without_orders_total"
WITH_ORDERS = ("Medication",)
"""What orders refer to: read, never searched for."""
RESOURCE = re.compile(r"^[A-Za-z]+")
BROUGHT = (PrefetchState.SENT, PrefetchState.NULL, PrefetchState.FETCHED)


def guide(
    knowledge: Knowledge, clients: Iterable[tuple[Client, Knowledge]], public_url: str | None, counters: bytes
) -> dict[str, Any]:
    """Everything that a site needs to know to register the service by hand, and how the prefetch of each client fares.

    Each client comes with the knowledge by which it is judged. `counters` are the service's own, as Prometheus reads them.
    """
    base, known = public_url or "", [*clients]
    without = _without_orders(counters)
    offered = templates(knowledge)
    counted = _counted(counters)
    return {
        "services": [
            {
                "id": service.id,
                "hook": service.hook,
                "address": f"{base}/cds-services/{service.id}",
                "feedback": f"{base}/cds-services/{service.id}/feedback",
                "drafts": DRAFTS_IN.get(service.hook),
            }
            for service in services(knowledge)
        ],
        "prefetch": offered,
        "scopes": _scopes(offered.values()),
        "tokens": {
            "algorithms": list(ALGORITHMS),
            "longestLifeSeconds": LONGEST_LIFE_SECONDS,
            "leewaySeconds": LEEWAY_SECONDS,
            "audience": "the address that is called",
        },
        "linkHosts": _link_hosts(knowledge),
        "topics": {"system": TOPICS, "codes": [rule.id for rule in knowledge.advice()]},
        "overrideReasons": [
            {"system": reason.system, "code": reason.code, "display": reason.display}
            for reason in dict.fromkeys(
                reason for each in (knowledge, *(own for _, own in known)) for reason in each.override_reasons.values()
            )
        ],
        "clients": [
            {**_client(client, counted, asking(own)), "callsWithoutOrders": without.get(client.id, 0)} for client, own in known
        ],
    }


def as_page(told: Mapping[str, Any]) -> str:
    """The guide as one page of HTML. Every text is escaped."""
    environment = Environment(loader=PackageLoader("cds.web"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(TEMPLATE).render(guide=told, states=list(PrefetchState))


def _scopes(queries: Iterable[str]) -> list[dict[str, str]]:
    """The least that the service has to be allowed to read, in the words of SMART 1 and of SMART 2."""
    found = dict.fromkeys(match[0] for query in queries if (match := RESOURCE.match(query)))
    read = dict.fromkeys(("Patient", "Encounter", *WITH_ORDERS), "r")
    return [
        {"resource": kind, "smart1": f"patient/{kind}.read", "smart2": f"patient/{kind}.{read.get(kind, 'rs')}"}
        for kind in (*found, *WITH_ORDERS)
    ]


def _link_hosts(knowledge: Knowledge) -> list[str]:
    """The hosts of every link that a card may carry."""
    cited = (knowledge.evidence.get(because.cite) for rule in knowledge.advice() for because in rule.because)
    return sorted({host for source in cited if source and source.url and (host := urlsplit(source.url).hostname)})


def _counted(counters: bytes) -> dict[tuple[str, str, str], int]:
    """How often each client's prefetch keys came to each state."""
    families = text_string_to_metric_families(counters.decode())
    samples = [sample for family in families for sample in family.samples if sample.name == COUNTER]
    return {(one.labels["client"], one.labels["key"], one.labels["state"]): int(one.value) for one in samples}


def _without_orders(counters: bytes) -> dict[str, int]:
    """How many calls of each client were about orders, and brought none."""
    families = text_string_to_metric_families(counters.decode())
    samples = [sample for family in families for sample in family.samples if sample.name == WITHOUT_ORDERS]
    return {one.labels["client"]: int(one.value) for one in samples}


def _client(client: Client, counted: Mapping[tuple[str, str, str], int], looked_at: Mapping[str, RulesAsking]) -> dict[str, Any]:
    parts = []
    for part in RecordPart:
        states = {state.value: counted.get((client.id, part.value, state.value), 0) for state in PrefetchState}
        calls, brought = sum(states.values()), sum(states[state.value] for state in BROUGHT)
        rules = looked_at.get(part.value, RulesAsking()) if brought < calls else RulesAsking()
        lacking = {"silenced": [rule.id for rule in rules.silenced], "assuming": [rule.id for rule in rules.assuming]}
        parts.append({"key": part.value, "calls": calls, "states": states, "withoutIt": lacking})
    return {"id": client.id, "issuer": client.issuer, "profile": client.profile.value, "site": client.site, "prefetch": parts}
