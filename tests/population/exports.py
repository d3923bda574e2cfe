"""Exports for tests: a story as the lines that an EHR would export later, and folders of lines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cds.population.known import ENDED, STATUS_CHANGED

Json = dict[str, Any]
NOT_EXPORTED = {"Bundle", "OperationOutcome"}


def write(folder: Path, resources: Iterable[Json], packed: bool = False) -> Path:
    """A folder with a file a type."""
    by_type: dict[str, list[str]] = {}
    for resource in resources:
        by_type.setdefault(resource["resourceType"], []).append(json.dumps(resource))
    folder.mkdir(parents=True, exist_ok=True)
    for type, lines in by_type.items():
        content = ("\n".join(lines) + "\n").encode()
        path = folder / f"{type}.ndjson{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content) if packed else content)
    return folder


def of_story(body: Mapping[str, Any], day: date) -> list[Json]:
    """The lines that an EHR would export after a story: its record, and its drafts as they were signed on the day."""
    found: dict[tuple[str, str], Json] = {}
    for value in (body.get("prefetch") or {}).values():
        held = value or {}
        for resource in [entry["resource"] for entry in held.get("entry", [])] if "entry" in held else [held]:
            if resource.get("resourceType", "Bundle") not in NOT_EXPORTED:
                found[resource["resourceType"], resource["id"]] = ended_before(resource, day)
    for key in ("draftOrders", "medications"):
        for entry in (body["context"].get(key) or {}).get("entry", []):
            draft = entry["resource"]
            before = found.get((draft["resourceType"], draft["id"]))
            found[draft["resourceType"], draft["id"]] = signed(draft, before, day)
    return list(found.values())


def ended_before(resource: Json, day: date) -> Json:
    """A resource of the record, the end of an order dated: it was there when the story was told."""
    if resource["resourceType"] != "MedicationRequest" or resource.get("status") not in ENDED:
        return resource
    changed = {"url": STATUS_CHANGED, "valueDateTime": (day - timedelta(days=1)).isoformat()}
    return resource | {"extension": [*resource.get("extension", []), changed]}


def signed(draft: Json, before: Json | None, day: date) -> Json:
    """A draft as it stands in the record once it was signed on the day."""
    if draft["status"] in {"draft", "active"}:
        return draft | {"status": "active"}
    changed = {"url": STATUS_CHANGED, "valueDateTime": day.isoformat()}
    written = draft.get("authoredOn") if before else day.isoformat()
    return draft | {"authoredOn": written, "extension": [*draft.get("extension", []), changed]}
