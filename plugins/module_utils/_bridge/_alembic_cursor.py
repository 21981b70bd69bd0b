# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements of our own on the application's connection, and keeping it from writing. Application's interpreter; PRIVATE to the collection."""

from __future__ import annotations

import typing as t

_OPENED = "seamless_deploy_reading"


def rows_of(connection: t.Any, sql: str, keep_open: bool = False) -> list[t.Any]:
    """Past the events of SQLAlchemy. Without parameters, since each driver writes them in its own way.

    keep_open: the transaction that the driver begins by itself where SQLAlchemy has none.
    """
    raw = connection.connection
    cursor = raw.cursor()
    try:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        cursor.close()
        if not keep_open and not connection.in_transaction() and not in_autocommit(connection):
            raw.commit()  # the driver began a transaction that SQLAlchemy knows nothing of


def in_autocommit(connection: t.Any) -> bool:
    """Whether each statement is a transaction of its own."""
    if connection.dialect.name == "sqlite":
        return getattr(driver_connection(connection), "isolation_level", "") is None
    return bool(getattr(driver_connection(connection), "autocommit", False))


def driver_connection(connection: t.Any) -> t.Any:
    """The driver's own object, or SQLAlchemy's stand-in for that of an asynchronous driver."""
    proxied = connection.connection
    return getattr(proxied, "dbapi_connection", None) or proxied.connection


def literal(value: t.Any) -> str:
    """A value inside of the text of a statement for PostgreSQL."""
    if value is None:
        return "NULL"
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def read_only(connection: t.Any) -> None:
    """From here on the database refuses every write. PostgreSQL and SQLite."""
    if connection.dialect.name == "sqlite":
        rows_of(connection, "PRAGMA query_only = ON")
    elif in_autocommit(connection):
        rows_of(connection, "BEGIN TRANSACTION READ ONLY")
        connection.info[_OPENED] = True
    else:
        if not connection.in_transaction():
            connection.info[_OPENED] = connection.begin()
        rows_of(connection, "SET TRANSACTION READ ONLY")


def leave_read_only(connection: t.Any) -> None:
    """The end of what read_only() began. A transaction of env.py is left to env.py."""
    opened = connection.info.pop(_OPENED, None)
    if connection.dialect.name == "sqlite":
        rows_of(connection, "PRAGMA query_only = OFF")
    elif opened is True:
        rows_of(connection, "ROLLBACK")
    elif opened is not None and opened.is_active:
        opened.rollback()


def restart_read_only(connection: t.Any) -> None:
    """After an error in a transaction of read_only()."""
    if connection.dialect.name == "sqlite":
        return
    if _OPENED in connection.info:
        leave_read_only(connection)
        read_only(connection)
    else:  # a transaction of env.py, which SQLAlchemy goes on taking for the same
        connection.connection.rollback()
        rows_of(connection, "SET TRANSACTION READ ONLY")
