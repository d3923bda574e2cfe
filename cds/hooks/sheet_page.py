"""The patient's sheet as one page of HTML that needs nothing else: to read on a screen, by a screen reader, or on paper."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from cds.core.patient_sheet import Sheet

TEMPLATE = "sheet.html"


def as_page(sheet: Sheet) -> str:
    """The page. Every text is escaped."""
    environment = Environment(loader=PackageLoader("cds.hooks"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(TEMPLATE).render(sheet=sheet)
