"""Traces for an OpenTelemetry collector, where the environment names one by the variables of OpenTelemetry itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opentelemetry.trace import Tracer

from cds.errors import CdsError

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NAME = "taper-cds"


@dataclass(frozen=True, slots=True)
class Tracing:
    """What opens spans, and what sends those that are waiting and ends."""

    tracer: Tracer
    close: Callable[[], None]


def tracing(environment: Mapping[str, str]) -> Tracing | None:
    """The tracing of a process, None where no collector is named. Refuses: a collector without the packages that send to it."""
    named = next((name for name in ENDPOINTS if environment.get(name)), None)
    if named is None or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:  # packages of the extra `tracing`; they are slow to import, so nobody else pays for them
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise CdsError(
            f"{named}: set, but the packages that send traces are missing. Install them: pip install taper-cds[tracing]"
        ) from None
    own = {} if environment.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: NAME}
    provider = TracerProvider(resource=Resource.create(own), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider.get_tracer(NAME), provider.shutdown)
