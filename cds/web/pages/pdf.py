"""A page of ours as PDF, by WeasyPrint where it is installed; it reads nothing but the text that it is given."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import Any

from cds.errors import CdsError

NAME = "weasyprint"
SMALLER = (8.5, 7.5)
"""Points: the letters of a sheet that would not fit on one page as it stands."""


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
    """The page as PDF, on one sheet where a smaller letter makes it fit. Refuses: where it can't be made here (CanNotPrint)."""
    library = _weasyprint()
    whole = library.HTML(string=text, url_fetcher=_nothing)
    document = whole.render()
    for points in SMALLER if len(document.pages) > 1 else ():
        smaller = whole.render(stylesheets=[library.CSS(string=f"body {{ font-size: {points}pt !important; }}")])
        document = smaller
        if len(smaller.pages) == 1:
            break
    made: bytes = document.write_pdf()
    return made
