"""The spool: what was appended is taken over once, whatever cut a line short."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from cds.records.spool import Spool

from .conftest import spool_in


def taken(spool: Spool, most: int = 200) -> list[bytes]:
    return [line for lines in spool.batches(most) for line in lines]


def test_lines_are_taken_over_in_their_order_and_once(tmp_path: Path) -> None:
    spool = Spool(spool_in(tmp_path))
    for number in range(7):
        spool.append(b"%d" % number)
    assert spool.waiting()
    assert taken(spool, most=3) == [b"%d" % number for number in range(7)]
    assert not spool.waiting() and taken(spool) == []


def test_nothing_is_waiting_where_nothing_was_spooled(tmp_path: Path) -> None:
    spool = Spool(spool_in(tmp_path))
    assert not spool.waiting() and taken(spool) == []
    assert not spool.path.parent.exists()


def test_what_could_not_be_stored_stays(tmp_path: Path) -> None:
    spool = Spool(spool_in(tmp_path))
    for number in range(4):
        spool.append(b"%d" % number)
    with closing(spool.batches(2)) as batches:
        next(batches)
        next(batches)
    spool.append(b"4")
    assert taken(spool) == [b"0", b"1", b"2", b"3", b"4"]


def test_one_process_at_a_time_takes_over(tmp_path: Path) -> None:
    spool, other = Spool(spool_in(tmp_path)), Spool(spool_in(tmp_path))
    spool.append(b"1")
    with closing(spool.batches()) as batches:
        next(batches)
        assert taken(other) == []
        other.append(b"2")
    assert taken(other) == [b"1", b"2"]


def test_a_line_that_a_crash_cut_short_does_not_spoil_the_next(tmp_path: Path) -> None:
    spool = Spool(spool_in(tmp_path))
    spool.append(b"whole")
    with spool.path.open("ab") as file:
        file.write(b'{"cut sho')
    spool.append(b"next")
    assert taken(spool) == [b"whole", b'{"cut sho', b"next"]


def test_a_disk_that_takes_half_a_line_gets_none_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(spool_in(tmp_path))
    spool.append(b"whole")
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, told: write(file, told[: len(told) // 2]))
        with pytest.raises(OSError):
            spool.append(b"too much for the disk")
    spool.append(b"next")
    assert taken(spool) == [b"whole", b"next"]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    spool = Spool(spool_in(tmp_path))
    spool.append(b"1")
    assert spool.path.stat().st_mode & 0o077 == 0


def test_threads_that_append_while_another_takes_over_lose_nothing(tmp_path: Path) -> None:
    spool = Spool(spool_in(tmp_path))
    found: list[bytes] = []
    with ThreadPoolExecutor(4) as threads:
        appended = [threads.submit(spool.append, b"%d" % number) for number in range(100)]
        while not all(each.done() for each in appended):
            found += taken(spool)
    found += taken(spool)
    assert sorted(found) == sorted(b"%d" % number for number in range(100))
