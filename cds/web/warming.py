"""One invented call, decided before the service says that it is ready, so that no clinician waits for what is made once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from uuid import uuid4

from cds.decision.decide import Decision, decide
from cds.hooks.messages import hook_call
from cds.hooks.sample_call import SERVICE, stop
from cds.json_text import dumped
from cds.web.revision import Revision


def warm(revision: Revision, day: date) -> Iterator[Decision]:
    """The decisions about the call, by each way in which the rule book is served."""
    for site in revision.each():
        decision = decide(hook_call(SERVICE, stop(day)), site.on(day), site.engine, day, "warm-up", lambda: str(uuid4()))
        dumped(decision.answer)
        yield decision
