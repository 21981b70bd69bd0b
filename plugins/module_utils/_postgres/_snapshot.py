# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog of a PostgreSQL database as a value. Target; PRIVATE to the collection.

The number of statements does not depend on how many objects there are.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.seamless.deploy.plugins.module_utils._errors import DeployError
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._connect import (
    StatementFailed,
    rows,
    server_version,
)
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._snapshot_objects import others, sequences
from ansible_collections.seamless.deploy.plugins.module_utils._postgres._snapshot_tables import relations
from ansible_collections.seamless.deploy.plugins.module_utils._schema._model import Snapshot

#: Seconds to wait where a definition can be read only under a lock that somebody else has.
LOCK_TIMEOUT = 10

LOCK_NOT_AVAILABLE = "55P03"

#: libpq's PQTRANS_IDLE.
IDLE = 0

#: What the text of definitions depends on, and how it is read. An empty search_path has every name qualified.
_SETTINGS = {
    "search_path": "",
    "quote_all_identifiers": "off",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lock_timeout": f"{LOCK_TIMEOUT}s",
    # To start processes takes longer than reading a catalog, and they are production's.
    "max_parallel_workers_per_gather": "0",
}

_DATABASE = """
SELECT oid, CASE WHEN %s THEN pg_catalog.pg_database_size(oid) ELSE 0 END FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
"""


def take(opened: t.Any, database: str, now: str) -> Snapshot:
    """The catalog of the database that `opened` is connected to. Raises DeployError.

    Within a transaction of the caller it is what that transaction sees; else one of its own sees one moment.
    """
    return reading(opened, database, lambda: whole(opened, database, now))


def reading(opened: t.Any, database: str, read: t.Callable[[], Snapshot]) -> Snapshot:
    """What `read` gives within one moment, and with the settings that it needs. Raises DeployError."""
    try:
        with _one_moment(opened):
            return read()
    except StatementFailed as exc:
        if exc.pgcode != LOCK_NOT_AVAILABLE:
            raise
        raise DeployError(
            f"the catalog of the database {database!r} could not be read within {LOCK_TIMEOUT} seconds, because another "
            "session keeps one of its relations locked; wait until that has ended, and try again"
        ) from exc


def whole(opened: t.Any, database: str, now: str, sizes: bool = True) -> Snapshot:
    """All of it, for `reading`. sizes: False for 0 instead, where they say nothing: they take a third of the time."""
    tables, views = relations(opened, sizes=sizes)
    oid, size = rows(opened, _DATABASE, [sizes])[0]
    return Snapshot(
        "postgresql",
        tables=tables,
        views=views,
        sequences=sequences(opened),
        server=server_version(opened),
        database=database,
        taken_at=now,
        database_oid=oid,
        bytes=size,
        **others(opened),
    )


@contextlib.contextmanager
def _one_moment(opened: t.Any) -> t.Iterator[None]:
    """A short transaction that only reads, or a savepoint in that of the caller; no setting outlives it."""
    # Without autocommit psycopg2 begins a transaction itself, and must be the one that ends it.
    outermost = opened.autocommit and opened.info.transaction_status == IDLE
    rows(opened, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if outermost else "SAVEPOINT seamless_snapshot")
    try:
        names = ", ".join("pg_catalog.set_config(%s, %s, true)" for dummy in _SETTINGS)
        rows(opened, f"SELECT {names}", [text for setting in _SETTINGS.items() for text in setting])
        yield
    finally:
        with contextlib.suppress(StatementFailed):
            rows(opened, "ROLLBACK" if outermost else "ROLLBACK TO SAVEPOINT seamless_snapshot")
            if not outermost:
                rows(opened, "RELEASE SAVEPOINT seamless_snapshot")
