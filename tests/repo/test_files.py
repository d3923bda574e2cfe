"""The tracked files hold the project alone: nothing made, nothing of one machine, no package host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOREIGN = {
    "a path of one machine": re.compile(r"(?<![\w.\-/>}])/(?:home|root|Users|work|mnt)/[\w.]"),
    "a package host": re.compile(r"py" r"pi\.(?:org|python)|python" r"hosted\.|npm" r"js\.(?:org|com)|deb\.deb" r"ian\.org"),
    "an index of packages": re.compile(r"-{2}(?:(?:extra-)?index-url|find-links|trusted-host)\b"),
    "a conflict left in a merge": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_holds(what: str, files: list[Path], root: Path) -> None:
    found = [str(path.relative_to(root)) for path in files if FOREIGN[what].search(path.read_text(errors="replace"))]
    assert not found, f"{what} stands in {found}"


def test_nothing_that_is_made_is_tracked(ignored_but_tracked: str | None) -> None:
    if ignored_but_tracked is None:
        pytest.skip("this is not a git checkout, so nothing is tracked")
    assert ignored_but_tracked == ""


def test_the_licence_is_apache_2(root: Path) -> None:
    text = (root / "LICENSE").read_text()
    assert "Apache License" in text and "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text
    assert 'license = "Apache-2.0"' in (root / "pyproject.toml").read_text()
