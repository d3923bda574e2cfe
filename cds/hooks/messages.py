"""A hook call as it came in, and what an answer tells machines.

Plain checks: each says where, what was seen and what was expected, never the value itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cds.core.gap import Gap
from cds.core.judged_order import Crossover, JudgedOrder
from cds.core.quantity import Range, as_json, rounded
from cds.core.record import Resource
from cds.errors import BadRequest, OtherPatient, UnknownService
from cds.hooks.plan_json import plan_json
from cds.hooks.services import DRAFTS_IN, HOOKS

EXTENSION = "org.taper-cds"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
REFERENCE = re.compile(r"(?:^|/)(?P<type>[A-Z][A-Za-z]+)/(?P<id>[^/?#|\s]+)(?:/_history/[^/]+)?$")
Draft = tuple[str | None, Resource]
"""A draft order's fullUrl, where it has one, and the resource."""


@dataclass(frozen=True, slots=True)
class HookCall:
    """One CDS Hooks request, its members checked, its FHIR left as it came.

    `selections` is None where the client sent none: then every draft is meant. `unread_drafts` are the entries of the drafts that
    hold no order. `prefetch` holds the keys as sent: a missing key was not looked up, a null found nothing. The access token is
    not kept, only whether there was one. `not_read` says why what was not sent could not be read either.
    """

    service: str
    hook: str
    hook_instance: str
    patient_id: str
    user: str | None = None
    encounter_id: str | None = None
    drafts: tuple[Draft, ...] = ()
    unread_drafts: tuple[str, ...] = ()
    selections: tuple[str, ...] | None = None
    prefetch: Mapping[str, Any] = field(default_factory=dict)
    fhir_server: str | None = None
    has_token: bool = False
    token_patient: str | None = None
    not_read: str = ""


def hook_call(service: str, body: object) -> HookCall:
    """The request in `body` to a service. Refuses: an unknown service, and a body that is no request to it."""
    hook = HOOKS.get(service)
    if hook is None:
        raise UnknownService(f"There is no service of that id; the services are {', '.join(HOOKS)}.")
    call = _object(body, "the body")
    if _text(call, "hook") != hook:
        raise BadRequest(f"hook: seen another hook; {service} answers {hook}.")
    instance = _text(call, "hookInstance")
    if not UUID.fullmatch(instance):
        raise BadRequest("hookInstance: seen a text that is no UUID; expected one such as d1577c69-dfbe-44ad-ba6d-3e05e953b2ea.")
    context = _object(_required(call, "context"), "context")
    drafts, unread = _drafts(context, DRAFTS_IN[hook]) if hook in DRAFTS_IN else ((), ())
    server, token = _fhir_access(call)
    return HookCall(
        service=service,
        hook=hook,
        hook_instance=instance,
        patient_id=_bare_id(_text(context, "patientId", "context."), "Patient", "context.patientId"),
        user=_optional_text(context, "userId", "context."),
        encounter_id=_encounter(context),
        drafts=drafts,
        unread_drafts=unread,
        selections=_selections(context) if hook == "order-select" else None,
        prefetch=_object(call["prefetch"], "prefetch") if call.get("prefetch") is not None else {},
        fhir_server=server,
        has_token=token is not None and token.get("access_token") != "",
        token_patient=_optional_text(token, "patient", "fhirAuthorization.") if token is not None else None,
    )


def refuse_other_patients(call: HookCall) -> None:
    """Checks that each draft order and the access token are about the patient of the call.

    Refuses: a subject that is somebody else. A subject given as `urn:uuid`, by identifier or not at all is not known to be.
    """
    if call.token_patient is not None and _id_of(call.token_patient, "Patient") != call.patient_id:
        raise OtherPatient("fhirAuthorization.patient: seen another patient than context.patientId; expected the same.")
    for number, (_, resource) in enumerate(call.drafts):
        for member in ("subject", "patient"):
            subject = resource.get(member)
            reference = subject.get("reference") if isinstance(subject, dict) else None
            if isinstance(reference, str) and not _may_be(reference, call.patient_id):
                raise OtherPatient(
                    f"context.{DRAFTS_IN[call.hook]}.entry[{number}].resource.{member}: seen another subject than the patient of "
                    "the call (context.patientId); expected the same. Nothing was judged."
                )


def answer_extension(decision: str, revision: str, judged: Iterable[JudgedOrder], gaps: Iterable[Gap]) -> dict[str, Any]:
    """The response's own extension: each order that was judged, also where there is no card to show."""
    orders = [judged_json(order) for order in judged]
    return {EXTENSION: {"decision": decision, "knowledge": revision, "gaps": [gap_json(gap) for gap in gaps], "orders": orders}}


def judged_json(order: JudgedOrder) -> dict[str, Any]:
    """One judged order as JSON; what could not be read is left out."""
    members = {
        "request": order.request,
        "agent": order.agent,
        "action": order.action,
        "dailyDoseMg": _number(order.daily_dose),
        "daysAWeek": _number(order.days_a_week),
        "takesNowMg": _number(order.takes_now),
        "diazepamEquivalentMg": _range(order.equivalent),
        "changePercent": _number(order.change_percent),
        "gaps": [gap_json(gap) for gap in order.gaps],
        "riskFactors": [{"id": risk.id, "because": risk.because} for risk in order.risk_factors],
        "pace": order.pace,
        "crossover": _crossover(order.crossover),
        "plan": plan_json(order.plan) if order.plan else None,
    }
    return {name: value for name, value in members.items() if value is not None}


def gap_json(gap: Gap) -> dict[str, str]:
    members = {"kind": gap.kind.value, "says": gap.says, "resource": gap.resource}
    return {name: value for name, value in members.items() if value}


def _crossover(crossover: Crossover) -> dict[str, Any]:
    to = {"to": crossover.to} if crossover.to else {}
    plan = {"plan": plan_json(crossover.plan)} if crossover.plan else {}
    return {"advice": crossover.advice, **to, "because": list(crossover.because), **plan}


def _range(range: Range | None) -> dict[str, int | float | None] | None:
    return None if range is None else {"low": _number(range.low), "high": _number(range.high)}


def _number(value: Decimal | None) -> int | float | None:
    return None if value is None else as_json(rounded(value))


def _fhir_access(call: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any] | None]:
    server = _optional_text(call, "fhirServer")
    authorization = call.get("fhirAuthorization")
    if authorization is None:
        return server, None
    if server is None:
        raise BadRequest("fhirServer: missing; expected the FHIR server's URL, since fhirAuthorization is there.")
    return server, _object(authorization, "fhirAuthorization")


def _drafts(context: Mapping[str, Any], name: str) -> tuple[tuple[Draft, ...], tuple[str, ...]]:
    """The draft orders, none where the client may not send them; and the places of the entries that hold none."""
    where = f"context.{name}"
    bundle = context.get(name)
    if bundle is None:
        return (), ()
    bundle = _object(bundle, where)
    if bundle.get("resourceType") != "Bundle":
        raise BadRequest(f"{where}: seen an object that is no Bundle; expected a FHIR Bundle.")
    entries = bundle.get("entry")
    if entries is None:
        return (), ()
    drafts, unread = [], []
    for number, entry in enumerate(_list(entries, f"{where}.entry")):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            unread.append(f"{where}.entry[{number}]")
            continue
        full_url = entry.get("fullUrl")
        drafts.append((full_url if isinstance(full_url, str) else None, resource))
    return tuple(drafts), tuple(unread)


def _selections(context: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The selections; one that is no text names nothing, and stands as an empty one."""
    selections = context.get("selections")
    if selections is None:
        return None
    listed = [selections] if isinstance(selections, str) else _list(selections, "context.selections")
    return tuple(each if isinstance(each, str) else "" for each in listed)


def _encounter(context: Mapping[str, Any]) -> str | None:
    encounter = _optional_text(context, "encounterId", "context.")
    return _bare_id(encounter, "Encounter", "context.encounterId") if encounter else None


def _bare_id(text: str, type: str, where: str) -> str:
    """The id in `123` or, as some clients write it, in `Patient/123`."""
    id = text.removeprefix(f"{type}/")
    if not id or "/" in id:
        raise BadRequest(f"{where}: seen a text that is no id; expected the bare id of the {type}.")
    return id


def _may_be(reference: str, patient_id: str) -> bool:
    """Whether a reference is to the patient, or to nobody that can be told."""
    if reference.startswith(("urn:", "#")) or not reference.strip():
        return True
    return _id_of(reference, "Patient") == patient_id


def _id_of(reference: str, type: str) -> str | None:
    """The id in a relative or absolute reference to a resource of the type, or in a bare id."""
    found = REFERENCE.search(reference)
    if found is None:
        return reference if "/" not in reference else None
    return found["id"] if found["type"] == type else None


def _required(members: Mapping[str, Any], name: str, path: str = "") -> Any:
    value = members.get(name)
    if value is None:
        raise BadRequest(f"{path}{name}: missing; it is required.")
    return value


def _text(members: Mapping[str, Any], name: str, path: str = "") -> str:
    value = _required(members, name, path)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{path}{name}: seen {_kind(value)}; expected a text.")
    return value


def _optional_text(members: Mapping[str, Any], name: str, path: str = "") -> str | None:
    return _text(members, name, path) if members.get(name) is not None else None


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest(f"{where}: seen {_kind(value)}; expected an object.")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadRequest(f"{where}: seen {_kind(value)}; expected a list.")
    return value


def _kind(value: object) -> str:
    """What kind of JSON value it is. Never the value: it may name a patient."""
    kinds = {
        dict: "an object",
        list: "a list",
        str: "a text" if value else "an empty text",
        bool: "a boolean",
        type(None): "null",
    }
    return kinds.get(type(value), "a number")


def operation_outcome(code: str, says: str) -> dict[str, Any]:
    """An OperationOutcome of one error. `code` is a FHIR issue type; `says` holds no text from a patient's record."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code, "details": {"text": says}}]}


@dataclass(frozen=True, slots=True)
class FhirAccess:
    """The FHIR server of a call, and the token to read from it for this call alone.

    `seconds` is for how long from its receipt the token may be used, None without a token. The token is shown in no text.
    """

    server: str
    token: str | None = field(default=None, repr=False)
    seconds: float | None = None


def fhir_access(body: Mapping[str, Any], subject: str | None = None) -> FhirAccess | str:
    """The access that the body of a call gives; why there is none, where it gives none or in a form that can't be used.

    `subject` is our own id at the client's authorization server, where it is known: a token for another is not used. An empty
    token is none: a server that is open is read without one.

    Scopes are not looked at: some clients write them in their own words. The server decides what may be read.
    """
    server, authorization = body.get("fhirServer"), body.get("fhirAuthorization")
    if not isinstance(server, str):
        return "the call names no fhirServer"
    server = server.rstrip("/")
    if authorization is None:
        return FhirAccess(server)
    if not isinstance(authorization, dict):
        return "fhirAuthorization is no object"
    token, seconds = authorization.get("access_token"), authorization.get("expires_in")
    if token == "":
        return FhirAccess(server)
    if subject is not None and authorization.get("subject") != subject:
        return "fhirAuthorization.subject is another than the client was registered with"
    if not isinstance(token, str):
        return "fhirAuthorization.access_token is no text"
    if str(authorization.get("token_type", "")).lower() != "bearer":
        return "fhirAuthorization.token_type is not Bearer"
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return "fhirAuthorization.expires_in is no number of seconds"
    if seconds <= 0:
        return "fhirAuthorization.expires_in says that the token has run out"
    return FhirAccess(server, token, float(seconds))
