"""The knowledge that an operator chose: a folder or a pack of rules, with a site's overlay."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cds.knowledge.loader import from_files
from cds.knowledge.model import Knowledge
from cds.knowledge.pack import files_at
from cds.knowledge.site_overlay import site as at_site


def chosen(place: Path, key: Path | None, site: str | None, day: date) -> Knowledge:
    """The knowledge as it holds on a day. Refuses: files that can't be loaded, a pack that can't be trusted, no such site."""
    read = from_files(files_at(place, key))
    return read if site is None else at_site(read, site, day)
