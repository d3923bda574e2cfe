"""What the service counts, for Prometheus. No label names a patient, and each has few values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from cds.hooks.messages import EXTENSION
from cds.hooks.prefetch import Ledger
from cds.web.file_watch import Reloads
from cds.web.live_clients import LiveClients
from cds.web.live_rules import LiveRules
from cds.web.shared_counters import SharedCounters


class Metrics:
    """The counters of one app."""

    def __init__(self, live: LiveRules, clients: LiveClients, today: Callable[[], date], folder: Path | None = None) -> None:
        self.registry = CollectorRegistry()
        self.shared = SharedCounters(folder, self.registry) if folder else None
        self.calls = Counter("cds_calls", "Hook calls by service and HTTP status", ["service", "status"], registry=self.registry)
        self.seconds = Histogram(
            "cds_call_seconds",
            "Time to answer a hook call",
            ["service"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3),
            registry=self.registry,
        )
        self.cards = Counter(
            "cds_cards", "Cards shown by site, rule and indicator", ["site", "rule", "indicator"], registry=self.registry
        )
        self.shortened = Counter(
            "cds_cards_shortened", "Cards shown in one line, by site and rule", ["site", "rule"], registry=self.registry
        )
        self.gaps = Counter("cds_gaps", "Things that could not be read, by kind", ["kind"], registry=self.registry)
        for name, says in (("disagreements", "Findings"), ("failures", "Evaluations")):
            gauge = Gauge(f"cds_engine_{name}", f"{says} for which the reference answer had to be used", registry=self.registry)
            gauge.set_function(partial(live.counted, name))
        self.turned = Counter("cds_turned_away", "Requests that reached no service, by reason", ["why"], registry=self.registry)
        self.without = Counter(
            "cds_calls_without_orders", "Calls about orders that brought none, by client", ["client"], registry=self.registry
        )
        self.prefetch = Counter(
            "cds_prefetch", "Parts of the record, by client and state", ["client", "key", "state"], registry=self.registry
        )
        self.fhir_reads = Histogram(
            "cds_fhir_read_seconds",
            "Time of a read from a client's server, by outcome",
            ["outcome"],
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 3),
            registry=self.registry,
        )
        self.silent = Counter(
            "cds_silent_rules", "Silent rules that were true, by site and rule", ["site", "rule"], registry=self.registry
        )
        stale = Gauge("cds_rules_stale", "1 while what stands under the rules can't be served", registry=self.registry)
        stale.set_function(lambda: float(live.waiting(today()) is not None))
        stale = Gauge("cds_clients_stale", "1 while what stands in the file of clients can't be served", registry=self.registry)
        stale.set_function(lambda: float(clients.reloads.problem is not None))
        self.registry.register(ReloadCounters("cds_rule_reloads", "Reloads of the rules by result", live.reloads))
        self.registry.register(ReloadCounters("cds_client_reloads", "Reloads of the file of clients by result", clients.reloads))

    def answered(self, answer: Mapping[str, Any], silent: Iterable[str], site: str) -> None:
        """Counts the cards and gaps of an answer by a site's rules, and the silent rules that were true."""
        for rule in silent:
            self.silent.labels(site, rule).inc()
        for card in answer["cards"]:
            self.cards.labels(site, card["extension"][EXTENSION]["rule"], card["indicator"]).inc()
        own = answer["extension"][EXTENSION]
        for gap in own["gaps"]:
            self.gaps.labels(gap["kind"]).inc()
        for order in own["orders"]:
            for one in order.get("shortened", ()):
                self.shortened.labels(site, one["rule"]).inc()
            for gap in order["gaps"]:
                self.gaps.labels(gap["kind"]).inc()

    def turned_away(self, why: str) -> None:
        self.turned.labels(why).inc()

    def prefetched(self, client: str, parts: Ledger) -> None:
        """Counts where the parts of a call's record came from."""
        for part, state in parts.items():
            self.prefetch.labels(client, part.value, state.value).inc()

    def brought_no_order(self, client: str) -> None:
        """Counts a call that was about orders, and brought none: it gets no card, and that is no all-clear."""
        self.without.labels(client).inc()

    def fhir_read(self, outcome: str, seconds: float) -> None:
        self.fhir_reads.labels(outcome).observe(seconds)

    def text(self) -> bytes:
        """The counters of this process, or of all workers where they share a folder."""
        return self.shared.text() if self.shared else generate_latest(self.registry)

    def running(self) -> AbstractAsyncContextManager[None]:
        """While it is open, the counters are shared with the other workers, where there are any."""
        return self.shared.running() if self.shared else nullcontext()


class ReloadCounters(Collector):
    """The reloads of one thing, by result; all results are told from the start."""

    def __init__(self, name: str, says: str, reloads: Reloads) -> None:
        self._name, self._says, self._reloads = name, says, reloads

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._says, labels=["result"])
        for result, count in self._reloads.counts.items():
            family.add_metric([result], count)
        yield family
