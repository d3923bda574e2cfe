"""The schema: made from nothing, once, as a whole or not at all; and the same as the tables say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from cds.records.database import database_url, newest, opened, prepared, scripts
from cds.records.rows import COLUMNS
from cds.records.store import Store
from cds.records.store_errors import UnusableStore
from cds.records.tables import HEAD, METADATA, decisions

from .conftest import a_record, spool_in


def tables(address: str) -> set[str]:
    engine = opened(database_url(address))
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def test_the_migrations_make_what_the_tables_say(address: str) -> None:
    engine = opened(database_url(address))
    prepared(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_the_newest_migration_is_the_one_that_is_asked_for() -> None:
    assert newest() == HEAD


def test_several_that_start_at_once_migrate_once(address: str, tmp_path: Path) -> None:
    stores = [Store(address, spool_in(tmp_path)) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(Store.start, stores)) == [True] * 4
    assert tables(address) == {"alembic_version", *METADATA.tables}
    for store in stores:
        store.close()


def test_a_migration_that_fails_leaves_nothing(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened(database_url(address))

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(op, "create_index", fail)
        with pytest.raises(KeyboardInterrupt):
            prepared(engine)
    assert tables(address) == set()
    prepared(engine)
    assert tables(address) == {"alembic_version", *METADATA.tables}
    engine.dispose()


def test_decisions_of_an_older_program_keep_their_site(address: str, tmp_path: Path) -> None:
    """Without a column of its own it stood behind the revision; so it still does in what a running older program writes."""
    engine = opened(database_url(address))
    with engine.begin() as connection:
        older = scripts()
        older.attributes["connection"] = connection
        command.upgrade(older, "0002")
    record = a_record()
    columns = {name: getattr(record, name) for name in COLUMNS if name != "site"}

    def write(id: str) -> None:
        row = {**columns, "id": id, "revision": "sha256:0+north"}
        with engine.begin() as connection:
            connection.execute(decisions.insert().values(row))

    write("before")
    store = Store(address, spool_in(tmp_path))
    assert store.start()
    write("after")
    for id in ("before", "after"):
        read = store.decision(id)
        assert (read.revision, read.site, read.knowledge) == ("sha256:0", "north", "sha256:0+north")
    assert {(line["decision"]["revision"], line["decision"]["site"]) for line in store.export()} == {("sha256:0", "north")}
    store.close()
    engine.dispose()


def test_a_store_that_a_newer_program_changed_is_refused_and_left_alone(address: str, tmp_path: Path) -> None:
    engine = opened(database_url(address))
    prepared(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(UnusableStore, match=r"9999.*a newer one has changed it"):
        Store(address, spool_in(tmp_path)).start()


@pytest.mark.parametrize(
    "text", ["", "decisions.sqlite", "mysql://u@h/d", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true"]
)
def test_an_address_that_can_not_be_used_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        database_url(text)


def test_a_refused_address_is_not_repeated() -> None:
    with pytest.raises(ValueError) as refusal:
        database_url("mysql://user:secret@host/db")
    assert "secret" not in str(refusal.value)
