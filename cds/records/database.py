"""The database: SQLite in one file, or PostgreSQL; its connections, and its schema brought up to date under a lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError

from cds.records.store_errors import UnusableStore
from cds.records.tables import HEAD

SQLITE, POSTGRESQL = "sqlite", "postgresql"
PATIENCE_MS = 2000
"""How long a statement or a connection may take before the database counts as down."""
SQLITE_PATIENCE_MS, SQLITE_SYNCED_PATIENCE_MS = 500, 10_000
"""How long a write waits for the other processes that write; the second for synced writes, which hold up no call."""
IMMEDIATE = "immediate"
"""The option of a connection whose SQLite transactions may read before they write."""
MIGRATION_LOCK = 7_240_113
"""The number of PostgreSQL's advisory lock that a migration holds."""


def database_url(text: str) -> URL:
    """The address of a database. Refuses: all but SQLite files and PostgreSQL.

    A refusal does not repeat the address, which may hold a password.
    """
    try:
        url = make_url(text)
        dialect = url.get_backend_name()
    except ArgumentError:
        raise ValueError("expected an address such as postgresql://user:password@host/database.") from None
    if dialect == POSTGRESQL:
        return url.set(drivername="postgresql+psycopg")
    if dialect == SQLITE and url.database and not url.database.startswith((":memory:", "file:")):
        return url
    raise ValueError("expected postgresql://user:password@host/database, or sqlite:///path for a file.")


def opened(url: URL, *, synced: bool = False, at_once: bool = False) -> Engine:
    """An engine for the database; it connects when first asked. One that is asked `at_once` waits for no other process.

    With SQLite an acknowledged write survives the end of the process however it comes (WAL); `synced` writes also survive
    a power failure (an fsync each). PostgreSQL's writes survive both.
    """
    if url.get_backend_name() == SQLITE:
        file = Path(str(url.database))
        file.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, pool_timeout=PATIENCE_MS / 1000, hide_parameters=True)
        event.listen(engine, "connect", lambda connection, _: _set_up(connection, synced, at_once))
        event.listen(engine, "do_connect", lambda *_: _owners_alone(file))
        event.listen(engine, "begin", _begin)
        return engine
    seconds = PATIENCE_MS // 1000
    reach = {
        "connect_timeout": seconds,
        "tcp_user_timeout": PATIENCE_MS,
        "options": f"-c statement_timeout={PATIENCE_MS} -c idle_in_transaction_session_timeout={10 * PATIENCE_MS}",
        "application_name": "taper-cds",
    }
    return create_engine(url, pool_timeout=seconds, pool_recycle=1800, hide_parameters=True, connect_args=reach)


def _owners_alone(file: Path) -> None:
    """Makes the file, where there is none, so that its owner alone may read it; SQLite gives those beside it the same rights."""
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))


def _set_up(connection: Any, synced: bool, at_once: bool) -> None:
    patience = 0 if at_once else SQLITE_SYNCED_PATIENCE_MS if synced else SQLITE_PATIENCE_MS
    connection.isolation_level = None  # else the driver commits what changes the schema one by one
    for pragma in (
        f"busy_timeout = {patience}",
        "journal_mode = WAL",
        f"synchronous = {'FULL' if synced else 'NORMAL'}",
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get(IMMEDIATE):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:  # by the driver itself, since it can't fail and every call pays for it
        connection.connection.driver_connection.execute("BEGIN")  # type: ignore[union-attr]


def prepared(engine: Engine) -> None:
    """Brings the schema up to date. Several processes may ask at once: one migrates, the others wait for it.

    Refuses: a database that a newer program has changed (UnusableStore).
    """
    with _alone(engine), engine.connect().execution_options(**{IMMEDIATE: True}) as connection, connection.begin():
        if engine.dialect.name == POSTGRESQL:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        if _revision(connection) != HEAD:
            _upgrade(connection)


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """The one process that may prepare a SQLite file; PostgreSQL has a lock of its own."""
    if engine.dialect.name != SQLITE:
        yield
        return
    lock = Path(f"{engine.url.database}-migration.lock")
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    """Runs the migrations in the transaction of the connection, so that they are made as a whole or not at all."""
    config = scripts()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise UnusableStore(
            f"The store's schema is {_revision(connection)}; this program knows {HEAD} and older: a newer one has changed it. "
            "Start that one, or restore the copy of the store that was made before the upgrade."
        ) from error


def scripts() -> Config:
    """Alembic's settings: where the migrations are."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def newest() -> str | None:
    """The newest migration there is."""
    return ScriptDirectory.from_config(scripts()).get_current_head()


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
