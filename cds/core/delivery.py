"""What a hook call brought of one part of the record: data, the word that there is none, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds.core.record import Completeness

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """The resources of one prefetch key.

    COMPLETE with no resources means that the client looked and there is no data. `said` tells in words why a part is
    PARTIAL or MISSING, fit to follow "was not read: ".
    """

    completeness: Completeness
    resources: tuple[Resource, ...] = ()
    said: str = ""


NOT_GIVEN = Delivery(Completeness.MISSING, said="not sent")
