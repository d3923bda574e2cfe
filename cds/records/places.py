"""Where what is kept beside the database lies."""

from __future__ import annotations

from pathlib import Path

from cds.records.database import SQLITE, database_url

ELSEWHERE = Path("var")
"""With a database on another machine."""


def spool_of(address: str) -> Path:
    """The spool of a service with this database. Refuses: an address that can't be used (ValueError)."""
    return _folder(address) / "decisions.spool"


def key_of(address: str) -> Path:
    """The file of the key of the hashes, where no key is given. Refuses: an address that can't be used (ValueError)."""
    return _folder(address) / "patient-hash.key"


def _folder(address: str) -> Path:
    url = database_url(address)
    return Path(str(url.database)).parent if url.get_backend_name() == SQLITE else ELSEWHERE
