"""What a suggestion does to the draft orders: create, update and delete, each with its description.

- An `update` holds the whole draft after the change; further strengths are created beside it.
- Where the draft is a stop, or can't be updated, it must not be signed as it is: it is deleted and the plan's orders are created.
- Where the draft is a change of a prescription on record, the id is the prescription's. It is then not deleted, which could take
  the prescription itself off the record: the new orders name it as the one that they follow, and it is ended where it is no stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cds.fhir import json_access as views
from cds.fhir.json_access import Json
from cds.fhir.validation import STU3_ONLY
from cds.fhir.write.dosages import Resource
from cds.fhir.write.requests import still_contained

REPLACED = {
    "doNotPerform", "medicationCodeableConcept", "medicationReference", "medication", "dosageInstruction",
    "dispenseRequest", "text",
}  # fmt: skip
"""What an update changes. The narrative is left out: it would go on showing the old dose."""

Action = dict[str, Any]


def update_action(draft: Json, requests: Sequence[Resource]) -> tuple[Action, ...]:
    """The draft changed to the request of its own product, else to the first, and the other requests created.

    Every other element stays as the client sent it. A draft that can't be updated is replaced: see `replace_actions`.
    """
    if views.text(draft, "id") is None or not _is_r4(draft):
        return replace_actions(draft, requests)
    own = _own(draft, requests)
    update = {"type": "update", "description": f"Change this order to {_in_words(own)}", "resource": _updated(draft, own)}
    return (update, *(create_action(request) for request in requests if request is not own))


def replace_actions(draft: Json | None, requests: Sequence[Resource], on_record: bool = False) -> tuple[Action, ...]:
    """The draft deleted, where there is one with an id, and the requests created.

    `on_record`: the draft changes a prescription that is on record, which is not deleted but followed.
    """
    if draft is None or views.text(draft, "id") is None:
        return tuple(create_action(request) for request in requests)
    if on_record:
        link = {"priorPrescription": {"reference": views.reference(draft)}}
        return tuple(create_action({**request, **link}) for request in requests)
    delete = {"type": "delete", "description": "Take this draft away", "resourceId": views.reference(draft)}
    return (delete, *(create_action(request) for request in requests))


def end_action(order: Json) -> Action:
    """A prescription that runs, ended, since a plan takes its place."""
    named = views.text(views.child(order, "medicationCodeableConcept"), "text")
    which = f" of {named}" if named else ""
    return {
        "type": "update",
        "description": f"End this prescription{which}: the plan takes its place",
        "resource": {**order, "status": "stopped"},
    }


def create_action(resource: Resource, description: str | None = None) -> Action:
    """A resource to create. Of an order the description says what to take."""
    return {"type": "create", "description": description or f"Order {_in_words(resource)}", "resource": resource}


def _is_r4(draft: Json) -> bool:
    """Whether the draft is a MedicationRequest of R4: an update in another version would mix the two."""
    return draft.get("resourceType") == "MedicationRequest" and not any(name in draft for name in (*STU3_ONLY, "medication"))


def _own(draft: Json, requests: Sequence[Resource]) -> Resource:
    codes = {(system, code) for system, code, _ in views.codings(draft.get("medicationCodeableConcept"))}
    return next((one for one in requests if codes & _codes(one)), requests[0])


def _codes(request: Resource) -> set[tuple[str, str]]:
    return {(system, code) for system, code, _ in views.codings(request["medicationCodeableConcept"])}


def _updated(draft: Json, request: Resource) -> Resource:
    kept = {name: value for name, value in draft.items() if name.removeprefix("_") not in REPLACED | {"contained"}}
    changed = {name: request[name] for name in ("medicationCodeableConcept", "dosageInstruction", "dispenseRequest")}
    if not views.text(draft, "status"):
        changed["status"] = request["status"]
    lost = {name: value for name, value in draft.items() if name in REPLACED}
    before = views.objects(draft, "contained")
    unneeded = still_contained(before, lost)
    needed = still_contained(before, {**kept, **changed})
    contained = [item for item in before if item in needed or item not in unneeded]
    return {**kept, **({"contained": contained} if contained else {}), **changed}


def _in_words(request: Resource) -> str:
    """The product, what is taken first, how many steps follow, and what it is a part of."""
    lines = request["dosageInstruction"]
    first = " ".join(line["text"] for line in lines if line.get("sequence", 1) == 1)
    more = max(line.get("sequence", 1) for line in lines) - 1
    steps = f" Then {more} more {'step' if more == 1 else 'steps'}." if more else ""
    notes = "".join(f" {note['text']}" for note in request.get("note", ()))
    return f"{request['medicationCodeableConcept']['text']}: {first}{steps}{notes}"
