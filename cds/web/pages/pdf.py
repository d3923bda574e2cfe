"""A page of ours as PDF, by WeasyPrint where it is installed; it reads nothing but the text that it is given."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import Any

from cds.errors import CdsError

NAME = "weasyprint"


class CanNotPrint(CdsError):
    """There is no WeasyPrint here, or not the libraries that it needs."""


@cache
def can_print() -> bool:
    """Whether the library is installed. It is loaded when it is first used: that takes a second."""
    return importlib.util.find_spec(NAME) is not None


@cache
def _weasyprint() -> Any:
    try:
        return importlib.import_module(NAME)
    except (ImportError, OSError) as error:
        raise CanNotPrint(f"WeasyPrint can't be used ({type(error).__name__}): it needs the extra `pdf`, and Pango.") from None


def _nothing(url: str, *_: Any, **__: Any) -> Any:
    raise ValueError(f"nothing is loaded for a sheet; seen {url[:80]}")


def printed(text: str) -> bytes:
    """The page as PDF. Refuses: where it can't be made here (CanNotPrint)."""
    made: bytes = _weasyprint().HTML(string=text, url_fetcher=_nothing).write_pdf()
    return made
