"""What can go wrong with the store.

StoreUnavailable is a RefusedCall: feedback that can't be stored is answered 503, so that the client sends it again.
"""

from __future__ import annotations

from cds.errors import CdsError, RefusedCall


class StoreUnavailable(RefusedCall):
    """Neither the database nor, for decisions, the spool took it."""

    status = 503
    code = "transient"


class UnusableStore(CdsError):
    """A database address or a database that this program can't use, whatever is waited for."""


class UnknownDecision(CdsError):
    """No decision of that id is stored."""


class OtherKnowledge(CdsError):
    """The decision was made with another revision of the rules."""
