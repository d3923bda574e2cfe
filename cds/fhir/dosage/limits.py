"""Why a dosage could not be read: raised where it is met, and turned into a gap where the dosage as a whole is read."""

from __future__ import annotations

from cds.core.gap import Gap, GapKind, Reading
from cds.core.regimen import Regimen


class Unreadable(Exception):
    """One sentence for a clinician, with no text of the record in it.

    `silent` is true where nothing that bears on the dose was said, so that another element of the order may be read instead.
    """

    def __init__(self, says: str, kind: GapKind = GapKind.DOSE, *, silent: bool = False) -> None:
        super().__init__(says)
        self.says = says
        self.kind = kind
        self.silent = silent

    def reading(self, reference: str) -> Reading[Regimen]:
        return Reading(None, (Gap(self.kind, self.says, reference),))


def contradiction(says: str) -> Unreadable:
    return Unreadable(says, GapKind.CONTRADICTION)
