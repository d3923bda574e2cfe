"""The key of the hashes: made once, for its owner alone, and long enough."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cds.records.hashes import kept_in, keyed


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "patient-hash.key"
    made = kept_in(path)
    assert kept_in(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_several_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(kept_in, [tmp_path / "key"] * 8))
    assert len(made) == 1


def test_another_key_gives_other_hashes() -> None:
    one, other = keyed("a" * 32), keyed("b" * 32)
    assert one.patient("c", None, "7") != other.patient("c", None, "7")


def test_what_is_hashed_for_one_purpose_fits_no_other() -> None:
    hashes = keyed("a" * 32)
    assert len({hashes.card("x"), hashes.suggestion("x"), hashes.call("x"), hashes.patient("", "", "x")}) == 4


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 32 characters"):
        keyed("secret")


def test_the_key_is_not_shown() -> None:
    assert "aaa" not in repr(keyed("a" * 32))
